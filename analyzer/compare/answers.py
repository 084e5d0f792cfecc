"""What the two servers answer: choice, certificate, request for the client's, and the client's."""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.compare.difference import Difference, changed, known, listed
from analyzer.tls.story import Chain, Milestone, Story
from analyzer.tls.x509.facts import CertificateFacts, time_text


def choices(good: Story, bad: Story) -> Iterator[Difference]:
    """Compare the ServerHellos and what belongs to them."""
    if good.choice is not None and bad.choice is not None:
        yield from changed(
            "choice.version", "server", "version", good.version, bad.version, telling=2
        )
        yield from changed(
            "choice.cipher_suite", "server", "suite", good.cipher_suite, bad.cipher_suite
        )
        yield from changed("choice.group", "server", "group", good.group, bad.group)
        yield from changed("choice.alpn", "server", "ALPN", good.alpn, bad.alpn, telling=2)
        yield from changed("choice.resumed", "server", "resumed", good.resumed, bad.resumed)
        yield from _answered(good, bad)
    if bool(good.retry) != bool(bad.retry):
        words = (
            "asked for another ClientHello" if s.retry else "took the first" for s in (good, bad)
        )
        yield from changed("choice.retry", "server", "HelloRetryRequest", *words)
    yield from _key_exchange(good, bad)


def _answered(good: Story, bad: Story) -> Iterator[Difference]:
    assert good.choice is not None
    assert bad.choice is not None
    for part, what, a, b in (
        ("choice.secure_renegotiation", "secure renegotiation", good.choice.secure_renegotiation, bad.choice.secure_renegotiation),
        ("choice.extended_master_secret", "extended master secret", good.choice.extended_master_secret, bad.choice.extended_master_secret),
    ):  # fmt: skip
        if a != b and good.tls13 == bad.tls13:
            words = ("answered" if value else "not answered" for value in (a, b))
            yield from changed(part, "server", what, *words, telling=2)


def _key_exchange(good: Story, bad: Story) -> Iterator[Difference]:
    a, b = good.server_key_exchange, bad.server_key_exchange
    if a is None or b is None:
        return
    if a.dh_bits != b.dh_bits:
        words = (f"{known(bits)} bits" for bits in (a.dh_bits, b.dh_bits))
        yield from changed("choice.dh_bits", "server", "Diffie-Hellman prime", *words, telling=3)
    schemes = (s.signature_scheme.label if s.signature_scheme else None for s in (a, b))
    yield from changed("choice.signature", "server", "signature of the key exchange", *schemes)


def certificates(good: Story, bad: Story) -> Iterator[Difference]:
    """Compare the servers' certificates, each judged at its own time."""
    yield from _chains("server_certificate", "server", good.server_chain, bad.server_chain)
    yield from _name(good, bad)
    staples = ("stapled" if s.staple is not None else "none" for s in (good, bad))
    if good.server_chain and bad.server_chain:
        part = "server_certificate.staple"
        yield from changed(part, "server", "OCSP answer", *staples, telling=1)
        if good.staple and bad.staple:
            words = (s.staple.certificate_status if s.staple else None for s in (good, bad))
            yield from changed(part, "server", "status in the OCSP answer", *words, telling=3)


def client_certificates(good: Story, bad: Story) -> Iterator[Difference]:
    """Compare the request for a client certificate, and what the clients showed."""
    asked = ("asked for" if s.reached(Milestone.CERTIFICATE_REQUEST) else "not asked for"
             for s in (good, bad))  # fmt: skip
    part = "client_certificate.request"
    yield from changed(part, "server", "client certificate", *asked, telling=2)
    a, b = good.certificate_request, bad.certificate_request
    if a and b and a.authorities != b.authorities:
        names = (listed(r.authority_names) for r in (a, b))
        what = "authorities that the server names for client certificates"
        yield from changed("client_certificate.authorities", "server", what, *names)
    shown = (_shown(story) for story in (good, bad))
    part = "client_certificate.shown"
    yield from changed(part, "client", "client certificate", *shown, telling=3)
    yield from _chains("client_certificate", "client", good.client_chain, bad.client_chain)


