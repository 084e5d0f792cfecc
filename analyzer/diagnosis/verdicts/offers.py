"""Which list of an offer is at fault when the server refused it without saying why.

handshake_failure after a ClientHello does not say which list had no overlap. Two things do: what the
same server accepted from others in this capture, and how narrow or outdated each list is. A list
that shares an entry with what the server is known to take is innocent.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from analyzer.diagnosis.memo import once_per_story
from analyzer.diagnosis.signs.hellos import offer_cut
from analyzer.diagnosis.wording import counted, listed
from analyzer.tls.message.hello import ClientHello
from analyzer.tls.message.terms import Terms
from analyzer.tls.registry.code_points import ProtocolVersion
from analyzer.tls.registry.keys import NamedGroup, SignatureScheme
from analyzer.tls.registry.suite_facts import SuiteFacts, facts_of
from analyzer.tls.registry.suites import CipherSuite
from analyzer.tls.story import SeenWith, Story

# How much a suspicion weighs.
PROVEN: Final = 30  # the server took other things from others, and nothing that is offered here
NARROW: Final = 20  # the list is short, exotic or outdated
ODD: Final = 15  # the offer lacks what its kind usually has
HINT: Final = 10  # worth naming among the alternatives

_COMMON_GROUPS: Final = frozenset({NamedGroup.x25519, NamedGroup.secp256r1})
_COMMON_PROTOCOLS: Final = frozenset({"h2", "http/1.1", "http/1.0"})
_WIDE: Final = 3  # groups of a client of TLS 1.3 that was not narrowed on purpose
_BROAD: Final = 8  # suites of a client that was not narrowed on purpose


@dataclass(frozen=True, slots=True)
class Suspicion:
    """A cause that the offer or the neighbours speak for."""

    cause: str
    weight: int
    text: str


@once_per_story
def suspicions(story: Story) -> tuple[Suspicion, ...]:
    """Everything that may be wrong with the offer, the strongest first."""
    offer = story.offer
    if offer is None or offer_cut(story):
        return ()
    seen = story.neighbours.server
    found = [
        *_cipher(offer, seen),
        *_group(story, offer, seen),
        *_signature(offer),
        *_server_name(offer, seen),
        *_application_protocol(offer, seen),
        *_old_habits(offer, seen),
        *_external_key(offer),
    ]
    narrow = any(s.weight >= NARROW for s in found if s.cause in _LISTS)
    found += _version(offer, seen, narrow=narrow)
    found.sort(key=lambda suspicion: (-suspicion.weight, _ORDER.index(suspicion.cause)))
    return tuple(found)


_LISTS: Final = frozenset({"no_shared_cipher", "no_shared_group", "no_shared_sigalg"})
# Where several weigh the same: what would explain the others comes first, but that a server was named
# by all others is true of most, and that it chose nothing of a list for any of them is not.
_ORDER: Final = (
    "psk_unknown",
    "protocol_version",
    "sni_unrecognized",
    "no_shared_cipher",
    "no_shared_group",
    "no_shared_sigalg",
    "sni_missing",
    "alpn_mismatch",
    "legacy_renegotiation",
    "ems_required",
)


def nameless_or_narrow(found: Sequence[Suspicion]) -> bool:
    """Whether a missing server name leads, and a list is narrow as well: either may be at fault."""
    leads = bool(found) and found[0].cause == "sni_missing"
    return leads and any(s.cause in _LISTS and s.weight >= NARROW for s in found)


def real_suites(offer: ClientHello) -> tuple[CipherSuite, ...]:
    """The suites that can be negotiated: no GREASE, no signals, none that no offered version knows."""
    return _real_suites(offer.terms)


@functools.lru_cache(maxsize=256)
def _real_suites(terms: Terms) -> tuple[CipherSuite, ...]:
    return tuple(
        suite
        for suite in terms.cipher_suites
        if not suite.grease
        and not facts_of(suite).scsv
        and any(facts_of(suite).allowed_in(version) for version in terms.versions)
    )


def real_groups(offer: ClientHello) -> tuple[NamedGroup, ...]:
    """The groups offered, without GREASE."""
    return tuple([group for group in offer.supported_groups if not group.grease])


def real_schemes(offer: ClientHello) -> tuple[SignatureScheme, ...]:
    """The signature schemes offered, without GREASE."""
    return tuple([scheme for scheme in offer.signature_algorithms if not scheme.grease])


def described(offer: ClientHello) -> str:
    """An offer in one sentence, as evidence."""
    versions = [version.label for version in offer.versions] if offer.supported_versions else []
    parts = [
        f"versions {listed(versions)}" if versions else f"up to {offer.max_version.label}",
        counted(len(real_suites(offer)), "cipher suite"),
        f"groups {listed(g.label for g in real_groups(offer))}" if real_groups(offer) else "",
        f"SNI {offer.server_name}" if offer.server_name else "no SNI",
        f"ALPN {listed(offer.alpn)}" if offer.alpn else "",
    ]
    return "client offered " + ", ".join(part for part in parts if part)


def _cipher(offer: ClientHello, seen: SeenWith) -> Iterator[Suspicion]:
    suites = real_suites(offer)
    taken = _taken(offer, seen)
    if taken:
        if not {suite.name for suite in suites} & set(taken):
            text = (
                f"this client offers {_names(suites)}; with others this server chose "
                f"{_chosen(taken)}"
            )
            yield Suspicion("no_shared_cipher", PROVEN, text)
        return
    facts = [facts_of(suite) for suite in suites]
    old = [fact for fact in facts if fact.key_exchange != "TLS13"]
    if not facts:
        yield Suspicion("no_shared_cipher", NARROW, "the offer holds no usable cipher suite")
    elif old:
        yield from _old_suites(old, offer)
    elif len(facts) == 1:
        text = f"the client offers {suites[0].name} only"
        yield Suspicion("no_shared_cipher", NARROW, text)


def _taken(offer: ClientHello, seen: SeenWith) -> dict[str, int]:
    """What the server chose for others in versions that this client offers too."""
    members = CipherSuite.__members__
    return {
        name: count
        for name, count in seen.cipher_suites.items()
        if name in members
        and any(facts_of(members[name]).allowed_in(version) for version in offer.versions)
    }


def _old_suites(old: list[SuiteFacts], offer: ClientHello) -> Iterator[Suspicion]:
    """Suites up to TLS 1.2, which matter as long as the server may not know TLS 1.3."""
    names = _names(tuple(fact.suite for fact in old))
    common = _in_common(old)
    # An offer of TLS 1.3 as well leaves a way out, unless the server lacks that.
    weight = NARROW - 2 if offer.max_version.rank >= ProtocolVersion.TLS1_3.rank else NARROW
    if len(old) <= 2:
        yield Suspicion("no_shared_cipher", weight, f"up to TLS 1.2 the client offers {names} only")
    elif all(fact.weak for fact in old):
        text = f"every suite that the client offers up to TLS 1.2 is obsolete: {names}"
        yield Suspicion("no_shared_cipher", weight, text)
    elif common and offer.max_version.rank >= ProtocolVersion.TLS1_2.rank:
        text = f"every suite that the client offers up to TLS 1.2 uses {common}: {names}"
        yield Suspicion("no_shared_cipher", weight, text)


def _in_common(old: list[SuiteFacts]) -> str | None:
    """What all suites share that a server may not have; None for a list that is mixed enough."""
    authentication = {fact.authentication for fact in old}
    exchange = {fact.key_exchange for fact in old}
    cipher = {fact.cipher for fact in old}
    if len(authentication) == 1 and not authentication & {"RSA"}:
        return f"{next(iter(authentication))} authentication"
    if len(exchange) == 1 and not exchange & {"ECDHE"}:
        return f"{next(iter(exchange))} key exchange"
    if len(cipher) == 1 and not next(iter(cipher)).startswith("AES_"):
        return f"{next(iter(cipher))}"
    if not any(fact.aead for fact in old):
        return "no authenticated encryption (CBC or stream ciphers only)"
    return None


def _names(suites: tuple[CipherSuite, ...]) -> str:
    return listed((suite.name for suite in suites), 4)


def _chosen(values: Mapping[str, int]) -> str:
    return listed((f"{name} ({count} times)" for name, count in values.items()), 4)


def _group(story: Story, offer: ClientHello, seen: SeenWith) -> Iterator[Suspicion]:
    groups = real_groups(offer)
    if not groups:
        return
    needed = _group_matters(offer)
    names = listed(group.label for group in groups)
    taken = {name.casefold() for name in seen.groups}
    if taken:
        if needed and not {group.name.casefold() for group in groups} & taken:
            text = (
                f"this client offers {names}; with others this server chose {_chosen(seen.groups)}"
            )
            yield Suspicion("no_shared_group", PROVEN, text)
        return
    if story.retry is not None:
        text = f"the server asked for another group than the client's key share ({names})"
        yield Suspicion("no_shared_group", NARROW, text)
    elif not needed and not _group_is_common(offer):
        return
    elif not _COMMON_GROUPS & set(groups) or groups == (NamedGroup.x25519,):
        weight = NARROW if needed else ODD + 1
        yield Suspicion("no_shared_group", weight, f"the client offers the groups {names} only")


def _group_matters(offer: ClientHello) -> bool:
    """Whether some version can only be had with a group that both sides know."""
    if offer.max_version.rank >= ProtocolVersion.TLS1_3.rank:
        return True
    suites = real_suites(offer)
    return bool(suites) and all(facts_of(suite).needs_group for suite in suites)


def _group_is_common(offer: ClientHello) -> bool:
    """Whether some suites at least need a group; servers may have switched the others off."""
    return any(facts_of(suite).needs_group for suite in real_suites(offer))


def _signature(offer: ClientHello) -> Iterator[Suspicion]:
    schemes = real_schemes(offer)
    if schemes and _are_few(schemes):
        names = listed([scheme.label for scheme in schemes])
        text = f"the client takes the signatures {names} only"
        yield Suspicion("no_shared_sigalg", NARROW, text)


@functools.lru_cache(maxsize=256)
def _are_few(schemes: tuple[SignatureScheme, ...]) -> bool:
    """Whether a server may have no key, or no hash, for any of these signatures."""
    kinds = {scheme.key_kind for scheme in schemes}
    hashes = {scheme.hash for scheme in schemes}
    return len(schemes) <= 2 or "RSA" not in kinds or hashes <= {"sha1", "md5"}


def _server_name(offer: ClientHello, seen: SeenWith) -> Iterator[Suspicion]:
    others = sorted(name for name in seen.sni if name)
    if offer.server_name is None:
        yield from _no_server_name(offer, seen, others)
    elif others and offer.server_name not in others and not seen.sni.get(""):
        text = f"this client asks for {offer.server_name}; others reached this server as {listed(others)}"
        yield Suspicion("sni_unrecognized", ODD, text)


def no_host_name(offer: ClientHello) -> Iterator[Suspicion]:
    """A name that RFC 6066 section 3 does not allow; Java and GnuTLS refuse it as illegal_parameter."""
    name = offer.server_name
    if name is not None and (_HOST_NAME.fullmatch(name) is None or _ADDRESS.fullmatch(name)):
        text = (
            f"the client asks for {name}, which is no host name as SNI wants it (letters, digits and "
            "hyphens, no dot at its end, no address), and some servers refuse such a name"
        )
        yield Suspicion("sni_unrecognized", PROVEN + 1, text)


_HOST_NAME: Final = re.compile(r"(?:[A-Za-z0-9-]+\.)*[A-Za-z0-9-]+")
_ADDRESS: Final = re.compile(r"[0-9]+(?:\.[0-9]+){3}")


def _no_server_name(offer: ClientHello, seen: SeenWith, others: list[str]) -> Iterator[Suspicion]:
    if seen.sni.get(""):
        return  # it takes others without a name
    if others:
        text = f"this client sends no SNI; others reached this server as {listed(others)}"
        yield Suspicion("sni_missing", PROVEN, text)
    elif broad(offer):
        text = "the offer is broad and of today, but it names no host (SNI)"
        yield Suspicion("sni_missing", ODD, text)
    else:
        yield Suspicion("sni_missing", HINT, "the offer names no host (SNI)")


def broad(offer: ClientHello) -> bool:
    """Whether an offer has what servers of today ask for, so that hardly a list can be at fault."""
    return (
        offer.max_version.rank >= ProtocolVersion.TLS1_2.rank
        and len(real_suites(offer)) >= _BROAD
        and bool(offer.signature_algorithms)
        and bool(_COMMON_GROUPS & set(offer.supported_groups))
    )


def _application_protocol(offer: ClientHello, seen: SeenWith) -> Iterator[Suspicion]:
    if not offer.alpn:
        return
    names = listed(offer.alpn)
    if seen.alpn and not set(offer.alpn) & set(seen.alpn):
        text = (
            f"this client offers ALPN {names}; with others this server chose {_chosen(seen.alpn)}"
        )
        yield Suspicion("alpn_mismatch", ODD, text)
    elif not set(offer.alpn) & _COMMON_PROTOCOLS:
        yield Suspicion("alpn_mismatch", HINT, f"the client offers ALPN {names} only")


def _external_key(offer: ClientHello) -> Iterator[Suspicion]:
    """A pre-shared key of TLS 1.3 that is no ticket.

    Tickets state their age, obscured; keys that were agreed outside of TLS have the age 0 (RFC 8446
    section 4.2.11). A server that knows it, or has a certificate, would have gone on.
    """
    shared = offer.pre_shared_key
    if shared is not None and shared.obfuscated_ages and not any(shared.obfuscated_ages):
        text = "the client offers a pre-shared key that was agreed outside of TLS"
        yield Suspicion("psk_unknown", NARROW + 2, text)


def _old_habits(offer: ClientHello, seen: SeenWith) -> Iterator[Suspicion]:
    """Extensions against known attacks, which some servers insist on.

    A server that took others without it does not insist. Every stack of the last ten years knows RFC 5746, so
    that a broad offer without that is odd. That alone does not make it so of RFC 7627: Go learnt it in 2023, and
    hardly a server insists. One may that took others which knew it.
    """
    if offer.max_version.rank >= ProtocolVersion.TLS1_3.rank:
        return
    weight = ODD if broad(offer) else HINT
    if not offer.secure_renegotiation and "secure_renegotiation" not in seen.accepted_without:
        text = "the client does not know secure renegotiation (RFC 5746)"
        yield Suspicion("legacy_renegotiation", weight, text)
    if not offer.extended_master_secret and "extended_master_secret" not in seen.accepted_without:
        text = "the client does not know the extended master secret (RFC 7627)"
        others = not _BEFORE_13.isdisjoint(seen.versions)
        if others:
            text += "; all others with which this server chose TLS 1.2 or below do"
        yield Suspicion("ems_required", weight if others else HINT, text)


_BEFORE_13: Final = frozenset({"TLSv1.0", "TLSv1.1", "TLSv1.2"})


def _version(offer: ClientHello, seen: SeenWith, *, narrow: bool) -> Iterator[Suspicion]:
    offered = {version.label for version in offer.versions}
    if offered & set(seen.versions):
        return
    top = offer.max_version
    others = f"; with others this server chose {_chosen(seen.versions)}" if seen.versions else ""
    if top.rank < ProtocolVersion.TLS1_2.rank:
        text = f"the client offers {top.label} at most, which servers of today refuse{others}"
        yield Suspicion("protocol_version", PROVEN + 1 if others else NARROW + 1, text)
    elif offered == {ProtocolVersion.TLS1_3.label}:
        wide = not narrow and len(real_groups(offer)) >= _WIDE and len(real_suites(offer)) > 1
        weight = PROVEN + 1 if others else NARROW if wide else HINT
        yield Suspicion("protocol_version", weight, f"the client offers TLS 1.3 only{others}")
    elif top.rank < ProtocolVersion.TLS1_3.rank:
        text = f"the client offers {top.label} at most; a server may insist on TLS 1.3{others}"
        yield Suspicion("protocol_version", ODD if others else HINT, text)
