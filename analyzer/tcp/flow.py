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

from analyzer.capture.block import IcmpError, Integers, SegmentBlock, Words
from analyzer.limits import DEFAULT, Limits
from analyzer.tcp.evidence import (
    ACK,
    FIN,
    RST,
    SYN,
    Endpoint,
    Evidence,
    Half,
    IcmpEvent,
    TcpEvent,
)
from analyzer.tcp.gather import Gatherer
from analyzer.tcp.keys import Keys, address_text, quoted
from analyzer.tcp.ledger import Ledger
from analyzer.tcp.sorting import grouped, stable_order
from analyzer.tcp.states import States

_MODULUS: Final = 1 << 32
_UNKNOWN: Final = -1  # in place of a slot: nobody with this key is open
_GONE: Final = -2  # somebody was, and has been told
_KEPT_WHEN_FULL: Final = 3, 4  # the share that stays when a limit is reached


class FlowTable:
    """Feed it blocks in order of capture; take what has ended, and the rest at the end.

    ``part``: what is fed is a piece of a capture, and its evidence will be joined with that of
    other pieces (:mod:`analyzer.tcp.merging`).
    """

    def __init__(self, limits: Limits = DEFAULT, *, part: bool = False) -> None:
        self._limits = limits
        self._part = part
        self._keys = Keys()
        self._current: dict[int, int] = {}  # key -> slot of the newest connection with it
        self._states = States(limits)
        self._ends: dict[int, tuple[Endpoint, Endpoint]] = {}  # by slot, as all that follows
        self._gatherer = Gatherer(self._states, limits)
        self._events: dict[int, list[TcpEvent]] = {}
        self._icmp: dict[int, list[IcmpEvent]] = {}
        self._crowded: set[int] = set()  # slots with more events than are kept
        self._ledger = Ledger(limits.remembered)
        self._now = 0
        self._numbered = 0

    def __len__(self) -> int:
        """The number of connections that are open."""
        return len(self._states)

    @property
    def connections(self) -> int:
        """The number of connections so far."""
        return self._numbered

    @property
    def now(self) -> int:
        """The latest time of a segment so far, ns since the epoch."""
        return self._now

    def opened(self, since: int) -> Integers:
        """The frames that began the connections from number ``since`` on, in order.

        Asked before any of them is given away.
        """
        pairs = self._states.pairs
        slots = np.flatnonzero(pairs["stream"] >= since)
        return pairs["opened"][slots[np.argsort(pairs["stream"][slots])]]

    def advance(self, now: int) -> None:
        """Take note that others observe segments of this time (ns since the epoch)."""
        self._now = max(self._now, now)

    def observe(self, block: SegmentBlock) -> None:
        """Take a block of segments."""
        begin = 0
        newest = self._syn_rows(block) if block.icmp_errors else {}
        for error in block.icmp_errors:
            at = int(np.searchsorted(block.frame, error.frame))
            swapped, key = self._keys.of(*quoted(error))
            syns = newest.get(int(key[0]), [])
            unseen = bisect_left(syns, begin) < bisect_left(syns, at)
            if unseen or self._look_up(key)[0] == _UNKNOWN:
                # What it quotes may begin in this block, or with itself: its place decides.
                self._observe_rows(block.rows(slice(begin, at)))
                begin = at
            self._note_icmp(error, int(key[0]), swapped=bool(swapped[0]))
        self._observe_rows(block.rows(slice(begin, None)) if begin else block)

    def _syn_rows(self, block: SegmentBlock) -> dict[int, list[int]]:
        """The rows that may begin a connection, by key and in order."""
        rows = np.flatnonzero((block.flags & (SYN | ACK)) == SYN)
        some = block.rows(rows)
        _, keys = self._keys.of(
            some.source, some.destination, some.source_port, some.destination_port
        )
        found: dict[int, list[int]] = {}
        for key, row in zip(keys.tolist(), rows.tolist(), strict=True):
            found.setdefault(key, []).append(row)
        return found

    def _observe_rows(self, block: SegmentBlock) -> None:
        if not len(block.frame):
            return
        self._now = max(self._now, int(block.time.max()))
        swapped, key = self._keys.of(
            block.source, block.destination, block.source_port, block.destination_port
        )
        order, group = grouped(key)
        pair = np.empty(len(order), np.int64)
        pair[order] = self._assign(block, key, swapped, order, group)
        half = pair * 2 + swapped
        if pair.min() < 0:
            present = np.flatnonzero(pair >= 0)
            block, half = block.rows(present), half[present]
        if len(half):
            by_half = stable_order(half)
            self._count(block, half, by_half)
            self._gatherer.keep(block, half, by_half)
            self._note_events(block, half)

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
            kept = self._states.halves["kept"]
            freed = np.cumsum(kept[slots * 2] + kept[slots * 2 + 1])
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
            self._remember(some)
            states.give_back(some)
            yield from (evidence for evidence in given if evidence is not None)

    def _evidence_of(
        self, slot: int, stream: int, halves: tuple[Half, Half], limit: str | None
    ) -> Evidence | None:
        ends, events = self._ends.pop(slot), tuple(self._events.pop(slot, ()))
        icmp = tuple(self._icmp.pop(slot, ()))
        reached = _NONE if limit is None else frozenset({limit})
        if self._gatherer.exhausted(slot):
            reached |= {"half_bytes_most"}
        if slot in self._crowded:
            self._crowded.discard(slot)
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

    def _remember(self, slots: Integers) -> None:
        """Write into the ledger who was let go, and free the keys that are still theirs."""
        keys = self._states.pairs["key"][slots].tolist()
        base = self._states.halves["base"]
        bases = list(zip(base[slots * 2].tolist(), base[slots * 2 + 1].tolist(), strict=True))
        mine = [
            self._current.get(key) == slot for key, slot in zip(keys, slots.tolist(), strict=True)
        ]
        for key, own in zip(keys, mine, strict=True):
            if own:
                del self._current[key]
        self._ledger.add(
            [key for key, own in zip(keys, mine, strict=True) if own],
            [base for base, own in zip(bases, mine, strict=True) if own],
        )

    # Who belongs together

    def _assign(
        self, block: SegmentBlock, key: Words, swapped: Integers, order: Integers, group: Integers
    ) -> Integers:
        """Slots of the rows, in the order of ``order``; :data:`_GONE` for late packets.

        Wireshark begins a new stream with the first packet of a pair of endpoints, and with a SYN
        whose sequence number is not that of its sender's SYN before.
        """
        starts = np.flatnonzero(np.diff(group, prepend=-1))
        known = self._look_up(key[order[starts]])
        slot = np.full(len(order), _UNKNOWN, np.int64)
        slot[starts] = known
        new = np.zeros(len(order), np.bool_)
        new[starts] = known == _UNKNOWN
        asked = np.flatnonzero(new | ((block.flags[order] & (SYN | ACK)) == SYN))
        asked = asked[np.argsort(order[asked])]  # connections are numbered in order of capture
        rows = zip(asked.tolist(), starts[group[asked]].tolist(), new[asked].tolist(), strict=True)
        ends = _ends_of(block, order[asked], swapped)
        frames = block.frame[order[asked]].tolist()
        begun: dict[int, int] = {}  # slots taken in this block, and where
        for (here, first, unheard), mine, both, frame in zip(
            rows, key[order[asked]].tolist(), ends, frames, strict=True
        ):
            if not unheard:
                current = self._current.get(mine, _UNKNOWN)
                before = order[begun.get(current, first) : here]
                if not self._begins(block, swapped, current, mine, int(order[here]), before):
                    continue
            begun[self._add(both, mine, frame)] = here
        slot[list(begun.values())] = list(begun)
        # Every row belongs to the connection that was begun last before it in its group.
        last = np.where(slot != _UNKNOWN, np.arange(len(order)), 0)
        return slot[np.maximum.accumulate(last)]

    def _look_up(self, keys: Words) -> Integers:
        """The slot of each key, or :data:`_UNKNOWN`, or :data:`_GONE`."""
        current = self._current
        found = np.fromiter((current.get(k, _UNKNOWN) for k in keys.tolist()), np.int64, len(keys))
        missing = np.flatnonzero(found == _UNKNOWN)
        if len(missing) and len(self._ledger):
            found[missing[self._ledger.known(keys[missing])]] = _GONE
        return found

    def _begins(
        self,
        block: SegmentBlock,
        swapped: Integers,
        current: int,
        key: int,
        row: int,
        before: Integers,
    ) -> bool:
        """Whether a row begins a new connection of its pair of endpoints.

        ``before`` are the rows of the ``current`` connection that this block holds before it.
        """
        side = int(swapped[row])
        surely = True
        if current >= 0:
            state, half = self._states.halves, current * 2 + side
            base, surely = int(state["base"][half]), bool(state["by_syn"][half])
        else:
            bases = self._ledger.bases(key)
            if bases is None:
                return True
            base = bases[side]
        if base < 0:
            same = before[swapped[before] == side]
            if not len(same):
                # The first word of this direction; in a part, for the joining to decide.
                return self._part
            flags = int(block.flags[same[0]])
            surely = flags & (SYN | ACK) == SYN
            base = int(block.sequence[same[0]]) - (not flags & SYN)
        if self._part and not surely:
            return True  # an earlier part may know better where this direction begins
        return base % _MODULUS != int(block.sequence[row])

    def _add(self, ends: tuple[Endpoint, Endpoint], key: int, frame: int) -> int:
        """Number a new connection and make room for its state."""
        slot = self._states.take()
        self._states.pairs["stream"][slot] = self._numbered
        self._states.pairs["key"][slot] = key
        self._states.pairs["opened"][slot] = frame
        self._ends[slot] = ends
        self._current[key] = slot
        self._numbered += 1
        return slot

    # What is counted of every row

    def _count(self, block: SegmentBlock, slot: Integers, by_slot: Integers) -> None:
        ordered = slot[by_slot]
        begins = np.flatnonzero(np.diff(ordered, prepend=-1))
        slots = ordered[begins]
        first, last = by_slot[begins], by_slot[np.append(begins[1:], len(by_slot)) - 1]
        halves = self._states.halves
        new = halves["packets"][slots] == 0
        rows = first[new]
        into = slots[new]
        halves["first_frame"][into] = block.frame[rows]
        halves["first_time"][into] = block.time[rows]
        begun = (block.flags[rows] & SYN) != 0
        halves["base"][into] = (block.sequence[rows] - ~begun) % _MODULUS
        halves["by_syn"][into] = (block.flags[rows] & (SYN | ACK)) == SYN
        if self._part:  # what it is may show in another piece only
            halves["limit"][into[~begun]] = self._limits.half_bytes
            halves["asked"][into[~begun]] = True
        halves["packets"][slots] += np.diff(np.append(begins, len(by_slot)))
        halves["payload"][slots] += np.add.reduceat(block.length[by_slot], begins)
        halves["last_frame"][slots] = block.frame[last]
        halves["last_time"][slots] = block.time[last]
        self._count_acknowledged(block, slots, by_slot, begins)
        self._find_starts(block, slot)

    def _count_acknowledged(
        self, block: SegmentBlock, slots: Integers, by_slot: Integers, begins: Integers
    ) -> None:
        """Keep the highest acknowledgment number of each half, in serial order."""
        valid = (block.flags[by_slot] & ACK) != 0
        numbers = block.acknowledgment[by_slot]
        known = self._states.halves["acknowledged"][slots]
        seed = np.where(known >= 0, known, numbers[begins])
        group = np.repeat(np.arange(len(slots)), np.diff(np.append(begins, len(by_slot))))
        ahead = (numbers - seed[group] + (1 << 31)) % _MODULUS - (1 << 31)
        ahead = np.where(valid, ahead, np.iinfo(np.int64).min)
        most = np.maximum.reduceat(ahead, begins)
        seen = most > np.iinfo(np.int64).min
        most = np.where(known >= 0, np.maximum(most, 0), most)
        self._states.halves["acknowledged"][slots[seen]] = (seed[seen] + most[seen]) % _MODULUS

    def _find_starts(self, block: SegmentBlock, slot: Integers) -> None:
        """The sequence number of the first payload byte: behind the SYN, or of the first payload."""
        syn = (block.flags & SYN) != 0
        rows = np.flatnonzero(syn | (block.length > 0))[::-1]  # the first row is written last
        rows = rows[self._states.halves["start"][slot[rows]] < 0]
        self._states.halves["start"][slot[rows]] = (block.sequence[rows] + syn[rows]) % _MODULUS

    # What is told of rows that open and close

    def _note_events(self, block: SegmentBlock, half: Integers) -> None:
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

    def _note_closing(self, block: SegmentBlock, rows: Integers, halves: Integers) -> None:
        """Note which connections are closed: by RST, or by FIN from both sides."""
        flags = block.flags[rows]
        sent = self._states.halves["fin"]
        sent[halves[(flags & FIN) != 0]] = True
        closing = ((flags & RST) != 0) | (((flags & FIN) != 0) & sent[halves ^ 1])
        self._states.pairs["closed"][halves[closing] >> 1] = block.time[rows[closing]]

    def _note_icmp(self, error: IcmpError, key: int, *, swapped: bool) -> None:
        """Join an ICMP error to the connection that it quotes; open that if it is the first sign."""
        slot = int(self._look_up(np.array([key], np.uint64))[0])
        if slot == _GONE:
            return
        if slot == _UNKNOWN:
            ends = (
                Endpoint(address_text(*error.source), error.source_port),
                Endpoint(address_text(*error.destination), error.destination_port),
            )
            slot = self._add(ends[::-1] if swapped else ends, key, error.frame)
        told = self._icmp.setdefault(slot, [])
        if len(told) < self._limits.icmp_errors:
            told.append(
                IcmpEvent(
                    half=int(swapped),
                    frame=error.frame,
                    time=error.time,
                    reporter=error.reporter,
                    type=error.type,
                    code=error.code,
                    version=error.version,
                    next_hop_mtu=error.next_hop_mtu,
                )
            )


