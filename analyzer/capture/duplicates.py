"""Packets that were captured twice: on a bond and its members, or a VLAN and its parent."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from analyzer.capture.block import Mask, SegmentBlock
from analyzer.capture.tcp import join

_OPENING_OR_CLOSING: Final = 7  # FIN, SYN and RST: RFC 9293 section 3.1
_NEAR: Final = 4  # rows that a copy comes behind its original
_SOON: Final = 1_000_000  # ns; a retransmission takes longer than that
_SAME: Final = (
    *("sequence", "acknowledgment", "source_port", "destination_port"),
    *("flags", "ip_id", "length", "window"),
)


class Copies:
    """Finds the copies in blocks that follow each other, also of rows in the block before."""

    def __init__(self) -> None:
        self._before: SegmentBlock | None = None  # the last rows so far, whatever they hold

    def of(self, block: SegmentBlock) -> Mask:
        """Rows that are copies of one shortly before them, shape ``(M,)``."""
        copies = _repeated(block)
        last = [block.rows(slice(-_NEAR, None))]
        if self._before is not None:
            border = join([self._before, block.rows(slice(_NEAR))], ())
            copies[:_NEAR] |= _repeated(border)[len(self._before.frame) :]
            last.insert(0, self._before)
        # Without the buffer, which the next block takes for itself.
        self._before = replace(join(last, ()).rows(slice(-_NEAR, None)), buffer=_NONE)
        return copies


_NONE: Final = np.empty(0, np.uint8)


def _repeated(block: SegmentBlock) -> Mask:
    """Rows that are copies of one shortly before them in the block, shape ``(M,)``.

    A copy has the same IP identification, which a retransmission has not. Where there is none
    (IPv6, or always 0) only segments count that a sender repeats after a timeout at the earliest:
    those with payload, SYN, FIN or RST. The time to live may differ: a router lies between.
    """
    size = len(block.frame)
    copies = np.zeros(size, np.bool_)
    told = (block.length > 0) | ((block.flags & _OPENING_OR_CLOSING) != 0) | (block.ip_id > 0)
    for lag in range(1, min(_NEAR, size - 1) + 1):
        (rows,) = np.nonzero(block.sequence[lag:] == block.sequence[:-lag])
        rows += lag
        for name in _SAME:
            column = getattr(block, name)
            rows = rows[column.take(rows) == column.take(rows - lag)]
        if not len(rows):
            continue
        same = np.abs(block.time[rows] - block.time[rows - lag]) < _SOON
        for addresses in (block.source, block.destination):
            equal = addresses.take(rows, axis=0) == addresses.take(rows - lag, axis=0)
            same &= equal[:, 0] & equal[:, 1]
        copies[rows[same & told[rows]]] = True
    return copies
