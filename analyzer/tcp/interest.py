"""Whether a half that has used up its limit is still worth listening to.

Asked once or twice for each half, never for a packet. TLS is known by its record headers, talk
before it by being text; the rest of a connection that is neither is dismissed.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from typing import Final

from analyzer.limits import Limits
from analyzer.tcp.evidence import Piece

_CLIENT_HELLO: Final = 1
_HANDSHAKE: Final = 22
_APPLICATION_DATA: Final = 23
_KINDS: Final = range(20, 25)
_MAJORS: Final = 1, 3, 0x7F  # TLCP, TLS and its drafts
_HEADER: Final = 5
_record = struct.Struct(">BBxH").unpack_from  # type, major version, length
# The record that a hello begins, wherever talk before it ends.
_HELLO: Final = re.compile(rb"\x16\x03[\x00-\x04][\s\S]{2}[\x01\x02]\x00")
_TEXT: Final = frozenset(b"\t\r\n") | frozenset(range(0x20, 0x7F))
_TEXT_SAMPLE: Final = 64


def next_limit(pieces: Sequence[Piece], peer: Sequence[Piece], limit: int, limits: Limits) -> int:
    """How many payload bytes to keep of this half from now on; ``limit`` if no more than now.

    Args:
        pieces: What was kept of the half so far, in order of capture.
        peer: The same of the other half.
        limit: Bytes kept so far.
        limits: The bounds.
    """
    last = _last_record(pieces)
    if last is None:
        speaks = _is_text(pieces) or _last_record(peer) is not None
        return limits.half_bytes if speaks and limit < limits.half_bytes else limit
    if last == _HANDSHAKE:
        return min(limit * 4, limits.half_bytes_most)
    return max(limit, limits.half_bytes)


def _last_record(pieces: Sequence[Piece]) -> int | None:
    """Content type of the last record header in what was kept; None where it is no TLS."""
    data = b"".join([piece.data for piece in pieces])
    kind, at = _first_record(data)
    last = len(data) - _HEADER
    while at <= last:
        found, major, length = _record(data, at)
        if found not in _KINDS or major not in _MAJORS:
            return _APPLICATION_DATA if kind is not None else None
        kind = found
        at += _HEADER + length
    return kind


def _first_record(data: bytes) -> tuple[int | None, int]:
    """Where records begin; and what was before them, where that is TLS: a hello in SSLv2's frame."""
    if len(data) < _HEADER or (data[0] in _KINDS and data[1] in _MAJORS):
        return None, 0
    hello = _HELLO.search(data)
    if hello is not None:
        return None, hello.start()
    if data[0] & 0x80 and data[2] == _CLIENT_HELLO:
        return _HANDSHAKE, 2 + ((data[0] & 0x7F) << 8 | data[1])
    return None, 0


def _is_text(pieces: Sequence[Piece]) -> bool:
    sample = pieces[0].data[:_TEXT_SAMPLE] if pieces else b""
    return bool(sample) and not sample.startswith((b"GET ", b"HTTP/")) and set(sample) <= _TEXT
