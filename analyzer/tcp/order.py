"""The order in which packets were sent, where that of the capture is another.

Where each direction was captured by itself (two taps, two queues, two clocks), one of them may come
to the file late. Who acknowledges bytes has received them: a segment was sent after all that it
acknowledges, and at the latest when what acknowledges it was. What neither side knew of the other
when it spoke stays in order of capture.
"""

from __future__ import annotations

import itertools
import operator
from bisect import bisect_left
from collections.abc import Mapping
from typing import Final, NamedTuple, TypeAlias

from analyzer.tcp.evidence import ACK, FIN, RST, SYN, Evidence, Half, Piece, TcpEvent
from analyzer.tcp.sequence import distance

Renumbered: TypeAlias = Mapping[int, int]
"""Frame numbers of the capture, by those that the order of sending gives to the same packets."""


def in_order_of_sending(evidence: Evidence) -> tuple[Evidence, Renumbered]:
    """Deal out a connection's frame numbers anew, in the order in which its packets were sent.

    Their times are put back as far as that order demands.

    Returns:
        The evidence, and what its frame numbers are in the capture; empty where they are the same.
    """
    if _plainly_in_order(evidence):
        return evidence, _SAME
    sent = _sent_by(evidence, 0), _sent_by(evidence, 1)
    if not sent[0] or not sent[1]:
        return evidence, _SAME
    order = _order(sent)
    frames = [one.frame for one in order]
    numbers = sorted(frames)
    if frames == numbers:
        return evidence, _SAME
    times = [*itertools.accumulate((one.time for one in reversed(order)), min)][::-1]
    given = dict(zip(frames, zip(numbers, times, strict=True), strict=True))
    halves = _moved(evidence.halves[0], given), _moved(evidence.halves[1], given)
    events = [e._replace(frame=given[e.frame][0], time=given[e.frame][1]) for e in evidence.events]
    events.sort(key=operator.attrgetter("frame"))
    moved = evidence._replace(halves=halves, events=tuple(events))
    return moved, dict(zip(numbers, frames, strict=True))


_SAME: Final[Renumbered] = {}


def _plainly_in_order(evidence: Evidence) -> bool:
    """Whether nobody acknowledges more than is captured before: the short way for nearly all."""
    told = [
        (frame, half, (piece.sequence + end) & _MASK, heard)
        for half, one in enumerate(evidence.halves)
        for piece in one.pieces
        for frame, end, heard in zip(piece.frames, piece.ends, piece.acknowledgments, strict=True)
    ]
    told += [(e.frame, e.half, _end(e), _heard(e)) for e in evidence.events]
    told.sort()
    high = [-1, -1]
    for _, half, end, heard in told:
        peer, mine = high[1 - half], high[half]
        if heard >= 0 and (peer < 0 or 0 < (heard - peer) & _MASK < _HALF_WAY):
            return False
        if mine < 0 or 0 < (end - mine) & _MASK < _HALF_WAY:
            high[half] = end
    return True


_MASK: Final = 0xFFFF_FFFF
_HALF_WAY: Final = 1 << 31


def _end(event: TcpEvent) -> int:
    flags = event.flags
    return (event.sequence + event.length + bool(flags & SYN) + bool(flags & FIN)) & _MASK


def _heard(event: TcpEvent) -> int:
    """What an event acknowledges; -1 for nothing, which a reset may also say by 0."""
    number = event.acknowledgment if event.flags & ACK else -1
    return -1 if event.flags & RST and not number else number


class _Sent(NamedTuple):
    """A packet with its place among its side's bytes, and what its sender had received by then."""

    frame: int
    time: int
    begin: int
    end: int
    heard: int  # acknowledgment number; -1 without
    bare_rst: bool = False  # without an acknowledgment


_Both: TypeAlias = tuple[list[_Sent], list[_Sent]]


def _sent_by(evidence: Evidence, half: int) -> list[_Sent]:
    """What a half sent, in order of capture, as far as it is kept."""
    sent = {e.frame: _of_event(e) for e in evidence.events if e.half == half}
    for piece in evidence.halves[half].pieces:
        begin = piece.sequence
        columns = zip(piece.ends, piece.frames, piece.times, piece.acknowledgments, strict=True)
        for end, frame, time, heard in columns:
            stop = (piece.sequence + end) & _MASK
            sent.setdefault(frame, _Sent(frame, time, begin, stop, heard))
            begin = stop
    return [sent[frame] for frame in sorted(sent)]


def _of_event(event: TcpEvent) -> _Sent:
    heard = _heard(event)
    bare = bool(event.flags & RST) and heard < 0
    return _Sent(event.frame, event.time, event.sequence, _end(event), heard, bare)


def _order(sent: _Both) -> list[_Sent]:
    """The packets of both sides in order of sending."""
    needs = _needs(sent[0], sent[1]), _needs(sent[1], sent[0])
    order = _merged(sent, needs)
    if all(one.frame < after.frame for one, after in itertools.pairwise(order)):
        return order
    # In order of capture a reset without acknowledgment may be anybody's. Where that is not the order
    # of sending, it is the answer that RFC 9293 section 3.10.7 makes of what it answers.
    for mine, peer, needed in zip(sent, reversed(sent), needs, strict=True):
        for index, one in enumerate(mine):
            if one.bare_rst:
                needed[index] = _answered(one, peer)
    return _merged(sent, needs)


def _merged(sent: _Both, needs: tuple[list[int], list[int]]) -> list[_Sent]:
    """Merge both sides: of two packets that might be next, the first captured is.

    Each side's own packets are in order; ``needs`` says how many of the other side each waits for.
    """
    at = [0, 0]
    order: list[_Sent] = []
    while at[0] < len(sent[0]) and at[1] < len(sent[1]):
        first = int(sent[1][at[1]].frame < sent[0][at[0]].frame)
        waits, blocks = (needs[side][at[side]] > at[1 - side] for side in (first, 1 - first))
        if waits and not blocks:
            first = 1 - first
        order.append(sent[first][at[first]])
        at[first] += 1
    return order + sent[0][at[0] :] + sent[1][at[1] :]


def _needs(mine: list[_Sent], peer: list[_Sent]) -> list[int]:
    """How many packets the peer must have sent before each of mine: all whose bytes it acknowledges.

    What the peer sent again does not count: the first copy may be what was received.
    """
    base = peer[0].begin
    begins: list[int] = []
    behind: list[int] = []  # how many packets there are up to the one that begins there
    high: int | None = None
    for count, one in enumerate(peer, start=1):
        begin, end = distance(one.begin, base), distance(one.end, base)
        if begin != end and (high is None or end > high):
            begins.append(begin if high is None else max(begin, high))
            behind.append(count)
            high = end
    heard = (bisect_left(begins, distance(one.heard, base)) for one in mine)
    return [
        behind[number - 1] if number and one.heard >= 0 else 0
        for one, number in zip(mine, heard, strict=True)
    ]


def _answered(reset: _Sent, peer: list[_Sent]) -> int:
    """How many packets the peer sent up to that which a reset without acknowledgment answers."""
    acknowledging = (n for n, one in enumerate(peer, start=1) if one.heard == reset.begin)
    return next(acknowledging, 0)


_Given: TypeAlias = Mapping[int, tuple[int, int]]  # number and time, by frame of the capture


def _moved(half: Half, given: _Given) -> Half:
    return half._replace(pieces=tuple([_moved_piece(piece, given) for piece in half.pieces]))


def _moved_piece(piece: Piece, given: _Given) -> Piece:
    frames, times = zip(*[given[frame] for frame in piece.frames], strict=True)
    return piece._replace(frames=frames, times=times)
