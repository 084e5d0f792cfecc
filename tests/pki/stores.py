"""Files of certificates, made for tests."""

from __future__ import annotations

import hashlib
import struct

from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)

from tests.tls.certificates import Made

SECRET = b"correct horse"


def pem(*made: Made) -> bytes:
    return b"".join(each.certificate.public_bytes(Encoding.PEM) for each in made)


def key_pem(made: Made, password: bytes | None = None) -> bytes:
    locked = BestAvailableEncryption(password) if password else NoEncryption()
    return made.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked)


def p12(made: Made, *others: Made, password: bytes | None = SECRET) -> bytes:
    locked = BestAvailableEncryption(password) if password else NoEncryption()
    beside = [each.certificate for each in others]
    return pkcs12.serialize_key_and_certificates(b"own", made.key, made.certificate, beside, locked)


def jks(
    *entries: tuple[str, tuple[Made, ...]],
    magic: int = 0xFEEDFEED,
    version: int = 2,
    password: bytes = SECRET,
    secret_key: bool = False,
) -> bytes:
    """A Java keystore: an entry of one certificate is trusted, one of several belongs to a key."""
    data = struct.pack(">III", magic, version, len(entries) + secret_key)
    for alias, chain in entries:
        data += struct.pack(">I", 2 if len(chain) == 1 else 1) + _utf(alias) + bytes(8)
        if len(chain) > 1:
            data += struct.pack(">I", 4) + b"lock" + struct.pack(">I", len(chain))
        for each in chain:
            data += _utf("X.509") if version > 1 else b""
            data += struct.pack(">I", len(each.der)) + each.der
    if secret_key:
        data += struct.pack(">I", 3) + _utf("aes") + bytes(8) + b"\xac\xed an object of Java"
    wide = password.decode().encode("utf-16-be")
    return data + hashlib.sha1(wide + b"Mighty Aphrodite" + data).digest()


def _utf(text: str) -> bytes:
    return struct.pack(">H", len(text.encode())) + text.encode()
