"""Write captures: frames as they are, or the packets of a TCP connection that somebody recorded.

Three parts that know nothing of each other's inside, and none of them does input or output:

* :class:`Conversation` makes Ethernet frames with right checksums and sequence numbers out of
  "this side sent these bytes now".
* :class:`PcapForm` and :class:`PcapngForm` put frames into a file's form, as bytes.
* :class:`PacketWriter` joins a form with a place to write to. It keeps nothing, so captures of any
  size can be written.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Protocol

_FIN, _SYN, _RST, _PSH, _ACK = 1, 2, 4, 8, 16
_LAST: Final = (1 << 32) * 1_000_000_000 - 1  # ns; what classic pcap can tell at most
_SNAP: Final = 1 << 18  # what libpcap takes at most
_ETHERNET: Final = 1  # LINKTYPE_ETHERNET
_NSS_KEY_LOG: Final = 0x544C534B  # "TLSK"
# Locally administered addresses (IEEE 802, second bit): nobody may take them for real ones.
_MACS: Final = (bytes.fromhex("020000000001"), bytes.fromhex("020000000002"))
_TTL, _WINDOW = 64, 65_535
_SEGMENT: Final = {4: 1460, 6: 1440}  # payload in an Ethernet frame of 1500 bytes without options

Frame = tuple[int, bytes]  # time in ns since the epoch, the frame


class Sink(Protocol):
    """Takes bytes: a file, a socket's file, BytesIO."""

    def write(self, data: bytes, /) -> int:
        """Write all of the data."""
        ...


class Form(Protocol):
    """A kind of capture file."""

    def header(self) -> bytes:
        """What the file begins with."""
        ...

    def packet(self, time: int, frame: bytes, length: int) -> bytes:
        """One packet; ``length`` is what it had on the wire."""
        ...


@dataclass(frozen=True, slots=True)
class PcapForm:
    """Classic pcap with nanoseconds, little-endian (draft-ietf-opsawg-pcap section 4)."""

    link_type: int = _ETHERNET

    def header(self) -> bytes:
        """The file header."""
        return struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, _SNAP, self.link_type)

    def packet(self, time: int, frame: bytes, length: int) -> bytes:
        """A record: seconds, nanoseconds, captured and original length.

        A time that 32 bits of seconds cannot tell becomes the nearest that they can.
        """
        seconds, nanoseconds = divmod(min(max(time, 0), _LAST), 1_000_000_000)
        return struct.pack("<IIII", seconds, nanoseconds, len(frame), length) + frame


@dataclass(frozen=True, slots=True)
class PcapngForm:
    """pcapng, which can carry a comment on how the capture was made (draft-ietf-opsawg-pcapng)."""

    comment: str = ""
    link_type: int = _ETHERNET
    key_log: bytes = b""  # lines of an NSS key log

    def header(self) -> bytes:
        """Section header and interface description, and the secrets if there are any."""
        section = struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)
        comment = _option(1, self.comment.encode()) if self.comment else b""
        interface = struct.pack("<HHI", self.link_type, 0, _SNAP)
        nanoseconds = _option(9, b"\x09")  # if_tsresol
        return (
            _block(0x0A0D0D0A, section + comment + _end(comment))
            + _block(1, interface + nanoseconds + _end(nanoseconds))
            + self._secrets()
        )

    def _secrets(self) -> bytes:
        """A Decryption Secrets Block (section 4.7)."""
        if not self.key_log:
            return b""
        return _block(
            10, struct.pack("<II", _NSS_KEY_LOG, len(self.key_log)) + _padded(self.key_log)
        )

    def packet(self, time: int, frame: bytes, length: int) -> bytes:
        """An enhanced packet block."""
        high, low = max(time, 0) >> 32, max(time, 0) & 0xFFFF_FFFF
        fixed = struct.pack("<IIIII", 0, high, low, len(frame), length)
        return _block(6, fixed + _padded(frame))


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + _padded(value)


def _end(options: bytes) -> bytes:
    return bytes(4) if options else b""


def _block(kind: int, body: bytes) -> bytes:
    length = len(body) + 12
    return struct.pack("<II", kind, length) + body + struct.pack("<I", length)


class PacketWriter:
    """Writes packets to a sink as they come."""

    def __init__(self, sink: Sink, form: Form | None = None) -> None:
        """Write the file's header. Without a form it is classic pcap of Ethernet frames."""
        self._sink = sink
        self._form = form or PcapForm()
        self.packets = 0
        sink.write(self._form.header())

    def write(self, time: int, frame: bytes, length: int | None = None) -> None:
        """Write one packet.

        Args:
            time: Nanoseconds since the epoch.
            frame: Its bytes from the link layer on.
            length: Bytes that it had on the wire, where not all of them are here.
        """
        self._sink.write(self._form.packet(time, frame, len(frame) if length is None else length))
        self.packets += 1


@dataclass(slots=True)
class _End:
    """What one end has sent."""

    address: bytes
    port: int
    mac: bytes
    next: int  # sequence number
    ip_id: int = 1
    mss: int | None = None


