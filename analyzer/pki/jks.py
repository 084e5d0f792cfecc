"""Java keystores in their own formats, JKS and JCEKS: the certificates in them, and their aliases.

Certificates lie in clear there; a password serves to check that nobody changed the file, and to open
keys, which are left alone. The format is that of ``sun.security.provider.JavaKeyStore``::

    u4 magic (feedfeed, JCEKS cececece), u4 version (1, 2), u4 count, then entries:
    u4 tag, UTF alias, u8 date (ms), then
      tag 1, a private key: u4 length, bytes; u4 count of certificates, those
      tag 2, a certificate: it
      tag 3, a secret key (JCEKS): a serialized object of Java
    a certificate: UTF type (version 2 only), u4 length, bytes
    at the end 20 bytes: SHA-1 of the password (UTF-16), "Mighty Aphrodite" and all before
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from analyzer.errors import DecodeError
from analyzer.tls.wire import Reader

MAGICS: Final = {b"\xfe\xed\xfe\xed": "JKS", b"\xce\xce\xce\xce": "JCEKS"}
_DIGEST: Final = 20
_KEY, _CERTIFICATE = 1, 2
_ENTRIES_MOST: Final = 10_000


@dataclass(frozen=True, slots=True)
class JavaStore:
    """What lies in a Java keystore. ``problem`` says why reading ended early; else None."""

    kind: str
    certificates: tuple[tuple[str, bytes], ...]  # alias, DER
    keys: int  # private keys, left closed
    problem: str | None = None


def read_java_store(data: bytes) -> JavaStore:
    """Read the certificates of a JKS or JCEKS file; what is whole is kept where it is damaged."""
    kind = MAGICS[data[:4]]
    found: list[tuple[str, bytes]] = []
    keys: set[str] = set()
    problem = None
    reader = Reader.over(data[4:-_DIGEST], "keystore")
    try:
        version = reader.uint(4, "version")
        for _ in range(min(reader.uint(4, "count"), _ENTRIES_MOST)):
            tag, alias = reader.uint(4, "tag"), _text(reader)
            reader.raw(8, "date")
            if tag not in {_KEY, _CERTIFICATE}:
                problem = f"the secret key '{alias}' and what comes after it was not read"
                break
            if tag == _KEY:
                keys.add(alias)
            found += ((alias, der) for der in _certificates(reader, tag, version))
    except DecodeError as error:
        problem = f"damaged at {error.defect.field}: {error.defect.detail}"
    return JavaStore(kind, tuple(found), len(keys), problem)


def password_fits(data: bytes, password: bytes) -> bool:
    """Whether a password is the one that the file was written with."""
    wide = password.decode("utf-8", "replace").encode("utf-16-be")
    digest = hashlib.sha1(wide + b"Mighty Aphrodite" + data[:-_DIGEST], usedforsecurity=False)
    return hmac.compare_digest(digest.digest(), data[-_DIGEST:])


def _certificates(reader: Reader, tag: int, version: int) -> Iterator[bytes]:
    """The certificates of an entry, the holder's first."""
    count = 1
    if tag == _KEY:
        reader.raw(reader.uint(4, "key length"), "key")
        count = reader.uint(4, "chain length")
    for _ in range(min(count, _ENTRIES_MOST)):
        if version > 1:
            _text(reader)
        yield bytes(reader.raw(reader.uint(4, "certificate length"), "certificate"))


def _text(reader: Reader) -> str:
    """A string of Java: two bytes of length, then its own form of UTF-8."""
    raw = bytes(reader.raw(reader.uint(2, "length"), "text"))
    return raw.decode("utf-8", "replace")
