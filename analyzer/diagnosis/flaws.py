"""What is wrong with a chain of certificates at the time of its packet, hard facts first.

A flaw is a fact of the messages, not a diagnosis: clients that do not check connect nevertheless.
:mod:`analyzer.diagnosis.weighing` weighs flaws against the alert.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from analyzer.diagnosis.certificate_messages import (
    LARGE_CERTIFICATE,
    LONG_CHAIN,
    certificate_length,
)
from analyzer.diagnosis.fits import Alerts
from analyzer.diagnosis.memo import once_per_story
from analyzer.diagnosis.model import Evidence
from analyzer.diagnosis.signs import is_openvpn, offer_cut
from analyzer.diagnosis.wording import issuer, names_of, subject, when
from analyzer.errors import DefectKind
from analyzer.pki.path import looks_intermediate
from analyzer.tcp.timeline import Side
from analyzer.tls.registry.code_points import AlertDescription
from analyzer.tls.registry.suite_facts import facts_of
from analyzer.tls.story import Chain, Story
from analyzer.tls.x509.chain import CertificateFacts, library_refuses
from analyzer.tls.x509.names import match_name


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something that a peer may refuse a certificate for.

    ``hard`` flaws are refused by every peer that checks at all; the others depend on its settings,
    as trust in an authority does. ``alerts`` are those that alone speak for it, where its cause has
    more (:data:`~analyzer.diagnosis.fits.FITS`).
    """

    cause: str
    text: str  # to follow the holder: "expired on 2026-01-01 00:00:00 UTC"
    frame: int
    hard: bool = True
    leaf: bool = True  # it is in the sender's own certificate
    alerts: Alerts | None = None

    @property
    def evidence(self) -> Evidence:
        """The flaw as a sentence with its frame."""
        return Evidence(self.frame, self.text)


@once_per_story
def server_flaws(story: Story) -> tuple[Flaw, ...]:
    """Flaws of the server's chain in order of how surely they are refused; trust comes last."""
    chain = story.server_chain
    if chain is None or chain.leaf is None:
        return ()
    return tuple(_server_flaws(story, chain, chain.leaf))


def _server_flaws(story: Story, chain: Chain, leaf: CertificateFacts) -> Iterator[Flaw]:
    yield from _malformed(story, chain)
    yield from _staple_revoked(story)
    yield from _dates(chain, leaf, "cert")
    yield from _intermediate_dates(chain)
    yield from _wrong_name(story, chain, leaf)
    yield from _server_usage(story, chain, leaf)
    yield from _issuer_usage(chain)
    yield from _invalid_ca(chain)
    yield from _name_constraints(chain)
    yield from _critical(chain)
    yield from _weak_key(chain)
    yield from _weak_signature(chain)
    yield from _staple_missing(story, chain, leaf)
    yield from _staple_unfit(story, leaf)
    yield from _too_large(story, chain)
    yield from _half_named(story, chain, leaf)
    yield trust_flaw(chain, leaf)
    yield from _any_usage(chain, leaf)
    yield from _profile(chain)


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
    if not leaf.allows("clientAuth"):
        text = f"{subject(leaf)} is not for client authentication: {_purposes(leaf)}"
        yield Flaw("client_cert_wrong_usage", text, chain.frame)
    elif leaf.key_usage is not None and not leaf.key_usage & _SIGNING:
        text = f"the key usage of {subject(leaf)} does not allow signatures: {_usages(leaf)}"
        yield Flaw("client_cert_wrong_usage", text, chain.frame)
    yield from _client_trust(story, chain, leaf)


_SIGNING: Final = frozenset({"digitalSignature", "keyAgreement"})


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


def _malformed(story: Story, chain: Chain) -> Iterator[Flaw]:
    for name, defect, frame in story.defects:
        if name == "certificate" and frame == chain.frame and defect.kind is not DefectKind.MISSING:
            yield Flaw(
                "cert_malformed", f"the Certificate message is damaged: {defect.detail}", frame
            )
            return
    for index in chain.facts.broken:
        broken = chain.certificates[index].defect
        if broken is not None and broken.kind is not DefectKind.MISSING:
            text = f"{_which(chain, index)} does not parse: {broken.detail}"
            yield Flaw("cert_malformed", text, chain.frame)
            return
    refused = library_refuses(chain.certificates[0].der)
    if refused is not None:
        text = f"{_which(chain, 0)} is not well formed: {refused}"
        yield Flaw("cert_malformed", text, chain.frame, hard=False, alerts=_UNPARSED)


_UNPARSED: Final[Alerts] = frozenset(
    {AlertDescription.BAD_CERTIFICATE, AlertDescription.DECODE_ERROR}
)


def _staple_revoked(story: Story) -> Iterator[Flaw]:
    staple = story.staple
    if staple is not None and staple.certificate_status == "revoked":
        text = f"the OCSP staple says that the certificate was revoked at {when(staple.revoked_at)}"
        yield Flaw("revoked_staple", text, staple_frame(story))


