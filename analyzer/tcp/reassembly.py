"""One direction's bytes, put in order from the pieces that were captured.

The first copy of a byte wins; a copy that differs is counted. What is missing is a :class:`Gap`
with its reason, and every byte knows the frame that delivered it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import Final, NamedTuple

from analyzer.tcp.evidence import Half, Piece
from analyzer.tcp.sequence import distance


class Mark(NamedTuple):
    """Where and when a byte was captured."""

    frame: int
    time: int  # ns


class Chunk(NamedTuple):
    """Bytes without a gap; ``offset`` counts from the first byte of the direction."""

    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Gap:
    """Bytes that the capture does not hold.

    ``kind`` is "lost" (no packet with them), "snaplen" (the packet was cut) or "left_out" (dismissed
    by the selection). ``acknowledged``: the peer had them, so the capture lost them and not the
    network; None where the peer's acknowledgments were not captured.
    """

    offset: int
    length: int
    kind: str
    acknowledged: bool | None


@dataclass(frozen=True, slots=True)
class Stream:
    """One direction in order."""

    chunks: tuple[Chunk, ...]
    gaps: tuple[Gap, ...]
    starts_midstream: bool  # no SYN of this direction was captured
    retransmissions: int  # segments that brought nothing new
    conflicts: int  # segments that disagree with bytes seen before
    starts: tuple[int, ...]  # offsets from which on ``marks`` hold, ascending
    marks: tuple[Mark, ...]

    def locate(self, offset: int) -> Mark:
        """The packet that delivered the byte at ``offset``."""
        return self.marks[max(bisect_right(self.starts, offset) - 1, 0)]

    def arrived(self, end: int) -> Mark:
        """The packet after which all bytes before ``end`` in its chunk had been delivered.

        With reordering that is not the packet of the last byte.
        """
        last = bisect_right(self.starts, end - 1) - 1
        if last <= 0:
            return self.marks[0]
        begin = next((c.offset for c in reversed(self.chunks) if c.offset < end), 0)
        first = max(bisect_right(self.starts, begin) - 1, 0)
        if last - first > _LOOK_BACK:
            first = last - _LOOK_BACK
        return max(self.marks[first : last + 1], key=lambda mark: mark.frame)


_LOOK_BACK: Final = 64  # segments; reordering reaches less far


class _Segment(NamedTuple):
    offset: int
    data: bytes
    mark: Mark
    cut: int  # bytes behind ``data`` that the snap length cut


def assemble(half: Half, peer: Half, isn: int | None) -> Stream:
    """Put one direction in order.

    Args:
        half: What the side sent.
        peer: What the other side sent; its acknowledgments tell which lost bytes had arrived.
        isn: The sequence number of the side's SYN; None where it was not captured, and then the
            direction begins at the lowest sequence number found.
    """
    base = first_sequence(half, isn)
    covered = None if peer.acknowledged is None else distance(peer.acknowledged, base)
    straight = _straight(half, base)
    if straight is not None:
        data, starts, marks = straight
        return Stream(
            chunks=(Chunk(0, data),),
            gaps=_behind(len(data), half, covered),
            starts_midstream=isn is None,
            retransmissions=0,
            conflicts=0,
            starts=tuple(starts),
            marks=tuple(marks),
        )
    segments = [s for piece in half.pieces for s in _segments(piece, base)]
    segments.sort(key=lambda s: s.mark.frame)
    kept, repeated, conflicts = _place(segments)
    kept.sort(key=lambda s: s.offset)
    chunks = _join(kept)
    return Stream(
        chunks=tuple(chunks),
        gaps=tuple(_gaps(chunks, kept, half, covered, from_start=isn is not None)),
        starts_midstream=isn is None,
        retransmissions=repeated,
        conflicts=conflicts,
        starts=tuple(s.offset for s in kept) or (0,),
        marks=tuple(s.mark for s in kept) or (Mark(half.first_frame or 0, half.first_time or 0),),
    )


def _straight(half: Half, base: int) -> tuple[bytes, list[int], list[Mark]] | None:
    """All bytes, where each segment begins, and its mark; None unless all came once, whole and in order."""
    starts: list[int] = []
    marks: list[Mark] = []
    at = last = 0
    for piece in half.pieces:
        if piece.uncaptured or distance(piece.sequence, base) != at:
            return None
        begin = 0
        for end, frame, time in zip(piece.ends, piece.frames, piece.times, strict=True):
            if end <= begin or frame < last:
                return None
            starts.append(at + begin)
            marks.append(Mark(frame, time))
            begin, last = end, frame
        at += begin
    data = half.pieces[0].data if len(half.pieces) == 1 else b"".join([p.data for p in half.pieces])
    return (data, starts, marks) if marks and len(data) == at else None


def first_sequence(half: Half, isn: int | None) -> int:
    """The sequence number of offset 0; ``isn`` is that of the SYN, if it was captured."""
    if isn is not None:
        return (isn + 1) & 0xFFFF_FFFF
    if not half.pieces:
        return 0
    first = half.pieces[0].sequence
    lowest = min(distance(piece.sequence, first) for piece in half.pieces)
    return (first + lowest) & 0xFFFF_FFFF


def _segments(piece: Piece, base: int) -> list[_Segment]:
    offset = distance(piece.sequence, base)
    begin = 0
    segments = []
    for index, end in enumerate(piece.ends):
        cut = piece.uncaptured if index == len(piece.ends) - 1 else 0
        mark = Mark(piece.frames[index], piece.times[index])
        segments.append(_Segment(offset + begin, piece.data[begin:end], mark, cut))
        begin = end
    return segments


def _place(segments: list[_Segment]) -> tuple[list[_Segment], int, int]:
    """Keep of each segment what no earlier one had brought."""
    kept: list[_Segment] = []  # ascending and disjoint
    offsets: list[int] = []  # of each that is kept
    repeated = conflicts = 0
    for segment in map(_behind_start, segments):
        if not segment.data and not segment.cut:
            continue
        end = kept[-1].offset + len(kept[-1].data) if kept else 0
        if segment.offset >= end:
            kept.append(segment)
            offsets.append(segment.offset)
            continue
        if segment.offset == end - 1 and len(segment.data) == 1:
            continue  # a keep-alive, whose byte means nothing (RFC 9293 section 3.8.4)
        first = max(bisect_right(offsets, segment.offset) - 1, 0)
        last = bisect_left(offsets, segment.offset + len(segment.data))
        fresh, differs = _fresh(kept[first:last], segment)
        conflicts += differs
        repeated += not fresh and bool(segment.data)
        for part in fresh:
            at = bisect_left(offsets, part.offset)
            kept.insert(at, part)
            offsets.insert(at, part.offset)
    return kept, repeated, conflicts


def _behind_start(segment: _Segment) -> _Segment:
    """What of a segment lies behind the first byte.

    A keep-alive repeats the byte before the next one (RFC 9293 section 3.8.4), which may be the SYN.
    """
    if segment.offset >= 0:
        return segment
    return _Segment(0, segment.data[-segment.offset :], segment.mark, segment.cut)


def _fresh(kept: list[_Segment], segment: _Segment) -> tuple[list[_Segment], bool]:
    """The parts of a segment that lie in gaps, and whether another part differs from before.

    ``kept`` are those that may overlap it.
    """
    fresh: list[_Segment] = []
    differs = False
    at, end = segment.offset, segment.offset + len(segment.data)
    for old in kept:
        old_end = old.offset + len(old.data)
        if old_end <= at:
            continue
        if old.offset >= end:
            break
        if old.offset > at:
            part = segment.data[at - segment.offset : old.offset - segment.offset]
            fresh.append(_Segment(at, part, segment.mark, 0))
            at = old.offset
        stop = min(end, old_end)
        new = segment.data[at - segment.offset : stop - segment.offset]
        differs |= new != old.data[at - old.offset : stop - old.offset]
        at = stop
    if at < end:
        fresh.append(_Segment(at, segment.data[at - segment.offset :], segment.mark, segment.cut))
    return fresh, differs


def _join(kept: list[_Segment]) -> list[Chunk]:
    chunks: list[Chunk] = []
    parts: list[bytes] = []
    begin = end = 0
    for segment in kept:
        if parts and segment.offset == end:
            parts.append(segment.data)
        else:
            if parts:
                chunks.append(Chunk(begin, b"".join(parts)))
            parts, begin = [segment.data], segment.offset
        end = segment.offset + len(segment.data)
    if parts:
        chunks.append(Chunk(begin, b"".join(parts)))
    return chunks


def _gaps(
    chunks: list[Chunk], kept: list[_Segment], half: Half, covered: int | None, *, from_start: bool
) -> list[Gap]:
    cuts = {s.offset + len(s.data) for s in kept if s.cut}
    gaps: list[Gap] = []
    at = 0
    for chunk in chunks:
        if chunk.offset > at and (from_start or at):
            kind = "snaplen" if at in cuts else "left_out" if half.left_out else "lost"
            known = None if covered is None else covered >= chunk.offset
            gaps.append(Gap(at, chunk.offset - at, kind, known))
        at = chunk.offset + len(chunk.data)
    tail = next((s.cut for s in kept if s.cut and s.offset + len(s.data) == at), 0)
    if tail:
        gaps.append(Gap(at, tail, "snaplen", None if covered is None else covered >= at + tail))
    elif chunks:
        gaps += _behind(at, half, covered)
    return gaps


def _behind(at: int, half: Half, covered: int | None) -> tuple[Gap, ...]:
    """What is missing behind all that was captured: the peer acknowledged more (its FIN counts one)."""
    if covered is None or half.left_out or not 0 < covered - 1 - at < 1 << 30:
        return ()
    return (Gap(at, covered - at, "lost", True),)
