"""Columns of segments become evidence of connections.

Whole blocks are worked on at once: one sort groups a block's rows by connection and direction, the
state of all connections lives in columns, and only rows that a handshake can need (and those with
SYN, FIN or RST) ever become Python objects. Connections are numbered as Wireshark numbers
``tcp.stream``.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import secrets
from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from analyzer.capture.block import IcmpError, Integers, Mask, SegmentBlock, Words
from analyzer.capture.select import like_alert_or_handshake
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
    Piece,
    TcpEvent,
)
from analyzer.tcp.interest import next_limit

_MODULUS: Final = 1 << 32
_MAPPED: Final = 0xFFFF_0000_0000  # RFC 4291 section 2.5.5.2
_LAST_WORDS_MOST: Final = 512  # payload bytes of a closing segment that are kept in any case
_BEFORE_START: Final = _MODULUS - (64 << 10)  # bytes that reordering may bring before the first

# The columns of a half's state, one row for each half of each connection.
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
        ("start", np.int64),  # sequence number of the first payload byte; -1: none yet
        ("limit", np.int64),  # payload bytes after ``start`` that are kept
        ("asked", np.bool_),  # the limit is final
    ]
)


class FlowTable:
    """Feed it blocks in order of capture; then take the evidence of every connection."""

    def __init__(self, limits: Limits = DEFAULT) -> None:
        self._limits = limits
        # Odd random multipliers: nobody can prepare addresses whose keys collide.
        self._mix = tuple(np.uint64(secrets.randbits(63) << 1 | 1) for _ in range(5))
        self._current: dict[int, int] = {}  # key -> number of the newest connection with it
        self._ends: list[tuple[Endpoint, Endpoint]] = []
        self._halves = np.zeros(1024, _HALF)
        self._pieces: dict[int, list[Piece]] = {}
        self._events: dict[int, list[TcpEvent]] = {}
        self._icmp: dict[int, list[IcmpEvent]] = {}
        self._reached: dict[int, set[str]] = {}

    def __len__(self) -> int:
        """The number of connections so far."""
        return len(self._ends)

    def observe(self, block: SegmentBlock) -> None:
        """Take a block of segments."""
        begin = 0
        for error in block.icmp_errors:
            if self._known(error) is None:
                # It takes a number of its own, at its place in the order of frames.
                at = int(np.searchsorted(block.frame, error.frame))
                self._observe_rows(_rows(block, begin, at))
                begin = at
            self._note_icmp(error)
        self._observe_rows(_rows(block, begin, len(block.frame)) if begin else block)

    def _observe_rows(self, block: SegmentBlock) -> None:
        if len(block.frame):
            swapped, key = self._keys(
                block.source, block.destination, block.source_port, block.destination_port
            )
            order = np.argsort(key, kind="stable")
            connection = np.empty(len(order), np.int64)
            connection[order] = self._number(block, key, swapped, order)
            slot = connection * 2 + swapped
            by_slot = np.argsort(slot, kind="stable")
            self._count(block, slot, by_slot)
            self._keep(block, slot, by_slot)
            self._note_events(block, slot)

    def evidence(self) -> Iterator[Evidence]:
        """Give the evidence of every connection, in order of their numbers.

        What is known from ICMP errors alone has a number, as in Wireshark, but nothing to tell.
        """
        for number, ends in enumerate(self._ends):
            if not self._halves["packets"][number * 2 : number * 2 + 2].any():
                continue
            yield Evidence(
                stream=number,
                endpoints=ends,
                halves=(self._half(number * 2), self._half(number * 2 + 1)),
                events=tuple(self._events.get(number, ())),
                icmp=tuple(self._icmp.get(number, ())),
                limits=frozenset(self._reached.get(number, ())),
            )

    def _half(self, slot: int) -> Half:
        row = self._halves[slot]
        if not row["packets"]:
            return Half()
        acknowledged = int(row["acknowledged"])
        return Half(
            pieces=tuple(self._pieces.get(slot, ())),
            packets=int(row["packets"]),
            payload=int(row["payload"]),
            left_out=int(row["payload"] - row["kept"]),
            acknowledged=None if acknowledged < 0 else acknowledged,
            first_frame=int(row["first_frame"]),
            first_time=int(row["first_time"]),
            last_frame=int(row["last_frame"]),
            last_time=int(row["last_time"]),
        )

    # Who belongs together

    def _keys(
        self, source: Words, target: Words, source_port: Integers, target_port: Integers
    ) -> tuple[Integers, Words]:
        """Whether each row's source is the higher endpoint, and a key free of direction.

        Returns:
            ``(swapped, key)`` of shape ``(M,)``: int64 of 0 and 1, uint64.
        """
        higher = (
            (source[:, 0] > target[:, 0])
            | ((source[:, 0] == target[:, 0]) & (source[:, 1] > target[:, 1]))
            | ((source == target).all(axis=1) & (source_port > target_port))
        )
        ends = np.where(
            higher,
            target_port << 16 | source_port,
            source_port << 16 | target_port,
        ).astype(np.uint64)
        low = np.where(higher[:, None], target, source)
        high = np.where(higher[:, None], source, target)
        mix = self._mix
        key = low[:, 0] * mix[0] ^ low[:, 1] * mix[1]
        key = _stir(key) ^ high[:, 0] * mix[2] ^ high[:, 1] * mix[3]
        key = _stir(key) ^ ends * mix[4]
        return higher.astype(np.int64), _stir(key)

    def _number(
        self, block: SegmentBlock, key: Words, swapped: Integers, order: Integers
    ) -> Integers:
        """Connection numbers of the rows, in the order of ``order``.

        Wireshark begins a new stream with the first packet of a pair of endpoints, and with a SYN
        whose sequence number is not that of its sender's SYN before.
        """
        ordered = key[order]
        begins = np.empty(len(order), np.bool_)
        begins[0] = True
        np.not_equal(ordered[1:], ordered[:-1], out=begins[1:])
        group = np.cumsum(begins) - 1
        starts = np.flatnonzero(begins)
        keys = ordered[starts].tolist()
        numbers = np.fromiter((self._current.get(k, -1) for k in keys), np.int64, len(keys))
        fresh = order[starts[numbers < 0]]
        syn = np.flatnonzero((block.flags & (SYN | ACK)) == SYN)
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order))
        number = np.full(len(order), -1, np.int64)
        number[starts] = numbers
        opened: dict[int, int] = {}  # connections begun in this block, and where
        for row in np.union1d(fresh, syn).tolist():
            at = int(place[row])
            current = self._current.get(int(key[row]))
            if current is not None:
                before = order[opened.get(current, int(starts[group[at]])) : at]
                if not self._begins(block, swapped, current, row, before):
                    continue
            number[at] = self._current[int(key[row])] = self._open(block, row, swapped)
            opened[int(number[at])] = at
        # Every row belongs to the connection that was begun last before it in its group.
        last = np.where(number >= 0, np.arange(len(order)), 0)
        return number[np.maximum.accumulate(last)]

    def _begins(
        self, block: SegmentBlock, swapped: Integers, current: int, row: int, before: Integers
    ) -> bool:
        """Whether a SYN begins a new connection of a pair that has one.

        ``before`` are the rows of the ``current`` connection that this block holds before it.
        """
        base = int(self._halves["base"][current * 2 + int(swapped[row])])
        if base < 0:
            same = before[swapped[before] == swapped[row]]
            if not len(same):
                return False  # the first word of this direction
            base = int(block.sequence[same[0]]) - (not block.flags[same[0]] & SYN)
        return base % _MODULUS != int(block.sequence[row])

    def _open(self, block: SegmentBlock, row: int, swapped: Integers) -> int:
        ends = (
            Endpoint(_address(block.source[row]), int(block.source_port[row])),
            Endpoint(_address(block.destination[row]), int(block.destination_port[row])),
        )
        return self._add(ends, swapped=bool(swapped[row]))

    def _add(self, ends: tuple[Endpoint, Endpoint], *, swapped: bool) -> int:
        """Number a new connection and make room for its state."""
        number = len(self._ends)
        self._ends.append((ends[1], ends[0]) if swapped else ends)
        if number * 2 + 2 > len(self._halves):
            self._halves = np.concatenate([self._halves, np.zeros(len(self._halves), _HALF)])
        new = self._halves[number * 2 : number * 2 + 2]
        new["acknowledged"] = new["base"] = new["start"] = -1
        new["limit"] = self._limits.half_opening
        return number

    # What is counted of every row

    def _count(self, block: SegmentBlock, slot: Integers, by_slot: Integers) -> None:
        ordered = slot[by_slot]
        begins = np.flatnonzero(np.diff(ordered, prepend=-1))
        slots = ordered[begins]
        first, last = by_slot[begins], by_slot[np.append(begins[1:], len(by_slot)) - 1]
        halves = self._halves
        new = halves["packets"][slots] == 0
        rows = first[new]
        into = slots[new]
        halves["first_frame"][into] = block.frame[rows]
        halves["first_time"][into] = block.time[rows]
        begun = (block.flags[rows] & SYN) != 0
        halves["base"][into] = (block.sequence[rows] - ~begun) % _MODULUS
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
        known = self._halves["acknowledged"][slots]
        seed = np.where(known >= 0, known, numbers[begins])
        group = np.repeat(np.arange(len(slots)), np.diff(np.append(begins, len(by_slot))))
        ahead = (numbers - seed[group] + (1 << 31)) % _MODULUS - (1 << 31)
        ahead = np.where(valid, ahead, np.iinfo(np.int64).min)
        most = np.maximum.reduceat(ahead, begins)
        seen = most > np.iinfo(np.int64).min
        most = np.where(known >= 0, np.maximum(most, 0), most)
        self._halves["acknowledged"][slots[seen]] = (seed[seen] + most[seen]) % _MODULUS

    def _find_starts(self, block: SegmentBlock, slot: Integers) -> None:
        """The sequence number of the first payload byte: behind the SYN, or of the first payload."""
        syn = (block.flags & SYN) != 0
        rows = np.flatnonzero(syn | (block.length > 0))[::-1]  # the first row is written last
        rows = rows[self._halves["start"][slot[rows]] < 0]
        self._halves["start"][slot[rows]] = (block.sequence[rows] + syn[rows]) % _MODULUS

    # What is kept of rows that matter

    def _keep(self, block: SegmentBlock, slot: Integers, by_slot: Integers) -> None:
        """Keep the payload of rows within their half's limit, and ask for more where it ran out."""
        loaded = by_slot[block.length[by_slot] > 0]
        if not len(loaded):
            return
        slots = slot[loaded]
        ahead = (block.sequence[loaded] - self._halves["start"][slots]) % _MODULUS
        wanted = (ahead < self._halves["limit"][slots]) | (ahead >= _BEFORE_START)
        kept = wanted
        while True:
            if wanted.any():
                self._gather(block, loaded[wanted], slots[wanted])
            out = slots[~kept & ~self._halves["asked"][slots]]
            raised = self._raise_limits(np.unique(out)) if len(out) else out
            if not len(raised):
                break
            wanted = ~kept & np.isin(slots, raised) & (ahead < self._halves["limit"][slots])
            kept = kept | wanted
        telling = self._telling(block, loaded, slots) & ~kept
        if telling.any():
            self._gather(block, loaded[telling], slots[telling])

    def _telling(self, block: SegmentBlock, rows: Integers, slots: Integers) -> Mask:
        """Rows beyond their limit that may still tell something: alerts, handshakes, last words."""
        closing = (block.flags[rows] & (FIN | RST)) != 0
        last_words = closing & (block.length[rows] <= _LAST_WORDS_MOST)
        telling: Mask = (like_alert_or_handshake(block, rows) | last_words) & ~self._plain(slots)
        return telling

    def _plain(self, slots: Integers) -> Mask:
        """Halves that were asked and found to speak no TLS keep nothing more."""
        state = self._halves
        plain: Mask = state["asked"][slots] & (state["limit"][slots] <= self._limits.half_opening)
        return plain

    def _gather(self, block: SegmentBlock, rows: Integers, slots: Integers) -> None:
        """Copy the payload of rows, joining those that follow each other on the wire."""
        captured = block.end[rows] - block.begin[rows]
        cut = block.length[rows] - captured
        sequence = block.sequence[rows]
        follows = np.empty(len(rows), np.bool_)
        follows[0] = False
        follows[1:] = (
            (slots[1:] == slots[:-1])
            & (sequence[1:] == (sequence[:-1] + captured[:-1]) % _MODULUS)
            & (cut[:-1] == 0)
        )
        starts = np.flatnonzero(~follows)
        total = np.cumsum(captured)
        before = np.repeat(total[starts] - captured[starts], np.diff(np.append(starts, len(rows))))
        ends = (total - before).tolist()
        begin, end = block.begin[rows].tolist(), block.end[rows].tolist()
        frames, times = block.frame[rows].tolist(), block.time[rows].tolist()
        buffer = block.buffer.data
        stops = [*starts[1:].tolist(), len(rows)]
        cuts = cut[np.asarray(stops) - 1].tolist()
        runs = zip(
            starts.tolist(),
            stops,
            slots[starts].tolist(),
            sequence[starts].tolist(),
            cuts,
            strict=True,
        )
        for at, stop, slot, number, uncaptured in runs:
            if stop - at == 1:
                data = bytes(buffer[begin[at] : end[at]])
            else:
                data = b"".join([buffer[begin[i] : end[i]] for i in range(at, stop)])
            piece = Piece(
                number,
                data,
                tuple(ends[at:stop]),
                tuple(frames[at:stop]),
                tuple(times[at:stop]),
                uncaptured,
            )
            self._pieces.setdefault(slot, []).append(piece)
        np.add.at(self._halves["kept"], slots, block.length[rows])

    def _raise_limits(self, slots: Integers) -> Integers:
        """Ask of halves that ran out whether their handshake goes on; return those that may."""
        raised = []
        for slot in slots.tolist():
            limit = int(self._halves["limit"][slot])
            more = next_limit(
                self._pieces.get(slot, []), self._pieces.get(slot ^ 1, []), limit, self._limits
            )
            if more > limit:
                self._halves["limit"][slot] = more
                raised.append(slot)
            else:
                self._halves["asked"][slot] = True
                if limit >= self._limits.half_bytes_most:
                    self._reached.setdefault(slot // 2, set()).add("half_bytes_most")
        return np.asarray(raised, np.int64)

    # What is told of rows that open and close

    def _note_events(self, block: SegmentBlock, slot: Integers) -> None:
        rows = np.flatnonzero((block.flags & (SYN | FIN | RST)) != 0)
        columns = zip(
            slot[rows].tolist(),
            block.frame[rows].tolist(),
            block.time[rows].tolist(),
            block.flags[rows].tolist(),
            block.sequence[rows].tolist(),
            block.acknowledgment[rows].tolist(),
            block.ttl[rows].tolist(),
            block.ip_id[rows].tolist(),
            block.window[rows].tolist(),
            block.mss[rows].tolist(),
            block.length[rows].tolist(),
            strict=True,
        )
        for half, *facts in columns:
            events = self._events.setdefault(half // 2, [])
            if len(events) >= self._limits.events:
                self._reached.setdefault(half // 2, set()).add("events")
                continue
            events.append(TcpEvent(half % 2, *facts))

    def _known(self, error: IcmpError) -> int | None:
        """The connection that an ICMP error quotes."""
        _, key = self._keys(*_quoted(error))
        return self._current.get(int(key[0]))

    def _note_icmp(self, error: IcmpError) -> None:
        """Join an ICMP error to the connection that it quotes; open that if it is the first sign."""
        source, target, source_port, target_port = _quoted(error)
        swapped, key = self._keys(source, target, source_port, target_port)
        number = self._current.get(int(key[0]))
        if number is None:
            ends = (
                Endpoint(_address(source[0]), error.source_port),
                Endpoint(_address(target[0]), error.destination_port),
            )
            number = self._current[int(key[0])] = self._add(ends, swapped=bool(swapped[0]))
        told = self._icmp.setdefault(number, [])
        if len(told) < self._limits.icmp_errors:
            told.append(
                IcmpEvent(
                    half=int(swapped[0]),
                    frame=error.frame,
                    time=error.time,
                    reporter=error.reporter,
                    type=error.type,
                    code=error.code,
                    version=error.version,
                    next_hop_mtu=error.next_hop_mtu,
                )
            )


def _rows(block: SegmentBlock, begin: int, end: int) -> SegmentBlock:
    """Rows ``[begin, end)`` of a block, without its errors."""
    names = [f.name for f in dataclasses.fields(block) if f.name not in {"buffer", "icmp_errors"}]
    columns = {name: getattr(block, name)[begin:end] for name in names}
    return dataclasses.replace(block, icmp_errors=(), **columns)


def _quoted(error: IcmpError) -> tuple[Words, Words, Integers, Integers]:
    """Source, destination and ports of the quoted segment, as columns of one row."""
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


def _address(words: Words) -> str:
    high, low = int(words[0]), int(words[1])
    if high == 0 and low >> 32 == _MAPPED >> 32:
        return f"{low >> 24 & 255}.{low >> 16 & 255}.{low >> 8 & 255}.{low & 255}"
    return str(ipaddress.IPv6Address(high << 64 | low))
