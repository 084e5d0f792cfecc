"""What one connection leaves behind after a piece of capture: a value that merges.

``merge`` is associative and has a zero (:data:`NOTHING` for a half). Splitting a capture anywhere,
gathering each piece alone and merging gives the evidence of the whole; so rotated files, several
processes and a cluster run the same code. Nothing here knows TLS.

Directions are indices: half 0 was sent by ``endpoints[0]``, half 1 by ``endpoints[1]``. Which of
them is the client is decided later (:mod:`analyzer.tcp.timeline`), since a piece of capture may not
know. The types are named tuples: there are many of them, and these are the cheapest to make, to
send to another process and to compare.
"""

from __future__ import annotations

from typing import NamedTuple

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


class Endpoint(NamedTuple):
    """One end of a connection; ``ip`` in its canonical text form (RFC 5952 for IPv6)."""

    ip: str
    port: int

    def __str__(self) -> str:
        return f"[{self.ip}]:{self.port}" if ":" in self.ip else f"{self.ip}:{self.port}"


class Piece(NamedTuple):
    """Bytes that followed each other on the wire, from one or more segments of one direction.

    Segment ``i`` contributed ``data[ends[i - 1]:ends[i]]``, was captured as ``frames[i]`` at
    ``times[i]`` and acknowledged the peer's bytes before ``acknowledgments[i]``. Only the last segment
    can be cut: ``uncaptured`` of its bytes were on the wire but not in the file (snap length).
    """

    sequence: int  # of data[0], 0 … 2**32 - 1
    data: bytes
    ends: tuple[int, ...]
    frames: tuple[int, ...]
    times: tuple[int, ...]
    acknowledgments: tuple[int, ...]  # -1 where a segment had none
    uncaptured: int = 0


class TcpEvent(NamedTuple):
    """A segment with SYN, FIN or RST, or a keep-alive of facts about it."""

    half: int  # index of the sending endpoint
    frame: int
    time: int
    flags: int
    sequence: int
    acknowledgment: int
    ttl: int
    ip_id: int  # -1 for IPv6
    window: int
    mss: int  # -1 without the option
    length: int  # payload bytes on the wire


class IcmpEvent(NamedTuple):
    """An ICMP error about a segment that half ``half`` had sent."""

    half: int
    frame: int
    time: int
    reporter: str
    type: int
    code: int
    version: int
    next_hop_mtu: int | None


class Half(NamedTuple):
    """What one endpoint sent.

    ``pieces`` hold the bytes that a handshake can need, in order of capture, retransmissions
    included; ``left_out`` counts payload bytes that the selection or a limit dismissed.
    ``acknowledged`` is the highest acknowledgment number that this endpoint *sent* (serial order),
    None where it sent none.
    """

    pieces: tuple[Piece, ...] = ()
    packets: int = 0
    payload: int = 0  # bytes on the wire, retransmissions included
    left_out: int = 0
    acknowledged: int | None = None
    first_frame: int | None = None
    first_time: int | None = None
    last_frame: int | None = None
    last_time: int | None = None
    base: int | None = None  # sequence number of the first packet; one less if it is no SYN


NOTHING = Half()


class Evidence(NamedTuple):
    """One connection. ``stream`` is Wireshark's ``tcp.stream`` within the capture."""

    stream: int
    endpoints: tuple[Endpoint, Endpoint]  # in canonical order: lower (address, port) first
    halves: tuple[Half, Half]
    events: tuple[TcpEvent, ...] = ()  # in order of capture
    icmp: tuple[IcmpEvent, ...] = ()
    limits: frozenset[str] = frozenset()  # names of the limits that were reached (limits.py)