def _shown(story: Story) -> str:
    if story.reached(Milestone.CLIENT_CERTIFICATE_EMPTY):  # in the dark both are implied
        return "none to show"
    if story.reached(Milestone.CLIENT_CERTIFICATE):
        return "shown"
    return "not shown"


def _chains(part: str, side: str, good: Chain | None, bad: Chain | None) -> Iterator[Difference]:
    if good is None or bad is None or good.leaf is None or bad.leaf is None:
        return
    yield from _validity(part, side, good, bad)
    yield from _flaws(part, side, good, bad)
    a, b = good.leaf, bad.leaf
    if a.sha256 == b.sha256 and len(good.certificates) == len(bad.certificates):
        return
    yield from changed(
        f"{part}.issuer", side, "issuer of the certificate", a.issuer, b.issuer, telling=2
    )
    yield from changed(f"{part}.chain", side, "certificates sent", *_counts(good, bad), telling=2)
    top = (chain.facts.anchor for chain in (good, bad))
    yield from changed(f"{part}.anchor", side, "authority at the end of the chain", *top, telling=2)
    yield from changed(f"{part}.key", side, "key of the certificate", a.key_text, b.key_text)
    signed = (a.signature_algorithm, b.signature_algorithm)
    yield from changed(f"{part}.signature", side, "signature of the certificate", *signed)
    yield from changed(f"{part}.subject", side, "subject of the certificate", a.subject, b.subject)
    yield from changed(
        f"{part}.names", side, "names in the certificate", listed(a.sans), listed(b.sans)
    )
    yield from changed(f"{part}.usage", side, "extended key usage", _usage(a), _usage(b), telling=2)
    yield from changed(
        f"{part}.must_staple", side, "must-staple", a.must_staple, b.must_staple, telling=2
    )
    yield from changed(f"{part}.unknown_critical", side, "unknown critical extensions",
                       listed(a.unknown_critical), listed(b.unknown_critical), telling=3)  # fmt: skip
    yield from changed(f"{part}.serial", side, "serial number", a.serial, b.serial, telling=0)


def _counts(good: Chain, bad: Chain) -> tuple[int, int]:
    return len(good.certificates), len(bad.certificates)


def _usage(facts: CertificateFacts) -> str:
    return "any" if facts.extended_key_usage is None else listed(facts.extended_key_usage)


def _validity(part: str, side: str, good: Chain, bad: Chain) -> Iterator[Difference]:
    """A certificate of the chain that was not valid at its time, where the other's were."""
    for index, facts in enumerate(bad.certificates):
        if facts.valid_at(bad.time) is not False:
            continue
        other = good.certificates[index] if index < len(good.certificates) else None
        if other is not None and other.valid_at(good.time) is False:
            continue
        early = facts.not_before is not None and bad.time < facts.not_before
        which = (
            "the certificate" if index == 0 else f"the authority's certificate ({facts.subject})"
        )
        until = time_text(facts.not_before if early else facts.not_after)
        words = f"valid only from {until}" if early else f"expired {until}"
        leaf = "validity" if index == 0 else "intermediate_validity"
        text = f"{which} was not valid at its time: {words}; the good one was"
        yield Difference(f"{part}.{leaf}", side, "valid", words, text, 3)


NO_NAMES = "nothing"


def _flaws(part: str, side: str, good: Chain, bad: Chain) -> Iterator[Difference]:
    """What is wrong with the bad chain and not with the good one."""
    for flaw in bad.facts.verdict:
        if flaw not in good.facts.verdict:
            text = (
                f"the {side}'s chain has a flaw that the good one has not: {flaw.replace('_', ' ')}"
            )
            yield Difference(f"{part}.flaw.{flaw}", side, "no such flaw", flaw, text, 3)


def _name(good: Story, bad: Story) -> Iterator[Difference]:
    a = good.server_chain.name_matches if good.server_chain else None
    b = bad.server_chain.name_matches if bad.server_chain else None
    if b is False and a is not False:
        wanted = bad.offer.server_name if bad.offer else None
        leaf = bad.server_chain.leaf if bad.server_chain else None
        names = listed(leaf.sans) if leaf else NO_NAMES
        text = f"the certificate does not name {known(wanted)}; it names {names}"
        yield Difference("server_certificate.name_match", "server", "names it", "does not", text, 3)
