"""Evidence of pieces of a capture becomes evidence of the whole.

:func:`merge` is associative: it only puts the pieces of a connection behind each other, in order of
capture. :func:`join` finds out which connections of later pieces go on with which of earlier ones,
numbers them as Wireshark would number the whole, and :func:`settle` applies the limits as they would
have been applied to the whole. Pieces are gathered by ``FlowTable(limits, part=True)``, which keeps
more of what begins in mid-stream, because the beginning may be in another piece.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from analyzer.limits import Limits
from analyzer.tcp.evidence import ACK, FIN, RST, SYN, Endpoint, Evidence, Half, Piece
from analyzer.tcp.gather import BEFORE_START, LAST_WORDS_MOST
from analyzer.tcp.interest import next_limit
from analyzer.tcp.sequence import later

_MODULUS: Final = 1 << 32


def merge(first: Evidence, second: Evidence, limits: Limits) -> Evidence:
    """What two pieces of a capture, one behind the other, say of the same connection."""
    events = first.events + second.events
    icmp = first.icmp + second.icmp
    crowded = {"events"} if len(events) > limits.events else set()
    return first._replace(
        halves=(
            _merge_half(first.halves[0], second.halves[0]),
            _merge_half(first.halves[1], second.halves[1]),
        ),
        events=events[: limits.events],
        icmp=icmp[: limits.icmp_errors],
        limits=first.limits | second.limits | crowded,
    )


def _merge_half(first: Half, second: Half) -> Half:
    if not first.packets or not second.packets:
        return first if first.packets else second
    return first._replace(
        pieces=first.pieces + second.pieces,
        packets=first.packets + second.packets,
        payload=first.payload + second.payload,
        left_out=first.left_out + second.left_out,
        acknowledged=later(first.acknowledged, second.acknowledged),
        last_frame=second.last_frame,
        last_time=second.last_time,
    )


def join(parts: Iterable[Iterable[Evidence]], limits: Limits) -> list[Evidence]:
    """Join the evidence of the pieces of a capture, which come in order of capture."""
    joined: list[Evidence] = []
    newest: dict[tuple[Endpoint, Endpoint], int] = {}
    for part in parts:
        for one in part:
            number = newest.get(one.endpoints)
            if number is None or _begins(joined[number], one):
                newest[one.endpoints] = len(joined)
                joined.append(one._replace(stream=len(joined)))
            else:
                joined[number] = merge(joined[number], one, limits)
    heard = (one for one in joined if one.halves[0].packets or one.halves[1].packets)
    return [settle(one, limits) for one in heard]


def _begins(known: Evidence, one: Evidence) -> bool:
    """Whether evidence begins a new connection: with a SYN of another number than before."""
    first = min((h.first_frame for h in one.halves if h.first_frame is not None), default=None)
    syn = next((e for e in one.events if e.frame == first), None)
    if syn is None or syn.flags & (SYN | ACK) != SYN:
        return False
    base = known.halves[syn.half].base
    return base is not None and base != syn.sequence


class _Segment(NamedTuple):
    """A segment with payload, as a piece of its own, and how far behind the first byte it is."""

    piece: Piece
    ahead: int
    telling: bool  # worth keeping beyond every limit

    @property
    def length(self) -> int:
        return len(self.piece.data) + self.piece.uncaptured


def settle(evidence: Evidence, limits: Limits) -> Evidence:
    """Keep of each half what would have been kept, had the capture been read as a whole."""
    halves = [list(_segments(evidence, index)) for index in (0, 1)]
    kept = [[s for s in half if _within(s, limits.half_opening)] for half in halves]
    reached = set(evidence.limits)
    final = [limits.half_opening, limits.half_opening]
    raised = True
    while raised:
        raised = False
        for index in (0, 1):
            more = _raised(halves[index], kept, index, final[index], limits)
            if more > final[index]:
                final[index], raised = more, True
                kept[index] = [s for s in halves[index] if _within(s, more)]
    told = []
    for index in (0, 1):
        plain = len(kept[index]) < len(halves[index]) and final[index] <= limits.half_opening
        chosen = [s for s in halves[index] if _within(s, final[index]) or (s.telling and not plain)]
        if len(kept[index]) < len(halves[index]) and final[index] >= limits.half_bytes_most:
            reached.add("half_bytes_most")
        half = evidence.halves[index]
        told.append(
            half._replace(
                pieces=tuple(s.piece for s in chosen),
                left_out=half.payload - sum(s.length for s in chosen),
            )
        )
    return evidence._replace(halves=(told[0], told[1]), limits=frozenset(reached))


def _within(segment: _Segment, limit: int) -> bool:
    return segment.ahead < limit or segment.ahead >= BEFORE_START


def _raised(
    half: Sequence[_Segment],
    kept: Sequence[Sequence[_Segment]],
    index: int,
    limit: int,
    limits: Limits,
) -> int:
    """The limit of a half that ran out, asked again."""
    if len(kept[index]) == len(half):
        return limit
    mine, peer = ([s.piece for s in kept[side]] for side in (index, 1 - index))
    return next_limit(mine, peer, limit, limits)


def _segments(evidence: Evidence, index: int) -> Iterator[_Segment]:
    """The segments of a half that were kept in pieces, in order of capture."""
    pieces = evidence.halves[index].pieces
    start = _start(evidence, index)
    closing = {e.frame for e in evidence.events if e.half == index and e.flags & (FIN | RST)}
    for piece in pieces:
        begin = 0
        for place, end in enumerate(piece.ends):
            last = place == len(piece.ends) - 1
            data = piece.data[begin:end]
            sequence = (piece.sequence + begin) % _MODULUS
            cut = piece.uncaptured if last else 0
            frame = piece.frames[place]
            marks = (frame,), (piece.times[place],), (piece.acknowledgments[place],)
            alone = Piece(sequence, data, (len(data),), *marks, cut)
            words = frame in closing and len(data) + cut <= LAST_WORDS_MOST
            yield _Segment(alone, (sequence - start) % _MODULUS, words or _alike(data))
            begin = end


def _start(evidence: Evidence, index: int) -> int:
    """The sequence number of the first payload byte: behind the SYN, or of the first payload."""
    pieces = evidence.halves[index].pieces
    syn = next((e for e in evidence.events if e.half == index and e.flags & SYN), None)
    if syn is not None and (not pieces or syn.frame <= pieces[0].frames[0]):
        return (syn.sequence + 1) % _MODULUS
    return pieces[0].sequence if pieces else 0


def _alike(data: bytes) -> bool:
    """Whether a payload begins like a TLS alert or handshake record."""
    return len(data) >= 5 and data[0] in (21, 22) and data[1] == 3 and data[2] <= 4
