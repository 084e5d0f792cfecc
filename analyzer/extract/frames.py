"""Segments become Ethernet frames again, with right checksums; tunnels and options are gone.

What the diagnosis reads is kept: addresses, ports, sequence and acknowledgment numbers, flags,
window, TTL, IP identification and the MSS option.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from analyzer.capture.block import IcmpError, SegmentBlock
from analyzer.capture.write import checksum

# Locally administered addresses (IEEE 802, second bit): nobody may take them for real ones.
_MACS: Final = (bytes.fromhex("020000000001"), bytes.fromhex("020000000002"))
_MAPPED: Final = 0xFFFF  # RFC 4291 section 2.5.5.2
_IPV4, _IPV6 = b"\x08\x00", b"\x86\xdd"
_LOCAL_EXPERIMENT: Final = b"\x88\xb5"  # IEEE 802, EtherType for private use
_TCP, _ICMP, _ICMPV6 = 6, 1, 58
_SYN: Final = 2
_TTL: Final = 64
_LONGEST: Final = 0xFFFF  # what a length field of IP can say


class Segment(NamedTuple):
    """One segment without its payload."""

    frame: int
    time: int  # ns
    source: bytes  # 4 or 16
    destination: bytes
    source_port: int
    destination_port: int
    sequence: int
    acknowledgment: int
    flags: int
    window: int
    ttl: int
    ip_id: int  # -1 for IPv6
    mss: int  # -1 without
    captured: int  # payload bytes in the file
    length: int  # and on the wire


def segment_of(block: SegmentBlock, row: int) -> Segment:
    """A row of a block."""
    return Segment(
        frame=int(block.frame[row]),
        time=int(block.time[row]),
        source=address_bytes(*block.source[row].tolist()),
        destination=address_bytes(*block.destination[row].tolist()),
        source_port=int(block.source_port[row]),
        destination_port=int(block.destination_port[row]),
        sequence=int(block.sequence[row]),
        acknowledgment=int(block.acknowledgment[row]),
        flags=int(block.flags[row]),
        window=int(block.window[row]),
        ttl=int(block.ttl[row]),
        ip_id=int(block.ip_id[row]),
        mss=int(block.mss[row]),
        captured=int(block.end[row]) - int(block.begin[row]),
        length=int(block.length[row]),
    )


def address_bytes(high: int, low: int) -> bytes:
    """An address of two 64-bit words, packed: 4 bytes or 16."""
    if high == 0 and low >> 32 == _MAPPED:
        return (low & 0xFFFF_FFFF).to_bytes(4)
    return (high << 64 | low).to_bytes(16)


def tcp_frame(one: Segment, data: bytes) -> tuple[bytes, int]:
    """The frame of a segment that carries ``data``, and its length on the wire."""
    options = struct.pack(">BBH", 2, 4, one.mss) if one.flags & _SYN and one.mss >= 0 else b""
    segment = struct.pack(
        ">HHIIBBHHH",
        *(one.source_port, one.destination_port, one.sequence, one.acknowledgment),
        *((20 + len(options)) << 2, one.flags & 0xFF, one.window & 0xFFFF, 0, 0),
    )
    segment += options + data
    cut = one.length - len(data)
    pseudo = one.source + one.destination + struct.pack(">II", len(segment) + cut, _TCP)
    segment = segment[:16] + checksum(pseudo + segment).to_bytes(2) + segment[18:]
    header = _ip(one.source, one.destination, _TCP, len(segment) + cut, one.ttl, one.ip_id)
    frame = _framed(header + segment, forth=one.source < one.destination)
    return frame, len(frame) + cut


def icmp_frame(error: IcmpError, ends: tuple[bytes, bytes], reporter: bytes) -> bytes:
    """The frame of an ICMP error, quoting the header of the segment that it speaks of.

    ``ends`` are that segment's source and destination.
    """
    source, target = ends
    ports = error.source_port, error.destination_port
    quoted = struct.pack(">HHIIBBHHH", *ports, error.sequence, 0, 0x50, 16, 0, 0, 0)
    ip_id = 0 if len(source) == 4 else -1
    inner = _ip(source, target, _TCP, len(quoted), _TTL, ip_id) + quoted
    four = error.version == 4
    message = struct.pack(">BBHI", error.type, error.code, 0, error.next_hop_mtu or 0) + inner
    pseudo = struct.pack(">II", len(message), _ICMPV6)
    summed = message if four else reporter + source + pseudo + message
    message = message[:2] + checksum(summed).to_bytes(2) + message[4:]
    header = _ip(reporter, source, _ICMP if four else _ICMPV6, len(message), _TTL, ip_id)
    return _framed(header + message, forth=reporter < source)


def mark_frame(text: str) -> bytes:
    """A frame that carries nothing but a remark: when the capture began or ended."""
    return (_MACS[1] + _MACS[0] + _LOCAL_EXPERIMENT + text.encode("ascii")).ljust(60, b"\0")


def _framed(packet: bytes, *, forth: bool) -> bytes:
    macs = _MACS if forth else _MACS[::-1]
    return macs[1] + macs[0] + (_IPV4 if packet[0] >> 4 == 4 else _IPV6) + packet


def _ip(source: bytes, target: bytes, protocol: int, size: int, ttl: int, ip_id: int) -> bytes:
    """The header of a packet with ``size`` bytes behind it.

    A length that does not fit is 0, as segmentation offload leaves it.
    """
    if len(source) == 16:
        length = size if size <= _LONGEST else 0
        return struct.pack(">IHBB", 6 << 28, length, protocol, ttl) + source + target
    length = 20 + size if 20 + size <= _LONGEST else 0
    head = struct.pack(">BBHHHBBH", 0x45, 0, length, max(ip_id, 0), 0x4000, ttl, protocol, 0)
    head += source + target
    return head[:10] + checksum(head).to_bytes(2) + head[12:]
