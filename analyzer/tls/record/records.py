"""The record layer of one direction: ordered bytes with gaps become records.

RFC 8446 section 5.1 (the same header since SSL 3.0)::

    struct {
        ContentType type;
        ProtocolVersion legacy_record_version;
        uint16 length;
        opaque fragment[TLSPlaintext.length];
    } TLSPlaintext;

and the framing of SSL 2.0: for a ClientHello (RFC 5246 appendix E.2), or for all that both sides
send where the server answers in SSL 2.0. After a gap the reader finds its feet
again at the next place where headers chain; what it skipped is told, never guessed.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final, NamedTuple

from analyzer.tcp.reassembly import Chunk, Stream
from analyzer.tcp.timeline import Side
from analyzer.tls.registry.code_points import ContentType

HEADER: Final = 5
# 2^14 and the 2048 bytes that RFC 5246 section 6.2.3 allows for protection; what is longer than
# that by little is kept as oversized, what is longer by much is no record.
FRAGMENT_MOST: Final = (1 << 14) + 2048
_OVERSIZED_MOST: Final = (1 << 15) + 2048
_FIELDS: Final = struct.Struct(">BHH")  # of a header
_VERSIONS: Final = frozenset({0x0300, 0x0301, 0x0302, 0x0303, 0x0304, 0x0101})
_DRAFTS: Final = frozenset({0x7F, 0xFB, 0x7E})  # major bytes of drafts found in the wild
_TYPES: Final = {value: ContentType(value) for value in range(20, 25)}
_SEARCH_MOST: Final = FRAGMENT_MOST + HEADER  # bytes looked through for the next header


class Record(NamedTuple):
    """One record as captured.

    ``length`` is what its header says; ``fragment`` holds what was captured of it, which is less
    where a gap, the snap length or the end of the capture cut it. ``frame`` and ``time`` are those
    of the packet that completed it, ``first_frame`` of the one that began it. An SSLv2-framed
    hello has ``v2`` set and its fragment begins with the message type.

    A tuple, because a handshake has a dozen and a frozen dataclass takes thrice as long to make.
    """

    content_type: ContentType
    version: int
    sender: Side
    fragment: bytes
    length: int
    offset: int  # of the header in the sender's stream
    first_frame: int
    frame: int
    time: int  # ns
    v2: bool = False
    opened: bool = False  # decrypted: type, fragment and length are those inside

    @property
    def complete(self) -> bool:
        """Whether the whole fragment was captured."""
        return len(self.fragment) == self.length


@dataclass(frozen=True, slots=True)
class Break:
    """A place where the bytes of a direction are not records."""

    offset: int
    frame: int
    data: bytes  # the first bytes found there; empty where bytes are missing from the capture
    lost: int = 0  # bytes that the capture does not hold, with those skipped behind them


def read_records(
    stream: Stream, sender: Side, start: int, most: int
) -> tuple[tuple[Record, ...], tuple[Break, ...]]:
    """Cut a direction into records from ``start`` on, at most ``most`` of them."""
    records: list[Record] = []
    breaks: list[Break] = []
    position = start
    for index, chunk in enumerate(stream.chunks):
        end = chunk.offset + len(chunk.data)
        if end <= position:
            continue
        begun = index == 0 and stream.starts_midstream and not _is_whole_v2_hello(chunk.data)
        if chunk.offset > position or begun:
            position = _regain(stream, chunk, position, breaks)
        while position < end and len(records) < most:
            after_v2 = bool(records) and records[-1].v2
            record = _read_one(stream, chunk, sender, position, after_v2=after_v2)
            if record is None:
                at = position - chunk.offset
                if _is_header(chunk.data, at):
                    break  # less than a header: nothing to tell yet
                here = chunk.data[at : at + 64]
                breaks.append(Break(position, stream.locate(position).frame, here))
                return tuple(records), tuple(breaks)
            records.append(record)
            position = record.offset + HEADER + record.length
    return tuple(records), tuple(breaks)


def _regain(stream: Stream, chunk: Chunk, position: int, breaks: list[Break]) -> int:
    """Where records go on after a gap: the first header whose successor is a header, too."""
    missing = max(chunk.offset - position, 0)
    begin = max(position - chunk.offset, 0)
    for at in range(begin, min(len(chunk.data), begin + _SEARCH_MOST)):
        if _chains(chunk.data, at):
            break
    else:
        at = len(chunk.data)
    if missing or at:
        frame = stream.locate(chunk.offset + max(at - 1, 0)).frame
        breaks.append(Break(position, frame, b"", missing + at - begin))
    return chunk.offset + at


def _is_header(data: bytes, at: int) -> bool:
    """Whether five bytes can be a record header (fewer, at the end, are judged as far as seen)."""
    if len(data) - at >= HEADER:
        return _read_header(data, at) is not None
    head = data[at:]
    if not head or head[0] not in _TYPES:
        return False
    return len(head) < 3 or _is_version(head[1] << 8 | head[2])


def _is_version(number: int) -> bool:
    return number in _VERSIONS or number >> 8 in _DRAFTS


def _read_header(data: bytes, at: int) -> tuple[ContentType, int, int] | None:
    """Type, version and length, if there are five bytes at ``at`` that can be a record header."""
    if len(data) - at < HEADER:
        return None
    kind, version, length = _FIELDS.unpack_from(data, at)
    known = _TYPES.get(kind)
    if known is None or length > _OVERSIZED_MOST or not _is_version(version):
        return None
    return known, version, length


def _chains(data: bytes, at: int) -> bool:
    """Whether a header at ``at`` leads to another header, or exactly to the end."""
    if len(data) - at < HEADER or not _is_header(data, at):
        return False
    after = at + HEADER + (data[at + 3] << 8 | data[at + 4])
    return after == len(data) or (after < len(data) and _is_header(data, after))


def _read_one(
    stream: Stream, chunk: Chunk, sender: Side, position: int, *, after_v2: bool
) -> Record | None:
    at = position - chunk.offset
    data = chunk.data
    if (position == 0 and _is_v2_hello(data, at)) or (after_v2 and not _is_header(data, at)):
        return _record_v2(stream, chunk, sender, position)
    header = _read_header(data, at)
    if header is None:
        return None
    kind, version, length = header
    fragment = data[at + HEADER : at + HEADER + length]
    done = stream.arrived(position + HEADER + len(fragment))
    first = stream.locate(position).frame
    return Record(kind, version, sender, fragment, length, position, first, done.frame, done.time)


def _is_v2_hello(data: bytes, at: int) -> bool:
    """RFC 5246 appendix E.2: a two-byte length with the high bit set, type 1 (or SSLv2's 4)."""
    head = data[at : at + 7]
    if len(head) < 5 or not head[0] & 0x80:
        return False
    if head[2] == 4:
        return head[3] <= 1 and head[5:7] == b"\0\2"
    return head[2] == 1 and (head[3:5] == b"\0\2" or head[3] == 3)


def _is_whole_v2_hello(data: bytes) -> bool:
    """Whether a connection of unknown beginning begins with a v2 ClientHello: its lengths must add up."""
    if len(data) < _V2_FIXED + 2 or data[2] != 1 or not _is_v2_hello(data, 0):
        return False
    lengths = (int.from_bytes(data[at : at + 2], "big") for at in (5, 7, 9))
    return ((data[0] & 0x7F) << 8 | data[1]) == _V2_FIXED + sum(lengths)


_V2_FIXED: Final = 9  # bytes of a v2 ClientHello before its three lists


def _record_v2(stream: Stream, chunk: Chunk, sender: Side, position: int) -> Record | None:
    """A record of SSL 2.0: a header of two bytes, or of three with the length of the padding.

    ``offset`` is moved so that every record ends at ``offset + HEADER + length``.
    """
    at = position - chunk.offset
    head = chunk.data[at : at + 3]
    if len(head) < 3:
        return None
    width, mask = (2, 0x7F) if head[0] & 0x80 else (3, 0x3F)
    length = (head[0] & mask) << 8 | head[1]
    fragment = chunk.data[at + width : at + width + length]
    done = stream.arrived(position + width + len(fragment))
    return Record(
        content_type=ContentType(22),
        version=2,
        sender=sender,
        fragment=fragment,
        length=length,
        offset=position + width - HEADER,
        first_frame=stream.locate(position).frame,
        frame=done.frame,
        time=done.time,
        v2=True,
    )
