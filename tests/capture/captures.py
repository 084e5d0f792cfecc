"""Capture files and packets made byte by byte, so that tests can also make wrong ones."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass

import numpy as np

from analyzer.capture.block import PacketBlock, SegmentBlock
from analyzer.capture.dissect import Dissector
from analyzer.capture.source import Capture, open_capture
from analyzer.limits import DEFAULT, Limits

SOURCE4, TARGET4 = b"\xc0\x00\x02\x01", b"\xc6\x33\x64\x02"
SOURCE6, TARGET6 = (
    b"\x20\x01\x0d\xb8" + bytes(11) + b"\x01",
    b"\x20\x01\x0d\xb8" + bytes(11) + b"\x02",
)
SECOND = 1_000_000_000
ETHERNET = bytes(12)


def tcp(
    data: bytes = b"payload", *, sequence: int = 7, flags: int = 0x18, options: bytes = b""
) -> bytes:
    """A TCP segment from port 40000 to 443."""
    header = 20 + len(options)
    words = (40_000, 443, sequence, 9, header << 2, flags, 1024, 0, 0)
    return struct.pack(">HHIIBBHHH", *words) + options + data


def ipv4(payload: bytes, protocol: int = 6, **changes: int) -> bytes:
    """An IPv4 packet; ``fragment`` is flags and offset, ``total`` a length that may lie."""
    total = changes.get("total", 20 + len(payload))
    identification, fragment = changes.get("identification", 77), changes.get("fragment", 0x4000)
    words = (0x45, 0, total, identification, fragment, 61, protocol, 0)
    return struct.pack(">BBHHHBBH", *words) + SOURCE4 + TARGET4 + payload


def ipv6(payload: bytes, following: int = 6, length: int | None = None) -> bytes:
    """An IPv6 packet."""
    size = len(payload) if length is None else length
    return struct.pack(">IHBB", 6 << 28, size, following, 59) + SOURCE6 + TARGET6 + payload


def udp(payload: bytes, port: int) -> bytes:
    """A UDP datagram to a port."""
    return struct.pack(">HHHH", 50_000, port, 8 + len(payload), 0) + payload


def ethernet(payload: bytes, ethertype: int = 0x0800) -> bytes:
    """An Ethernet frame."""
    return ETHERNET + struct.pack(">H", ethertype) + payload


def pcap(
    packets: list[bytes],
    *,
    link_type: int = 1,
    order: str = "<",
    magic: int = 0xA1B2C3D4,
    snap: int = 65_535,
    extra: bytes = b"",
) -> bytes:
    """A pcap file; packet ``i`` is of second ``i`` and fraction ``i``."""
    file = struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, snap, link_type) + extra[:4]
    modified = bytes(8) if magic == 0xA1B2CD34 else b""
    for index, packet in enumerate(packets):
        kept = packet[:snap]
        file += struct.pack(f"{order}IIII", index, index, len(kept), len(packet)) + modified + kept
    return file


@dataclass
class Pcapng:
    """Writes pcapng blocks one after another."""

    order: str = "<"
    data: bytes = b""

    def block(self, kind: int, body: bytes) -> Pcapng:
        """Any block; the body is padded."""
        body += bytes(-len(body) % 4)
        length = struct.pack(f"{self.order}I", len(body) + 12)
        self.data += struct.pack(f"{self.order}I", kind) + length + body + length
        return self

    def section(self, order: str | None = None) -> Pcapng:
        """A Section Header Block of unknown length."""
        self.order = order or self.order
        return self.block(0x0A0D0D0A, struct.pack(f"{self.order}IHHq", 0x1A2B3C4D, 1, 0, -1))

    def interface(self, link_type: int = 1, snap: int = 0, options: bytes = b"") -> Pcapng:
        """An Interface Description Block."""
        return self.block(1, struct.pack(f"{self.order}HHI", link_type, 0, snap) + options)

    def option(self, code: int, value: bytes) -> bytes:
        """One option, padded."""
        head = struct.pack(f"{self.order}HH", code, len(value))
        return head + value + bytes(-len(value) % 4)

    def enhanced(self, packet: bytes, ticks: int = 0, interface: int = 0, wire: int = 0) -> Pcapng:
        """An Enhanced Packet Block with a comment."""
        sizes = (len(packet), wire or len(packet))
        head = struct.pack(f"{self.order}IIIII", interface, ticks >> 32, ticks & 0xFFFFFFFF, *sizes)
        comment = self.option(1, b"a comment") + bytes(4)
        return self.block(6, head + packet + bytes(-len(packet) % 4) + comment)

    def obsolete(self, packet: bytes, ticks: int = 0, interface: int = 0) -> Pcapng:
        """A Packet Block."""
        words = (interface, 3, ticks >> 32, ticks & 0xFFFFFFFF, len(packet), len(packet))
        return self.block(2, struct.pack(f"{self.order}HHIIII", *words) + packet)

    def simple(self, packet: bytes, wire: int = 0) -> Pcapng:
        """A Simple Packet Block."""
        return self.block(3, struct.pack(f"{self.order}I", wire or len(packet)) + packet)


def read(data: bytes, limits: Limits = DEFAULT) -> Capture:
    """Open a capture from memory."""
    return open_capture(io.BytesIO(data), limits)


def packets_of(capture: Capture) -> list[tuple[int, int, bytes]]:
    """Frame, time and captured bytes of all packets."""
    found: list[tuple[int, int, bytes]] = []
    for block in capture.blocks():
        columns = zip(block.frame, block.time, block.begin, block.end, strict=True)
        found += [(int(f), int(t), block.buffer[b:e].tobytes()) for f, t, b, e in columns]
    return found


def packet_block(packets: list[bytes], link_type: int = 1) -> PacketBlock:
    """A block of packets in memory, all captured whole."""
    sizes = np.array([len(packet) for packet in packets], np.int64)
    ends = np.cumsum(sizes)
    return PacketBlock(
        buffer=np.frombuffer(b"".join(packets), np.uint8),
        frame=np.arange(1, len(packets) + 1),
        time=np.arange(len(packets)) * SECOND,
        begin=ends - sizes,
        end=ends,
        wire=sizes,
        link_type=np.full(len(packets), link_type, np.int64),
    )


def dissect(packets: list[bytes], link_type: int = 1, limits: Limits = DEFAULT) -> SegmentBlock:
    """The segments of packets."""
    return Dissector(limits).segments(packet_block(packets, link_type))


def payloads(block: SegmentBlock) -> list[tuple[int, bytes]]:
    """Frame and payload of each segment."""
    columns = zip(block.frame, block.begin, block.end, strict=True)
    return [(int(f), block.buffer[b:e].tobytes()) for f, b, e in columns]
