"""A certificate made on the spot, for a listener that is there for an hour."""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_LIFE: Final = dt.timedelta(days=7)
_SKEW: Final = dt.timedelta(hours=1)  # clocks of clients differ
_COMMON_NAME_MOST: Final = 64  # RFC 5280 appendix A: ub-common-name


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate and its key, PEM."""

    certificate: bytes
    key: bytes

    @property
    def together(self) -> bytes:
        """Both in one file."""
        return self.certificate + self.key


def make_identity(
    names: Iterable[str], now: dt.datetime | None = None, *, rsa_key: bool = False
) -> Identity:
    """Make a self-signed certificate for host names and addresses."""
    now = now or dt.datetime.now(dt.UTC)
    key = (
        rsa.generate_private_key(65_537, 2048)
        if rsa_key
        else ec.generate_private_key(ec.SECP256R1())
    )
    wanted = list(dict.fromkeys(names)) or ["localhost"]
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, wanted[0][:_COMMON_NAME_MOST])])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(now + _LIFE)
        .add_extension(
            x509.SubjectAlternativeName([_name(name) for name in wanted]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Identity(
        certificate.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    )


def _name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
