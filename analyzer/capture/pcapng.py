"""The pcapng format (draft-ietf-opsawg-pcapng): sections, interfaces, blocks.

::

    block: u32 type, u32 total length, body, u32 total length; padded to 4 bytes
    EPB:   u32 interface, u32 time high, u32 time low, u32 captured, u32 wire, packet data, options
    SPB:   u32 wire, packet data
    PB:    u16 interface, u16 drops, then as in EPB

Runs of Enhanced Packet Blocks are walked as fast as pcap records (:func:`_walk`); every other kind
of block is rare and read by itself.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat

import numpy as np

from analyzer.capture.block import Integers, Mask, PacketBlock
from analyzer.capture.facts import DecryptionSecrets, Notes
from analyzer.capture.interface import Interface, to_ns
from analyzer.capture.linktypes import UNDESCRIBED
from analyzer.capture.window import Window
from analyzer.limits import Limits

MAGIC = b"\n\r\r\n"
_SHB, _IDB, _PB, _SPB, _ISB, _EPB, _DSB = 0x0A0D0D0A, 1, 2, 3, 5, 6, 10
# Records that are no packets but have a frame number in Wireshark: custom blocks, entries of the
# systemd journal, and events of Sysdig.
_NUMBERED = frozenset({0xBAD, 0x40000BAD, 9, 0x204, 0x208, 0x216, 0x21A, 0x21B, 0x221, 0x222})
_ORDERS = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}
# Bytes of each kind of block without its variable part, both lengths included.
_SMALLEST = {_SHB: 28, _IDB: 20, _PB: 32, _SPB: 16, _ISB: 24, _EPB: 32, _DSB: 20}
_BARE = 12
SMALLEST = 28  # bytes of a file: a section header alone
_TSRESOL, _TSOFFSET, _IFDROP, _OSDROP = 9, 14, 5, 7


@dataclass(slots=True)
class _Section:
    """What the Section Header Block and the interface descriptions since then say."""

    order: str
    number: int
    interfaces: list[Interface] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Run:
    """Packet blocks of one kind that follow each other in one section, at ``starts``."""

    kind: int
    section: _Section
    frame: int  # number of the first
    starts: Integers


class _DamageError(Exception):
    """The block at the reader's position cannot be true; says why."""


def read_pcapng(window: Window, notes: Notes, limits: Limits) -> Iterator[PacketBlock]:
    """Give the packets of a file that begins at the start of the window, block by block.

    Reading stops, with a note, at the first block that is cut or cannot be true.
    """
    reader = _Reader(window, notes, limits)
    while True:
        problem = reader.collect()
        if reader.runs:
            block, timed = _columns(window, reader.runs, notes.last or 0)
            notes.count(block, timed)
            yield block
        notes.frames = reader.frames
        if problem is not None:
            notes.damaged(window.origin + reader.at, problem)
            return
        if reader.full:
            continue
        if window.ended:
            notes.ended(window, reader.at)
            return
        reader.refill()


