"""The state of connections as columns: a slot for each, used again when it is let go."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from analyzer.capture.block import Integers
from analyzer.limits import Limits

# One row for each half of each connection.
_HALF: Final = np.dtype(
    [
        ("packets", np.int64),
        ("payload", np.int64),
        ("kept", np.int64),  # of the payload, as on the wire
        ("held", np.int64),  # the same as captured
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
_Columns: TypeAlias = dict[str, npt.NDArray[Any]]  # by name; all of the same length


class States:
    """Rows of all open connections: ``slot`` in ``pairs``; ``2 * slot`` and the next in ``halves``.

    Each column lies by itself: from a table of records, numpy gathers at a quarter of the speed.
    """

    def __init__(self, limits: Limits) -> None:
        self._new_half = {name: np.zeros(1, _HALF[name]) for name in _HALF.names or ()}
        for name in ("acknowledged", "base", "start"):
            self._new_half[name][:] = -1
        self._new_half["limit"][:] = limits.half_opening
        self._new_pair = {name: np.zeros(1, _PAIR[name]) for name in _PAIR.names or ()}
        self._new_pair["stream"][:] = -1
        self.halves: _Columns = {name: new[:0] for name, new in self._new_half.items()}
        self.pairs: _Columns = {name: new[:0] for name, new in self._new_pair.items()}
        self._free: list[int] = []

    def __len__(self) -> int:
        """The number of slots in use."""
        return len(self.pairs["stream"]) - len(self._free)

    def take(self) -> int:
        """A free slot, with the state of a connection that was not heard of."""
        if not self._free:
            before = len(self.pairs["stream"])
            more = max(before, _FIRST)
            self._free = list(range(before + more - 1, before - 1, -1))
            self.halves = _longer(self.halves, self._new_half, 2 * more)
            self.pairs = _longer(self.pairs, self._new_pair, more)
        return self._free.pop()

    def give_back(self, slots: Integers) -> None:
        """Make slots free again."""
        halves = np.append(slots * 2, slots * 2 + 1)
        for name, new in self._new_half.items():
            self.halves[name][halves] = new
        for name, new in self._new_pair.items():
            self.pairs[name][slots] = new
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


def _longer(columns: _Columns, new: _Columns, more: int) -> _Columns:
    """The same columns with new rows behind."""
    return {
        name: np.concatenate([column, np.repeat(new[name], more)])
        for name, column in columns.items()
    }
