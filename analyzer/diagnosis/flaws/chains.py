"""What is wrong with a chain of certificates at the time of its packet, hard facts first.

A flaw is a fact of the messages, not a diagnosis: clients that do not check connect nevertheless.
:mod:`analyzer.diagnosis.verdicts.weighing` weighs flaws against the alert.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.flaws.flaw import Flaw, which
from analyzer.diagnosis.flaws.form import (
    against_profile,
    critical_extension,
    invalid_ca,
    malformed,
    name_constraints,
    too_large,
    weak_key,
    weak_signature,
)
from analyzer.diagnosis.flaws.purpose import (
    any_usage,
    client_usage,
    half_named,
    issuer_usage,
    server_usage,
    wrong_name,
)
from analyzer.diagnosis.flaws.staples import staple_missing, staple_revoked, staple_unfit
from analyzer.diagnosis.memo import once_per_story
from analyzer.diagnosis.signs.certificate_messages import LARGE_CERTIFICATE, certificate_length
from analyzer.diagnosis.wording import issuer, subject, when
from analyzer.pki.path import looks_intermediate
from analyzer.tcp.timeline import Side
from analyzer.tls.story import Chain, Story
from analyzer.tls.x509.chain import CertificateFacts


@once_per_story
def server_flaws(story: Story) -> tuple[Flaw, ...]:
    """Flaws of the server's chain in order of how surely they are refused; trust comes last."""
    chain = story.server_chain
    if chain is None or chain.leaf is None:
        return ()
    return tuple(_server_flaws(story, chain, chain.leaf))


def _server_flaws(story: Story, chain: Chain, leaf: CertificateFacts) -> Iterator[Flaw]:
    yield from malformed(story, chain)
    yield from staple_revoked(story)
    yield from _dates(chain, leaf, "cert")
    yield from _intermediate_dates(chain)
    yield from wrong_name(story, chain, leaf)
    yield from server_usage(story, chain, leaf)
    yield from issuer_usage(chain)
    yield from invalid_ca(chain)
    yield from name_constraints(chain)
    yield from critical_extension(chain)
    yield from weak_key(chain)
    yield from weak_signature(chain)
    yield from staple_missing(story, chain, leaf)
    yield from staple_unfit(story, leaf)
    yield from too_large(story, chain)
    yield from half_named(story, chain, leaf)
    yield trust_flaw(chain, leaf)
    yield from any_usage(chain, leaf)
    yield from against_profile(chain)


@once_per_story
def client_flaws(story: Story) -> tuple[Flaw, ...]:
    """Flaws of the client's chain, in the same order, by the causes of client certificates."""
    chain = story.client_chain
    if chain is None or chain.leaf is None:
        return ()
    return tuple(_client_flaws(story, chain, chain.leaf))


def _client_flaws(story: Story, chain: Chain, leaf: CertificateFacts) -> Iterator[Flaw]:
    yield from _dates(chain, leaf, "client_cert")
    for flaw in _intermediate_dates(chain):
        yield Flaw("client_cert_expired", flaw.text, flaw.frame)
    yield from client_usage(chain, leaf)
    yield from _client_trust(story, chain, leaf)


def _client_trust(story: Story, chain: Chain, leaf: CertificateFacts) -> Iterator[Flaw]:
    """Whether the authorities that the server names cover the client's chain.

    Where they do, the server says itself that it trusts the issuer, and this is no flaw.
    """
    listed = story.certificate_request.authority_names if story.certificate_request else ()
    above = {chain.certificates[index].issuer for index in chain.facts.path}
    if not listed:
        by = "itself" if leaf.self_issued else issuer(leaf)
        text = f"{subject(leaf)} is issued by {by}"
        yield Flaw("client_cert_untrusted", text, chain.frame, hard=False)
    elif not above & set(listed):
        text = (
            f"{issuer(leaf)} is none of the authorities that the server's CertificateRequest names"
        )
        yield Flaw("client_cert_untrusted", text, chain.frame)


def _dates(chain: Chain, leaf: CertificateFacts, prefix: str) -> Iterator[Flaw]:
    flaw = _date(chain, leaf)
    if flaw is not None:
        kind, text = flaw
        yield Flaw(f"{prefix}_{kind}", text, chain.frame)


def _date(chain: Chain, certificate: CertificateFacts) -> tuple[str, str] | None:
    if certificate.valid_at(chain.time) is not False:
        return None
    holder, now = subject(certificate), when(chain.time)
    if certificate.not_before is not None and chain.time < certificate.not_before:
        begins = when(certificate.not_before)
        return "not_yet_valid", f"{holder} is valid from {begins} on; the packet is of {now}"
    return "expired", f"{holder} expired at {when(certificate.not_after)}; the packet is of {now}"


def _intermediate_dates(chain: Chain) -> Iterator[Flaw]:
    for index in chain.facts.path[1:]:
        dated = _date(chain, chain.certificates[index])
        if dated is not None:
            yield Flaw("intermediate_expired", f"the intermediate {dated[1]}", chain.frame)
            return


def unread_flaws(story: Story) -> tuple[Flaw, ...]:
    """What is known to be wrong with a server's certificate that nobody read to its end."""
    length = certificate_length(story)
    if story.server_chain is not None or length < LARGE_CERTIFICATE:
        return ()
    frame = next((b.frame for b in story.begun if b.name == "certificate"), story.ending.frame)
    how = "flight, most of it the certificate, has" if story.tls13 else "Certificate message has"
    return (Flaw("cert_too_large", f"the server's {how} {length} bytes", frame, hard=False),)


def signature_flaw(story: Story, sender: Side) -> Flaw | None:
    """A certificate of the chain whose signature does not verify with the issuer sent beside it."""
    chain = story.server_chain if sender is Side.SERVER else story.client_chain
    if chain is None or not chain.facts.bad_signatures:
        return None
    index = chain.facts.bad_signatures[0]
    text = f"the signature of {which(chain, index)} does not verify with its issuer's key"
    return Flaw("tampered", text, chain.frame)


def trust_flaw(chain: Chain, leaf: CertificateFacts) -> Flaw:
    """What the peer must trust, and by which of three causes it may not.

    Whether a missing issuer is a root that the peer lacks or an intermediate that the server failed
    to send is not on the wire. It counts as an intermediate where the certificate itself says where
    to fetch its issuer (authority information access; roots are not fetched), or where the issuer's
    name says so and not the opposite. Where at least one intermediate was sent, servers send all:
    then the root is what is missing.
    """
    facts = chain.facts
    if leaf.self_issued:
        return Flaw("self_signed", f"{subject(leaf)} is self-signed", chain.frame, hard=False)
    top = chain.certificates[facts.path[-1]]
    if facts.missing_issuer is not None and looks_intermediate(leaf):
        text = f"{subject(leaf)} came alone; its issuer {issuer(leaf)} was not sent"
        return Flaw("incomplete_chain", text, chain.frame, hard=False)
    text = f"the chain leads from {subject(leaf)} to {issuer(top)}"
    if facts.missing_issuer is not None:
        text = f"{subject(leaf)} came alone; the client must know its issuer {issuer(leaf)}"
    return Flaw("untrusted_ca", text, chain.frame, hard=False)