def staple_frame(story: Story) -> int:
    """The frame of CertificateStatus; of the chain where it is not known."""
    frames = [m.frame for m in story.messages if m.name == "certificate_status"]
    if frames:
        return frames[0]
    return story.server_chain.frame if story.server_chain is not None else story.ending.frame


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


def _wrong_name(story: Story, chain: Chain, leaf: CertificateFacts) -> Iterator[Flaw]:
    name = story.offer.server_name if story.offer is not None else None
    if name is not None and chain.name_matches is False:
        text = f"{subject(leaf)} is not for {name} (SNI): it is for {names_of(leaf)}"
        yield Flaw("hostname_mismatch", text, chain.frame)


def _half_named(story: Story, chain: Chain, leaf: CertificateFacts) -> Iterator[Flaw]:
    """Names that fit some clients only: the common name, one with a final dot, no address without SNI."""
    if story.offer is None or offer_cut(story):
        return
    name = story.offer.server_name
    if name is None:
        if is_openvpn(story):
            return
        address = match_name(leaf, story.server.ip)
        if address is not None and not address.matches:
            text = (
                f"the client sent no SNI, and {subject(leaf)} is not for {story.server.ip}: "
                f"it is for {names_of(leaf)}"
            )
            yield Flaw("hostname_mismatch", text, chain.frame, hard=False)
        return
    match = match_name(leaf, name)
    if match is not None and match.by in _HALF:
        text = f"{subject(leaf)} has {name} {_HALF[match.by]}"
        yield Flaw("hostname_mismatch", text, chain.frame, hard=False)


def _issuer_usage(chain: Chain) -> Iterator[Flaw]:
    """Many read an authority's extended key usage as the bound of what it may issue for, RFC 5280 does not."""
    for index in chain.facts.path[1:]:
        above = chain.certificates[index]
        if not above.allows("serverAuth"):
            text = f"{_which(chain, index)} is not to issue for server authentication: {_purposes(above)}"
            yield Flaw("wrong_key_cert_usage", text, chain.frame, hard=False, leaf=False)
            return


def _profile(chain: Chain) -> Iterator[Flaw]:
    """What RFC 5280 demands of certificates and few clients insist on (OpenSSL's strict checks do)."""
    for place, index in enumerate(chain.facts.path):
        facts = chain.certificates[index]
        lack = _lack(facts) if facts.version >= _V3 and facts.defect is None else None
        if lack is not None:
            cause = "invalid_ca" if place else "cert_malformed"
            text = f"{_which(chain, index)} {lack}; strict clients refuse it"
            yield Flaw(cause, text, chain.frame, hard=False, leaf=not place, alerts=_UNNAMED)
            return


_UNNAMED: Final[Alerts] = frozenset({AlertDescription.CERTIFICATE_UNKNOWN})
_V3: Final = 3
_SUBJECT_KEY, _KEY_USAGE = "2.5.29.14", "2.5.29.15"
_BASIC_CONSTRAINTS, _AUTHORITY_KEY = "2.5.29.19", "2.5.29.35"


def _lack(facts: CertificateFacts) -> str | None:
    """What of RFC 5280 section 4.2.1 a certificate of version 3 lacks."""
    if facts.ca:
        if _KEY_USAGE not in facts.extensions:
            return "is an authority without key usage (RFC 5280 section 4.2.1.3)"
        if _BASIC_CONSTRAINTS not in facts.critical:
            return "does not mark its basic constraints as critical (RFC 5280 section 4.2.1.9)"
        if _SUBJECT_KEY not in facts.extensions:
            return "is an authority without subject key identifier (RFC 5280 section 4.2.1.2)"
    if _AUTHORITY_KEY not in facts.extensions and not facts.self_issued:
        return "has no authority key identifier (RFC 5280 section 4.2.1.1)"
    return None


_HALF: Final = {
    "cn": "as common name only, which clients of today do not read",
    "dot": "only with a final dot, which most clients do not take off",
}


def _any_usage(chain: Chain, leaf: CertificateFacts) -> Iterator[Flaw]:
    """RFC 5280 section 4.2.1.12: an application may insist on its purpose where any is allowed."""
    if leaf.allows("serverAuth") and "serverAuth" not in (
        leaf.extended_key_usage or ("serverAuth",)
    ):
        text = f"{subject(leaf)} is for any purpose, but does not name server authentication"
        yield Flaw("wrong_key_cert_usage", text, chain.frame, hard=False)


def _server_usage(story: Story, chain: Chain, leaf: CertificateFacts) -> Iterator[Flaw]:
    if not leaf.allows("serverAuth"):
        text = f"{subject(leaf)} is not for server authentication: {_purposes(leaf)}"
        yield Flaw("wrong_key_cert_usage", text, chain.frame)
        return
    needed = _needed_usage(story)
    if leaf.key_usage is not None and needed is not None and needed not in leaf.key_usage:
        text = f"the key usage of {subject(leaf)} lacks {needed}, which {story.cipher_suite} needs"
        yield Flaw("wrong_key_cert_usage", f"{text}: {_usages(leaf)}", chain.frame)


