"""Revocation by what is at hand: certificate revocation lists, and the staple of the handshake.

Nothing is fetched. ``cryptography`` reads the lists; they may be long, so a serial number is looked
up in them and no list is copied.
"""

from __future__ import annotations

import enum
import functools
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from analyzer.pki.codes import Code
from analyzer.pki.keys import public_key
from analyzer.tls.x509.chain import CertificateFacts, time_text
from analyzer.tls.x509.dn import same_name
from analyzer.tls.x509.ocsp import Staple

if TYPE_CHECKING:
    from cryptography import x509


class CrlCheck(enum.StrEnum):
    """Which certificates need a list: none, the leaf, all of the path."""

    AT_HAND = "at-hand"
    LEAF = "leaf"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Flag:
    """Something that a list or a staple says, or that is wrong with it."""

    code: Code
    text: str


def crl_flags(
    facts: CertificateFacts,
    issuer: CertificateFacts | None,
    crls: Sequence[bytes],
    *,
    time: int,
    needed: bool,
) -> Iterator[Flag]:
    """What the lists say of one certificate, in the order in which OpenSSL looks.

    A list that is not valid at ``time`` is no evidence of being good, but what it says of a
    certificate revoked before ``time`` holds: lists name the day.
    """
    if issuer is None:
        if needed:
            text = f"no issuer is known whose list could name {_name(facts)}"
            yield Flag(Code.UNABLE_TO_GET_CRL, text)
        return
    crl = _best(facts, issuer, crls, time)
    if crl is None:
        if needed:
            text = f"no revocation list of {_name(issuer)} is at hand"
            yield Flag(Code.UNABLE_TO_GET_CRL, text)
        return
    yield from _list_flags(facts, crl, issuer, time, needed=needed)
    yield from _entry_flags(facts, crl, time)


def _list_flags(
    facts: CertificateFacts,
    crl: x509.CertificateRevocationList,
    issuer: CertificateFacts,
    time: int,
    *,
    needed: bool,
) -> Iterator[Flag]:
    """What is wrong with the list itself (RFC 5280 section 6.3.3)."""
    by = _name(issuer)
    if issuer.key_usage is not None and "cRLSign" not in issuer.key_usage:
        text = f"the key usage of {by} does not allow to sign revocation lists"
        yield Flag(Code.KEYUSAGE_NO_CRL_SIGN, text)
    if not _in_scope(facts, crl):
        text = f"the revocation list of {by} is not for such certificates as {_name(facts)}"
        yield Flag(Code.DIFFERENT_CRL_SCOPE, text)
    begin, end = _ns(crl.last_update_utc), _ns(crl.next_update_utc)
    if needed and begin is not None and time < begin:
        text = f"the revocation list of {by} is of {time_text(begin)}"
        yield Flag(Code.CRL_NOT_YET_VALID, text)
    if needed and end is not None and time > end:
        text = f"the revocation list of {by} was to be renewed by {time_text(end)}"
        yield Flag(Code.CRL_HAS_EXPIRED, text)
    if not _signed(crl, issuer):
        text = f"the signature of the revocation list of {by} does not verify with its key"
        yield Flag(Code.CRL_SIGNATURE_FAILURE, text)


def _entry_flags(
    facts: CertificateFacts, crl: x509.CertificateRevocationList, time: int
) -> Iterator[Flag]:
    from cryptography import x509  # noqa: PLC0415 - a tenth of a second that most runs need not spend

    if any(e.critical and e.oid.dotted_string not in _KNOWN for e in crl.extensions):
        text = "the revocation list has a critical extension that is not known"
        yield Flag(Code.UNHANDLED_CRITICAL_CRL_EXTENSION, text)
    entry = crl.get_revoked_certificate_by_serial_number(int(facts.serial or "0", 16))
    if entry is None:
        return
    try:
        given = entry.extensions.get_extension_for_class(x509.CRLReason).value.reason
    except (x509.ExtensionNotFound, ValueError):
        given = None
    revoked = _ns(entry.revocation_date_utc) or 0
    if given is x509.ReasonFlags.remove_from_crl or revoked > time:
        return
    why = f" ({given.value})" if given is not None else ""
    text = f"{_name(facts)} was revoked at {time_text(revoked)}{why}"
    yield Flag(Code.CERT_REVOKED, text)


_IDP: Final = "2.5.29.28"
_KNOWN: Final = frozenset({_IDP, "2.5.29.35"})


