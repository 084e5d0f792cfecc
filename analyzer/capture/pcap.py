"""The pcap format (draft-ietf-opsawg-pcap) and its variants.

::

    file:   u32 magic, u16 major, u16 minor, i32 thiszone, u32 sigfigs, u32 snaplen, u32 network
    record: u32 seconds, u32 fraction, u32 incl_len, u32 orig_len, packet data

The only Python code per packet is :func:`_walk`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import repeat

import numpy as np

from analyzer.capture.block import Integers, PacketBlock
from analyzer.capture.facts import Notes
from analyzer.capture.window import Window
from analyzer.limits import Limits

# What libpcap and Wireshark take for the largest packet, if the file does not state a larger one.
_SNAP_USUAL = 262_144
_TOO_LONG = "no packet has such a length"
_LINK_MASK = 0x03FF_FFFF  # the upper bits state a frame check sequence


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to write the format: the order of ``struct``, units, sizes of headers."""

    order: str
    unit_ns: int = 1_000
    file_header: int = 24
    record_header: int = 16


def _variants() -> dict[bytes, Variant]:
    """The variants by the first four bytes of the file."""
    known: dict[bytes, Variant] = {}
    for order in "<>":
        for magic, variant in (
            (0xA1B2C3D4, Variant(order)),
            (0xA1B23C4D, Variant(order, unit_ns=1)),
            # Kuznetzov's patches to libpcap 0.4: interface, protocol and packet type in addition.
            (0xA1B2CD34, Variant(order, record_header=24)),
            # IXIA hardware and software: the size of all records in addition to the file header.
            (0x1C0001AC, Variant(order, unit_ns=1, file_header=28)),
            (0x1C0001AB, Variant(order, file_header=28)),
        ):
            known[struct.pack(f"{order}I", magic)] = variant
    return known


VARIANTS = _variants()


def read_pcap(
    window: Window, variant: Variant, notes: Notes, limits: Limits
) -> Iterator[PacketBlock]:
    """Give the packets of a file whose header is in the window, block by block.

    Reading stops, with a note, at the first record that is cut or cannot be true.
    """
    order = variant.order
    snap, network = struct.unpack_from(f"{order}II", window.view, 16)
    notes.link_types[network & _LINK_MASK] = None
    notes.snap_lengths[snap] = None
    most = min(max(snap, _SNAP_USUAL), limits.packet_bytes)
    length_at = struct.Struct(f"{order}8xI")
    at = variant.file_header
    while True:
        walked, at = _walk(window, at, variant.record_header, length_at, limits.block_packets)
        starts, damaged = _sane(walked, at, variant.record_header, most)
        if len(starts):
            block = _columns(window, starts, variant, notes.frames + 1, network & _LINK_MASK)
            notes.count(block)
            yield block
        if damaged is not None:
            notes.damaged(window.origin + damaged, _TOO_LONG)
            return
        if len(starts) == limits.block_packets:
            continue
        if _length(window, at, variant.record_header, length_at) > most:
            notes.damaged(window.origin + at, _TOO_LONG)
            return
        if window.ended:
            notes.ended(window, at)
            return
        window.refill(at)
        at = 0


def _walk(
    window: Window, at: int, header: int, length_at: struct.Struct, room: int
) -> tuple[list[int], int]:
    """Collect the offsets of records; give those that are whole, and where the next one begins."""
    view, unpack = window.view, length_at.unpack_from
    last = window.filled - header
    starts: list[int] = []
    append = starts.append
    for _ in repeat(None, room):
        if at > last:
            break
        append(at)
        at += header + unpack(view, at)[0]
    if at > window.filled:
        at = starts.pop()
    return starts, at


def _sane(walked: list[int], at: int, header: int, most: int) -> tuple[Integers, int | None]:
    """Keep the records before the first that is too long; say where that one is."""
    starts = np.array(walked, np.int64)
    lengths = np.diff(starts, append=at) - header
    (bad,) = np.nonzero(lengths > most)
    if not len(bad):
        return starts, None
    return starts[: bad[0]], int(starts[bad[0]])


def _length(window: Window, at: int, header: int, length_at: struct.Struct) -> int:
    """Read the length of a record that is not whole; 0 if not even its header is."""
    return int(length_at.unpack_from(window.view, at)[0]) if at + header <= window.filled else 0


def _columns(
    window: Window, starts: Integers, variant: Variant, frame: int, link_type: int
) -> PacketBlock:
    """Read the record headers (microseconds or nanoseconds) as columns."""
    words = np.ndarray(
        (len(window.buffer) - 15,), np.dtype((np.void, 16)), window.buffer, strides=(1,)
    )[starts]
    header = words.view(f"{variant.order}u4").reshape(-1, 4).astype(np.int64)
    seconds, fraction, captured, wire = header.T
    count, begin = len(starts), starts + variant.record_header
    return PacketBlock(
        buffer=window.buffer,
        frame=np.arange(frame, frame + count, dtype=np.int64),
        time=seconds * 1_000_000_000 + fraction * variant.unit_ns,
        begin=begin,
        end=begin + captured,
        wire=np.maximum(wire, captured),
        link_type=np.full(count, link_type, np.int64),
    )