def _needed_usage(story: Story) -> str | None:
    """RFC 5246 section 7.4.2: what the key of the certificate must do for the suite."""
    if story.choice is None:
        return None
    suite = facts_of(story.choice.cipher_suite)
    if suite.key_exchange in {"RSA", "RSA_PSK"}:
        return "keyEncipherment"
    if suite.key_exchange in {"ECDHE", "DHE"} and not suite.anonymous:
        return "digitalSignature"
    return None


def _purposes(leaf: CertificateFacts) -> str:
    return f"extended key usage {', '.join(leaf.extended_key_usage or ()) or 'none'}"


def _usages(leaf: CertificateFacts) -> str:
    return f"key usage {', '.join(sorted(leaf.key_usage or ())) or 'none'}"


def _invalid_ca(chain: Chain) -> Iterator[Flaw]:
    facts = chain.facts
    for indices, text in (
        (facts.not_ca, "is used as an authority without being one (basic constraints)"),
        (facts.no_cert_sign, "is used as an authority, but its key usage lacks keyCertSign"),
        (facts.path_length_violated, "allows fewer certificates below itself (path length)"),
    ):
        if indices:
            yield Flaw("invalid_ca", f"{_which(chain, indices[0])} {text}", chain.frame)
            return


def _name_constraints(chain: Chain) -> Iterator[Flaw]:
    for index, name in chain.facts.constraints_violated[:1]:
        text = f"{_which(chain, index)} may not vouch for {name} (name constraints)"
        yield Flaw("name_constraints", text, chain.frame)


def _critical(chain: Chain) -> Iterator[Flaw]:
    for index in chain.facts.unknown_critical[:1]:
        oids = ", ".join(chain.certificates[index].unknown_critical)
        text = f"{_which(chain, index)} has a critical extension that few know: {oids}"
        yield Flaw("critical_extension", text, chain.frame)


def _weak_key(chain: Chain) -> Iterator[Flaw]:
    for index in chain.facts.weak_keys[:1]:
        key = chain.certificates[index].key_text
        yield Flaw(
            "weak_cert_key",
            f"{_which(chain, index)} has a short key: {key}",
            chain.frame,
            hard=False,
            leaf=index == 0,
        )


def _weak_signature(chain: Chain) -> Iterator[Flaw]:
    for index in chain.facts.weak_signatures[:1]:
        how = chain.certificates[index].signature_algorithm
        text = f"{_which(chain, index)} is signed with {how}"
        yield Flaw("sha1_signature", text, chain.frame, hard=False, leaf=index == 0)


def _staple_missing(story: Story, chain: Chain, leaf: CertificateFacts) -> Iterator[Flaw]:
    asked = story.offer is not None and story.offer.status_request
    if leaf.must_staple and asked and not has_staple(story):
        text = f"{subject(leaf)} demands an OCSP staple (TLS feature), and the server sent none"
        yield Flaw("staple_missing", text, chain.frame, hard=False)


def _staple_unfit(story: Story, leaf: CertificateFacts) -> Iterator[Flaw]:
    """A staple about another certificate is none for this one (RFC 6066 section 8)."""
    staple = story.staple
    if staple is not None and staple.serial is not None and staple.serial != leaf.serial:
        text = f"the OCSP staple is about another certificate than {subject(leaf)}"
        yield Flaw("staple_missing", text, staple_frame(story), hard=False)


def has_staple(story: Story) -> bool:
    """Whether the server sent an OCSP staple in clear."""
    return story.staple is not None or any(m.name == "certificate_status" for m in story.messages)


def _too_large(story: Story, chain: Chain) -> Iterator[Flaw]:
    length, count = certificate_length(story), chain.facts.count
    if length >= LARGE_CERTIFICATE or count > LONG_CHAIN:
        text = f"the Certificate message has {length} bytes in {count} certificates"
        yield Flaw("cert_too_large", text, chain.frame, hard=False)


def unread_flaws(story: Story) -> tuple[Flaw, ...]:
    """What is known to be wrong with a server's certificate that nobody read to its end."""
    length = certificate_length(story)
    if story.server_chain is not None or length < LARGE_CERTIFICATE:
        return ()
    frame = next((b.frame for b in story.begun if b.name == "certificate"), story.ending.frame)
    how = "flight, most of it the certificate, has" if story.tls13 else "Certificate message has"
    return (Flaw("cert_too_large", f"the server's {how} {length} bytes", frame, hard=False),)


def _which(chain: Chain, index: int) -> str:
    holder = subject(chain.certificates[index])
    return holder if index == 0 else f"{holder} (certificate {index + 1} of the chain)"


def signature_flaw(story: Story, sender: Side) -> Flaw | None:
    """A certificate of the chain whose signature does not verify with the issuer sent beside it."""
    chain = story.server_chain if sender is Side.SERVER else story.client_chain
    if chain is None or not chain.facts.bad_signatures:
        return None
    index = chain.facts.bad_signatures[0]
    text = f"the signature of {_which(chain, index)} does not verify with its issuer's key"
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
