"""Both directions of a connection in order: who is the client, where TLS begins, its records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from operator import itemgetter

from analyzer.limits import Limits
from analyzer.tcp.closing import initial_sequence
from analyzer.tcp.evidence import Evidence
from analyzer.tcp.reassembly import Stream, assemble
from analyzer.tcp.timeline import Side, client_index
from analyzer.tls.prelude.carriers import Carried, Payload, unpack
from analyzer.tls.prelude.openings import classify
from analyzer.tls.prelude.start import Start, find_start
from analyzer.tls.record.records import Break, Record, read_records
from analyzer.tls.story import Opening


@dataclass(frozen=True, slots=True)
class Directions:
    """What both sides sent, in order: where TLS begins, and its records.

    ``payloads``: where another protocol's packets carry TLS, what they hold of it; the records'
    offsets are then those in the payloads put together. None where TCP itself carries it.
    ``full``: more records came than the limit lets be read.
    """

    streams: Mapping[Side, Stream]
    start: Start
    records: Mapping[Side, tuple[Record, ...]]
    breaks: Mapping[Side, tuple[Break, ...]]
    payloads: Mapping[Side, tuple[Payload, ...]] | None
    full: bool


def client_half(evidence: Evidence) -> int:
    """Which endpoint is the client: by its hello, by SYN, by the first bytes, else by port number.

    The hello decides before SYN, since TLS roles need not follow TCP's (RFC 4217 section 12: the
    data connections of FTP). A lower port number only ever decides between two sides of which no
    beginning was captured.
    """
    by_syn = client_index(evidence)
    for index in (0, 1):
        mine, other = (_first_bytes(evidence, index), _first_bytes(evidence, 1 - index))
        if _is_hello(mine, 1) and (by_syn is None or _is_hello(other, 2)):
            return index
        if by_syn is None and _is_hello(other, 2):
            return index
    if by_syn is not None:
        return by_syn
    for index in (0, 1):
        if classify(_first_bytes(evidence, index)) is Opening.HTTP_REQUEST:
            return index
    return 0 if evidence.endpoints[0].port >= evidence.endpoints[1].port else 1


def _first_bytes(evidence: Evidence, index: int) -> bytes:
    pieces = evidence.halves[index].pieces
    return pieces[0].data[:16] if pieces else b""


def _is_hello(data: bytes, kind: int) -> bool:
    if data[:1] == b"\x16":
        return len(data) > 5 and data[1] == 3 and data[5] == kind
    v2 = data[:1] >= b"\x80" and classify(data) is Opening.TLS
    return v2 and data[2] == (1 if kind == 1 else 4)


def read_directions(evidence: Evidence, client: int, limits: Limits) -> Directions:
    """Put both directions in order and cut them into records; half ``client`` is the client."""
    halves = {Side.CLIENT: evidence.halves[client], Side.SERVER: evidence.halves[1 - client]}
    streams = {
        side: assemble(half, halves[side.peer], initial_sequence(evidence, index))
        for index, (side, half) in zip((client, 1 - client), halves.items(), strict=True)
    }
    start, carried = _find_start(streams)
    inside = streams if carried is None else carried.streams
    starts = {Side.CLIENT: start.client, Side.SERVER: start.server}
    read = {
        side: read_records(stream, side, starts[side] or 0, limits.records)
        if starts[side] is not None or stream.starts_midstream
        else ((), ())
        for side, stream in inside.items()
    }
    return Directions(
        streams=streams,
        start=start,
        records={side: records for side, (records, _) in read.items()},
        breaks={side: breaks for side, (_, breaks) in read.items()},
        payloads=None if carried is None else carried.payloads,
        full=any(len(records) >= limits.records for records, _ in read.values()),
    )


def _find_start(streams: Mapping[Side, Stream]) -> tuple[Start, Carried | None]:
    """Where TLS begins, and what carries it if that is not TCP itself."""
    start = find_start(streams[Side.CLIENT], streams[Side.SERVER])
    if start.client == 0:
        return start, None
    carried = unpack(streams[Side.CLIENT], streams[Side.SERVER])
    if carried is None:
        return start, None
    begins = {side: 0 if stream.chunks else None for side, stream in carried.streams.items()}
    return Start(begins[Side.CLIENT], begins[Side.SERVER], carried.prelude), carried


def in_order(records: Mapping[Side, tuple[Record, ...]]) -> list[Record]:
    """Both sides' records in the order in which TCP delivered them.

    A segment that came late delays what is behind it: within a side the order of bytes holds.
    """
    delivered: list[tuple[int, Record]] = []
    for side in (Side.CLIENT, Side.SERVER):
        last = 0
        for record in records[side]:
            last = max(last, record.frame)
            delivered.append((last, record))
    delivered.sort(key=itemgetter(0))  # stable: a side keeps its own order
    return [record for _, record in delivered]
