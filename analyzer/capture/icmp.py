"""ICMP and ICMPv6 errors that quote a TCP segment: rare, so decoded one by one."""

from __future__ import annotations

import ipaddress
import struct

import numpy as np

from analyzer.capture.block import IcmpError, PacketBlock
from analyzer.capture.fields import Fields
from analyzer.capture.rows import Rows

ERRORS_MOST = 4096  # per block; a storm of them says nothing new
_TCP = 6
_MAPPED = 0xFFFF_0000_0000  # RFC 4291 section 2.5.5.2
# RFC 792: unreachable, source quench, time exceeded, parameter problem. RFC 4443 section 3.
_ERRORS = {4: (3, 4, 11, 12), 6: (1, 2, 3, 4)}
_EXTENSIONS = frozenset({0, 43, 60, 135})


def decode_errors(
    fields: Fields, block: PacketBlock, rows: Rows, version: int
) -> tuple[list[IcmpError], int]:
    """Decode those rows whose next header is ICMP (*version* 4) or ICMPv6 (6).

    Returns:
        The errors that quote TCP, and how many rows were left because there are too many.
    """
    rows = rows.holding(8)
    rows = rows.where(np.isin(fields.u8(rows.at), _ERRORS[version]))
    decoded: list[IcmpError] = []
    for index, at, end, ip in zip(
        *(column[:ERRORS_MOST].tolist() for column in (rows.index, rows.at, rows.end, rows.ip)),
        strict=True,
    ):
        message, header = fields.buffer[at:end].tobytes(), fields.buffer[ip:at].tobytes()
        error = _decode(message, header, int(block.frame[index]), int(block.time[index]))
        if error is not None:
            decoded.append(error)
    return decoded, max(len(rows) - ERRORS_MOST, 0)


def _decode(message: bytes, header: bytes, frame: int, time: int) -> IcmpError | None:
    """Decode one error, *header* being the IP header that it came in; None if it is not of TCP."""
    version = header[0] >> 4
    quoted = _quoted(message[8:])
    if quoted is None:
        return None
    source, destination, segment = quoted
    source_port, destination_port, sequence = struct.unpack_from(">HHI", segment)
    return IcmpError(
        frame=frame,
        time=time,
        reporter=str(ipaddress.ip_address(header[12:16] if version == 4 else header[8:24])),
        type=message[0],
        code=message[1],
        version=version,
        source=source,
        destination=destination,
        source_port=source_port,
        destination_port=destination_port,
        sequence=sequence,
        next_hop_mtu=_next_hop_mtu(version, message),
    )


def _quoted(packet: bytes) -> tuple[tuple[int, int], tuple[int, int], bytes] | None:
    """Find the addresses and the first 8 bytes of TCP in the packet that an error quotes.

    RFC 792 guarantees these 8 bytes: ports and sequence number.
    """
    if len(packet) >= 20 and packet[0] >> 4 == 4:
        words = struct.unpack_from(">II", packet, 12)
        first = struct.unpack_from(">H", packet, 6)[0] & 0x1FFF == 0
        protocol, at = packet[9], (packet[0] & 15) * 4
        source, destination = (0, _MAPPED | words[0]), (0, _MAPPED | words[1])
    elif len(packet) >= 40 and packet[0] >> 4 == 6:
        quad = struct.unpack_from(">QQQQ", packet, 8)
        source, destination, first = quad[:2], quad[2:], True
        protocol, at = _chain(packet)
    else:
        return None
    if protocol != _TCP or not first or len(packet) < at + 8:
        return None
    return source, destination, packet[at : at + 8]


def _chain(packet: bytes) -> tuple[int, int]:
    """Walk the extension headers of a quoted IPv6 packet; give the protocol and its offset."""
    protocol, at = packet[6], 40
    while protocol in _EXTENSIONS and len(packet) >= at + 8:
        protocol, at = packet[at], at + (packet[at + 1] + 1) * 8
    return protocol, at


def _next_hop_mtu(version: int, message: bytes) -> int | None:
    """Read the size that would have fitted (RFC 1191 section 4, RFC 4443 section 3.2)."""
    if version == 4:
        too_big = message[:2] == b"\3\4"
        return int.from_bytes(message[6:8], "big") if too_big else None
    return int.from_bytes(message[4:8], "big") if message[0] == 2 else None