class _Reader:
    """Walks over blocks and keeps runs of packets."""

    def __init__(self, window: Window, notes: Notes, limits: Limits) -> None:
        self.at = 0  # of the next block, in the window
        self.frames = 0  # last number given
        self.runs: list[_Run] = []
        self.full = False
        self._window = window
        self._notes = notes
        self._limits = limits
        self._section = _Section("<", 0)

    def collect(self) -> str | None:
        """Gather runs until there are packets enough or no whole block is left in the window.

        Returns:
            What is wrong with the next block; None where nothing is.
        """
        self.runs, room = [], self._limits.block_packets
        try:
            while room > 0 and (block := self._peek()) is not None:
                room -= self._take(*block, room)
        except _DamageError as damage:
            return str(damage)
        finally:
            self.full = room <= 0
        return None

    def refill(self) -> None:
        """Let the window move on."""
        self._window.refill(self.at)
        self.at = 0

    def _peek(self) -> tuple[int, int] | None:
        """Read type and padded length of the next block; None if it is not whole.

        Some writers leave the padding out of the length, so it is rounded up.
        """
        view, at, left = self._window.view, self.at, self._window.filled - self.at
        if left < _BARE:
            return None
        if view[at : at + 4] == MAGIC:
            order = _ORDERS.get(bytes(view[at + 8 : at + 12]))
            if order is None:
                raise _DamageError("a section header without a byte order")
            self._section = _Section(order, self._section.number + 1)
        kind, length = struct.unpack_from(f"{self._section.order}II", view, at)
        if length < _SMALLEST.get(kind, _BARE) or length > self._limits.packet_bytes:
            raise _DamageError("no block has such a length")
        padded = length + 3 & ~3
        if padded > left:
            return None
        (again,) = struct.unpack_from(f"{self._section.order}I", view, at + padded - 4)
        if again != length:
            raise _DamageError("a block states two different lengths")
        return kind, padded

    def _take(self, kind: int, length: int, room: int) -> int:
        """Take the next block, or with it all packets that follow it; give how many packets."""
        if kind in (_EPB, _PB):
            return self._packets(kind, room)
        if kind == _SPB:
            self._keep(kind, np.array([self.at], np.int64))
        elif kind in _NUMBERED:
            self.frames += 1
        elif kind in _READERS:
            body = bytes(self._window.view[self.at + 8 : self.at + length - 4])
            _READERS[kind](body, self._section, self._notes)
        self.at += length
        return int(kind == _SPB)

    def _packets(self, kind: int, room: int) -> int:
        """Take a run of packets up to the first bad one; that alone is damage."""
        order = self._section.order
        starts, at = _walk(self._window, self.at, kind, struct.Struct(f"{order}II"), room)
        bad = _first_bad(self._window, starts, order)
        if bad == 0:
            raise _DamageError("a packet is larger than its block")
        if bad is not None:
            starts, at = starts[:bad], int(starts[bad])
        self.at = at
        self._keep(kind, starts)
        return len(starts)

    def _keep(self, kind: int, starts: Integers) -> None:
        if len(starts):
            self.runs.append(_Run(kind, self._section, self.frames + 1, starts))
            self.frames += len(starts)


def _walk(
    window: Window, at: int, wanted: int, head: struct.Struct, room: int
) -> tuple[Integers, int]:
    """Collect the offsets of whole blocks of one kind, and where something else begins."""
    view, unpack = window.view, head.unpack_from
    last = window.filled - _BARE
    starts: list[int] = []
    append = starts.append
    for _ in repeat(None, room):
        if at > last:
            break
        kind, length = unpack(view, at)
        if kind != wanted:
            break
        append(at)
        at += length + 3 & -4
    if at > window.filled:
        at = starts.pop()
    return np.array(starts, np.int64), at


def _first_bad(window: Window, starts: Integers, order: str) -> int | None:
    """Find the first block whose lengths contradict each other."""
    length = _u32(window, starts + 4, order)
    captured = _u32(window, starts + 20, order)
    last = np.clip(starts + (length + 3 & ~3) - 4, 0, window.filled)
    good = (length >= _SMALLEST[_EPB]) & (captured <= length - _SMALLEST[_EPB])
    (bad,) = np.nonzero(~good | (_u32(window, last, order) != length))
    return int(bad[0]) if len(bad) else None


def _columns(window: Window, runs: Sequence[_Run], time: int) -> tuple[PacketBlock, Mask]:
    """Read runs as one block; the mask tells which packets have a time of their own.

    One without (Simple Packet Block) is given the time of the packet before it, *time* for the
    first.
    """
    blocks = [_simple(window, run) if run.kind == _SPB else _enhanced(window, run) for run in runs]
    timed = np.repeat([run.kind != _SPB for run in runs], [len(run.starts) for run in runs])
    joined = blocks[0] if len(blocks) == 1 else _join(blocks)
    if timed.all():
        return joined, timed
    source = np.maximum.accumulate(np.where(timed, np.arange(len(timed)), -1))
    times = np.where(source < 0, time, joined.time[np.maximum(source, 0)])
    return PacketBlock(**{**_fields(joined), "time": times}), timed


def _enhanced(window: Window, run: _Run) -> PacketBlock:
    """Read the columns of Enhanced Packet Blocks, or of obsolete Packet Blocks."""
    order, starts = run.section.order, run.starts
    interface = _u32(window, starts + 8, order)
    if run.kind == _PB:  # u16 interface, u16 drops
        interface = interface & 0xFFFF if order == "<" else interface >> 16
    high, low, captured, wire = (_u32(window, starts + at, order) for at in (12, 16, 20, 24))
    begin = starts + 28
    return PacketBlock(
        buffer=window.buffer,
        frame=run.frame + np.arange(len(starts)),
        time=to_ns(run.section.interfaces, interface, high, low),
        begin=begin,
        end=begin + captured,
        wire=np.maximum(wire, captured),
        link_type=_link_types(run.section, interface),
    )