_SILENT: Final = Half()
_NONE: Final[frozenset[str]] = frozenset()
_AT_A_TIME: Final = 1_024  # connections made into evidence at once
# What _make does, without its checks and their price.
_endpoint = functools.partial(tuple.__new__, Endpoint)
_event = functools.partial(tuple.__new__, TcpEvent)
_half = functools.partial(tuple.__new__, Half)
# The columns that make a TcpEvent, after the half that sent it.
_EVENT_COLUMNS: Final = (
    *("frame", "time", "flags", "sequence", "acknowledgment"),
    *("ttl", "ip_id", "window", "mss", "length"),
)


def _ends_of(
    block: SegmentBlock, rows: Integers, swapped: Integers
) -> list[tuple[Endpoint, Endpoint]]:
    """The endpoints of rows, the lower first."""
    sources = _endpoints(block.source.take(rows, axis=0), block.source_port[rows])
    targets = _endpoints(block.destination.take(rows, axis=0), block.destination_port[rows])
    return [
        (target, source) if higher else (source, target)
        for source, target, higher in zip(sources, targets, swapped[rows].tolist(), strict=True)
    ]


def _endpoints(addresses: Words, ports: Integers) -> Iterator[Endpoint]:
    texts = map(address_text, addresses[:, 0].tolist(), addresses[:, 1].tolist())
    return map(_endpoint, zip(texts, ports.tolist(), strict=True))
