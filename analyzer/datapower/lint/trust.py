"""Credentials and certificates: what is missing, weak, expired, or soon will be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from analyzer.datapower.judge import issued
from analyzer.datapower.lint.issues import Issue, Severity
from analyzer.datapower.wording import short_name
from analyzer.pki.path import looks_intermediate
from analyzer.tls.objects import CertificateObject, Credential, Validation
from analyzer.tls.x509.chain import CertificateFacts, time_text

DAY: Final = 86_400 * 1_000_000_000  # ns
ERROR, WARNING, NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE


def lint_credential(domain: str, credential: Credential) -> Iterator[Issue]:
    """Check whether an identification credential sends what a peer needs."""
    label = f"CryptoIdentCred {credential.name}"
    if credential.certificate is None:
        return
    leaf = credential.certificate.leaf
    if leaf is None or leaf.self_issued:
        return
    if not credential.intermediates:
        if looks_intermediate(leaf):
            text = f"CA is empty: {short_name(leaf.issuer)}, which issued it, is not sent along"
            change = f"add the certificate of {short_name(leaf.issuer)} as CA"
            yield Issue("missing-intermediate", WARNING, domain, label, "CA", text, change)
        return
    yield from _path(domain, label, leaf, credential.intermediates)


def _path(
    domain: str, label: str, leaf: CertificateFacts, above: Iterable[CertificateObject]
) -> Iterator[Issue]:
    """Whether the intermediates lead on from the certificate."""
    held = [facts for one in above for facts in one.content]
    if any(not one.content for one in above) or any(issued(leaf, one) for one in held):
        return
    text = f"no certificate under CA is {short_name(leaf.issuer)}, which issued the certificate"
    change = f"put the certificate of {short_name(leaf.issuer)} under CA"
    yield Issue("wrong-intermediate", ERROR, domain, label, "CA", text, change)


def lint_validation(domain: str, validation: Validation, *, lists: bool) -> Iterator[Issue]:
    """A validation credential; ``lists`` says that some revocation list is fetched."""
    label = f"CryptoValCred {validation.name}"
    if validation.mode is not None and not validation.certificates:
        text = "it holds no certificate, and so trusts nobody"
        change = "add certificates, or do not refer to it"
        yield Issue("empty-validation", ERROR, domain, label, "Certificate", text, change)
    held = [facts for one in validation.certificates for facts in one.content]
    if validation.mode == "pkix" and validation.complete and not any(c.self_issued for c in held):
        text = "pkix needs a root, and none of the certificates is one"
        change = "add the root, or use legacy"
        yield Issue("no-root", ERROR, domain, label, "Certificate", text, change)
    if validation.mode == "exact-match":
        text = "exact-match: a renewed certificate of a peer is refused until it is added here"
        change = "use pkix with the peer's authority, if it is not meant so"
        yield Issue("exact-match", NOTE, domain, label, "CertValidationMode", text, change)
    if validation.check_dates is False:
        text = "expired certificates of peers are accepted"
        yield Issue("no-dates", WARNING, domain, label, "CheckDates", text, "switch CheckDates on")
    if validation.require_crl and not lists:
        text = "a revocation list is required, and the export holds no policy that fetches one"
        change = "add CRL retrieval in the default domain, or switch RequireCRL off"
        yield Issue("no-revocation-list", WARNING, domain, label, "RequireCRL", text, change)


def lint_certificate(
    domain: str, held: CertificateObject, roles: Iterable[str], at: int, days: int
) -> Iterator[Issue]:
    """A certificate with content: dates at a time (ns), key and hash."""
    label = f"CryptoCertificate {held.name}"
    leaf = held.leaf
    if leaf is None:
        return
    yield from _dates(domain, label, held, leaf, tuple(roles), at, days)
    if leaf.weak_key:
        text = f"its key is {leaf.key_text}, which peers of today refuse"
        change = "replace it by RSA of 2048 bits or EC secp256r1"
        yield Issue("weak-key", WARNING, domain, label, "Filename", text, change)
    if leaf.weak_signature and not leaf.self_issued:
        text = f"it is signed with {leaf.signature_hash}, which peers of today refuse"
        change = "have it issued with SHA-256"
        yield Issue("weak-signature", WARNING, domain, label, "Filename", text, change)


def _dates(
    domain: str,
    label: str,
    held: CertificateObject,
    leaf: CertificateFacts,
    roles: tuple[str, ...],
    at: int,
    days: int,
) -> Iterator[Issue]:
    end, begin = leaf.not_after, leaf.not_before
    used = f"; {', '.join(roles)} uses it" if roles else ""
    if end is None or begin is None:
        return
    if at > end and held.ignore_expiration:
        text = f"it expired {time_text(end)} and stays up by IgnoreExpiration{used}"
        yield Issue("expired", WARNING, domain, label, "Filename", text, "replace it")
    elif at > end:
        text = (
            f"it expired {time_text(end)}: at the next restart or change it goes down, and takes "
            f"everything above it along{used}"
        )
        change = "replace it, or set IgnoreExpiration where that is right"
        yield Issue("expired", ERROR, domain, label, "Filename", text, change)
    elif end - at < days * DAY:
        left = (end - at) // DAY
        text = f"it expires {time_text(end)}, in {left} days{used}"
        yield Issue("expires-soon", WARNING, domain, label, "Filename", text, "renew it")
    elif at < begin:
        text = f"it is not valid before {time_text(begin)}{used}"
        yield Issue("not-yet-valid", ERROR, domain, label, "Filename", text, "check the clock")
