"""What is counted of every row, without looking at any of them."""

from __future__ import annotations

from typing import Final

import numpy as np

from analyzer.capture.block import Integers, SegmentBlock
from analyzer.limits import Limits
from analyzer.tcp.evidence import ACK, SYN
from analyzer.tcp.states import States

_MODULUS: Final = 1 << 32


class Counter:
    """Counts packets and bytes of the halves of connections, and the numbers of their sequence.

    ``part``: what is counted is a piece of a capture (see :class:`~analyzer.tcp.flow.FlowTable`).
    """

    def __init__(self, states: States, limits: Limits, *, part: bool) -> None:
        self._states = states
        self._limits = limits
        self._part = part

    def count(self, block: SegmentBlock, half: Integers, by_half: Integers) -> None:
        """Count the rows of a block; ``by_half`` sorts them by their half, in order of capture."""
        ordered = half[by_half]
        begins = np.flatnonzero(np.diff(ordered, prepend=-1))
        active = ordered[begins]
        first, last = by_half[begins], by_half[np.append(begins[1:], len(by_half)) - 1]
        halves = self._states.halves
        new = halves["packets"][active] == 0
        rows = first[new]
        into = active[new]
        halves["first_frame"][into] = block.frame[rows]
        halves["first_time"][into] = block.time[rows]
        begun = (block.flags[rows] & SYN) != 0
        halves["base"][into] = (block.sequence[rows] - ~begun) % _MODULUS
        halves["by_syn"][into] = (block.flags[rows] & (SYN | ACK)) == SYN
        if self._part:  # what it is may show in another piece only
            halves["limit"][into[~begun]] = self._limits.half_bytes
            halves["asked"][into[~begun]] = True
        halves["packets"][active] += np.diff(np.append(begins, len(by_half)))
        halves["payload"][active] += np.add.reduceat(block.length[by_half], begins)
        halves["last_frame"][active] = block.frame[last]
        halves["last_time"][active] = block.time[last]
        self._count_acknowledged(block, active, by_half, begins)
        self._find_starts(block, half)

    def _count_acknowledged(
        self, block: SegmentBlock, active: Integers, by_half: Integers, begins: Integers
    ) -> None:
        """Keep the highest acknowledgment number of each half, in serial order."""
        valid = (block.flags[by_half] & ACK) != 0
        numbers = block.acknowledgment[by_half]
        known = self._states.halves["acknowledged"][active]
        seed = np.where(known >= 0, known, numbers[begins])
        group = np.repeat(np.arange(len(active)), np.diff(np.append(begins, len(by_half))))
        ahead = (numbers - seed[group] + (1 << 31)) % _MODULUS - (1 << 31)
        ahead = np.where(valid, ahead, np.iinfo(np.int64).min)
        most = np.maximum.reduceat(ahead, begins)
        seen = most > np.iinfo(np.int64).min
        most = np.where(known >= 0, np.maximum(most, 0), most)
        self._states.halves["acknowledged"][active[seen]] = (seed[seen] + most[seen]) % _MODULUS

    def _find_starts(self, block: SegmentBlock, half: Integers) -> None:
        """The sequence number of the first payload byte: behind the SYN, or of the first payload."""
        syn = (block.flags & SYN) != 0
        rows = np.flatnonzero(syn | (block.length > 0))[::-1]  # the first row is written last
        rows = rows[self._states.halves["start"][half[rows]] < 0]
        self._states.halves["start"][half[rows]] = (block.sequence[rows] + syn[rows]) % _MODULUS
