"""Interfaces of a pcapng file, and what their ticks mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analyzer.capture.block import Integers, Words
from analyzer.capture.linktypes import UNDESCRIBED

_SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Interface:
    """An Interface Description Block; times are ticks since ``offset`` seconds after the epoch.

    A tick is ``10 ** -resolution`` seconds, or ``2 ** -resolution`` where ``binary`` (if_tsresol).
    """

    link_type: int
    snap_length: int  # 0: none
    resolution: int = 6
    binary: bool = False
    offset: int = 0

    def ns(self, ticks: Words) -> Integers:
        """Convert ticks of this interface."""
        whole = _binary(ticks, self.resolution) if self.binary else _decimal(ticks, self.resolution)
        shift = np.uint64(self.offset * _SECOND % (1 << 64))  # two's complement
        return (whole + shift).view(np.int64)


_UNDESCRIBED = Interface(UNDESCRIBED, 0)


def to_ns(
    interfaces: Sequence[Interface], interface: Integers, high: Integers, low: Integers
) -> Integers:
    """Convert the times of packets, each by its interface; columns of shape ``(N,)``.

    Times beyond the year 2262 do not fit into int64 and wrap: only damaged files have them.
    """
    ticks = high.astype(np.uint64) << np.uint64(32) | low.astype(np.uint64)
    present = np.unique(interface).tolist()
    kinds = [interfaces[i] if i < len(interfaces) else _UNDESCRIBED for i in present]
    if len(kinds) == 1:
        return kinds[0].ns(ticks)
    times = np.empty(len(ticks), np.int64)
    for number, kind in zip(present, kinds, strict=True):
        mask = interface == number
        times[mask] = kind.ns(ticks[mask])
    return times


def _decimal(ticks: Words, exponent: int) -> Words:
    if exponent <= 9:
        return ticks * np.uint64(10 ** (9 - exponent))
    return ticks // np.uint64(10 ** min(exponent - 9, 19))


def _binary(ticks: Words, exponent: int) -> Words:
    """Scale in two steps of at most 30 and 34 bits, which keeps all products below 2**64."""
    if exponent >= 64:
        return np.zeros_like(ticks)
    shift = np.uint64(exponent)
    second = np.uint64(_SECOND)
    fraction = ticks & np.uint64((1 << exponent) - 1)
    rest = max(exponent - 30, 0)
    upper, lower = fraction >> np.uint64(rest), fraction & np.uint64((1 << rest) - 1)
    ns = upper * second + (lower * second >> np.uint64(rest)) >> np.uint64(exponent - rest)
    return (ticks >> shift) * second + ns
