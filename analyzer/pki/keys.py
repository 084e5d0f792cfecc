"""Whether a key belongs to a certificate. Only public halves are compared and kept."""

from __future__ import annotations

import functools
import warnings

from analyzer.errors import CaptureError
from analyzer.pki.stores import NO_PASSWORDS, Passwords, read_store


def key_file(path: str, passwords: Passwords = NO_PASSWORDS) -> tuple[bytes, ...]:
    """The public halves (SubjectPublicKeyInfo) of the private keys in a file.

    Raises:
        CaptureError: It cannot be read, or holds no key that can be opened.
    """
    store = read_store(path, passwords)
    if store is None or not store.public_keys:
        hint = "give a private key in PEM, DER or PKCS#12, with --password-file if it is encrypted"
        raise CaptureError("holds no private key that can be opened", path=path, hint=hint)
    return store.public_keys


@functools.lru_cache(maxsize=4096)
def public_key(certificate: bytes) -> bytes | None:
    """A certificate's public key as SubjectPublicKeyInfo; None where the library refuses it."""
    from cryptography import x509  # noqa: PLC0415 - a tenth of a second that most runs need not spend
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - as above
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # noqa: PLC0415 - as above

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of certificates that we judge ourselves
        try:
            key = x509.load_der_x509_certificate(certificate).public_key()
        except (UnsupportedAlgorithm, ValueError, TypeError, x509.InvalidVersion):
            return None
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
