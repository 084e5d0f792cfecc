"""Protected records become plaintext: the ciphers of SSL 3.0 to TLS 1.3, one class per family.

Every opener checks what protects the record (a tag or a MAC) and gives None where it does not fit:
what it gives was really sent. Ciphers come from ``cryptography``, which is imported only when
keys are at hand; a suite that it lacks (ARIA, Camellia with GCM, export suites) stays closed.
"""

from __future__ import annotations

import hashlib
import hmac
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from analyzer.tls.decryption.key_schedule import DirectionKeys, derives, key_length, traffic_keys
from analyzer.tls.registry.code_points import ProtocolVersion
from analyzer.tls.registry.suite_facts import SuiteFacts

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import Cipher, CipherAlgorithm, CipherContext
    from cryptography.hazmat.primitives.ciphers.modes import CBC, Mode


@dataclass(frozen=True, slots=True)
class Sealed:
    """A protected record: the type and version of its header, and what follows it."""

    content_type: int
    version: int
    fragment: bytes

    def header(self, length: int) -> bytes:
        """Type, version and a length, as MACs and AEADs cover them."""
        return bytes([self.content_type]) + self.version.to_bytes(2, "big") + _u16(length)


@dataclass(frozen=True, slots=True, repr=False)
class Opened:
    """What a record holds, and its number in the count of its direction."""

    plain: bytes
    number: int


class Protection(Protocol):
    """What protects the records of one direction between two changes of keys."""

    def open(self, sealed: Sealed, numbers: range) -> Opened | None:
        """Give the plaintext, and which of these numbers the record has; None where none fits."""

    def skip(self, sealed: Sealed) -> None:
        """Let a record pass unopened, where the next one depends on it."""


def protection13(secret: bytes, facts: SuiteFacts, version: ProtocolVersion) -> Protection | None:
    """The protection that a TLS 1.3 traffic secret gives; None for a suite that is not known here."""
    if not derives(facts, version):
        return None
    size = key_length(facts)
    key, iv = traffic_keys(secret, size, facts.hash)
    decrypt = _aead(facts, key) if facts.aead else None
    tag = facts.tag_length or 16
    return _Late(decrypt, iv, tag, _bare_header(version)) if decrypt else None


def _bare_header(version: ProtocolVersion) -> bool:
    """Whether a record's header is not authenticated: drafts before 25 of RFC 8446."""
    return version.draft is not None and version.draft < 25


def protection12(
    keys: DirectionKeys, facts: SuiteFacts, version: ProtocolVersion, *, encrypt_then_mac: bool
) -> Protection | None:
    """The protection of SSL 3.0 to TLS 1.2; None for a suite that is not known here."""
    if facts.export:
        return None
    if facts.aead:
        decrypt = _aead(facts, keys.key)
        return _Early(decrypt, keys.iv, facts) if decrypt else None
    mac = _mac(facts, keys, version)
    if mac is None:
        return None
    if facts.cipher == "NULL":
        return _Stream(None, mac)
    algorithm = _algorithm(facts, keys.key)
    if algorithm is None:
        return None
    if facts.mode == "CBC":
        return _Block(algorithm, keys.iv, facts.block_size, mac, version, encrypt_then_mac)
    stream = _decryptor(algorithm, None)
    return _Stream(stream, mac) if stream else None


_Decrypt = Callable[[bytes, bytes, bytes], "bytes | None"]  # nonce, ciphertext with tag, covered


def _aead(facts: SuiteFacts, key: bytes) -> _Decrypt | None:
    """Decryption with one key, or None where the library lacks the cipher."""
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - only with keys at hand
    from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305  # noqa: PLC0415 - as above

    aead: AESGCM | AESCCM | ChaCha20Poly1305
    if facts.cipher.startswith("AES") and facts.mode == "GCM":
        aead = AESGCM(key)
    elif facts.cipher.startswith("AES") and facts.mode in {"CCM", "CCM_8"}:
        aead = AESCCM(key, facts.tag_length or 16)
    elif facts.cipher == "CHACHA20":
        aead = ChaCha20Poly1305(key)
    else:
        return _other_gcm(facts, key) if facts.mode == "GCM" else None

    def decrypt(nonce: bytes, ciphertext: bytes, covered: bytes) -> bytes | None:
        try:
            return aead.decrypt(nonce, ciphertext, covered)
        except InvalidTag:
            return None

    return decrypt


