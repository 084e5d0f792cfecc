"""Arithmetic of 32-bit sequence numbers (RFC 9293 section 3.4)."""

from __future__ import annotations


def distance(sequence: int, base: int) -> int:
    """Signed distance in bytes from ``base`` to ``sequence``, modulo 2**32.

    Meaningful for distances below 2**31, which any real receive window is. Negative: ``sequence``
    is older.

    >>> distance(5, 0xFFFF_FFFE)
    7
    >>> distance(0xFFFF_FFFE, 5)
    -7
    """
    return ((sequence - base + 0x8000_0000) & 0xFFFF_FFFF) - 0x8000_0000


def later(left: int | None, right: int | None) -> int | None:
    """The later of two sequence numbers in serial order; None stands for "none yet"."""
    if left is None or right is None:
        return right if left is None else left
    return left if distance(left, right) >= 0 else right
