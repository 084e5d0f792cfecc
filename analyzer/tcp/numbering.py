"""Which connection a row belongs to, and the number that it has in Wireshark.

Wireshark begins a new ``tcp.stream`` with the first packet of a pair of endpoints, and with a SYN
whose sequence number is not that of its sender's SYN before.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Final, TypeAlias

import numpy as np

from analyzer.capture.block import IcmpError, Integers, SegmentBlock, Words
from analyzer.limits import Limits
from analyzer.tcp.evidence import ACK, SYN, Endpoint
from analyzer.tcp.keys import Keys, address_text, quoted
from analyzer.tcp.ledger import Ledger
from analyzer.tcp.sorting import grouped
from analyzer.tcp.states import States

GONE: Final = -2  # in place of a slot: somebody with this key was open, and has been told
_UNKNOWN: Final = -1  # nobody was
_MODULUS: Final = 1 << 32

Ends: TypeAlias = tuple[Endpoint, Endpoint]
"""Both endpoints of a connection, the lower first."""


class Numbering:
    """Numbers connections, gives each a slot of the states, and knows whose are late packets.

    ``part``: what is seen is a piece of a capture (see :class:`~analyzer.tcp.flow.FlowTable`).
    """

    def __init__(self, states: States, limits: Limits, *, part: bool) -> None:
        self.count = 0  # connections so far
        self._states = states
        self._part = part
        self._keys = Keys()
        self._current: dict[int, int] = {}  # key -> slot of the newest connection with it
        self._ends: dict[int, Ends] = {}  # by slot
        self._ledger = Ledger(limits.remembered)

    def opened(self, since: int) -> Integers:
        """The frames that began the connections from number ``since`` on, in order.

        Asked before any of them is given away.
        """
        pairs = self._states.pairs
        slots = np.flatnonzero(pairs["stream"] >= since)
        return pairs["opened"][slots[np.argsort(pairs["stream"][slots])]]

    def place(self, block: SegmentBlock) -> tuple[Integers, Integers]:
        """Open the connections that a block begins, and say to which each row belongs.

        Returns:
            ``(slot, swapped)`` of shape ``(M,)``: :data:`GONE` for late packets; 1 where the source
            is the higher endpoint, else 0.
        """
        swapped, key = self._keys.of(
            block.source, block.destination, block.source_port, block.destination_port
        )
        order, group = grouped(key)
        slot = np.empty(len(order), np.int64)
        slot[order] = self._assign(block, key, swapped, order, group)
        return slot, swapped

    # ICMP errors

    def quoted_by(self, error: IcmpError) -> tuple[int, int]:
        """The key of the connection that an error quotes, and which half it quotes."""
        swapped, key = self._keys.of(*quoted(error))
        return int(key[0]), int(swapped[0])

    def knows(self, key: int) -> bool:
        """Whether there is or was a connection with a key."""
        return self._find(key) != _UNKNOWN

    def place_error(self, error: IcmpError) -> tuple[int, int]:
        """The slot that an error is about, and the half; opened if it is the first sign."""
        key, half = self.quoted_by(error)
        slot = self._find(key)
        if slot == _UNKNOWN:
            ends = (
                Endpoint(address_text(*error.source), error.source_port),
                Endpoint(address_text(*error.destination), error.destination_port),
            )
            slot = self._add(ends[::-1] if half else ends, key, error.frame)
        return slot, half

    def syn_rows(self, block: SegmentBlock) -> dict[int, list[int]]:
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

    # What is given away

    def take_ends(self, slot: int) -> Ends:
        """Give up the endpoints of a connection."""
        return self._ends.pop(slot)

    def forget(self, slots: Integers) -> None:
        """Let connections go: write them into the ledger, and free the keys that are still theirs."""
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
        """Slots of the rows, in the order of ``order``."""
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
        """The slot of each key, or :data:`_UNKNOWN`, or :data:`GONE`."""
        current = self._current
        found = np.fromiter((current.get(k, _UNKNOWN) for k in keys.tolist()), np.int64, len(keys))
        missing = np.flatnonzero(found == _UNKNOWN)
        if len(missing) and len(self._ledger):
            found[missing[self._ledger.known(keys[missing])]] = GONE
        return found

    def _find(self, key: int) -> int:
        return int(self._look_up(np.array([key], np.uint64))[0])

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

    def _add(self, ends: Ends, key: int, frame: int) -> int:
        """Number a new connection and make room for its state."""
        slot = self._states.take()
        self._states.pairs["stream"][slot] = self.count
        self._states.pairs["key"][slot] = key
        self._states.pairs["opened"][slot] = frame
        self._ends[slot] = ends
        self._current[key] = slot
        self.count += 1
        return slot


# What _make does, without its checks and their price.
_endpoint = functools.partial(tuple.__new__, Endpoint)


def _ends_of(block: SegmentBlock, rows: Integers, swapped: Integers) -> list[Ends]:
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