def _best(
    facts: CertificateFacts, issuer: CertificateFacts, crls: Sequence[bytes], time: int
) -> x509.CertificateRevocationList | None:
    """The list to ask: in scope and valid before others, then the newest."""
    fitting = [
        read.crl
        for read in map(read_crl, crls)
        if read is not None
        and same_name(read.issuer, issuer.subject_der)
        and _key_fits(read.crl, issuer)
    ]
    return max(
        fitting,
        key=lambda crl: (_in_scope(facts, crl), _current(crl, time), _ns(crl.last_update_utc) or 0),
        default=None,
    )


def _current(crl: x509.CertificateRevocationList, time: int) -> bool:
    begin, end = _ns(crl.last_update_utc) or 0, _ns(crl.next_update_utc)
    return begin <= time and (end is None or time <= end)


@dataclass(frozen=True, slots=True)
class RevocationList:
    """A list, and the name of who issued it (DER): the library warns of odd names at every look."""

    crl: x509.CertificateRevocationList
    issuer: bytes


@functools.lru_cache(maxsize=64)
def read_crl(data: bytes) -> RevocationList | None:
    """Read a list (RFC 5280 section 5.1); None where the library refuses it."""
    from cryptography import x509  # noqa: PLC0415 - as above

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            crl = x509.load_der_x509_crl(data)
            _ = (crl.extensions, crl.last_update_utc, crl.next_update_utc)
            return RevocationList(crl, crl.issuer.public_bytes())
        except (
            ValueError,
            TypeError,
            x509.InvalidVersion,
            x509.DuplicateExtension,
            x509.UnsupportedGeneralNameType,
        ):
            return None


def _key_fits(crl: x509.CertificateRevocationList, issuer: CertificateFacts) -> bool:
    from cryptography import x509  # noqa: PLC0415 - as above

    try:
        named = crl.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    except x509.ExtensionNotFound:
        return True
    wanted = named.key_identifier
    have = issuer.subject_key_id
    return wanted is None or have is None or wanted.hex() == have


def _in_scope(facts: CertificateFacts, crl: x509.CertificateRevocationList) -> bool:
    """Whether a list covers such a certificate (RFC 5280 section 5.2.5)."""
    from cryptography import x509  # noqa: PLC0415 - as above

    try:
        scope = crl.extensions.get_extension_for_class(x509.IssuingDistributionPoint).value
    except x509.ExtensionNotFound:
        return True
    if scope.only_contains_attribute_certs or scope.indirect_crl or scope.only_some_reasons:
        return False
    if scope.only_contains_user_certs and facts.ca:
        return False
    if scope.only_contains_ca_certs and not facts.ca:
        return False
    urls = {name.value for name in scope.full_name or ()}
    return not urls or bool(urls & set(facts.crl_urls))


def _signed(crl: x509.CertificateRevocationList, issuer: CertificateFacts) -> bool:
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - as above
    from cryptography.hazmat.primitives.serialization import load_der_public_key  # noqa: PLC0415 - as above

    half = public_key(issuer.der)
    if half is None:
        return False
    try:
        return crl.is_signature_valid(load_der_public_key(half))  # type: ignore[arg-type]  # see below
    except (ValueError, TypeError, UnsupportedAlgorithm):  # keys of kinds that sign no lists
        return False


def staple_flags(facts: CertificateFacts, staple: Staple | None, *, time: int) -> Iterator[Flag]:
    """What the OCSP staple says of the leaf. Its signature is not checked."""
    if staple is None or staple.serial != facts.serial or staple.current(time) is False:
        return
    revoked = staple.revoked_at
    if staple.certificate_status == "revoked" and (revoked is None or revoked <= time):
        why = f" ({staple.revocation_reason})" if staple.revocation_reason else ""
        text = f"the OCSP staple says that {_name(facts)} was revoked at {time_text(revoked)}{why}"
        yield Flag(Code.CERT_REVOKED, text)
    elif staple.certificate_status == "unknown":
        text = f"the OCSP staple says that the responder does not know {_name(facts)}"
        yield Flag(Code.OCSP_CERT_UNKNOWN, text)


def _ns(moment: datetime | None) -> int | None:
    """A moment as ns since the epoch."""
    if moment is None:
        return None
    return int((moment - _EPOCH).total_seconds()) * 1_000_000_000


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def _name(facts: CertificateFacts) -> str:
    return f"CN={facts.subject_cn}" if facts.subject_cn else facts.subject or "a certificate"