def _other_gcm(facts: SuiteFacts, key: bytes) -> _Decrypt | None:
    """GCM around another block cipher, where the library has the two together (SM4)."""
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - only with keys at hand
    from cryptography.hazmat.primitives.ciphers.modes import GCM  # noqa: PLC0415 - as above

    algorithm = _algorithm(facts, key)
    if algorithm is None or _decryptor(algorithm, GCM(bytes(12), bytes(16))) is None:
        return None

    def decrypt(nonce: bytes, ciphertext: bytes, covered: bytes) -> bytes | None:
        engine = _cipher(algorithm, GCM(nonce, ciphertext[-16:])).decryptor()
        engine.authenticate_additional_data(covered)
        try:
            return engine.update(ciphertext[:-16]) + engine.finalize()
        except InvalidTag:
            return None

    return decrypt


@dataclass(slots=True, repr=False)
class _Late:
    """TLS 1.3 (RFC 8446 section 5.2): the nonce is the IV with the record's number."""

    decrypt: _Decrypt
    iv: bytes
    tag_length: int
    bare: bool

    def open(self, sealed: Sealed, numbers: range) -> Opened | None:
        if len(sealed.fragment) <= self.tag_length:
            return None
        covered = b"" if self.bare else sealed.header(len(sealed.fragment))
        for number in numbers:
            plain = self.decrypt(_numbered(self.iv, number), sealed.fragment, covered)
            if plain is not None:
                return Opened(plain, number)
        return None

    def skip(self, sealed: Sealed) -> None:
        """Nothing depends on the record before."""


@dataclass(slots=True, repr=False)
class _Early:
    """The AEADs of TLS 1.2 (RFC 5246 section 6.2.3.3, RFC 7905 section 2)."""

    decrypt: _Decrypt
    iv: bytes
    facts: SuiteFacts

    def open(self, sealed: Sealed, numbers: range) -> Opened | None:
        explicit = self.facts.explicit_nonce
        body = sealed.fragment[explicit:]
        length = len(body) - (self.facts.tag_length or 16)
        if length < 0:
            return None
        for number in numbers:
            nonce = self.iv + sealed.fragment[:explicit] if explicit else _numbered(self.iv, number)
            plain = self.decrypt(nonce, body, _u64(number) + sealed.header(length))
            if plain is not None:
                return Opened(plain, number)
        return None

    def skip(self, sealed: Sealed) -> None:
        """Nothing depends on the record before."""


@dataclass(slots=True, repr=False)
class _Stream:
    """RC4, or no cipher at all, with a MAC behind the content (RFC 5246 section 6.2.3.1).

    RC4's keystream runs on from record to record. A record that is passed by moves it on with
    zeros: its plaintext is never made.
    """

    stream: CipherContext | None
    mac: _Mac

    def open(self, sealed: Sealed, numbers: range) -> Opened | None:
        plain = self.stream.update(sealed.fragment) if self.stream else sealed.fragment
        return self.mac.checked(sealed, plain, numbers)

    def skip(self, sealed: Sealed) -> None:
        if self.stream:
            self.stream.update(bytes(len(sealed.fragment)))


@dataclass(slots=True, repr=False)
class _Block:
    """CBC (RFC 5246 section 6.2.3.2), with encrypt-then-MAC (RFC 7366) where it was agreed.

    Up to TLS 1.0 the IV is the last block of the record before.
    """

    algorithm: CipherAlgorithm
    iv: bytes
    size: int
    mac: _Mac
    version: ProtocolVersion
    encrypt_then_mac: bool

    def open(self, sealed: Sealed, numbers: range) -> Opened | None:
        before = self.iv
        self.skip(sealed)
        if self.encrypt_then_mac:
            checked = self.mac.checked(sealed, sealed.fragment, numbers)
            plain = self._plain(checked.plain, before) if checked else None
            return Opened(plain, checked.number) if checked and plain is not None else None
        plain = self._plain(sealed.fragment, before)
        return self.mac.checked(sealed, plain, numbers) if plain is not None else None

    def skip(self, sealed: Sealed) -> None:
        if self.version < ProtocolVersion.TLS1_1:
            body = sealed.fragment
            end = len(body) - (self.mac.length if self.encrypt_then_mac else 0)
            self.iv = body[max(end - self.size, 0) : end]

    def _plain(self, fragment: bytes, before: bytes) -> bytes | None:
        from cryptography.hazmat.primitives.ciphers.modes import CBC  # noqa: PLC0415 - with keys only

        iv, body = before, fragment
        if self.version >= ProtocolVersion.TLS1_1:
            iv, body = fragment[: self.size], fragment[self.size :]
        if not body or len(body) % self.size or len(iv) != self.size:
            return None
        mode: CBC = CBC(iv)
        engine = _cipher(self.algorithm, mode).decryptor()
        return self._unpadded(engine.update(body) + engine.finalize())

    def _unpadded(self, padded: bytes) -> bytes | None:
        """Without the padding, whose last byte tells how many stand before it.

        From TLS 1.0 on all of them hold that number; in SSL 3.0 they hold anything.
        """
        length = padded[-1] + 1
        if length > len(padded):
            return None
        said = padded[-length:]
        if self.version > ProtocolVersion.SSL3 and said != bytes([length - 1]) * length:
            return None
        return padded[:-length]


