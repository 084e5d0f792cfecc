"""How strong keys and hashes must be, by OpenSSL's security levels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from analyzer.pki.codes import Code
from analyzer.pki.problem import Problem, holder
from analyzer.tls.x509.chain import CertificateFacts


def strength(chain: list[CertificateFacts], level: int) -> Iterator[Problem]:
    """Keys of authorities, and hashes of all signatures but the root's."""
    if level <= 0:
        return
    for depth, facts in enumerate(chain):
        if depth and too_small(facts, level):
            text = f"the key of {holder(facts)} is too short: {facts.key_text}"
            yield Problem(Code.CA_KEY_TOO_SMALL, depth, text)
        if depth < len(chain) - 1 and _hash_bits(facts) < _LEVEL_BITS[min(level, 5)]:
            text = f"{holder(facts)} is signed with {facts.signature_algorithm}"
            yield Problem(Code.CA_MD_TOO_WEAK, depth, text)


_LEVEL_BITS: Final = (0, 80, 112, 128, 192, 256)
# Sizes of RSA, DSA and DH keys for those bits (NIST SP 800-57 part 1, table 2).
_FACTORING_BITS: Final = (0, 1024, 2048, 3072, 7680, 15_360)
_HASH_BITS: Final = {
    "md2": 18,
    "md4": 18,
    "md5": 18,
    "sha1": 63,
    "sha224": 112,
    "sha256": 128,
    "sha384": 192,
    "sha512": 256,
}


def too_small(facts: CertificateFacts, level: int) -> bool:
    """Whether a key has fewer bits of security than a level asks for."""
    bits, level = facts.key_bits, min(level, 5)
    if bits is None:
        return False
    if facts.key_kind in {"RSA", "RSASSA-PSS", "DSA", "DH"}:
        return bits < _FACTORING_BITS[level]
    return bits // 2 + bits % 2 < _LEVEL_BITS[level]


def _hash_bits(facts: CertificateFacts) -> int:
    """Bits of security against collisions; signatures without a hash of their own are as their key."""
    return _HASH_BITS.get(facts.signature_hash or "", 256)
