"""What TCP shows of a connection: who opened it, who closed it, and when nobody spoke.

Facts with frames and times, told by side. Judging them is for the rules.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from operator import attrgetter, itemgetter
from typing import Final, NamedTuple

from analyzer.tcp.closing import (
    Vain,
    closed_proven,
    closed_unheard,
    first_close,
    sent_in_vain,
    unseen_close,
    vain_closes,
)
from analyzer.tcp.evidence import ACK, FIN, RST, SYN, Evidence, Half, IcmpEvent, TcpEvent
from analyzer.tcp.reassembly import Gap, Stream
from analyzer.tcp.sequence import distance

# A connection that nobody closed counts as dead when the capture goes on for that long without it.
SILENCE_NS: Final = 5_000_000_000


class Side(enum.Enum):
    """The two ends of a connection."""

    __hash__ = object.__hash__  # members are single; the default hashes their names each time

    CLIENT = "client"
    SERVER = "server"

    @property
    def peer(self) -> Side:
        """The other end."""
        return Side.SERVER if self is Side.CLIENT else Side.CLIENT


class Timeline(NamedTuple):
    """TCP facts of one connection. Times are ns since the epoch, frames 1-based."""

    first_frame: int
    first_time: int
    last_frame: int
    last_time: int
    syns: tuple[TcpEvent, ...]  # every SYN of the client, retransmissions included
    syn: TcpEvent | None
    syn_ack: TcpEvent | None  # the first
    syn_acks: int  # how many, retransmissions included
    accepted: bool  # the client acknowledged the SYN-ACK
    fins: Mapping[Side, TcpEvent]  # first of each side, captured or acknowledged
    rsts: Mapping[Side, TcpEvent]  # first of each side
    closed_first: tuple[Side, TcpEvent, str] | None  # "fin" or "rst", the first of all
    icmp: tuple[IcmpEvent, ...]
    end: str  # fin, rst, timeout, open, refused or unanswered, as in the contract
    end_by: Side | None
    rtt_ns: int | None  # SYN to SYN-ACK, as seen at the capture point
    packets: Mapping[Side, int]
    payload: Mapping[Side, int]  # bytes on the wire, retransmissions included
    last_data: Mapping[Side, int | None]  # time of a side's last kept payload
    unacknowledged: Mapping[Side, int]  # bytes of a side that its peer never acknowledged
    vain: Mapping[Side, Vain | None]  # where those begin
    vain_closes: Mapping[Side, int]  # FINs of a side over some time, none of them acknowledged
    silence_ns: int  # from the last packet to the end of the capture
    waited_ns: int  # from the last payload before the first FIN or RST to it
    retransmissions: Mapping[Side, int]  # segments of the kept bytes that brought nothing new
    gaps: Mapping[Side, tuple[Gap, ...]]  # bytes that are missing from the capture
    missing: Mapping[Side, int]  # how many, those dismissed by the selection left out
    conflicts: Mapping[Side, int]  # segments that contradict bytes sent before
    rst_ttl: tuple[int, int] | None  # TTL of the first RST and of its sender's first other segment
    rst_outlived: int | None  # frame of new bytes that the first RST's sender sent after it
    # The capture missed the first FIN; its frame is what acknowledges it.
    closed_unseen: bool = False
    # The last frame captured behind the first FIN or RST with bytes that came before it; 0 without.
    closed_proven: int = 0
    # The first frame before it whose bytes its sender had not received when it closed; 0 without.
    closed_unheard: int = 0


def client_index(evidence: Evidence) -> int | None:
    """Which endpoint opened the connection, by SYN or SYN-ACK; None where neither was captured."""
    for event in evidence.events:
        if event.flags & (SYN | RST) == SYN:
            return 1 - event.half if event.flags & ACK else event.half
    return None


def read_timeline(
    evidence: Evidence, client: int, streams: Mapping[Side, Stream], capture_end: int
) -> Timeline:
    """Tell the TCP facts, with endpoint ``client`` as the client.

    ``streams`` are both directions in order. ``capture_end`` is the time of the capture's last
    packet: silence is measured against it.
    """
    sides = (Side.CLIENT, Side.SERVER) if client == 0 else (Side.SERVER, Side.CLIENT)
    syns, syn_ack, closing = _opening_and_closing(evidence, client)
    first = first_close(closing)
    how = "rst" if first is not None and first.flags & RST else "fin"
    closed = None if first is None else (sides[first.half], first, how)
    marks = _marks(evidence.halves)
    silence = max(capture_end - marks.last_time, 0)
    unacknowledged = {side: _unacknowledged(evidence, half) for half, side in enumerate(sides)}
    lost_sight = [s for s in sides if unacknowledged[s] and not streams[s].retransmissions]
    dead = not lost_sight and silence >= SILENCE_NS
    end, end_by = _end(evidence, client, closed, syn_ack, dead=dead)
    rsts = _first(closing, RST, sides)
    repeated = {side: stream.retransmissions for side, stream in streams.items()}
    repeated[Side.CLIENT] += max(len(syns) - 1, 0)
    halves = dict(zip(sides, evidence.halves, strict=True))
    return Timeline(
        first_frame=marks.first_frame,
        first_time=marks.first_time,
        last_frame=marks.last_frame,
        last_time=marks.last_time,
        syns=tuple(syns),
        syn=syns[0] if syns else None,
        syn_ack=syn_ack,
        syn_acks=sum([e.half != client and e.flags & _ANSWER == _ANSWER for e in evidence.events]),
        accepted=_accepted(evidence, client, syn_ack),
        fins=_first(closing, FIN, sides),
        rsts=rsts,
        closed_first=closed,
        icmp=evidence.icmp,
        end=end,
        end_by=end_by,
        rtt_ns=syn_ack.time - syns[0].time if syns and syn_ack else None,
        packets={side: half.packets for side, half in halves.items()},
        payload={side: half.payload for side, half in halves.items()},
        last_data={side: _last_data(half) for side, half in halves.items()},
        unacknowledged=unacknowledged,
        vain={
            side: sent_in_vain(evidence, half) if unacknowledged[side] else None
            for half, side in enumerate(sides)
        },
        vain_closes={side: vain_closes(evidence, half) for half, side in enumerate(sides)},
        silence_ns=silence,
        waited_ns=_waited(evidence, first, marks.first_time),
        retransmissions=repeated,
        gaps={side: stream.gaps for side, stream in streams.items()},
        missing={side: _missing(stream.gaps) for side, stream in streams.items()},
        conflicts={side: stream.conflicts for side, stream in streams.items()},
        rst_ttl=_rst_ttl(evidence) if rsts else None,
        rst_outlived=_rst_outlived(evidence) if rsts else None,
        closed_unseen=first is not None and first not in evidence.events,
        closed_proven=closed_proven(evidence, first) if first is not None else 0,
        closed_unheard=closed_unheard(evidence, first) if first is not None else 0,
    )


def _opening_and_closing(
    evidence: Evidence, client: int
) -> tuple[list[TcpEvent], TcpEvent | None, list[TcpEvent]]:
    """Every SYN of the client, the first SYN-ACK of the server, and every FIN and RST.

    A FIN that was not captured stands before what acknowledges it.
    """
    syns: list[TcpEvent] = []
    syn_ack: TcpEvent | None = None
    closing: list[TcpEvent] = []
    for event in evidence.events:
        flags = event.flags
        if flags & SYN and event.half == client and not flags & ACK:
            syns.append(event)
        elif flags & SYN and event.half != client and flags & ACK and syn_ack is None:
            syn_ack = event
        if flags & (FIN | RST):
            closing.append(event)
    unseen = [unseen_close(evidence, half) for half in (0, 1)]
    closing = [*(event for event in unseen if event is not None), *closing]
    return syns, syn_ack, sorted(closing, key=_EVENT_FRAME)


_ANSWER: Final = SYN | ACK


def _missing(gaps: tuple[Gap, ...]) -> int:
    return sum([gap.length for gap in gaps if gap.kind != "left_out"])


class _Marks(NamedTuple):
    """The first and the last packet of a connection."""

    first_frame: int = 0
    first_time: int = 0
    last_frame: int = 0
    last_time: int = 0


def _marks(halves: tuple[Half, Half]) -> _Marks:
    first = [(h.first_frame or 0, h.first_time) for h in halves if h.first_time is not None]
    last = [(h.last_frame or 0, h.last_time) for h in halves if h.last_time is not None]
    if not first or not last:
        return _Marks()
    return _Marks(*min(first, key=_FRAME), *max(last, key=_FRAME))


_FRAME: Final = itemgetter(0)
_EVENT_FRAME: Final = attrgetter("frame")


def _end(
    evidence: Evidence,
    client: int,
    closed: tuple[Side, TcpEvent, str] | None,
    syn_ack: TcpEvent | None,
    *,
    dead: bool,
) -> tuple[str, Side | None]:
    """How it ended. ``dead``: long silent, and the capture had followed it to the last.

    A stack sends again what is not acknowledged (RFC 6298 section 5): where unacknowledged bytes
    were never repeated, the capture stopped listening, and silence proves nothing.
    """
    if closed is not None:
        side, _, how = closed
        went_on = _went_on(evidence, client)
        answered = went_on or syn_ack is not None or any(half.payload for half in evidence.halves)
        if how == "rst" and side is Side.SERVER and not answered:
            return "refused", side
        return how, side
    opened = any(e.half == client and e.flags & SYN for e in evidence.events)
    if opened and syn_ack is None and not evidence.halves[1 - client].packets:
        return "unanswered", None
    return ("timeout" if dead else "open"), None


def _went_on(evidence: Evidence, client: int) -> bool:
    """Whether the client sent anything but SYN and RST: it had been answered, then."""
    events = [e for e in evidence.events if e.half == client and e.flags & (SYN | RST)]
    return evidence.halves[client].packets > len(events)


def _accepted(evidence: Evidence, client: int, syn_ack: TcpEvent | None) -> bool:
    acknowledged = evidence.halves[client].acknowledged
    if syn_ack is None or acknowledged is None:
        return False
    return distance(acknowledged, syn_ack.sequence) > 0


def _first(closing: list[TcpEvent], flag: int, sides: tuple[Side, Side]) -> dict[Side, TcpEvent]:
    found: dict[Side, TcpEvent] = {}
    for event in closing:
        if event.flags & flag:
            found.setdefault(sides[event.half], event)
    return found


def _last_data(half: Half) -> int | None:
    return max([piece.times[-1] for piece in half.pieces], default=None)


def _unacknowledged(evidence: Evidence, half: int) -> int:
    """Kept bytes of a half beyond the highest acknowledgment of its peer."""
    pieces = evidence.halves[half].pieces
    acknowledged = evidence.halves[1 - half].acknowledged
    if acknowledged is None:
        return sum([len(piece.data) for piece in pieces])
    ends = [(piece.sequence + len(piece.data)) & 0xFFFF_FFFF for piece in pieces]
    return max([0, *[distance(end, acknowledged) for end in ends]])


def _waited(evidence: Evidence, closing: TcpEvent | None, start: int) -> int:
    if closing is None:
        return 0
    times = [t for half in evidence.halves for p in half.pieces for t in p.times]
    times += [e.time for e in evidence.events if e.flags & SYN]
    return closing.time - max([t for t in times if t < closing.time], default=start)


def _rst_ttl(evidence: Evidence) -> tuple[int, int] | None:
    rst = next((e for e in evidence.events if e.flags & RST), None)
    if rst is None:
        return None
    other = next((e for e in evidence.events if e.half == rst.half and not e.flags & RST), None)
    return (rst.ttl, other.ttl) if other is not None else None


def _rst_outlived(evidence: Evidence) -> int | None:
    """Where the first RST's sender went on: bytes behind the RST's own sequence number.

    Who resets a connection sends nothing more; what was only captured in another order has lower
    numbers.
    """
    rst = next((e for e in evidence.events if e.flags & RST), None)
    if rst is None:
        return None
    for piece in evidence.halves[rst.half].pieces:
        end = (piece.sequence + len(piece.data)) & 0xFFFF_FFFF
        if piece.frames[-1] > rst.frame and distance(end, rst.sequence) > 0:
            return next(frame for frame in piece.frames if frame > rst.frame)
    return None
