"""What a certificate says, read from its DER without judging it.

The walk keeps what it read up to the place where the bytes stop making sense, so a certificate that
every client refuses still shows its names and dates beside the defect. Signatures are checked in
:mod:`analyzer.tls.x509.chain`.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from analyzer.errors import DecodeError, Defect, DefectKind
from analyzer.limits import FIRST_SSL
from analyzer.tls.x509 import der
from analyzer.tls.x509.attestations import LogTimestamp
from analyzer.tls.x509.der import Value, context, expect, read_oid, read_time, read_value
from analyzer.tls.x509.dn import COMMON_NAME, attribute_of, name_text, same_name
from analyzer.tls.x509.extensions import read_extension
from analyzer.tls.x509.ocsp import serial_text
from analyzer.tls.x509.tables import (
    CURVES,
    FIXED_BITS,
    HASHES,
    KEY_KINDS,
    KNOWN_EXTENSIONS,
    SIGNATURES,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFacts:
    """A certificate's fields. Times are ns since the epoch, UTC; None means "it does not say".

    ``subject`` and ``issuer`` are text as in RFC 4514. ``self_signed`` says that the signature
    verifies with the certificate's own key; None where that could not be checked.
    """

    der: bytes
    subject: str = ""
    issuer: str = ""
    subject_der: bytes = b""
    issuer_der: bytes = b""
    subject_cn: str | None = None
    serial: str = ""  # hexadecimal, as Wireshark and OpenSSL print it
    version: int = 1
    not_before: int | None = None
    not_after: int | None = None
    has_san: bool = False
    san_dns: tuple[str, ...] = ()
    san_ip: tuple[str, ...] = ()
    san_email: tuple[str, ...] = ()
    san_uri: tuple[str, ...] = ()
    key_kind: str | None = None  # RSA, EC, Ed25519, DSA … or the OID
    key_bits: int | None = None
    curve: str | None = None
    signature_algorithm: str | None = None  # sha256WithRSAEncryption … or the OID
    signature_hash: str | None = None  # sha256 …
    key_usage: frozenset[str] | None = None
    extended_key_usage: tuple[str, ...] | None = None
    ca: bool | None = None  # None without basic constraints
    path_length: int | None = None
    permitted_names: tuple[tuple[str, str], ...] = ()  # (kind, text): ("dns", "example.com")
    excluded_names: tuple[tuple[str, str], ...] = ()
    authority_key_id: str | None = None
    subject_key_id: str | None = None
    extensions: frozenset[str] = frozenset()  # OIDs
    critical: frozenset[str] = frozenset()  # those of them that are marked so
    unknown_critical: tuple[str, ...] = ()  # OIDs
    ocsp_urls: tuple[str, ...] = ()
    issuer_urls: tuple[str, ...] = ()
    crl_urls: tuple[str, ...] = ()
    must_staple: bool = False
    timestamps: tuple[LogTimestamp, ...] = ()  # of logs, embedded
    sha256: str
    sha1: str
    self_issued: bool = False
    self_signed: bool | None = False
    defect: Defect | None = None

    def __hash__(self) -> int:
        return hash(self.der)  # from which all else is read

    @property
    def sans(self) -> tuple[str, ...]:
        """All subject alternative names, host names first."""
        return self.san_dns + self.san_ip + self.san_email + self.san_uri

    @property
    def key_text(self) -> str:
        """The key in words: ``RSA 2048 bits``, ``EC secp256r1``."""
        if self.curve:
            return f"{self.key_kind} {self.curve}"
        return (
            f"{self.key_kind or 'unknown key'}{f' {self.key_bits} bits' if self.key_bits else ''}"
        )

    @property
    def weak_key(self) -> bool:
        """Whether stacks of today refuse the key for its size: RSA below 2048, EC below 224 bits."""
        least = {"RSA": 2048, "RSASSA-PSS": 2048, "DSA": 2048, "EC": 224}.get(self.key_kind or "")
        return least is not None and self.key_bits is not None and self.key_bits < least

    @property
    def weak_signature(self) -> bool:
        """Whether the signature's hash is broken. On a root it does not matter: nobody checks it."""
        return self.signature_hash in {"md2", "md4", "md5", "sha1"}

    def valid_at(self, time: int) -> bool | None:
        """Whether ``time`` (ns) lies within the validity; None where that is unreadable.

        None, too, for times before SSL: those of captures that have no clock.
        """
        if self.not_before is None or self.not_after is None or time < FIRST_SSL:
            return None
        return self.not_before <= time < self.not_after + 1_000_000_000

    def allows(self, purpose: str) -> bool:
        """Whether extended key usage allows a purpose; a certificate without the extension does."""
        usages = self.extended_key_usage
        return usages is None or purpose in usages or "anyExtendedKeyUsage" in usages