@dataclass(slots=True)
class Conversation:
    """Makes the packets of one TCP connection; side 0 is the client, side 1 the server.

    What it is not told, it makes up: TTL 64, a full window, segments as long as Ethernet carries
    them. It says nothing of its own accord: no reset, no retransmission, no close.
    """

    client: tuple[str, int]
    server: tuple[str, int]
    mss: tuple[int | None, int | None] = (None, None)  # announced by client and server; None: not
    _ends: tuple[_End, _End] = field(init=False)
    _version: int = field(init=False)

    def __post_init__(self) -> None:
        """Check the addresses; raises ValueError where they are none, or of two families."""
        addresses = [ipaddress.ip_address(ip) for ip, _ in (self.client, self.server)]
        if addresses[0].version != addresses[1].version:
            raise ValueError("client and server have addresses of two families")
        self._version = addresses[0].version
        client, server = (
            _End(address.packed, place[1], mac, start, mss=mss)
            for address, place, mac, start, mss in zip(
                addresses, (self.client, self.server), _MACS, (1_000, 5_000), self.mss, strict=True
            )
        )
        self._ends = client, server

    def opening(self, time: int, answered: int, acknowledged: int) -> Iterator[Frame]:
        """SYN, SYN-ACK and ACK at their times."""
        yield from self.syn(time)
        yield from self.syn_ack(answered)
        yield from self.acknowledge(acknowledged, 0)

    def syn(self, time: int) -> Iterator[Frame]:
        """The client's SYN."""
        yield time, self._packet(0, _SYN)
        self._ends[0].next += 1

    def syn_ack(self, time: int) -> Iterator[Frame]:
        """The server's answer to it."""
        yield time, self._packet(1, _SYN | _ACK)
        self._ends[1].next += 1

    def acknowledge(self, time: int, side: int) -> Iterator[Frame]:
        """A side acknowledges all that the other has sent."""
        yield time, self._packet(side, _ACK)

    def data(self, time: int, side: int, data: bytes) -> Iterator[Frame]:
        """A side sends bytes, in as many segments as they need."""
        end, step = self._ends[side], _SEGMENT[self._version]
        for at in range(0, len(data), step):
            part = data[at : at + step]
            last = at + step >= len(data)
            yield time, self._packet(side, _ACK | (_PSH if last else 0), part)
            end.next = (end.next + len(part)) & 0xFFFF_FFFF

    def skip(self, side: int, length: int) -> None:
        """A side sent bytes that were not kept: a reader will see that they are missing."""
        self._ends[side].next = (self._ends[side].next + length) & 0xFFFF_FFFF

    def close(self, time: int, side: int) -> Iterator[Frame]:
        """A side sends FIN."""
        yield time, self._packet(side, _FIN | _ACK)
        self._ends[side].next = (self._ends[side].next + 1) & 0xFFFF_FFFF

    def reset(self, time: int, side: int) -> Iterator[Frame]:
        """A side sends RST."""
        yield time, self._packet(side, _RST | _ACK)

    def _packet(self, side: int, flags: int, data: bytes = b"") -> bytes:
        mine, other = self._ends[side], self._ends[1 - side]
        acknowledged = other.next if flags & _ACK else 0
        segment = _segment(mine, other, acknowledged, flags, data)
        mac = other.mac + mine.mac
        if self._version == 6:
            header = struct.pack(">IHBB", 6 << 28, len(segment), 6, _TTL)
            return mac + b"\x86\xdd" + header + mine.address + other.address + segment
        header = struct.pack(
            ">BBHHHBBH", 0x45, 0, 20 + len(segment), mine.ip_id, 0x4000, _TTL, 6, 0
        )
        mine.ip_id = mine.ip_id % 0xFFFF + 1
        header += mine.address + other.address
        header = header[:10] + checksum(header).to_bytes(2) + header[12:]
        return mac + b"\x08\x00" + header + segment


def _segment(mine: _End, other: _End, acknowledged: int, flags: int, data: bytes) -> bytes:
    """RFC 9293 section 3.1, with the checksum over the pseudo header."""
    options = struct.pack(">BBH", 2, 4, mine.mss) if flags & _SYN and mine.mss else b""
    words = (20 + len(options)) // 4
    segment = struct.pack(
        ">HHIIBBHHH",
        mine.port,
        other.port,
        mine.next,
        acknowledged,
        words << 4,
        flags,
        _WINDOW,
        0,
        0,
    )
    segment += options + data
    pseudo = mine.address + other.address + struct.pack(">II", len(segment), 6)
    return segment[:16] + checksum(pseudo + segment).to_bytes(2) + segment[18:]


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071): the complement of the sum of 16-bit words.

    Carrying around is arithmetic modulo 65535, so one division of a long number does it.
    """
    total = int.from_bytes(data + bytes(len(data) % 2)) % 0xFFFF
    return 0xFFFF - (total or 0xFFFF) if any(data) else 0xFFFF
