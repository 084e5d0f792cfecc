"""What is kept of the payload: the bytes that a handshake can need, and last words."""

from __future__ import annotations

import functools
from typing import Final

import numpy as np

from analyzer.capture.block import Integers, Mask, SegmentBlock
from analyzer.capture.select import like_alert_or_handshake
from analyzer.limits import Limits
from analyzer.tcp.evidence import ACK, FIN, RST, SYN, Piece
from analyzer.tcp.interest import next_limit
from analyzer.tcp.states import States

_MODULUS: Final = 1 << 32
LAST_WORDS_MOST: Final = 512  # payload bytes of a closing segment that are kept in any case
BEFORE_START: Final = _MODULUS - (64 << 10)  # bytes that reordering may bring before the first

_piece = functools.partial(tuple.__new__, Piece)  # Piece._make, without its checks and their price


class Gatherer:
    """Keeps pieces of the halves of open connections, within limits that it raises on demand."""

    def __init__(self, states: States, limits: Limits) -> None:
        self._states = states
        self._limits = limits
        self._pieces: dict[int, list[Piece]] = {}  # by half
        self._exhausted: set[int] = set()  # slots of connections that reached half_bytes_most
        self.held = 0  # payload bytes kept of all of them

    def take(self, halves: Integers) -> list[tuple[Piece, ...]]:
        """Give up the pieces of halves, in order of capture."""
        self.held -= int(self._states.halves["held"][halves].sum())
        pop = self._pieces.pop
        return [tuple(pop(half, ())) for half in halves.tolist()]

    def exhausted(self, slot: int) -> bool:
        """Whether a half of a connection reached the limit; asked once, when it is let go."""
        known = slot in self._exhausted
        self._exhausted.discard(slot)
        return known

    def keep(self, block: SegmentBlock, slot: Integers, by_slot: Integers) -> None:
        """Keep the payload of rows within their half's limit, and ask for more where it ran out."""
        loaded = by_slot[block.length[by_slot] > 0]
        if not len(loaded):
            return
        slots = slot[loaded]
        ahead = (block.sequence[loaded] - self._states.halves["start"][slots]) % _MODULUS
        wanted = (ahead < self._states.halves["limit"][slots]) | (ahead >= BEFORE_START)
        kept = wanted
        while True:
            if wanted.any():
                self._gather(block, loaded[wanted], slots[wanted])
            out = slots[~kept & ~self._states.halves["asked"][slots]]
            raised = self._raise_limits(np.unique(out)) if len(out) else out
            if not len(raised):
                break
            wanted = ~kept & np.isin(slots, raised) & (ahead < self._states.halves["limit"][slots])
            kept = kept | wanted
        telling = self._telling(block, loaded, slots) & ~kept
        if telling.any():
            self._gather(block, loaded[telling], slots[telling])

    def _telling(self, block: SegmentBlock, rows: Integers, slots: Integers) -> Mask:
        """Rows beyond their limit that may still tell something: alerts, handshakes, last words."""
        closing = (block.flags[rows] & (FIN | RST)) != 0
        last_words = closing & (block.length[rows] <= LAST_WORDS_MOST)
        telling: Mask = (like_alert_or_handshake(block, rows) | last_words) & ~self._plain(slots)
        return telling

    def _plain(self, slots: Integers) -> Mask:
        """Halves that were asked and found to speak no TLS keep nothing more."""
        state = self._states.halves
        plain: Mask = state["asked"][slots] & (state["limit"][slots] <= self._limits.half_opening)
        return plain

    def _gather(self, block: SegmentBlock, rows: Integers, slots: Integers) -> None:
        """Copy the payload of rows, joining those that follow each other on the wire."""
        captured = block.end[rows] - block.begin[rows]
        cut = block.length[rows] - captured
        # The SYN itself has a sequence number, before that of the data with it (RFC 7413 section 2).
        sequence = (block.sequence[rows] + (block.flags[rows] & SYN != 0)) % _MODULUS
        follows = np.empty(len(rows), np.bool_)
        follows[0] = False
        follows[1:] = (
            (slots[1:] == slots[:-1])
            & (sequence[1:] == (sequence[:-1] + captured[:-1]) % _MODULUS)
            & (cut[:-1] == 0)
        )
        starts = np.flatnonzero(~follows)
        stops = np.append(starts[1:], len(rows))
        total = np.cumsum(captured)
        within = total - np.repeat(total[starts] - captured[starts], stops - starts)
        heard = np.where(block.flags[rows] & ACK, block.acknowledgment[rows], -1)
        columns = within, block.frame[rows], block.time[rows], heard
        ends, frames, times, acknowledgments = (tuple(column.tolist()) for column in columns)
        spans = map(slice, block.begin[rows].tolist(), block.end[rows].tolist())
        payloads = [*map(block.buffer.data.__getitem__, spans)]
        for slot, number, uncaptured, run in zip(
            slots[starts].tolist(),
            sequence[starts].tolist(),
            cut[stops - 1].tolist(),
            map(slice, starts.tolist(), stops.tolist()),
            strict=True,
        ):
            data = b"".join(payloads[run])
            marks = ends[run], frames[run], times[run], acknowledgments[run]
            piece = _piece((number, data, *marks, uncaptured))
            self._pieces.setdefault(slot, []).append(piece)
        np.add.at(self._states.halves["kept"], slots, block.length[rows])
        np.add.at(self._states.halves["held"], slots, captured)
        self.held += int(total[-1])

    def _raise_limits(self, slots: Integers) -> Integers:
        """Ask of halves that ran out whether their handshake goes on; return those that may."""
        state = self._states.halves
        raised = []
        for slot in slots.tolist():
            limit = int(state["limit"][slot])
            more = next_limit(
                self._pieces.get(slot, []), self._pieces.get(slot ^ 1, []), limit, self._limits
            )
            if more > limit:
                state["limit"][slot] = more
                raised.append(slot)
            else:
                state["asked"][slot] = True
                if limit >= self._limits.half_bytes_most:
                    self._exhausted.add(slot // 2)
        return np.asarray(raised, np.int64)
