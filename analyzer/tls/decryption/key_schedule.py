"""Secrets become keys: the key schedules of SSL 3.0 to TLS 1.3.

Bytes in, bytes out, by the standard library alone. Hashes go by the names of
:class:`~analyzer.tls.registry.suite_facts.SuiteFacts` ("SHA256", "MD5+SHA1"); versions are those on the wire.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Final

from analyzer.tls.registry.code_points import ProtocolVersion
from analyzer.tls.registry.suite_facts import SuiteFacts

MASTER_LENGTH: Final = 48
_OLD_HASH: Final = "MD5+SHA1"


def expand_label(secret: bytes, label: bytes, context: bytes, length: int, hash_: str) -> bytes:
    """HKDF-Expand-Label (RFC 8446 section 7.1).

    ::

        struct {
            uint16 length = Length;
            opaque label<7..255> = "tls13 " + Label;
            opaque context<0..255> = Context;
        } HkdfLabel;
    """
    name = b"tls13 " + label
    info = length.to_bytes(2, "big") + bytes([len(name)]) + name + bytes([len(context)]) + context
    return _hkdf_expand(secret, info, length, hash_)


def _hkdf_expand(secret: bytes, info: bytes, length: int, hash_: str) -> bytes:
    """HKDF-Expand (RFC 5869 section 2.3)."""
    digest, block, out = hash_.lower(), b"", b""
    counter = 0
    while len(out) < length:
        counter += 1
        block = hmac.digest(secret, block + info + bytes([counter]), digest)
        out += block
    return out[:length]


def following_secret(secret: bytes, hash_: str) -> bytes:
    """The traffic secret after a KeyUpdate (RFC 8446 section 7.2)."""
    return expand_label(secret, b"traffic upd", b"", len(secret), hash_)


def traffic_keys(secret: bytes, key_length: int, hash_: str) -> tuple[bytes, bytes]:
    """Key and IV of one direction's records (RFC 8446 section 7.3)."""
    key = expand_label(secret, b"key", b"", key_length, hash_)
    return key, expand_label(secret, b"iv", b"", 12, hash_)


def derives(facts: SuiteFacts, version: ProtocolVersion) -> bool:
    """Whether keys can be derived: the hash of a suite is known, here and to the version."""
    hash_ = facts.hash if version.tls13 else prf_hash(facts, version)
    old = hash_ == _OLD_HASH and not version.tls13
    return old or hash_.lower() in hashlib.algorithms_available


def prf_hash(facts: SuiteFacts, version: ProtocolVersion) -> str:
    """The hash that a suite's PRF uses in a version: before TLS 1.2 MD5 and SHA-1 together."""
    if version < ProtocolVersion.TLS1_2:
        return _OLD_HASH
    return "SHA256" if facts.hash == _OLD_HASH else facts.hash  # RFC 5246 section 5


def prf(secret: bytes, label: bytes, seed: bytes, length: int, hash_: str) -> bytes:
    """The PRF of TLS 1.2 (RFC 5246 section 5), or that of TLS 1.0 and 1.1 (RFC 2246 section 5).

    The older one splits the secret between MD5 and SHA-1, halves sharing a byte where it is odd.
    """
    if hash_ != _OLD_HASH:
        return _p_hash(secret, label + seed, length, hash_.lower())
    half = (len(secret) + 1) // 2
    one = _p_hash(secret[:half], label + seed, length, "md5")
    other = _p_hash(secret[len(secret) - half :], label + seed, length, "sha1")
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def _p_hash(secret: bytes, seed: bytes, length: int, digest: str) -> bytes:
    out, chained = b"", seed
    while len(out) < length:
        chained = hmac.digest(secret, chained, digest)
        out += hmac.digest(secret, chained + seed, digest)
    return out[:length]


def _ssl3_prf(secret: bytes, seed: bytes, length: int) -> bytes:
    """What SSL 3.0 makes master secret and keys with (RFC 6101 sections 6.1 and 6.2.2)."""
    out, count = b"", 0
    while len(out) < length:
        count += 1
        salt = bytes([0x40 + count]) * count  # "A", "BB", "CCC" …
        inner = _digest("sha1", salt + secret + seed)
        out += _digest("md5", secret + inner)
    return out[:length]


def _digest(name: str, data: bytes) -> bytes:
    return hashlib.new(name, data, usedforsecurity=False).digest()


@dataclass(frozen=True, slots=True)
class Randoms:
    """What both hellos contribute to the keys of SSL 3.0 to TLS 1.2."""

    client: bytes
    server: bytes


def master_secret(
    premaster: bytes, randoms: Randoms, version: ProtocolVersion, facts: SuiteFacts
) -> bytes:
    """The master secret of a premaster secret (RFC 5246 section 8.1, RFC 6101 section 6.1)."""
    seed = randoms.client + randoms.server
    if version == ProtocolVersion.SSL3:
        return _ssl3_prf(premaster, seed, MASTER_LENGTH)
    return prf(premaster, b"master secret", seed, MASTER_LENGTH, prf_hash(facts, version))


def extended_master_secret(
    premaster: bytes, transcript: bytes, version: ProtocolVersion, facts: SuiteFacts
) -> bytes:
    """The master secret bound to the handshake up to ClientKeyExchange (RFC 7627 section 4)."""
    hash_ = prf_hash(facts, version)
    if hash_ == _OLD_HASH:
        session_hash = _digest("md5", transcript) + _digest("sha1", transcript)
    else:
        session_hash = _digest(hash_.lower(), transcript)
    return prf(premaster, b"extended master secret", session_hash, MASTER_LENGTH, hash_)


@dataclass(frozen=True, slots=True, repr=False)
class DirectionKeys:
    """One direction's part of the key block; ``repr`` shows none of it."""

    mac_key: bytes
    key: bytes
    iv: bytes  # or the salt of an AEAD's nonce


def direction_keys(
    master: bytes, randoms: Randoms, version: ProtocolVersion, facts: SuiteFacts
) -> tuple[DirectionKeys, DirectionKeys]:
    """The client's and the server's keys (RFC 5246 section 6.3, RFC 6101 section 6.2.2)."""
    mac, key, iv = mac_length(facts), key_length(facts), _iv_length(facts, version)
    length = 2 * (mac + key + iv)
    seed = randoms.server + randoms.client
    if version == ProtocolVersion.SSL3:
        block = _ssl3_prf(master, seed, length)
    else:
        block = prf(master, b"key expansion", seed, length, prf_hash(facts, version))
    parts: list[bytes] = []
    for size in (mac, mac, key, key, iv, iv):
        parts.append(block[:size])
        block = block[size:]
    return DirectionKeys(*parts[0::2]), DirectionKeys(*parts[1::2])


def mac_length(facts: SuiteFacts) -> int:
    """Bytes of the MAC that a record carries beside an AEAD's tag: none with an AEAD."""
    return 0 if facts.aead else facts.tag_length or 0


def key_length(facts: SuiteFacts) -> int:
    """Bytes of the cipher's key; 3DES spends a bit of each byte on parity."""
    return 24 if facts.cipher == "3DES_EDE" else facts.key_bits // 8


def _iv_length(facts: SuiteFacts, version: ProtocolVersion) -> int:
    if facts.aead:
        return 12 if facts.cipher == "CHACHA20" else 4  # RFC 7905 section 2, RFC 5288 section 3
    # From TLS 1.1 on a record brings its IV along (RFC 4346 section 6.2.3.2).
    return facts.block_size if version < ProtocolVersion.TLS1_1 else 0