def _simple(window: Window, run: _Run) -> PacketBlock:
    """Read the columns of Simple Packet Blocks: of the first interface, without a time.

    The captured length is not stated. It is what the snap length left, and the block has room for.
    """
    order, starts = run.section.order, run.starts
    length, wire = _u32(window, starts + 4, order), _u32(window, starts + 8, order)
    captured = np.minimum(wire, length - _SMALLEST[_SPB])
    snap = run.section.interfaces[0].snap_length if run.section.interfaces else 0
    if snap:
        captured = np.minimum(captured, snap)
    zero = np.zeros(len(starts), np.int64)
    return PacketBlock(
        buffer=window.buffer,
        frame=run.frame + np.arange(len(starts)),
        time=zero,
        begin=starts + 12,
        end=starts + 12 + captured,
        wire=wire,
        link_type=_link_types(run.section, zero),
    )


def _link_types(section: _Section, interface: Integers) -> Integers:
    """Look up link types; one that nothing describes gets a number for that."""
    table = np.array([*(i.link_type for i in section.interfaces), UNDESCRIBED], np.int64)
    return table[np.minimum(interface, len(table) - 1)]


def _join(blocks: Sequence[PacketBlock]) -> PacketBlock:
    columns = [_fields(block) for block in blocks]
    joined = {name: np.concatenate([c[name] for c in columns]) for name in _COLUMNS}
    return PacketBlock(buffer=blocks[0].buffer, **joined)


def _fields(block: PacketBlock) -> dict[str, Integers]:
    return {name: getattr(block, name) for name in ("buffer", *_COLUMNS)}


_COLUMNS = ("frame", "time", "begin", "end", "wire", "link_type")


def _u32(window: Window, at: Integers, order: str) -> Integers:
    """Read 32 bits at each offset; unaligned, so through bytes of their own."""
    words = np.ndarray((len(window.buffer) - 3,), f"{order}u4", window.buffer, strides=(1,))
    return words[at].astype(np.int64)


def _options(body: bytes, at: int, order: str) -> Iterator[tuple[int, bytes]]:
    """Split options: u16 code, u16 length, value padded to 4 bytes; code 0 ends them."""
    while at + 4 <= len(body):
        code, length = struct.unpack_from(f"{order}HH", body, at)
        if code == 0:
            return
        yield code, body[at + 4 : at + 4 + length]
        at += 4 + (length + 3 & ~3)


def _read_interface(body: bytes, section: _Section, notes: Notes) -> None:
    """IDB: u16 link type, u16 reserved, u32 snap length, options."""
    link_type, _, snap = struct.unpack_from(f"{section.order}HHI", body)
    options = dict(_options(body, 8, section.order))
    resolution = options.get(_TSRESOL, b"\x06")[:1] or b"\x06"
    offset = options.get(_TSOFFSET, b"")[:8].ljust(8, b"\0")
    (seconds,) = struct.unpack(f"{section.order}q", offset)
    section.interfaces.append(
        Interface(link_type, snap, resolution[0] & 0x7F, resolution[0] >> 7 == 1, seconds)
    )
    notes.link_types.setdefault(link_type)
    if snap:
        notes.snap_lengths.setdefault(snap)


def _read_statistics(body: bytes, section: _Section, notes: Notes) -> None:
    """ISB: u32 interface, u64 time, options; the last one of an interface counts."""
    (interface,) = struct.unpack_from(f"{section.order}I", body)
    drops = [
        int.from_bytes(value, "little" if section.order == "<" else "big")
        for code, value in _options(body, 12, section.order)
        if code in (_IFDROP, _OSDROP)
    ]
    notes.drops[section.number, interface] = sum(drops)


def _read_secrets(body: bytes, section: _Section, notes: Notes) -> None:
    """DSB: u32 type, u32 length, data."""
    kind, length = struct.unpack_from(f"{section.order}II", body)
    notes.secrets.append(DecryptionSecrets(kind, body[8 : 8 + length]))


_READERS: Mapping[int, Callable[[bytes, _Section, Notes], None]] = {
    _IDB: _read_interface,
    _ISB: _read_statistics,
    _DSB: _read_secrets,
}
