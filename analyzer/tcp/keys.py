"""Which rows belong together: one key for both directions of a pair of endpoints."""

from __future__ import annotations

import functools
import ipaddress
import secrets
from typing import Final

import numpy as np
import numpy.typing as npt

from analyzer.capture.block import IcmpError, Integers, Words

_MAPPED: Final = 0xFFFF  # RFC 4291 section 2.5.5.2


class Keys:
    """Mixes endpoints into keys, differently in every process run.

    The multipliers are random and odd: nobody can prepare addresses whose keys collide.
    """

    def __init__(self) -> None:
        self._mix = tuple(np.uint64(secrets.randbits(63) << 1 | 1) for _ in range(5))

    def of(
        self, source: Words, target: Words, source_port: Integers, target_port: Integers
    ) -> tuple[Integers, Words]:
        """Whether each row's source is the higher endpoint, and a key free of direction.

        Returns:
            ``(swapped, key)`` of shape ``(M,)``: int64 of 0 and 1, uint64.
        """
        higher = (
            (source[:, 0] > target[:, 0])
            | ((source[:, 0] == target[:, 0]) & (source[:, 1] > target[:, 1]))
            | ((source == target).all(axis=1) & (source_port > target_port))
        )
        ends = np.where(
            higher,
            target_port << 16 | source_port,
            source_port << 16 | target_port,
        ).astype(np.uint64)
        low = np.where(higher[:, None], target, source)
        high = np.where(higher[:, None], source, target)
        mix = self._mix
        key = low[:, 0] * mix[0] ^ low[:, 1] * mix[1]
        key = _stir(key) ^ high[:, 0] * mix[2] ^ high[:, 1] * mix[3]
        key = _stir(key) ^ ends * mix[4]
        return higher.astype(np.int64), _stir(key)


def quoted(error: IcmpError) -> tuple[Words, Words, Integers, Integers]:
    """Source, destination and ports of the segment that an error quotes, as columns of one row."""
    return (
        np.array([error.source], np.uint64),
        np.array([error.destination], np.uint64),
        np.array([error.source_port]),
        np.array([error.destination_port]),
    )


def _stir(key: Words) -> Words:
    """Spread every bit over the whole word."""
    key = key ^ (key >> np.uint64(32))
    stirred: npt.NDArray[np.uint64] = key * np.uint64(0x9E37_79B9_7F4A_7C15)
    return stirred ^ (stirred >> np.uint64(29))


@functools.lru_cache(maxsize=1 << 12)
def address_text(high: int, low: int) -> str:
    """An address of two 64-bit words in its canonical form (RFC 5952 for IPv6)."""
    if high == 0 and low >> 32 == _MAPPED:
        return f"{low >> 24 & 255}.{low >> 16 & 255}.{low >> 8 & 255}.{low & 255}"
    return str(ipaddress.IPv6Address(high << 64 | low))