def time_text(time: int | None) -> str:
    """A time of a certificate for people: to the second, UTC."""
    return "unknown" if time is None else _second_text(time // 1_000_000_000)


@functools.lru_cache(maxsize=1024)
def _second_text(second: int) -> str:
    """Findings name the same dates, and the same seconds, again and again."""
    try:
        return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, ValueError, OSError):
        return "unknown"


def read_facts(data: bytes) -> CertificateFacts:
    """Read a Certificate (RFC 5280 section 4.1).

    ::

        Certificate ::= SEQUENCE {
            tbsCertificate      TBSCertificate,
            signatureAlgorithm  AlgorithmIdentifier,
            signatureValue      BIT STRING }
    """
    found: dict[str, Any] = {
        "der": data,
        # Fingerprints name certificates; nobody relies on SHA-1 to keep them apart.
        "sha1": hashlib.sha1(data, usedforsecurity=False).hexdigest(),
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    defect: Defect | None = None
    try:
        for fields in _walk(data):
            found.update(fields)
    except DecodeError as error:
        defect = replace(error.defect, field="certificate")
    broken = found.pop("broken", None)
    return CertificateFacts(**found, defect=defect or broken)


_Fields = dict[str, Any]


def _walk(data: bytes) -> Iterator[_Fields]:
    """Yield fields as they are read, so that an error loses only what comes after it."""
    whole = expect(read_value(data), der.SEQUENCE, "Certificate")
    parts = whole.items()
    tbs = expect(_next(parts, "tbsCertificate"), der.SEQUENCE, "tbsCertificate")
    yield from _walk_tbs(tbs)
    algorithm = expect(_next(parts, "signatureAlgorithm"), der.SEQUENCE, "signatureAlgorithm")
    yield _signature(algorithm)
    expect(_next(parts, "signatureValue"), der.BIT_STRING, "signatureValue")
    if whole.end != len(data):
        detail = f"{len(data) - whole.end} bytes after the certificate"
        yield {"broken": Defect(DefectKind.TRAILING, "certificate", whole.end, detail)}


def _next(values: Iterator[Value], field: str) -> Value:
    value = next(values, None)
    if value is None:
        raise DecodeError(Defect(DefectKind.OVERRUN, "certificate", 0, f"{field} is missing"))
    return value


def _walk_tbs(tbs: Value) -> Iterator[_Fields]:
    """Walk over a TBSCertificate.

    ::

        TBSCertificate ::= SEQUENCE {
            version         [0] EXPLICIT Version DEFAULT v1,
            serialNumber    CertificateSerialNumber,
            signature       AlgorithmIdentifier,
            issuer          Name,
            validity        Validity,
            subject         Name,
            subjectPublicKeyInfo SubjectPublicKeyInfo,
            issuerUniqueID  [1] IMPLICIT UniqueIdentifier OPTIONAL,
            subjectUniqueID [2] IMPLICIT UniqueIdentifier OPTIONAL,
            extensions      [3] EXPLICIT Extensions OPTIONAL }
    """
    parts = tbs.items()
    first = _next(parts, "version")
    if first.tag == context(0):
        number = expect(read_value(first.content), der.INTEGER, "version").content
        yield {"version": int.from_bytes(number[:4], "big") + 1}
        first = _next(parts, "serialNumber")
    yield {"serial": serial_text(expect(first, der.INTEGER, "serialNumber").content)}
    _next(parts, "signature")
    issuer = expect(_next(parts, "issuer"), der.SEQUENCE, "issuer").whole
    yield {"issuer": name_text(issuer), "issuer_der": issuer}
    validity = expect(_next(parts, "validity"), der.SEQUENCE, "validity")
    subject = expect(_next(parts, "subject"), der.SEQUENCE, "subject").whole
    yield {
        "subject": name_text(subject),
        "subject_der": subject,
        "subject_cn": attribute_of(subject, COMMON_NAME),
        "self_issued": same_name(subject, issuer),
    }
    yield _validity(validity)
    yield _key(expect(_next(parts, "subjectPublicKeyInfo"), der.SEQUENCE, "subjectPublicKeyInfo"))
    for part in parts:
        if part.tag == context(3):
            yield from _extensions(read_value(part.content))


def _validity(validity: Value) -> _Fields:
    begin, end, *_ = (*validity.children(), None, None)
    if begin is None or end is None:
        raise DecodeError(
            Defect(DefectKind.OVERRUN, "certificate", validity.start, "validity is empty")
        )
    return {"not_before": read_time(begin), "not_after": read_time(end)}


def _key(info: Value) -> _Fields:
    """Kind and size of a SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7)."""
    parts = info.items()
    algorithm = expect(_next(parts, "algorithm"), der.SEQUENCE, "algorithm").items()
    oid = read_oid(expect(_next(algorithm, "algorithm"), der.OID, "algorithm").content)
    parameters = next(algorithm, None)
    key = expect(_next(parts, "subjectPublicKey"), der.BIT_STRING, "subjectPublicKey").content[1:]
    kind = KEY_KINDS.get(oid, oid)
    found: _Fields = {"key_kind": kind, "key_bits": FIXED_BITS.get(oid)}
    if kind in {"RSA", "RSASSA-PSS"}:
        # RFC 8017 appendix A.1.1: SEQUENCE { modulus, publicExponent }
        modulus = expect(
            read_value(expect(read_value(key), der.SEQUENCE, "RSA").content), der.INTEGER, "n"
        )
        found["key_bits"] = _bits(modulus)
    elif kind == "EC" and parameters is not None:
        found |= _curve(parameters)
    elif kind in {"DSA", "DH"} and parameters is not None and parameters.tag == der.SEQUENCE:
        found["key_bits"] = _bits(read_value(parameters.content))
    return found


def _bits(number: Value) -> int:
    return int.from_bytes(number.content, "big").bit_length()


def _curve(parameters: Value) -> _Fields:
    """RFC 5480 section 2.1.1: a curve by name; others spell it out, which RFC 5480 forbids."""
    if parameters.tag != der.OID:
        return {"curve": "explicit", "key_bits": _field_bits(parameters)}
    oid = read_oid(parameters.content)
    curve, bits = CURVES.get(oid, (oid, None))
    return {"curve": curve, "key_bits": bits}


def _field_bits(parameters: Value) -> int | None:
    """The size of a prime field in X9.62's ECParameters: the second item holds OID and prime."""
    field = parameters.children()[1:2]
    parts = field[0].children() if field else []
    return _bits(parts[1]) if len(parts) == 2 and parts[1].tag == der.INTEGER else None


def _signature(algorithm: Value) -> _Fields:
    parts = algorithm.items()
    oid = read_oid(expect(_next(parts, "algorithm"), der.OID, "algorithm").content)
    name, hash_ = SIGNATURES.get(oid, (oid, None))
    if name == "RSASSA-PSS":
        hash_ = _pss_hash(next(parts, None))
    return {"signature_algorithm": name, "signature_hash": hash_}


def _pss_hash(parameters: Value | None) -> str | None:
    """The hash of RSASSA-PSS-params (RFC 4055 section 3.1): field [0], SHA-1 where absent."""
    first = next(parameters.items(), None) if parameters is not None else None
    if first is None or first.tag != context(0):
        return "sha1"
    return HASHES.get(read_oid(read_value(read_value(first.content).content).content))


_EXTENSIONS_MOST: Final = 100


def _extensions(block: Value) -> Iterator[_Fields]:
    """Yield what each extension says; a damaged one is noted and does not hide the others.

    ::

        Extension ::= SEQUENCE {
            extnID OBJECT IDENTIFIER, critical BOOLEAN DEFAULT FALSE, extnValue OCTET STRING }
    """
    critical: list[str] = []
    seen: set[str] = set()
    for extension in block.children()[:_EXTENSIONS_MOST]:
        parts = extension.children()
        oid = read_oid(parts[0].content) if parts else ""
        if len(parts) == 3 and parts[1].content != b"\0":
            critical.append(oid)
        if oid in seen:
            detail = f"extension {oid} appears twice"
            yield {
                "broken": Defect(DefectKind.OUT_OF_RANGE, "certificate", extension.start, detail)
            }
        seen.add(oid)
        try:
            yield dict(read_extension(oid, parts[-1].content)) if len(parts) > 1 else {}
        except DecodeError as error:
            detail = f"extension {oid}: {error.defect.detail}"
            yield {"broken": Defect(error.defect.kind, "certificate", extension.start, detail)}
    yield {
        "extensions": frozenset(seen),
        "critical": frozenset(critical),
        "unknown_critical": tuple(oid for oid in critical if oid not in KNOWN_EXTENSIONS),
    }
