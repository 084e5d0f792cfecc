"""TLS inside the packets of another protocol: taken out, with the way back to the capture's frames.

TDS (MS-TDS 2.2.3.1: Microsoft's SQL Server, Sybase) carries the handshake in packets of its own and
drops the packets once the handshake is over; a WebSocket (RFC 6455 section 5.2) carries whatever it
tunnels in frames, masked from client to server; OpenVPN has TLS in the messages of its control
channel. All leave a direction whose bytes are like those of any other. Nothing here looks at a port.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from analyzer.tcp.reassembly import Chunk, Mark, Stream
from analyzer.tcp.timeline import Side
from analyzer.tls.prelude import openvpn
from analyzer.tls.story import Prelude, PreludeEnd

_PAYLOADS_MOST: Final = 4096  # packets or frames of a direction that are looked into
_RECORD: Final = re.compile(rb"[\x14-\x17]\x03[\x00-\x04]")


@dataclass(frozen=True, slots=True)
class Payload:
    """Bytes of a direction that a carrier's packet held; ``begin`` and ``end`` in that direction.

    ``mask`` is what they were combined with on the wire, over and over.
    """

    begin: int
    end: int
    data: bytes
    mask: bytes = b""


@dataclass(frozen=True, slots=True)
class Carried:
    """Both directions without the carrier's packets, and what was agreed before."""

    streams: Mapping[Side, Stream]
    prelude: Prelude
    payloads: Mapping[Side, tuple[Payload, ...]]


def unpack(client: Stream, server: Stream) -> Carried | None:
    """Take TLS out of its carrier; None where no carrier is recognised."""
    asked, answered = _start(client), _start(server)
    for carrier in _CARRIERS:
        if carrier.recognise(asked, answered):
            payloads = {
                Side.CLIENT: tuple(carrier.payloads(asked)),
                Side.SERVER: tuple(carrier.payloads(answered)),
            }
            streams = {
                Side.CLIENT: _rebuilt(client, payloads[Side.CLIENT]),
                Side.SERVER: _rebuilt(server, payloads[Side.SERVER]),
            }
            agreed = server if answered else client
            frame = agreed.locate(0).frame
            prelude = Prelude(carrier.protocol, PreludeEnd.AGREED, frame, carrier.text)
            return Carried(streams, prelude, payloads)
    return None


def _start(stream: Stream) -> bytes:
    """The bytes of a direction up to its first gap; empty where its start is missing."""
    first = stream.chunks[0] if stream.chunks else None
    return first.data if first is not None and first.offset == 0 else b""


def _rebuilt(stream: Stream, payloads: tuple[Payload, ...]) -> Stream:
    """A stream of the payloads alone, each byte of which knows the packet that brought it."""
    starts: list[int] = []
    marks: list[Mark] = []
    at = 0
    for payload in payloads:
        for offset in (payload.begin, *_turns(stream, payload)):
            starts.append(at + offset - payload.begin)
            marks.append(stream.locate(offset))
        at += len(payload.data)
    data = b"".join(payload.data for payload in payloads)
    return replace(
        stream,
        chunks=(Chunk(0, data),) if data else (),
        starts=tuple(starts) or stream.starts[:1],
        marks=tuple(marks) or stream.marks[:1],
    )


def _turns(stream: Stream, payload: Payload) -> Iterator[int]:
    """Offsets inside a payload at which another packet goes on."""
    return (start for start in stream.starts if payload.begin < start < payload.end)


_PRELOGIN, _RESPONSE, _TDS_HEADER = 0x12, 0x04, 8


def _is_tds(asked: bytes, answered: bytes) -> bool:
    """Whether a client's second PRELOGIN packet holds a TLS record, as MS-TDS 3.2.5.2 has it."""
    if asked[:1] != bytes((_PRELOGIN,)) or answered[:1] not in (b"", bytes((_RESPONSE,))):
        return False
    second = int.from_bytes(asked[2:4], "big")
    inside = asked[second + _TDS_HEADER : second + _TDS_HEADER + 3]
    return asked[second : second + 1] == bytes((_PRELOGIN,)) and bool(_RECORD.match(inside))


