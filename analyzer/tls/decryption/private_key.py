"""A server's RSA key, to open the key exchange of SSL 3.0 to TLS 1.2 that bears its name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

_BLOCK: Final = re.compile(
    rb"-----BEGIN ((?:[A-Z]+ )?PRIVATE KEY)-----.*?-----END \1-----", re.DOTALL
)


class PrivateKeyError(Exception):
    """A private key is of no use; the text says why in a few words, and nothing of the key."""


class PrivateKey:
    """An RSA private key; ``repr`` shows none of it."""

    def __init__(self, key: rsa.RSAPrivateKey) -> None:
        self._key = key
        self._public = key.public_key().public_numbers()

    def fits(self, certificate: bytes) -> bool:
        """Whether a certificate (DER) holds the public half."""
        try:
            public = x509.load_der_x509_certificate(certificate).public_key()
        except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion):
            return False
        return isinstance(public, rsa.RSAPublicKey) and public.public_numbers() == self._public

    def premaster(self, encrypted: bytes) -> bytes | None:
        """Undo the encryption of a premaster secret (RFC 5246 section 7.4.7.1); None if it fails."""
        try:
            plain = self._key.decrypt(encrypted, padding.PKCS1v15())
        except ValueError:
            return None
        return plain if len(plain) == 48 else None


def load_private_key(pem: bytes, password: bytes | None) -> PrivateKey:
    """Read the first private key of a PEM file, which may hold certificates, too.

    Raises:
        PrivateKeyError: There is none, the password is wrong or missing, or it is no RSA key.
    """
    found = _BLOCK.search(pem)
    if found is None:
        raise PrivateKeyError("it holds no private key in PEM form")
    key = _loaded(found[0], password)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise PrivateKeyError("its key is not RSA, and opens no key exchange; use a key log")
    return PrivateKey(key)


def _loaded(block: bytes, password: bytes | None) -> PrivateKeyTypes:
    encrypted = b"ENCRYPTED" in block[:200]
    if encrypted and password is None:
        raise PrivateKeyError("its key is encrypted; give the password by --key-password-file")
    try:
        return load_pem_private_key(block, password if encrypted else None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        pass  # the library's text is not for users, and a chained one might hold more than it should
    raise PrivateKeyError(
        "the password does not open its key" if encrypted else "its key cannot be read"
    )
