"""Solaris snoop captures (RFC 1761).

::

    file:   "snoop" and three zero bytes, u32 version, u32 data link
    record: u32 original, u32 included, u32 record length, u32 cumulative drops, u32 seconds,
            u32 microseconds, packet data, padding
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np

from analyzer.capture.block import Integers, PacketBlock
from analyzer.capture.facts import Notes
from analyzer.capture.linktypes import UNDESCRIBED
from analyzer.capture.window import Window
from analyzer.limits import Limits

MAGIC = b"snoop\0\0\0"
FILE_HEADER, _RECORD_HEADER = 16, 24
# RFC 1761 section 4, and Solaris' <sys/dlpi.h>, as LINKTYPE_ numbers.
_LINKS = {0: 1, 2: 6, 4: 1, 8: 10, 18: 123, 26: 242}


def read_snoop(window: Window, notes: Notes, limits: Limits) -> Iterator[PacketBlock]:
    """Give the packets of a file that begins at the start of the window, block by block."""
    (data_link,) = struct.unpack_from(">I", window.view, 12)
    link_type = _LINKS.get(data_link, UNDESCRIBED)
    notes.link_types[link_type] = None
    at = FILE_HEADER
    while True:
        starts, at, damaged = _walk(window, at, limits)
        if starts:
            block, drops = _columns(window, np.array(starts, np.int64), notes.frames + 1, link_type)
            notes.drops[data_link] = drops
            notes.count(block)
            yield block
        if damaged:
            notes.damaged(window.origin + at, "no packet has such a length")
            return
        if len(starts) == limits.block_packets:
            continue
        if window.ended:
            notes.ended(window, at)
            return
        window.refill(at)
        at = 0


def _walk(window: Window, at: int, limits: Limits) -> tuple[list[int], int, bool]:
    """Collect the offsets of whole records, where the next begins, and whether that is damaged."""
    starts: list[int] = []
    while at + _RECORD_HEADER <= window.filled and len(starts) < limits.block_packets:
        _, included, length = struct.unpack_from(">III", window.view, at)
        if not _RECORD_HEADER + included <= length <= limits.packet_bytes:
            return starts, at, True
        if at + length > window.filled:
            break
        starts.append(at)
        at += length
    return starts, at, False


def _columns(
    window: Window, starts: Integers, frame: int, link_type: int
) -> tuple[PacketBlock, int]:
    """Read record headers as columns, and the count of drops so far."""
    words = np.ndarray((len(window.buffer) - 3,), ">u4", window.buffer, strides=(1,))
    wire, captured, _, drops, seconds, micro = (
        words[starts + at].astype(np.int64) for at in range(0, _RECORD_HEADER, 4)
    )
    begin = starts + _RECORD_HEADER
    block = PacketBlock(
        buffer=window.buffer,
        frame=np.arange(frame, frame + len(starts), dtype=np.int64),
        time=seconds * 1_000_000_000 + micro * 1_000,
        begin=begin,
        end=begin + captured,
        wire=np.maximum(wire, captured),
        link_type=np.full(len(starts), link_type, np.int64),
    )
    return block, int(drops[-1])
