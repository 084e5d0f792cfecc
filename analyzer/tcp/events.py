"""What is told of rows that open and close connections, and of ICMP errors about them."""

from __future__ import annotations

import functools
from typing import Final

import numpy as np

from analyzer.capture.block import IcmpError, Integers, SegmentBlock
from analyzer.limits import Limits
from analyzer.tcp.evidence import FIN, RST, SYN, IcmpEvent, TcpEvent
from analyzer.tcp.sorting import stable_order
from analyzer.tcp.states import States


class Events:
    """Keeps the events of open connections, so many of each."""

    def __init__(self, states: States, limits: Limits) -> None:
        self._states = states
        self._limits = limits
        self._events: dict[int, list[TcpEvent]] = {}  # by slot, as all that follows
        self._icmp: dict[int, list[IcmpEvent]] = {}
        self._crowded: set[int] = set()  # those with more than are kept

    def take(self, slot: int) -> tuple[tuple[TcpEvent, ...], tuple[IcmpEvent, ...]]:
        """Give up the events of a connection, in order of capture."""
        return tuple(self._events.pop(slot, ())), tuple(self._icmp.pop(slot, ()))

    def crowded(self, slot: int) -> bool:
        """Whether a connection had more events than are kept; asked once, when it is let go."""
        known = slot in self._crowded
        self._crowded.discard(slot)
        return known

    def note(self, block: SegmentBlock, half: Integers) -> None:
        """Take the rows of a block with SYN, FIN or RST."""
        rows = np.flatnonzero((block.flags & (SYN | FIN | RST)) != 0)
        self._note_closing(block, rows, half[rows])
        rows = rows[stable_order(half[rows] >> 1)]
        facts = zip(
            (half[rows] & 1).tolist(),
            *(getattr(block, name)[rows].tolist() for name in _EVENT_COLUMNS),
            strict=True,
        )
        events = [*map(_event, facts)]
        slots = half[rows] >> 1
        begins = np.flatnonzero(np.diff(slots, prepend=-1))
        runs = map(slice, begins.tolist(), [*begins[1:].tolist(), len(rows)])
        most = self._limits.events
        for slot, run in zip(slots[begins].tolist(), runs, strict=True):
            told = self._events.setdefault(slot, [])
            told += events[run]
            if len(told) > most:
                del told[most:]
                self._crowded.add(slot)

    def note_error(self, slot: int, half: int, error: IcmpError) -> None:
        """Take an ICMP error that quotes a half of a connection."""
        told = self._icmp.setdefault(slot, [])
        if len(told) < self._limits.icmp_errors:
            told.append(
                IcmpEvent(
                    half=half,
                    frame=error.frame,
                    time=error.time,
                    reporter=error.reporter,
                    type=error.type,
                    code=error.code,
                    version=error.version,
                    next_hop_mtu=error.next_hop_mtu,
                )
            )

    def _note_closing(self, block: SegmentBlock, rows: Integers, halves: Integers) -> None:
        """Note which connections are closed: by RST, or by FIN from both sides."""
        flags = block.flags[rows]
        sent = self._states.halves["fin"]
        sent[halves[(flags & FIN) != 0]] = True
        closing = ((flags & RST) != 0) | (((flags & FIN) != 0) & sent[halves ^ 1])
        self._states.pairs["closed"][halves[closing] >> 1] = block.time[rows[closing]]


# What _make does, without its checks and their price.
_event = functools.partial(tuple.__new__, TcpEvent)
# The columns that make a TcpEvent, after the half that sent it.
_EVENT_COLUMNS: Final = (
    *("frame", "time", "flags", "sequence", "acknowledgment"),
    *("ttl", "ip_id", "window", "mss", "length"),
)
