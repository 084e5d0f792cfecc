"""What vouches for a certificate besides its issuer: log timestamps and delegated credentials."""

from __future__ import annotations

from dataclasses import dataclass

from analyzer.errors import DecodeError, Defect
from analyzer.tls.registry.keys import SignatureScheme
from analyzer.tls.wire import Reader


@dataclass(frozen=True, slots=True)
class LogTimestamp:
    """A log's promise to show the certificate (RFC 6962). ``time`` in ns since the epoch."""

    version: int  # 0 is version 1
    log_id: str  # hexadecimal
    time: int


def decode_timestamps(body: bytes) -> tuple[tuple[LogTimestamp, ...], Defect | None]:
    """Decode a list of signed certificate timestamps (RFC 6962 section 3.3).

    ::

        opaque SerializedSCT<1..2^16-1>;
        struct { SerializedSCT sct_list<1..2^16-1>; } SignedCertificateTimestampList;
        struct {
            Version sct_version;
            LogID id;  // 32 bytes
            uint64 timestamp;  // ms
            CtExtensions extensions;
            digitally-signed struct { … };
        } SignedCertificateTimestamp;

    The same list is the body of the TLS extension, of the certificate's and of the staple's.
    """
    reader = Reader.over(body, "sct_list")
    found: list[LogTimestamp] = []
    try:
        items = reader.vector(2, "sct_list", low=1)
        reader.done()
        while items:
            item = items.vector(2, "sct", low=1)
            version, log = item.uint(1, "sct_version"), item.raw(32, "id").hex()
            found.append(LogTimestamp(version, log, item.uint(8, "timestamp") * 1_000_000))
    except DecodeError as error:
        return tuple(found), error.defect
    return tuple(found), None


@dataclass(frozen=True, slots=True)
class DelegatedCredential:
    """A short-lived key that stands in for the certificate's. ``valid_time`` in seconds from notBefore."""

    valid_time: int
    scheme: SignatureScheme  # of CertificateVerify
    public_key: bytes  # DER
    signed_with: SignatureScheme


def decode_delegated_credential(body: bytes) -> tuple[DelegatedCredential | None, Defect | None]:
    """Decode a delegated credential of a certificate entry (RFC 9345 section 4).

    ::

        struct {
            uint32 valid_time;
            SignatureScheme dc_cert_verify_algorithm;
            opaque ASN1_subjectPublicKeyInfo<1..2^24-1>;
        } Credential;
        struct {
            Credential cred;
            SignatureScheme algorithm;
            opaque signature<1..2^16-1>;
        } DelegatedCredential;
    """
    reader = Reader.over(body, "delegated_credential")
    try:
        valid_time = reader.uint(4, "valid_time")
        scheme = SignatureScheme(reader.uint(2, "dc_cert_verify_algorithm"))
        key = reader.opaque(3, "ASN1_subjectPublicKeyInfo", low=1)
        signed_with = SignatureScheme(reader.uint(2, "algorithm"))
        reader.opaque(2, "signature", low=1)
        reader.done()
    except DecodeError as error:
        return None, error.defect
    return DelegatedCredential(valid_time, scheme, key, signed_with), None
