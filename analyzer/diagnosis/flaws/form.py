"""Flaws in how certificates are made: damaged, too long, weak, or not as RFC 5280 has them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from analyzer.diagnosis.flaws.flaw import Flaw, which
from analyzer.diagnosis.signs.alerts import Alerts
from analyzer.diagnosis.signs.certificate_messages import (
    LARGE_CERTIFICATE,
    LONG_CHAIN,
    certificate_length,
)
from analyzer.errors import DefectKind
from analyzer.tls.registry.code_points import AlertDescription
from analyzer.tls.story import Chain, Story
from analyzer.tls.x509.chain import CertificateFacts, library_refuses


def malformed(story: Story, chain: Chain) -> Iterator[Flaw]:
    """The message, or a certificate in it, cannot be read as it should."""
    for name, defect, frame in story.defects:
        if name == "certificate" and frame == chain.frame and defect.kind is not DefectKind.MISSING:
            yield Flaw(
                "cert_malformed", f"the Certificate message is damaged: {defect.detail}", frame
            )
            return
    for index in chain.facts.broken:
        broken = chain.certificates[index].defect
        if broken is not None and broken.kind is not DefectKind.MISSING:
            text = f"{which(chain, index)} does not parse: {broken.detail}"
            yield Flaw("cert_malformed", text, chain.frame)
            return
    refused = library_refuses(chain.certificates[0].der)
    if refused is not None:
        text = f"{which(chain, 0)} is not well formed: {refused}"
        yield Flaw("cert_malformed", text, chain.frame, hard=False, alerts=_UNPARSED)


_UNPARSED: Final[Alerts] = frozenset(
    {AlertDescription.BAD_CERTIFICATE, AlertDescription.DECODE_ERROR}
)


def invalid_ca(chain: Chain) -> Iterator[Flaw]:
    """A certificate of the chain may not have issued the one below it."""
    facts = chain.facts
    for indices, text in (
        (facts.not_ca, "is used as an authority without being one (basic constraints)"),
        (facts.no_cert_sign, "is used as an authority, but its key usage lacks keyCertSign"),
        (facts.path_length_violated, "allows fewer certificates below itself (path length)"),
    ):
        if indices:
            yield Flaw("invalid_ca", f"{which(chain, indices[0])} {text}", chain.frame)
            return


def name_constraints(chain: Chain) -> Iterator[Flaw]:
    """An authority may not vouch for the name below it."""
    for index, name in chain.facts.constraints_violated[:1]:
        text = f"{which(chain, index)} may not vouch for {name} (name constraints)"
        yield Flaw("name_constraints", text, chain.frame)


def critical_extension(chain: Chain) -> Iterator[Flaw]:
    """A certificate demands that an extension be understood that few know."""
    for index in chain.facts.unknown_critical[:1]:
        oids = ", ".join(chain.certificates[index].unknown_critical)
        text = f"{which(chain, index)} has a critical extension that few know: {oids}"
        yield Flaw("critical_extension", text, chain.frame)


def weak_key(chain: Chain) -> Iterator[Flaw]:
    """A key is shorter than many take."""
    for index in chain.facts.weak_keys[:1]:
        key = chain.certificates[index].key_text
        yield Flaw(
            "weak_cert_key",
            f"{which(chain, index)} has a short key: {key}",
            chain.frame,
            hard=False,
            leaf=index == 0,
        )


def weak_signature(chain: Chain) -> Iterator[Flaw]:
    """A signature is made with a hash that many do not take."""
    for index in chain.facts.weak_signatures[:1]:
        how = chain.certificates[index].signature_algorithm
        text = f"{which(chain, index)} is signed with {how}"
        yield Flaw("sha1_signature", text, chain.frame, hard=False, leaf=index == 0)


def too_large(story: Story, chain: Chain) -> Iterator[Flaw]:
    """The message is longer, or the chain has more certificates, than common stacks take."""
    length, count = certificate_length(story), chain.facts.count
    if length >= LARGE_CERTIFICATE or count > LONG_CHAIN:
        text = f"the Certificate message has {length} bytes in {count} certificates"
        yield Flaw("cert_too_large", text, chain.frame, hard=False)


def against_profile(chain: Chain) -> Iterator[Flaw]:
    """What RFC 5280 demands of certificates and few clients insist on (OpenSSL's strict checks do)."""
    for place, index in enumerate(chain.facts.path):
        facts = chain.certificates[index]
        lack = _lack(facts) if facts.version >= _V3 and facts.defect is None else None
        if lack is not None:
            cause = "invalid_ca" if place else "cert_malformed"
            text = f"{which(chain, index)} {lack}; strict clients refuse it"
            yield Flaw(cause, text, chain.frame, hard=False, leaf=not place, alerts=_UNNAMED)
            return


_V3: Final = 3
_UNNAMED: Final[Alerts] = frozenset({AlertDescription.CERTIFICATE_UNKNOWN})


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


_SUBJECT_KEY, _KEY_USAGE = "2.5.29.14", "2.5.29.15"
_BASIC_CONSTRAINTS, _AUTHORITY_KEY = "2.5.29.19", "2.5.29.35"
