"""What sequence numbers tell of closes and of data sent in vain, whatever the order of capture."""

from __future__ import annotations

from typing import Final, NamedTuple

from analyzer.tcp.evidence import ACK, FIN, RST, SYN, Evidence, Half, TcpEvent
from analyzer.tcp.sequence import distance


class Vain(NamedTuple):
    """The first segment of a side that its peer never acknowledged."""

    frame: int  # of its first copy
    copies: int
    lasted_ns: int  # from the first copy to the last

    @property
    def hopeless(self) -> bool:
        """Whether it was sent twice again: a packet that the network or the capture doubles takes no time."""
        return self.copies >= VAIN_LEAST and self.lasted_ns >= _TWICE_NS


VAIN_LEAST: Final = 3  # a segment, and twice again
# The shortest time in which TCP tries twice in vain (RFC 6298 section 2, with the 200 ms of practice),
# and some tolerance.
_TWICE_NS: Final = 500_000_000


def initial_sequence(evidence: Evidence, half: int) -> int | None:
    """The sequence number of a half's SYN, from that or from the peer's acknowledgment of it."""
    for event in evidence.events:
        if event.flags & (SYN | RST) != SYN:
            continue
        if event.half == half:
            return event.sequence
        if event.flags & ACK:
            return (event.acknowledgment - 1) & 0xFFFF_FFFF
    return None


def without_strays(evidence: Evidence) -> Evidence:
    """Leave out FIN and RST of an earlier connection on the same ports, which came late.

    Their sequence numbers lie outside of any window (RFC 7323 section 2.3), so the peer ignores them.
    """
    closing = [event for event in evidence.events if event.flags & (FIN | RST)]
    if not closing:
        return evidence
    began = initial_sequence(evidence, 0), initial_sequence(evidence, 1)
    strays = {
        event.frame
        for event in closing
        if _is_stray(event, began[event.half], evidence.halves[event.half].payload)
    }
    if not strays:
        return evidence
    return evidence._replace(events=tuple([e for e in evidence.events if e.frame not in strays]))


_WINDOW_MOST: Final = 1 << 30


def _is_stray(event: TcpEvent, began: int | None, sent: int) -> bool:
    """Whether a half that began so and sent so many bytes cannot have closed there."""
    if began is None or event.flags & SYN or sent >= _WINDOW_MOST:
        return False
    return not 0 <= distance(event.sequence, began) < _WINDOW_MOST + sent


def unseen_close(evidence: Evidence, half: int) -> TcpEvent | None:
    """The FIN of a half that the capture missed, and that its peer acknowledged before it closed itself.

    A FIN counts as one behind all payload (RFC 9293 section 3.4). Frame and time are those of the first segment with
    payload or FIN that acknowledges it; an ACK alone may come behind a FIN of its own sender that was not captured, too.
    Where payload or events were left out, nobody can tell.
    """
    events = evidence.events
    if any(event.half == half and event.flags & FIN for event in events):
        return None
    if evidence.halves[half].left_out or "events" in evidence.limits:
        return None
    heard = evidence.halves[1 - half].acknowledged
    due = _behind_payload(evidence, half)
    if heard is None or due is None or distance(heard, due) != 1:
        return None
    told = [(e.frame, e.time, e.acknowledgment) for e in events if e.half != half and _closes(e)]
    for piece in evidence.halves[1 - half].pieces:
        told += zip(piece.frames, piece.times, piece.acknowledgments, strict=True)
    found = min([(frame, time) for frame, time, number in told if number == heard], default=None)
    return None if found is None else TcpEvent(half, *found, FIN, due, 0, -1, -1, 0, -1, 0)


def _closes(event: TcpEvent) -> bool:
    """Whether it is a FIN that acknowledges; what a RST acknowledges may be a device's guess."""
    return event.flags & (FIN | ACK | RST) == FIN | ACK


