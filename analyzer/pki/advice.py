"""What a verdict means for those who run the two sides: what is missing, and who changes what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from analyzer.pki.codes import Code
from analyzer.pki.path import End, Trust, looks_intermediate
from analyzer.pki.verify import Verdict
from analyzer.tls.x509.chain import CertificateFacts, ChainFacts, chain_facts, read_certificate


def causes(verdict: Verdict, sent: Sequence[bytes], trust: Trust) -> Iterator[str]:
    """What is behind the first problem, as far as it is at hand."""
    if verdict.path.end not in {End.ISSUER_MISSING, End.TRUSTED_ISSUER_MISSING}:
        return
    top = verdict.path.steps[-1].facts
    namesakes = [f for f in trust.named(top.issuer_der) if f.der != top.der]
    if namesakes:
        ids = _key_id(top.authority_key_id), _key_id(namesakes[0].subject_key_id)
        yield f"An authority of that name is trusted, but with another key: {ids[1]}, not {ids[0]}."
    elif looks_intermediate(top):
        yield "It looks like an intermediate that should have been sent."
    else:
        yield "It looks like a root that the receiving side does not know."
    if top.issuer_urls:
        yield f"The certificate names where to fetch it (AIA): {top.issuer_urls[0]}"
    else:
        yield "The certificate does not name where to fetch it (no AIA)."
    if any(read_certificate(der).subject_der == top.issuer_der for der in sent):
        yield "A certificate of that name was sent, but its key identifier or kind of key differs."


def _key_id(text: str | None) -> str:
    return text[:16] + "…" if text and len(text) > 16 else text or "no identifier"


def remedy(verdict: Verdict) -> str | None:
    """What to change, and who; None where nothing is wrong."""
    if verdict.ok:
        return None
    if verdict.code is Code.UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        top = verdict.path.steps[-1].facts
        return _SEND if looks_intermediate(top) else _TRUST
    leaf = verdict.depth == 0
    return (_OF_LEAF if leaf else _OF_AUTHORITY).get(verdict.code) or _REMEDIES.get(verdict.code)


_SEND: Final = (
    "The sender installs the missing intermediate together with its certificate; the receiving side "
    "needs no change."
)
_TRUST: Final = (
    "The receiving side adds the root to what it trusts, or the sender takes a certificate of an "
    "authority that is trusted."
)
_REISSUE: Final = "The authority issues the certificate anew, with what is missing."
_OTHER_CA: Final = (
    "The sender takes a certificate from another authority, or the authority renews its own."
)
_LIST: Final = "Whoever runs the receiving side fetches the authority's current list."

_OF_LEAF: Final = {
    Code.CERT_HAS_EXPIRED: "The sender renews its certificate and installs it; or check the clocks.",
    Code.CERT_NOT_YET_VALID: "Check the clocks of both sides; else wait, or issue it anew.",
}
_OF_AUTHORITY: Final = {
    Code.CERT_HAS_EXPIRED: "The sender installs the authority's renewed certificate; an expired root "
    "is replaced on the receiving side.",
    Code.CERT_NOT_YET_VALID: "Check the clocks of both sides; else wait for the authority's date.",
    Code.INVALID_PURPOSE: _OTHER_CA,
}
_REMEDIES: Final = {
    Code.UNSPECIFIED: "Whoever made the certificate makes it anew; or it was damaged on its way here.",
    Code.UNSUPPORTED_SIGNATURE_ALGORITHM: "Check the signature with a tool that knows the algorithm.",
    Code.UNHANDLED_CRITICAL_CRL_EXTENSION: _LIST,
    Code.CERT_CHAIN_TOO_LONG: "The sender installs only the certificates that lead to the root.",
    Code.UNABLE_TO_GET_ISSUER_CERT: "The receiving side adds the root above it too, or accepts "
    "partial chains (--partial-chain).",
    Code.DEPTH_ZERO_SELF_SIGNED_CERT: "The receiving side trusts this certificate itself, or the "
    "sender takes one of an authority that is trusted.",
    Code.SELF_SIGNED_CERT_IN_CHAIN: _TRUST,
    Code.CERT_SIGNATURE_FAILURE: "Compare with the certificate as issued: it was changed, or an "
    "authority of the same name has another key.",
    Code.CERT_REVOKED: "The sender replaces the certificate; the authority knows why it was revoked.",
    Code.PATH_LENGTH_EXCEEDED: _OTHER_CA,
    Code.INVALID_PURPOSE: "The sender takes a certificate for this purpose (extended key usage).",
    Code.KEYUSAGE_NO_CERTSIGN: _OTHER_CA,
    Code.UNHANDLED_CRITICAL_EXTENSION: "The authority issues it anew without the critical extension, "
    "or the receiving side learns it.",
    Code.PERMITTED_VIOLATION: _OTHER_CA,
    Code.EXCLUDED_VIOLATION: _OTHER_CA,
    Code.HOSTNAME_MISMATCH: "The client asks for a name of the certificate, or the server gets one "
    "for this name.",
    Code.IP_ADDRESS_MISMATCH: "The client asks for a name of the certificate, or the server gets one "
    "for this address.",
    Code.EE_KEY_TOO_SMALL: "The sender makes a longer key and gets a certificate for it.",
    Code.CA_KEY_TOO_SMALL: _OTHER_CA,
    Code.CA_MD_TOO_WEAK: "The authority issues it anew with SHA-256 or better.",
    Code.INVALID_CA: "The sender takes a certificate from a real authority; basic constraints must "
    "say CA, key usage keyCertSign.",
    Code.UNABLE_TO_GET_CRL: _LIST,
    Code.CRL_HAS_EXPIRED: _LIST,
    Code.CRL_NOT_YET_VALID: "Check the clock; or take a list of the time that is asked about.",
    Code.CRL_SIGNATURE_FAILURE: _LIST,
    Code.KEYUSAGE_NO_CRL_SIGN: _REISSUE,
    Code.DIFFERENT_CRL_SCOPE: _LIST,
    Code.EC_KEY_EXPLICIT_PARAMS: "The sender makes a key on a named curve.",
    Code.OCSP_CERT_UNKNOWN: "Ask the authority: its responder does not know the certificate.",
}


def remarks(sent: Sequence[bytes]) -> Iterator[str]:
    """What is unusual about what was sent, though OpenSSL takes it."""
    facts = chain_facts(tuple(sent))
    if not facts.in_order:
        yield (
            f"Sent out of order ({_order(facts)} leads upwards); TLS 1.2 demands order "
            "(RFC 5246 section 7.4.2), and strict peers refuse it."
        )
    if facts.root_sent:
        yield "The root was sent as well: needless, the receiving side trusts its own copy only."
    unused = [i for i in facts.unused if not read_certificate(sent[i]).self_issued]
    if unused:
        numbers = ", ".join(str(i + 1) for i in unused)
        yield f"Not needed for the path: certificate {numbers} of {facts.count}."


def _order(facts: ChainFacts) -> str:
    return ", ".join(str(index + 1) for index in facts.path)


def title(facts: CertificateFacts) -> str:
    """A certificate's name in a list: common name, else first host, else subject."""
    return facts.subject_cn or next(iter(facts.sans), "") or facts.subject or "(no name)"
