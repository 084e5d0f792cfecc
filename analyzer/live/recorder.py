"""What passed on one connection, kept in memory and told as a capture.

The recorder sits where the bytes pass, not on the wire. Bytes, their order, their times, who closed
and who reset are true; segments, acknowledgments, TTL and windows are made up, and the report says
so. A reset that did not come is never written.
"""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from analyzer.capture.write import Conversation, Form, Frame, PacketWriter
from analyzer.tcp.timeline import Side

KEPT_MOST: Final = 1 << 20  # bytes of each direction; a handshake needs far less
EVENTS_MOST: Final = 4_096

CAVEAT: Final = (
    "recorded where the bytes pass, not on the wire: segments, acknowledgments, TTL, window and "
    "retransmissions are not real; bytes, times and who closed are"
)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that a side did: sent bytes, closed (``fin``) or reset (``rst``)."""

    time: int
    side: Side
    kind: str  # data, fin, rst
    data: bytes = b""
    length: int = 0  # of the data, kept or not


@dataclass(slots=True)
class Recording:
    """One connection as it happens. Safe to be written from two threads."""

    client: tuple[str, int]
    server: tuple[str, int]
    started: int  # ns since the epoch, when the client began to connect
    connected: int  # when that was done
    events: list[Event] = field(default_factory=list)
    unacknowledged: bool = False  # the last bytes to the server are known not to have arrived
    cut: bool = False  # a bound was reached
    sealed: bool = False  # nothing that comes now belongs to it
    _kept: dict[Side, int] = field(default_factory=lambda: {Side.CLIENT: 0, Side.SERVER: 0})
    _ended: set[tuple[Side, str]] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _clock: int = field(default_factory=lambda: time.time_ns() - time.monotonic_ns())

    def sent(self, side: Side, data: bytes) -> None:
        """A side sent bytes."""
        with self._lock:
            if self.sealed:
                return
            room = max(0, KEPT_MOST - self._kept[side])
            full = len(self.events) >= EVENTS_MOST
            kept = b"" if full else data[:room]
            self.cut = self.cut or len(kept) < len(data)
            self._kept[side] += len(kept)
            if not full:
                self.events.append(Event(self._now(), side, "data", kept, len(data)))

    def closed(self, side: Side) -> None:
        """A side closed in good order."""
        self._end(side, "fin")

    def reset(self, side: Side) -> None:
        """A side reset the connection."""
        self._end(side, "rst")

    def seal(self) -> None:
        """Take nothing more: what follows is our own goodbye, and no part of the story."""
        with self._lock:
            self.sealed = True

    def _end(self, side: Side, kind: str) -> None:
        with self._lock:
            over = self.sealed or (side, "rst") in self._ended
            if not over and (side, kind) not in self._ended:
                self._ended.add((side, kind))
                self.events.append(Event(self._now(), side, kind))

    def _now(self) -> int:
        return self._clock + time.monotonic_ns()

    @property
    def ended(self) -> frozenset[tuple[Side, str]]:
        """Who has closed or reset so far."""
        return frozenset(self._ended)

    @property
    def said(self) -> dict[Side, int]:
        """Bytes of each side."""
        found = {Side.CLIENT: 0, Side.SERVER: 0}
        for event in tuple(self.events):
            found[event.side] += event.length
        return found

    def frames(self) -> Iterator[Frame]:
        """The packets of this connection."""
        talk = Conversation(self.client, self.server)
        yield from talk.opening(self.started, self.connected, self.connected)
        events = tuple(self.events)
        last = max(
            (i for i, e in enumerate(events) if e.side is Side.CLIENT and e.data), default=-1
        )
        for index, event in enumerate(events):
            side = 0 if event.side is Side.CLIENT else 1
            if event.kind == "fin":
                yield from talk.close(event.time, side)
            elif event.kind == "rst":
                yield from talk.reset(event.time, side)
            else:
                yield from talk.data(event.time, side, event.data)
                talk.skip(side, event.length - len(event.data))
            arrived = not (self.unacknowledged and index >= last)
            if event.kind != "rst" and arrived and not _over(events, index):
                yield from talk.acknowledge(event.time, 1 - side)


def _over(events: tuple[Event, ...], index: int) -> bool:
    """Whether the receiver of an event had reset before."""
    peer = events[index].side.peer
    return any(event.kind == "rst" and event.side is peer for event in events[:index])


def written(recordings: Iterable[Recording], form: Form | None = None) -> bytes:
    """The recordings as one capture, connection after connection in order of their beginning."""
    sink = io.BytesIO()
    writer = PacketWriter(sink, form)
    frames = [frame for recording in recordings for frame in recording.frames()]
    for when, frame in sorted(frames, key=lambda entry: entry[0]):
        writer.write(when, frame)
    return sink.getvalue()