def _behind_payload(evidence: Evidence, half: int) -> int | None:
    """The sequence number behind all that a half was seen to send; None where nothing shows it."""
    mine, began = evidence.halves[half], initial_sequence(evidence, half)
    ends = [piece.sequence + len(piece.data) + piece.uncaptured for piece in mine.pieces]
    ends += [] if began is None else [began + 1]
    if not mine.packets or not ends:
        return None
    return max(ends, key=lambda end: distance(end, ends[0])) & 0xFFFF_FFFF


def first_close(closing: list[TcpEvent]) -> TcpEvent | None:
    """The first FIN or RST: in order of capture, unless one acknowledges the other side's FIN.

    Where each direction was captured by itself, by other queues or clocks, the order of capture is
    not that of time.
    """
    if not closing:
        return None
    first = closing[0]
    for event in closing[1:]:
        heard = event.half != first.half and event.flags & FIN and first.flags & ACK
        if heard and distance(first.acknowledgment, event.sequence + event.length) > 0:
            return event
    return first


def closed_proven(evidence: Evidence, close: TcpEvent) -> int:
    """The last frame captured behind a close with bytes that its sender had sent or had by then.

    A side's own bytes have lower sequence numbers than its close, what it had heard is acknowledged
    by it. What was sent again does not count: the first copy says when it came.
    """
    heard = close.acknowledgment if close.flags & ACK else None
    told = [_late(evidence.halves[close.half], close.sequence, close.frame)]
    if heard is not None:
        told.append(_late(evidence.halves[1 - close.half], heard, close.frame))
    return max(told)


def _late(half: Half, until: int, frame: int) -> int:
    """The last packet behind ``frame`` that was the first with bytes before ``until``."""
    if half.last_frame is None or half.last_frame <= frame:
        return 0
    first: dict[int, int] = {}
    for piece in half.pieces:
        for end, at in zip(piece.ends, piece.frames, strict=True):
            number = (piece.sequence + end) & 0xFFFF_FFFF
            first[number] = min(at, first.get(number, at))
    late = [at for number, at in first.items() if at > frame and distance(number, until) <= 0]
    return max(late, default=0)


def closed_unheard(evidence: Evidence, close: TcpEvent) -> int:
    """The first packet that crossed a close on its way: captured before it, and not acknowledged by it.

    A close acknowledges all that its host has received, whether or not the program has read it. One
    that acknowledges nothing of the connection says nothing.
    """
    began = initial_sequence(evidence, 1 - close.half)
    if not close.flags & ACK or began is None or distance(close.acknowledgment, began) <= 0:
        return 0
    crossed = [
        at
        for piece in evidence.halves[1 - close.half].pieces
        for end, at in zip(piece.ends, piece.frames, strict=True)
        if at < close.frame and distance(piece.sequence + end, close.acknowledgment) > 0
    ]
    return min(crossed, default=0)


def sent_in_vain(evidence: Evidence, half: int) -> Vain | None:
    """The segment with the byte that was due to be acknowledged next, as often as it was captured."""
    due = evidence.halves[1 - half].acknowledged
    if due is None:
        return None
    copies: list[tuple[int, int]] = []
    for piece in evidence.halves[half].pieces:
        begin = 0
        for end, *copy in zip(piece.ends, piece.frames, piece.times, strict=True):
            if distance(piece.sequence + begin, due) <= 0 < distance(piece.sequence + end, due):
                copies.append((copy[0], copy[1]))
            begin = end
    if not copies:
        return None
    times = [time for _, time in copies]
    return Vain(min(copies)[0], len(copies), max(times) - min(times))


def vain_closes(evidence: Evidence, half: int) -> int:
    """How often a half closed without being heard; a host acknowledges FIN whatever its program does.

    Not at all where it took no time: what the network or the capture doubles was sent once.
    """
    closes = [e for e in evidence.events if e.half == half and e.flags & FIN]
    if not closes or closes[-1].time - closes[0].time < _TWICE_NS:
        return 0
    heard = evidence.halves[1 - half].acknowledged
    if heard is not None and any(distance(heard, e.sequence + e.length) > 0 for e in closes):
        return 0
    return len(closes)
