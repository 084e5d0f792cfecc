"""The Certificate message in its forms: up to TLS 1.2, TLS 1.3, compressed, raw public keys."""

from __future__ import annotations

from dataclasses import dataclass, replace

from analyzer.errors import DecodeError, Defect, DefectKind, MissingPackageError
from analyzer.limits import DEFAULT
from analyzer.tls.message.compression import unpack
from analyzer.tls.message.extensions import Extension, decode_extensions
from analyzer.tls.registry.code_points import CertificateCompression, ExtensionType
from analyzer.tls.wire import Reader


@dataclass(frozen=True, slots=True)
class CertificateEntry:
    """One certificate as sent, or a raw public key; TLS 1.3 adds extensions to each."""

    der: bytes
    extensions: tuple[Extension, ...] = ()

    @property
    def status(self) -> bytes | None:
        """The body of an OCSP staple: a CertificateStatus (RFC 8446 section 4.4.2.1)."""
        return self._body(ExtensionType.STATUS_REQUEST)

    @property
    def timestamps(self) -> bytes | None:
        """The body of the signed certificate timestamps."""
        return self._body(ExtensionType.SIGNED_CERTIFICATE_TIMESTAMP)

    @property
    def delegated_credential(self) -> bytes | None:
        """The body of a delegated credential (RFC 9345)."""
        return self._body(ExtensionType.DELEGATED_CREDENTIAL)

    def _body(self, kind: ExtensionType) -> bytes | None:
        return next((e.body for e in self.extensions if e.type is kind), None)


@dataclass(frozen=True, slots=True)
class Certificates:
    """A Certificate message: the sender's own certificate first, as sent.

    ``compression`` is set where it came compressed; the entries are empty where that could not be
    undone here. ``truncated`` says that ``limits.certificates`` was reached.
    """

    entries: tuple[CertificateEntry, ...] = ()
    request_context: bytes = b""
    compression: CertificateCompression | None = None
    uncompressed_length: int | None = None
    raw_public_key: bool = False
    truncated: bool = False
    lacks: str = ""  # the package that would unpack it

    @property
    def ders(self) -> tuple[bytes, ...]:
        """The certificates alone."""
        return tuple(entry.der for entry in self.entries)

    @property
    def empty(self) -> bool:
        """Whether the sender has no certificate to show (RFC 8446 section 4.4.2.4)."""
        return not self.entries and self.compression is None


def decode_certificates(
    body: bytes, version: str, most: int = DEFAULT.certificates
) -> tuple[Certificates, Defect | None]:
    """Decode a Certificate message (RFC 5246 section 7.4.2, RFC 8446 section 4.4.2).

    ::

        opaque ASN.1Cert<1..2^24-1>;
        struct { ASN.1Cert certificate_list<0..2^24-1>; } Certificate;  // up to TLS 1.2

        struct {
            opaque cert_data<1..2^24-1>;
            Extension extensions<0..2^16-1>;
        } CertificateEntry;
        struct {
            opaque certificate_request_context<0..2^8-1>;
            CertificateEntry certificate_list<0..2^24-1>;
        } Certificate;  // TLS 1.3

    Args:
        body: Of the handshake message.
        version: As printed; ``TLSv1.3`` and its drafts select the later form.
        most: ``limits.certificates``.
    """
    reader = Reader.over(body, "certificate")
    late = version.startswith("TLSv1.3")
    context = b""
    entries: list[CertificateEntry] = []
    broken: Defect | None
    try:
        if late:
            context = reader.opaque(1, "certificate_request_context")
        chain = reader.vector(3, "certificate_list")
    except DecodeError as error:
        chain, broken = _begun(reader, error.defect), error.defect
    else:
        broken = _leftover(reader)
    try:
        while chain and len(entries) < most:
            entry, defect = _entry(chain, late=late)
            entries.append(entry)
            broken = broken or defect
    except DecodeError as error:
        broken = broken or error.defect
    return Certificates(
        tuple(entries), context, truncated=bool(chain) and len(entries) >= most
    ), broken


def _begun(reader: Reader, defect: Defect) -> Reader:
    """The beginning of a list that was cut, to read the certificates that are whole."""
    start = defect.offset if defect.field.endswith("certificate_list") else reader.end
    return Reader(reader.data, min(start, reader.end), reader.end, "certificate.certificate_list")


def _leftover(reader: Reader) -> Defect | None:
    try:
        reader.done()
    except DecodeError as error:
        return error.defect
    return None


def _entry(chain: Reader, *, late: bool) -> tuple[CertificateEntry, Defect | None]:
    der = chain.opaque(3, "cert_data", low=1)
    if not late:
        return CertificateEntry(der), None
    start = chain.pos
    length = len(chain.opaque(2, "extensions"))
    block = Reader(chain.data, start, start + 2 + length, chain.field)
    extensions, defect = decode_extensions(block)
    return CertificateEntry(der, extensions), defect


def decode_compressed_certificates(
    body: bytes, most: int = DEFAULT.message_bytes
) -> tuple[Certificates, Defect | None]:
    """Decode a CompressedCertificate (RFC 8879 section 4).

    ::

        struct {
            CertificateCompressionAlgorithm algorithm;
            uint24 uncompressed_length;
            opaque compressed_certificate_message<1..2^24-1>;
        } CompressedCertificate;

    Of what nobody here can unpack the name and the length are kept.

    Args:
        body: Of the handshake message.
        most: ``limits.message_bytes``: more than that is not unpacked.
    """
    reader = Reader.over(body, "compressed_certificate")
    try:
        algorithm = CertificateCompression(reader.uint(2, "algorithm"))
        length = reader.uint(3, "uncompressed_length")
        packed = reader.opaque(3, "compressed_certificate_message", low=1)
        reader.done()
    except DecodeError as error:
        return Certificates(), error.defect
    named = Certificates(compression=algorithm, uncompressed_length=length)
    try:
        message = unpack(algorithm, packed, min(length, most))
    except MissingPackageError as error:
        return replace(named, lacks=str(error)), None
    if message is None or len(message) != length:
        detail = f"does not unpack to {length} bytes"
        field = "compressed_certificate.compressed_certificate_message"
        return named, Defect(DefectKind.OUT_OF_RANGE, field, 8, detail)
    inner, defect = decode_certificates(message, "TLSv1.3")
    unpacked = Certificates(inner.entries, inner.request_context, algorithm, length)
    return unpacked, defect


def decode_raw_public_key(body: bytes, version: str) -> tuple[Certificates, Defect | None]:
    """Decode a Certificate message that holds a SubjectPublicKeyInfo alone (RFC 7250 section 3).

    Up to TLS 1.2 the key stands where the list stands otherwise; in TLS 1.3 it is the only entry.
    """
    if version.startswith("TLSv1.3"):
        found, defect = decode_certificates(body, version)
        return Certificates(found.entries, found.request_context, raw_public_key=True), defect
    reader = Reader.over(body, "certificate")
    try:
        key = reader.opaque(3, "ASN.1_subjectPublicKeyInfo", low=1)
        reader.done()
    except DecodeError as error:
        return Certificates(raw_public_key=True), error.defect
    return Certificates((CertificateEntry(key),), raw_public_key=True), None
