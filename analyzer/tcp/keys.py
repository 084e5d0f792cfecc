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
        self._mix = tuple(np.uint64(secrets.randbits(63) << 1 | 1) for _ in range(3))

    def of(
        self, source: Words, target: Words, source_port: Integers, target_port: Integers
    ) -> tuple[Integers, Words]:
        """Whether each row's source is the higher endpoint, and a key free of direction.

        Returns:
            ``(swapped, key)`` of shape ``(M,)``: int64 of 0 and 1, uint64.
        """
        higher = np.where(
            source[:, 0] != target[:, 0],
            source[:, 0] > target[:, 0],
            np.where(
                source[:, 1] != target[:, 1],
                source[:, 1] > target[:, 1],
                source_port > target_port,
            ),
        )
        key = self._of_end(source, source_port) + self._of_end(target, target_port)
        return higher.astype(np.int64), _stir(key)

    def _of_end(self, address: Words, port: Integers) -> Words:
        first, second, third = self._mix
        return _stir(
            address[:, 0] * first ^ address[:, 1] * second ^ port.astype(np.uint64) * third
        )


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
