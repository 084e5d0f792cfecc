"""The pcap format (draft-ietf-opsawg-pcap) and its variants.

::

    file:   u32 magic, u16 major, u16 minor, i32 thiszone, u32 sigfigs, u32 snaplen, u32 network
    record: u32 seconds, u32 fraction, u32 incl_len, u32 orig_len, packet data

The only Python code per packet is :func:`_walk`, where records cannot be found side by side.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from analyzer.capture.block import Integers, PacketBlock
from analyzer.capture.chains import walk_chains
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
        walked, at = _records(window, at, variant, length_at)
        starts, damaged = _sane(walked, at, variant.record_header, most)
        for some in _parts(starts, limits.block_packets):
            block = _columns(window, some, variant, notes.frames + 1, network & _LINK_MASK)
            notes.count(block)
            yield block
        if damaged is not None:
            notes.damaged(window.origin + damaged, _TOO_LONG)
            return
        if _length(window, at, variant.record_header, length_at) > most:
            notes.damaged(window.origin + at, _TOO_LONG)
            return
        if window.ended:
            notes.ended(window, at)
            return
        window.refill(at)
        at = 0


def _records(
    window: Window, at: int, variant: Variant, length_at: struct.Struct
) -> tuple[Integers, int]:
    """The offsets of the records that are whole in the window, and where the next begins."""
    header = variant.record_header
    lengths = np.ndarray(
        (len(window.buffer) - 3,), f"{variant.order}u4", window.buffer, strides=(1,)
    )

    def following(begins: Integers) -> Integers:
        after: Integers = begins + header + lengths[begins + 8]
        return after

    places = _guess(window, at, variant)
    starts = None
    if len(places) > _CHAINS_LEAST:
        starts = walk_chains(places, window.filled - header + 1, following)
    if starts is None:
        return _walk(window, at, header, length_at)
    at = int(following(starts[-1:])[0])
    return (starts, at) if at <= window.filled else (starts[:-1], int(starts[-1]))


def _guess(window: Window, at: int, variant: Variant) -> Integers:
    """Where records may begin, one in each stretch of the window: where the time begins alike.

    The upper three bytes of the seconds change every four minutes only.
    """
    upper = 1 if variant.order == "<" else 0
    clue, find = bytes(window.view[at + upper : at + upper + 3]), window.memory.find
    stretches = range(at + _STRETCH, window.filled - _STRETCH, _STRETCH)
    found = [find(clue, begin, begin + _NEAR) - upper for begin in stretches]
    return np.array([at] if min(found, default=0) < 0 else [at, *found], np.int64)


_STRETCH: Final = 32 << 10  # bytes: some tens of packets
_NEAR: Final = 4 << 10
_CHAINS_LEAST: Final = 32


def _walk(window: Window, at: int, header: int, length_at: struct.Struct) -> tuple[Integers, int]:
    """The same, record by record."""
    view, unpack = window.view, length_at.unpack_from
    last = window.filled - header
    starts: list[int] = []
    append = starts.append
    while at <= last:
        append(at)
        at += header + unpack(view, at)[0]
    if at > window.filled:
        at = starts.pop()
    return np.array(starts, np.int64), at


def _parts(starts: Integers, most: int) -> Sequence[Integers]:
    """Records in blocks of like size: a few that are left over would cost as much as a block."""
    count = -(-len(starts) // most)
    return np.array_split(starts, count) if count else ()


def _sane(starts: Integers, at: int, header: int, most: int) -> tuple[Integers, int | None]:
    """Keep the records before the first that is too long; say where that one is."""
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
