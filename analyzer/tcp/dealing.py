"""Rows of a block are dealt out by connection, so that several can follow a share of them each.

All segments of a pair of endpoints, and the ICMP errors about them, go to the same share. Each share
numbers its own connections; :func:`numbered` says which numbers they have in the whole capture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from analyzer.capture.block import Integers, SegmentBlock, Words
from analyzer.tcp.keys import Keys, quoted


class Dealer:
    """Deals rows out to so many shares."""

    def __init__(self, shares: int) -> None:
        self._shares = shares
        self._keys = Keys()

    def deal(self, block: SegmentBlock) -> list[SegmentBlock]:
        """The rows of each share, over the buffer of all."""
        owners = self._owners(
            block.source, block.destination, block.source_port, block.destination_port
        )
        errors = [(int(self._owners(*quoted(error))[0]), error) for error in block.icmp_errors]
        return [
            replace(
                block.rows(np.flatnonzero(owners == share)),
                icmp_errors=tuple(error for owner, error in errors if owner == share),
            )
            for share in range(self._shares)
        ]

    def _owners(
        self, source: Words, target: Words, source_port: Integers, target_port: Integers
    ) -> Words:
        """The share of each row."""
        _, keys = self._keys.of(source, target, source_port, target_port)
        return keys % np.uint64(self._shares)


def numbered(frames: Sequence[Integers], first: int) -> list[list[int]]:
    """Number connections as Wireshark does: in order of the frames that began them.

    Args:
        frames: Of each share, the frames that began its connections, in order.
        first: The number of the first of them all.

    Returns:
        For each share, the numbers of its connections, in the same order.
    """
    sizes = np.cumsum([len(mine) for mine in frames])
    order = np.argsort(np.concatenate(frames), kind="stable")
    numbers = np.empty(len(order), np.int64)
    numbers[order] = np.arange(first, first + len(order))
    return [mine.tolist() for mine in np.split(numbers, sizes[:-1])]
