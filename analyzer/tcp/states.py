"""The state of connections as columns: a slot for each, used again when it is let go."""

from __future__ import annotations

from typing import Final

import numpy as np

from analyzer.capture.block import Integers
from analyzer.limits import Limits

# One row for each half of each connection.
_HALF: Final = np.dtype(
    [
        ("packets", np.int64),
        ("payload", np.int64),
        ("kept", np.int64),
        ("first_frame", np.int64),
        ("first_time", np.int64),
        ("last_frame", np.int64),
        ("last_time", np.int64),
        ("acknowledged", np.int64),  # -1: none yet
        ("base", np.int64),  # sequence number of the first packet, a SYN's own; -1: none yet
        ("by_syn", np.bool_),  # the first packet is a SYN, and no answer to one
        ("start", np.int64),  # sequence number of the first payload byte; -1: none yet
        ("limit", np.int64),  # payload bytes after ``start`` that are kept
        ("asked", np.bool_),  # the limit is final
        ("fin", np.bool_),  # sent
    ]
)
# One row for each connection.
_PAIR: Final = np.dtype(
    [
        ("stream", np.int64),  # -1: the slot is free
        ("key", np.uint64),
        ("opened", np.int64),  # the frame that began it
        ("closed", np.int64),  # time of the packet that closed it, ns; 0: open
    ]
)
_FIRST: Final = 1024


class States:
    """Rows of all open connections: ``pairs[slot]``, and ``halves[2 * slot]`` and the next."""

    def __init__(self, limits: Limits) -> None:
        self._new_half = np.zeros(1, _HALF)
        for name in ("acknowledged", "base", "start"):
            self._new_half[name] = -1
        self._new_half["limit"] = limits.half_opening
        self._new_pair = np.zeros(1, _PAIR)
        self._new_pair["stream"] = -1
        self.halves = self._new_half[:0]
        self.pairs = self._new_pair[:0]
        self._free: list[int] = []

    def __len__(self) -> int:
        """The number of slots in use."""
        return len(self.pairs) - len(self._free)

    def take(self) -> int:
        """A free slot, with the state of a connection that was not heard of."""
        if not self._free:
            more = max(len(self.pairs), _FIRST)
            self._free = list(range(len(self.pairs) + more - 1, len(self.pairs) - 1, -1))
            self.halves = np.concatenate([self.halves, np.repeat(self._new_half, 2 * more)])
            self.pairs = np.concatenate([self.pairs, np.repeat(self._new_pair, more)])
        return self._free.pop()

    def give_back(self, slots: Integers) -> None:
        """Make slots free again."""
        self.halves[slots * 2] = self.halves[slots * 2 + 1] = self._new_half
        self.pairs[slots] = self._new_pair
        self._free += slots.tolist()

    def used(self) -> Integers:
        """The slots in use, in order of their stream numbers."""
        slots = np.flatnonzero(self.pairs["stream"] >= 0)
        return slots[np.argsort(self.pairs["stream"][slots])]

    def closed(self, until: int) -> Integers:
        """Slots of connections that were closed at ``until`` or before, in order of closing."""
        closed = self.pairs["closed"]
        slots = np.flatnonzero((closed != 0) & (closed <= until))
        return slots[np.lexsort((self.pairs["stream"][slots], closed[slots]))]

    def idle_first(self) -> Integers:
        """The slots in use, those silent for longest first."""
        slots = self.used()
        last = self.halves["last_frame"]
        return slots[np.argsort(np.maximum(last[slots * 2], last[slots * 2 + 1]), kind="stable")]