def _tds(data: bytes) -> Iterator[Payload]:
    """The TLS inside PRELOGIN packets; after the handshake records stand alone.

    ::

        BYTE Type; BYTE Status; USHORT Length;  // of the whole packet
        USHORT SPID; BYTE PacketID; BYTE Window;
    """
    at = _packet_end(data, 0)  # the PRELOGIN in clear, or its answer
    for _ in range(_PAYLOADS_MOST):
        if _RECORD.match(data, at):
            yield Payload(at, len(data), data[at:])
            return
        end = _packet_end(data, at)
        if data[at : at + 1] not in _TDS_TYPES or end < at + _TDS_HEADER or at >= len(data):
            return
        body = data[at + _TDS_HEADER : end]
        yield Payload(at + _TDS_HEADER, at + _TDS_HEADER + len(body), body)
        at = end


_TDS_TYPES: Final = (bytes((_PRELOGIN,)), bytes((_RESPONSE,)))


def _packet_end(data: bytes, at: int) -> int:
    return at + int.from_bytes(data[at + 2 : at + 4], "big")


_UPGRADED: Final = re.compile(
    rb"HTTP/1\.1 101[^\r\n]*\r\n(?:[^\r\n]+\r\n)*?Upgrade: *websocket", re.IGNORECASE
)
_HEAD_END: Final = b"\r\n\r\n"


def _is_websocket(asked: bytes, answered: bytes) -> bool:
    """Whether HTTP was changed for a WebSocket whose first data frame holds a TLS record."""
    if not _UPGRADED.match(answered):
        return False
    first = next(_websocket(asked), None)
    return first is not None and bool(_RECORD.match(first.data))


def _websocket(data: bytes) -> Iterator[Payload]:
    """The payloads of data frames (RFC 6455 section 5.2); control frames are left out."""
    head = data.find(_HEAD_END)
    at = head + len(_HEAD_END) if head >= 0 else len(data)
    for _ in range(_PAYLOADS_MOST):
        if at + 2 > len(data):
            return
        opcode, masked, length = data[at] & 0x0F, data[at + 1] & 0x80, data[at + 1] & 0x7F
        wide = {126: 2, 127: 8}.get(length, 0)
        body = at + 2 + wide + (4 if masked else 0)
        if wide:
            length = int.from_bytes(data[at + 2 : at + 2 + wide], "big")
        if opcode < _CONTROL:
            sent = data[body : body + length]
            key = data[body - 4 : body] if masked else b""
            yield Payload(body, body + len(sent), unmasked(sent, key) if masked else sent, key)
        at = body + length


_CONTROL: Final = 8  # opcodes from here on are control frames


def unmasked(data: bytes, key: bytes) -> bytes:
    """Undo the mask (RFC 6455 section 5.3): not a cipher, each byte is combined with one of four."""
    mask = (key * (len(data) // 4 + 1))[: len(data)]
    return (int.from_bytes(data, "big") ^ int.from_bytes(mask, "big")).to_bytes(len(data), "big")


def _is_openvpn(asked: bytes, answered: bytes) -> bool:
    """Whether the first message of a control channel that can be read is a TLS record."""
    if not openvpn.is_openvpn(asked, answered):
        return False
    first = next(_openvpn(asked), None)
    return first is not None and bool(_RECORD.match(first.data))


def _openvpn(data: bytes) -> Iterator[Payload]:
    for place in openvpn.control_channel(data):
        yield Payload(place.start, place.stop, data[place])


@dataclass(frozen=True, slots=True)
class _Carrier:
    protocol: str
    text: str  # what the two sides agreed by
    recognise: Callable[[bytes, bytes], bool]
    payloads: Callable[[bytes], Iterator[Payload]]


_CARRIERS: Final = (
    _Carrier("tds", "PRELOGIN", _is_tds, _tds),
    _Carrier("websocket", "HTTP/1.1 101 Upgrade: websocket", _is_websocket, _websocket),
    _Carrier("openvpn", "P_CONTROL_HARD_RESET_CLIENT_V2", _is_openvpn, _openvpn),
)
