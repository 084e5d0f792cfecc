"""Certificates made for tests: short to ask for, everything about them can be said."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
END = datetime(2027, 1, 1, tzinfo=UTC)


@functools.cache
def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


def ec_key(curve: ec.EllipticCurve | None = None) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(curve or ec.SECP256R1())


def name(common_name: str | None, organization: str | None = None) -> x509.Name:
    attributes = []
    if organization:
        attributes.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    if common_name:
        attributes.append(x509.NameAttribute(NameOID.COMMON_NAME, common_name))
    return x509.Name(attributes)


@dataclass(frozen=True)
class Made:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: Key

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)


def make(
    common_name: str | None,
    *extensions: tuple[x509.ExtensionType, bool],
    issuer: Made | None = None,
    key: Key | None = None,
    ca: bool = False,
    path_length: int | None = None,
    dns: tuple[str, ...] = (),
    algorithm: hashes.HashAlgorithm | None = None,
    issuer_name: x509.Name | None = None,
    serial: int = 0xC0FFEE,
    begin: datetime = BEGIN,
    end: datetime = END,
    identifiers: bool = True,
) -> Made:
    """Make a certificate; without an issuer it signs itself."""
    key = key or ec_key()
    signer = issuer.key if issuer else key
    subject = name(common_name)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer_name or (issuer.certificate.subject if issuer else subject))
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(begin)
        .not_valid_after(end)
    )
    if ca:
        builder = builder.add_extension(x509.BasicConstraints(True, path_length), critical=True)
    if identifiers:
        builder = builder.add_extension(
            x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
        ).add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
    if dns:
        names = x509.SubjectAlternativeName([x509.DNSName(host) for host in dns])
        builder = builder.add_extension(names, critical=False)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    hash_ = None if isinstance(signer, ed25519.Ed25519PrivateKey) else algorithm or hashes.SHA256()
    return Made(builder.sign(signer, hash_), key)  # type: ignore[arg-type]


@functools.cache
def chain() -> tuple[Made, Made, Made]:
    """A leaf for ``server.example``, its intermediate and its root."""
    root = make("Root", ca=True)
    intermediate = make("Intermediate", issuer=root, ca=True, path_length=0)
    return make("leaf", issuer=intermediate, dns=("server.example",)), intermediate, root


def ns(time: datetime) -> int:
    return int(time.timestamp()) * 1_000_000_000


def day(count: float) -> timedelta:
    return timedelta(days=count)
