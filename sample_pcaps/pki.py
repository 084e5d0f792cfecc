"""Certificates for the samples: one root, one intermediate, and leaves with one fault each."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

HOST = "gateway.example"
DAY = dt.timedelta(days=1)
NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True)
class Issued:
    """A certificate with its key, and where both lie."""

    certificate: x509.Certificate
    key: Key
    cert_path: Path
    key_path: Path


class Authority:
    """Issues what the samples need into a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = self._make("root", "Example Root CA", None, ca=True)
        self.intermediate = self._make("intermediate", "Example Issuing CA", self.root, ca=True)
        self.foreign = self._make("foreign", "Foreign Root CA", None, ca=True)

    def leaf(
        self,
        name: str,
        *,
        host: str = HOST,
        issuer: Issued | None = None,
        start: dt.timedelta = -30 * DAY,
        end: dt.timedelta = 365 * DAY,
        usage: ObjectIdentifier = ExtendedKeyUsageOID.SERVER_AUTH,
        rsa_bits: int = 0,
        self_signed: bool = False,
        critical: bool = False,
        must_staple: bool = False,
        digest: hashes.HashAlgorithm | None = None,
    ) -> Issued:
        """Issue a certificate of an end entity, by the intermediate unless told otherwise."""
        extra: list[tuple[x509.ExtensionType, bool]] = [
            (x509.SubjectAlternativeName([x509.DNSName(host)]), False),
            (x509.ExtendedKeyUsage([usage]), False),
        ]
        if critical:
            unknown = x509.UnrecognizedExtension(ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\0")
            extra.append((unknown, True))
        if must_staple:
            extra.append((x509.TLSFeature([x509.TLSFeatureType.status_request]), False))
        by = None if self_signed else issuer or self.intermediate
        return self._make(
            name, host, by, start=start, end=end, extra=extra, rsa_bits=rsa_bits, digest=digest
        )

    def authority(self, name: str, common: str, *, ca: bool = True, **options: object) -> Issued:
        """Issue another authority below the root; with ``ca`` false one that must not issue."""
        return self._make(name, common, self.root, ca=ca, **options)  # type: ignore[arg-type]

    def chain(self, name: str, *parts: Issued) -> Path:
        """Write certificates into one PEM file, in the given order."""
        path = self.folder / f"{name}.chain.pem"
        path.write_bytes(b"".join(part.cert_path.read_bytes() for part in parts))
        return path

    def _make(
        self,
        name: str,
        common: str,
        issuer: Issued | None,
        *,
        ca: bool = False,
        start: dt.timedelta = -60 * DAY,
        end: dt.timedelta = 3650 * DAY,
        extra: list[tuple[x509.ExtensionType, bool]] | None = None,
        rsa_bits: int = 0,
        digest: hashes.HashAlgorithm | None = None,
    ) -> Issued:
        key: Key = (
            rsa.generate_private_key(65_537, rsa_bits)
            if rsa_bits
            else ec.generate_private_key(ec.SECP256R1())
        )
        subject = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Example"),
                x509.NameAttribute(NameOID.COMMON_NAME, common),
            ]
        )
        signer, by = (issuer.key, issuer.certificate.subject) if issuer else (key, subject)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(by)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW + start)
            .not_valid_after(NOW + end)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False
            )
        )
        for extension, critical in extra or []:
            builder = builder.add_extension(extension, critical)
        certificate = builder.sign(signer, digest or hashes.SHA256())
        cert_path, key_path = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        cert_path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        key_path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return Issued(certificate, key, cert_path, key_path)
