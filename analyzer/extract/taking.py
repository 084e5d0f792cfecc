"""Second reading of a capture: the packets of chosen connections, as they go into an extract."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from analyzer.capture.block import IcmpError, SegmentBlock
from analyzer.extract.blot import Voice, voices
from analyzer.extract.disguise import Disguise
from analyzer.extract.frames import Segment, address_bytes, icmp_frame, segment_of, tcp_frame
from analyzer.extract.renaming import rename
from analyzer.limits import Limits
from analyzer.reading import Reading
from analyzer.tcp.chosen import ChosenRows, Span
from analyzer.tcp.evidence import FIN, RST, SYN, Evidence
from analyzer.tcp.flow import FlowTable
from analyzer.tls.decryption.keylog import Secrets

_Sender: TypeAlias = tuple[int, int]  # port, and the lower half of the address


class Packet(NamedTuple):
    """One frame of an extract."""

    order: int  # the frame's number in the capture
    time: int  # ns
    frame: bytes
    length: int  # on the wire


@dataclass(slots=True)
class Taken:
    """The packets of one connection, headers alone, and its evidence once all is read."""

    segments: list[Segment] = field(default_factory=list)
    errors: list[IcmpError] = field(default_factory=list)
    waiting: dict[_Sender, Segment] = field(default_factory=dict)  # each sender's last of too many
    evidence: Evidence | None = None


def take(reading: Reading, spans: Sequence[Span], limits: Limits) -> list[Taken]:
    """Read the packets of each connection, in the order of ``spans``.

    What is beyond ``limits.extract_bytes`` of payload has no evidence.
    """
    rows, flows = ChosenRows(spans), FlowTable(limits)
    taken = [Taken() for _ in spans]
    by_frame = {span.first: one for span, one in zip(spans, taken, strict=True)}
    held = 0
    for block in reading.blocks():
        if block is not None:
            _take_block(block, rows, flows, taken, limits)
        held = _give(flows.ended(), by_frame, held, limits)
    _give(flows.evidence(), by_frame, held, limits)
    return taken


def _give(
    ended: Iterable[Evidence], by_frame: Mapping[int, Taken], held: int, limits: Limits
) -> int:
    """Hand evidence to the connections that it is of; return the bytes held of all by now."""
    for evidence in ended:
        begun = min(h.first_frame for h in evidence.halves if h.first_frame is not None)
        held += sum(len(piece.data) for half in evidence.halves for piece in half.pieces)
        if begun in by_frame and held <= limits.extract_bytes:
            by_frame[begun].evidence = evidence
    return held


def _take_block(
    block: SegmentBlock, rows: ChosenRows, flows: FlowTable, taken: list[Taken], limits: Limits
) -> None:
    for place, error in rows.errors(block):
        if len(taken[place].errors) < limits.icmp_errors:
            taken[place].errors.append(error)
    chosen, places = rows.rows(block)
    if not places:
        return
    flows.observe(block.rows(chosen))
    senders = zip(block.source_port[chosen].tolist(), block.source[chosen, 1].tolist(), strict=True)
    last: dict[tuple[int, _Sender], int] = {}
    for place, row, sender, flags in zip(
        places, chosen.tolist(), senders, block.flags[chosen].tolist(), strict=True
    ):
        segments = taken[place].segments
        if flags & (SYN | FIN | RST) or len(segments) < limits.extract_packets:
            segments.append(segment_of(block, row))
        else:
            last[place, sender] = row
    for (place, sender), row in last.items():
        taken[place].waiting[sender] = segment_of(block, row)


class Told(NamedTuple):
    """The frames of a connection, and the ClientHellos whose secrets open its handshake."""

    packets: list[Packet]
    randoms: set[bytes]


def told(
    taken: Taken,
    names: Iterable[str],
    limits: Limits,
    *,
    secrets: Secrets | None = None,
    disguise: Disguise | None = None,
) -> Told:
    """Tell a connection blotted; disguised if wanted, the hosts of ``names`` too."""
    evidence = taken.evidence
    if evidence is None:
        return Told([], set())
    *both, sealed = voices(evidence, limits, secrets)
    if disguise is not None:
        for voice in both:
            rename(voice, names, disguise)
    kept = {frame for half in evidence.halves for piece in half.pieces for frame in piece.frames}
    low = ipaddress.ip_address(evidence.endpoints[0].ip).packed, evidence.endpoints[0].port
    packets = []
    for segment in sorted([*taken.segments, *taken.waiting.values()]):
        half = 0 if (segment.source, segment.source_port) == low else 1
        data = _payload(segment, both[half]) if segment.frame in kept else b""
        shown = segment if disguise is None else _hidden_ends(segment, disguise)
        packets.append(Packet(segment.frame, segment.time, *tcp_frame(shown, data)))
    errors = [packet for error in taken.errors for packet in _error(error, disguise)]
    return Told(packets + errors, sealed.randoms)


def _payload(segment: Segment, voice: Voice) -> bytes:
    begin = segment.sequence + bool(segment.flags & SYN)
    return voice.at(begin & 0xFFFF_FFFF, segment.captured)


def _hidden_ends(segment: Segment, disguise: Disguise) -> Segment:
    return segment._replace(
        source=disguise.address(segment.source), destination=disguise.address(segment.destination)
    )


def _error(error: IcmpError, disguise: Disguise | None) -> Iterator[Packet]:
    ends = address_bytes(*error.source), address_bytes(*error.destination)
    reporter = ipaddress.ip_address(error.reporter).packed
    if len(reporter) != len(ends[0]):
        return  # one family speaking of the other: a translator's, and of no IP version whole
    if disguise is not None:
        ends = disguise.address(ends[0]), disguise.address(ends[1])
        reporter = disguise.address(reporter)
    frame = icmp_frame(error, ends, reporter)
    yield Packet(error.frame, error.time, frame, len(frame))
