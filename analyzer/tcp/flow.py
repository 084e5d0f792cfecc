"""Columns of segments become evidence of connections.

Whole blocks are worked on at once: one sort groups a block's rows by connection and direction, the
state of all open connections lives in columns, and only rows that a handshake can need (and those
with SYN, FIN or RST) ever become Python objects. Connections are numbered as Wireshark numbers
``tcp.stream``. What has ended, or exceeds a limit, is given away and its place used again.
"""

from __future__ import annotations

import functools
from bisect import bisect_left
from collections.abc import Callable, Iterator
from typing import Final

import numpy as np

from analyzer.capture.block import Integers, SegmentBlock
from analyzer.limits import DEFAULT, Limits
from analyzer.tcp.counting import Counter
from analyzer.tcp.events import Events
from analyzer.tcp.evidence import Evidence, Half
from analyzer.tcp.gather import Gatherer
from analyzer.tcp.numbering import GONE, Numbering
from analyzer.tcp.sorting import stable_order
from analyzer.tcp.states import States

_KEPT_WHEN_FULL: Final = 3, 4  # the share that stays when a limit is reached


class FlowTable:
    """Feed it blocks in order of capture; take what has ended, and the rest at the end.

    ``part``: what is fed is a piece of a capture, and its evidence will be joined with that of
    other pieces (:mod:`analyzer.tcp.merging`).
    """

    def __init__(self, limits: Limits = DEFAULT, *, part: bool = False) -> None:
        self._limits = limits
        self._part = part
        self._states = States(limits)
        self._numbering = Numbering(self._states, limits, part=part)
        self._counter = Counter(self._states, limits, part=part)
        self._gatherer = Gatherer(self._states, limits)
        self._events = Events(self._states, limits)
        self._now = 0

    def __len__(self) -> int:
        """The number of connections that are open."""
        return len(self._states)

    @property
    def connections(self) -> int:
        """The number of connections so far."""
        return self._numbering.count

    @property
    def now(self) -> int:
        """The latest time of a segment so far, ns since the epoch."""
        return self._now

    def opened(self, since: int) -> Integers:
        """The frames that began the connections from number ``since`` on, in order.

        Asked before any of them is given away.
        """
        return self._numbering.opened(since)

    def advance(self, now: int) -> None:
        """Take note that others observe segments of this time (ns since the epoch)."""
        self._now = max(self._now, now)

    def observe(self, block: SegmentBlock) -> None:
        """Take a block of segments."""
        begin, numbering = 0, self._numbering
        newest = numbering.syn_rows(block) if block.icmp_errors else {}
        for error in block.icmp_errors:
            at = int(np.searchsorted(block.frame, error.frame))
            key, _ = numbering.quoted_by(error)
            syns = newest.get(key, [])
            unseen = bisect_left(syns, begin) < bisect_left(syns, at)
            if unseen or not numbering.knows(key):
                # What it quotes may begin in this block, or with itself: its place decides.
                self._observe_rows(block.rows(slice(begin, at)))
                begin = at
            slot, half = numbering.place_error(error)
            if slot != GONE:
                self._events.note_error(slot, half, error)
        self._observe_rows(block.rows(slice(begin, None)) if begin else block)

    def _observe_rows(self, block: SegmentBlock) -> None:
        if not len(block.frame):
            return
        self._now = max(self._now, int(block.time.max()))
        slot, swapped = self._numbering.place(block)
        half = slot * 2 + swapped
        if slot.min() < 0:
            present = np.flatnonzero(slot >= 0)
            block, half = block.rows(present), half[present]
        if len(half):
            by_half = stable_order(half)
            self._counter.count(block, half, by_half)
            self._gatherer.keep(block, half, by_half)
            self._events.note(block, half)

    # What is given away

    def ended(self, *, quiet: bool = False) -> Iterator[Evidence]:
        """Give away the connections that were closed a while ago, in order of closing.

        ``quiet``: nothing more is to be expected soon, so that a while need not pass. Connections
        beyond the named limits are given away, too, those silent for longest first.
        """
        linger = 0 if quiet else self._limits.linger
        yield from self._give(self._states.closed(self._now - linger))
        yield from self._let_go()

    def evidence(self) -> Iterator[Evidence]:
        """Give away all that are left, in order of their numbers.

        What is known from ICMP errors alone has a number, as in Wireshark, but nothing to tell.
        """
        yield from self._give(self._states.used())

    def _let_go(self) -> Iterator[Evidence]:
        """Make room where there are too many connections.

        Those that were closed go first, without a word: they only lack late packets. Then those
        that have been silent for longest.
        """
        yield from self._make_room(lambda: self._states.closed(self._now), named=False)
        yield from self._make_room(self._states.idle_first, named=True)

    def _make_room(self, choose: Callable[[], Integers], *, named: bool) -> Iterator[Evidence]:
        """Give away connections, in the order chosen, as far as there are too many."""
        part, whole = _KEPT_WHEN_FULL
        limits = self._limits
        if len(self._states) > limits.open_connections:
            surplus = len(self._states) - limits.open_connections * part // whole
            yield from self._give(choose()[:surplus], "open_connections" if named else None)
        if self._gatherer.held > limits.open_bytes:
            slots = choose()
            held = self._states.halves["held"]
            freed = np.cumsum(held[slots * 2] + held[slots * 2 + 1])
            surplus = self._gatherer.held - limits.open_bytes * part // whole
            enough = int(np.searchsorted(freed, surplus))
            yield from self._give(slots[: enough + 1], "open_bytes" if named else None)

    def _give(self, slots: Integers, limit: str | None = None) -> Iterator[Evidence]:
        """Make evidence of connections, some at a time, and use their slots again."""
        states = self._states
        for at in range(0, len(slots), _AT_A_TIME):
            some = slots[at : at + _AT_A_TIME]
            told = zip(
                some.tolist(),
                states.pairs["stream"][some].tolist(),
                zip(self._halves(some * 2), self._halves(some * 2 + 1), strict=True),
                strict=True,
            )
            given = [self._evidence_of(*one, limit) for one in told]
            self._numbering.forget(some)
            states.give_back(some)
            yield from (evidence for evidence in given if evidence is not None)

    def _evidence_of(
        self, slot: int, stream: int, halves: tuple[Half, Half], limit: str | None
    ) -> Evidence | None:
        ends, (events, icmp) = self._numbering.take_ends(slot), self._events.take(slot)
        reached = _NONE if limit is None else frozenset({limit})
        if self._gatherer.exhausted(slot):
            reached |= {"half_bytes_most"}
        if self._events.crowded(slot):
            reached |= {"events"}
        if not halves[0].packets and not halves[1].packets and not self._part:
            return None
        return Evidence(stream, ends, halves, events, icmp, reached)

    def _halves(self, rows: Integers) -> list[Half]:
        """What was sent by the halves with these rows."""
        state = self._states.halves
        acknowledged = state["acknowledged"][rows].tolist()
        told = zip(
            self._gatherer.take(rows),
            state["packets"][rows].tolist(),
            state["payload"][rows].tolist(),
            (state["payload"][rows] - state["kept"][rows]).tolist(),
            [number if number >= 0 else None for number in acknowledged],
            state["first_frame"][rows].tolist(),
            state["first_time"][rows].tolist(),
            state["last_frame"][rows].tolist(),
            state["last_time"][rows].tolist(),
            state["base"][rows].tolist(),
            strict=True,
        )
        return [_half(one) if one[1] else _SILENT for one in told]


_SILENT: Final = Half()
_NONE: Final[frozenset[str]] = frozenset()
_AT_A_TIME: Final = 1_024  # connections made into evidence at once
# What _make does, without its checks and their price.
_half = functools.partial(tuple.__new__, Half)
