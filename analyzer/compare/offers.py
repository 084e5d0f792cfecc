"""What the two clients offer, and whether the failing one offers what the server chose before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from analyzer.compare.difference import Difference, changed, known, lists
from analyzer.tls.message.client_hello import ClientHello
from analyzer.tls.registry.code_points import ExtensionType
from analyzer.tls.registry.suite_facts import facts_of
from analyzer.tls.story import Story

_LARGE: Final = 1_400  # bytes of a ClientHello that no longer fits one segment


def offers(good: Story, bad: Story) -> Iterator[Difference]:
    """Compare the ClientHellos."""
    if not good.offers or not bad.offers:
        if good.offers or bad.offers:
            have = ("a ClientHello" if s.offers else "no ClientHello" for s in (good, bad))
            yield from changed("offer.client_hello", "client", "offer", *have, telling=3)
        return
    a, b = good.offers[0], bad.offers[0]
    yield from _no_longer_offered(good, b)
    yield from lists("offer.versions", "versions", a.versions, b.versions)
    yield from lists("offer.cipher_suites", "suites", a.cipher_suites, b.cipher_suites)
    yield from lists("offer.groups", "groups", a.supported_groups, b.supported_groups)
    yield from lists("offer.key_shares", "key shares", a.key_share_groups, b.key_share_groups)
    yield from lists(
        "offer.signature_algorithms",
        "signature algorithms",
        a.signature_algorithms,
        b.signature_algorithms,
    )
    yield from lists("offer.alpn", "ALPN", a.alpn, b.alpn)
    telling = 2 if a.server_name is None or b.server_name is None else 1
    names = (a.server_name, b.server_name)
    yield from changed("offer.sni", "client", "server name (SNI)", *names, telling=telling)
    yield from _switches(a, b)
    yield from _size(good, bad)


def _no_longer_offered(good: Story, bad: ClientHello) -> Iterator[Difference]:
    """What the server chose for the good client, and the failing one does not offer."""
    choice = good.choice
    if choice is None:
        return
    if choice.version.rank not in {version.rank for version in bad.versions}:
        yield _gone("offer.versions", choice.version_name, "version")
    if choice.cipher_suite not in bad.cipher_suites:
        yield _gone("offer.cipher_suites", choice.cipher_suite.label, "suite")
    if good.group and good.group not in {group.label for group in bad.supported_groups}:
        yield _gone("offer.groups", good.group, "group")
    if good.alpn and good.alpn not in bad.alpn:
        yield _gone("offer.alpn", good.alpn, "ALPN protocol")
    yield from _certificate_kind(good, bad)


def _gone(part: str, chosen: str, what: str) -> Difference:
    text = f"the failing client does not offer the {what} that the server chose before: {chosen}"
    return Difference(part, "client", chosen, "not offered", text, 3)


def _certificate_kind(good: Story, bad: ClientHello) -> Iterator[Difference]:
    """Whether the failing client can use a certificate with that kind of key at all."""
    leaf = good.server_chain.leaf if good.server_chain else None
    if leaf is None or leaf.key_kind not in {"RSA", "EC"}:
        return
    wanted = {"RSA": {"RSA"}, "EC": {"ECDSA"}}[leaf.key_kind] | {"any"}
    kinds = {facts_of(suite).authentication for suite in bad.cipher_suites}
    if not kinds & wanted:
        name = "ECDSA" if leaf.key_kind == "EC" else "RSA"
        text = (
            f"the failing client offers no {name} suite; the server's certificate has an "
            f"{leaf.key_kind} key"
        )
        yield Difference("offer.cipher_suites", "client", leaf.key_text, f"no {name}", text, 3)
    schemes = {scheme.key_kind for scheme in bad.signature_algorithms}
    if schemes and leaf.key_kind not in schemes:
        text = (
            f"the failing client takes no signature by an {leaf.key_kind} key, which the server has"
        )
        part = "offer.signature_algorithms"
        yield Difference(part, "client", leaf.key_text, "not taken", text, 3)


def _switches(a: ClientHello, b: ClientHello) -> Iterator[Difference]:
    for part, what, good, bad in (
        ("offer.secure_renegotiation", "secure renegotiation", a.secure_renegotiation, b.secure_renegotiation),
        ("offer.extended_master_secret", "extended master secret", a.extended_master_secret, b.extended_master_secret),
        ("offer.fallback_scsv", "fallback signal", a.fallback_scsv, b.fallback_scsv),
        ("offer.psk", "pre-shared key", a.psk_offered, b.psk_offered),
        ("offer.ticket", "session ticket to resume", a.session_ticket_nonempty, b.session_ticket_nonempty),
        ("offer.early_data", "early data", a.early_data, b.early_data),
        ("offer.status_request", "request for a staple", a.status_request, b.status_request),
    ):  # fmt: skip
        if good != bad:
            words = ("offered" if value else "not offered" for value in (good, bad))
            telling = 2 if part in {"offer.fallback_scsv", "offer.psk"} else 1
            yield from changed(part, "client", what, *words, telling=telling)
    skipped = {ExtensionType.PADDING, ExtensionType.PRE_SHARED_KEY, ExtensionType.EARLY_DATA}
    kinds = ([e for e in hello.extension_types if e not in skipped] for hello in (a, b))
    yield from lists("offer.extensions", "extensions", *kinds)


def _size(good: Story, bad: Story) -> Iterator[Difference]:
    sizes = [next(m.length for m in s.messages if m.name == "client_hello") for s in (good, bad)
             if any(m.name == "client_hello" for m in s.messages)]  # fmt: skip
    if len(sizes) == 2 and (sizes[0] < _LARGE) != (sizes[1] < _LARGE):
        words = (f"{known(size)} bytes" for size in sizes)
        yield from changed("offer.size", "client", "size of the ClientHello", *words, telling=2)
