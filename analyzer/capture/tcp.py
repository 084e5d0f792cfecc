"""TCP headers as columns (RFC 9293 section 3.1)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analyzer.capture.block import COLUMNS, IcmpError, Integers, PacketBlock, SegmentBlock, Words
from analyzer.capture.fields import Fields
from analyzer.capture.rows import Rows

_MAPPED = 0x0000_FFFF_0000_0000  # RFC 4291 section 2.5.5.2, the lower word without the address
_SYN = 2
_OPTIONS_MOST = 40  # bytes; so there are at most as many options
_END, _NOP, _MSS = 0, 1, 2


def decode_segments(fields: Fields, block: PacketBlock, rows: Rows) -> SegmentBlock:
    """Read the columns of all rows whose next header is TCP.

    Rows with a header that was cut, or that claims to be smaller than 20 bytes or larger than its
    packet, are dropped: nothing in them can be trusted.
    """
    rows = rows.holding(20)
    second = fields.i64(rows.at + 8)  # acknowledgment, data offset, flags, window
    header = (second >> 26) & 0x3C
    good = (header >= 20) & (rows.at + header <= rows.stop)
    if not good.all():
        rows, second, header = rows.where(good), second[good], header[good]
    first = fields.i64(rows.at)  # ports, sequence
    payload = rows.at + header
    flags = (second >> 16) & 0x3F
    source, destination, ttl, ip_id = _network(fields, rows)
    return SegmentBlock(
        buffer=fields.buffer,
        frame=block.frame[rows.index],
        time=block.time[rows.index],
        source=source,
        destination=destination,
        source_port=(first >> 48) & 0xFFFF,
        destination_port=(first >> 32) & 0xFFFF,
        sequence=first & 0xFFFF_FFFF,
        acknowledgment=(second >> 32) & 0xFFFF_FFFF,
        flags=flags,
        window=second & 0xFFFF,
        ttl=ttl,
        ip_id=ip_id,
        mss=_segment_sizes(fields, rows, payload, flags),
        begin=np.minimum(payload, rows.end),
        end=rows.end,
        length=rows.stop - payload,
    )


def join(parts: Sequence[SegmentBlock], errors: tuple[IcmpError, ...]) -> SegmentBlock:
    """Put the segments that came by different ways back in order of their frames."""
    order = np.argsort(np.concatenate([part.frame for part in parts]), kind="stable")
    joined = {
        name: np.concatenate([getattr(part, name) for part in parts]).take(order, axis=0)
        for name in COLUMNS
    }
    return SegmentBlock(buffer=parts[0].buffer, icmp_errors=errors, place=None, **joined)


def _network(fields: Fields, rows: Rows) -> tuple[Words, Words, Integers, Integers]:
    """Read addresses ``(K, 2)``, time to live and identification ``(K,)`` of the innermost IP."""
    four = fields.buffer[rows.ip] >> 4 == 4
    if four.all():
        return _ipv4(fields, rows.ip)
    six = ~four
    if six.all():
        return _ipv6(fields, rows.ip)
    count = len(rows)
    source, destination = np.empty((count, 2), np.uint64), np.empty((count, 2), np.uint64)
    ttl, ip_id = np.empty(count, np.int64), np.empty(count, np.int64)
    for mask, read in ((four, _ipv4), (six, _ipv6)):
        source[mask], destination[mask], ttl[mask], ip_id[mask] = read(fields, rows.ip[mask])
    return source, destination, ttl, ip_id


def _ipv4(fields: Fields, ip: Integers) -> tuple[Words, Words, Integers, Integers]:
    """RFC 791 section 3.1."""
    pair = fields.i64(ip + 12)
    source = np.zeros((len(ip), 2), np.int64)
    destination = np.zeros((len(ip), 2), np.int64)
    source[:, 1] = (pair >> 32) & 0xFFFF_FFFF | _MAPPED
    destination[:, 1] = pair & 0xFFFF_FFFF | _MAPPED
    return (
        source.view(np.uint64),
        destination.view(np.uint64),
        fields.u8(ip + 8),
        fields.u16(ip + 4),
    )


def _ipv6(fields: Fields, ip: Integers) -> tuple[Words, Words, Integers, Integers]:
    """RFC 8200 section 3; it has no identification."""
    words = [fields.i64(ip + offset).view(np.uint64) for offset in (8, 16, 24, 32)]
    source, destination = np.stack(words[:2], axis=1), np.stack(words[2:], axis=1)
    return source, destination, fields.u8(ip + 7), np.full(len(ip), -1, np.int64)


def _segment_sizes(fields: Fields, rows: Rows, payload: Integers, flags: Integers) -> Integers:
    """Find the maximum segment size option of each SYN (RFC 9293 section 3.2); -1 elsewhere.

    It is the first option nearly always; the other SYNs take one more round for each option before
    it.
    """
    sizes = np.full(len(rows), -1, np.int64)
    (row,) = np.nonzero(flags & _SYN)
    at = rows.at[row] + 20
    stop = np.minimum(payload, rows.end)[row]
    for _ in range(_OPTIONS_MOST):
        inside = stop - at >= 4  # a shorter rest has no room for this option
        row, at, stop = row[inside], at[inside], stop[inside]
        if not len(row):
            break
        kind, length = fields.u8(at), fields.u8(at + 1)
        found = (kind == _MSS) & (length == 4)
        sizes[row[found]] = fields.u16(at[found] + 2)
        step = np.where(kind == _NOP, 1, length)
        more = ~found & (kind != _END) & (step > 0)
        row, at, stop = row[more], (at + step)[more], stop[more]
    return sizes