class _Mac(Protocol):
    length: int

    def checked(self, sealed: Sealed, data: bytes, numbers: range) -> Opened | None:
        """What stands before the MAC at the end of ``data``, if the MAC fits one of the numbers."""


def _mac(facts: SuiteFacts, keys: DirectionKeys, version: ProtocolVersion) -> _Mac | None:
    digest = "sha1" if facts.mac == "SHA" else facts.mac.lower()
    if digest not in _DIGESTS:
        return None
    length = facts.tag_length or 0
    if version == ProtocolVersion.SSL3:
        return _Ssl3Mac(keys.mac_key, digest, length)
    return _Hmac(keys.mac_key, digest, length)


_DIGESTS: Final = frozenset({"md5", "sha1", "sha256", "sha384"})


@dataclass(slots=True, repr=False)
class _Hmac:
    key: bytes
    digest: str
    length: int

    def checked(self, sealed: Sealed, data: bytes, numbers: range) -> Opened | None:
        content, mac = _split(data, self.length)
        covered = sealed.header(len(content)) + content
        for number in numbers:
            if hmac.digest(self.key, _u64(number) + covered, self.digest) == mac:
                return Opened(content, number)
        return None


@dataclass(slots=True, repr=False)
class _Ssl3Mac:
    """RFC 6101 section 5.2.3.1: hashes with pads, and no version among what is covered."""

    key: bytes
    digest: str
    length: int

    def checked(self, sealed: Sealed, data: bytes, numbers: range) -> Opened | None:
        content, mac = _split(data, self.length)
        pad = 48 if self.digest == "md5" else 40
        covered = bytes([sealed.content_type]) + _u16(len(content)) + content
        for number in numbers:
            inner = self._hash(self.key + b"\x36" * pad + _u64(number) + covered)
            if self._hash(self.key + b"\x5c" * pad + inner) == mac:
                return Opened(content, number)
        return None

    def _hash(self, data: bytes) -> bytes:
        return hashlib.new(self.digest, data, usedforsecurity=False).digest()


def _split(data: bytes, length: int) -> tuple[bytes, bytes]:
    end = max(len(data) - length, 0)
    return data[:end], data[end:]


def _algorithm(facts: SuiteFacts, key: bytes) -> CipherAlgorithm | None:
    from cryptography.hazmat.decrepit.ciphers import algorithms as old  # noqa: PLC0415 - with keys only
    from cryptography.hazmat.primitives.ciphers import algorithms  # noqa: PLC0415 - as above

    family = facts.cipher.partition("_")[0]
    home = old if hasattr(old, _ALGORITHMS.get(family, "-")) else algorithms
    make = getattr(home, _ALGORITHMS.get(family, "-"), None)
    try:
        return make(key) if make else None
    except ValueError:
        return None  # a length of key that the library does not take


_ALGORITHMS: Final = {
    "AES": "AES",
    "CAMELLIA": "Camellia",
    "SM4": "SM4",
    "3DES": "TripleDES",
    "SEED": "SEED",
    "IDEA": "IDEA",
    "RC4": "ARC4",
}


def _cipher(algorithm: CipherAlgorithm, mode: Mode | None) -> Cipher:  # type: ignore[type-arg]
    from cryptography.hazmat.primitives.ciphers import Cipher  # noqa: PLC0415 - with keys only

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library warns of ciphers that others chose
        return Cipher(algorithm, mode)


def _decryptor(algorithm: CipherAlgorithm, mode: Mode | None) -> CipherContext | None:
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - with keys only

    try:
        return _cipher(algorithm, mode).decryptor()
    except UnsupportedAlgorithm:
        return None


def _numbered(iv: bytes, sequence: int) -> bytes:
    number = sequence.to_bytes(len(iv), "big")
    return bytes(a ^ b for a, b in zip(iv, number, strict=True))


def _u16(number: int) -> bytes:
    return number.to_bytes(2, "big")


def _u64(number: int) -> bytes:
    return number.to_bytes(8, "big")
