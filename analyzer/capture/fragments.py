"""IP fragments put together again: rare, scalar, bounded.

RFC 791 section 3.2, RFC 8200 section 4.5. Where fragments overlap, the bytes with the lower offset
win, and of two at the same offset the earlier one, as in Wireshark.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field

from analyzer.capture.fields import Fields
from analyzer.capture.rows import Rows

_MORE = 0x2000
_DATAGRAM_MOST = 65_535
_PIECES_MOST = 8_192  # fragments of one datagram: 64 KiB in units of 8 bytes
# What can lead to TCP: itself, and what tunnels travel in.
_PROTOCOLS = frozenset({4, 6, 17, 41, 47, 51, 94, 97, 137})


@dataclass(frozen=True, slots=True)
class Fragment:
    """One fragment; ``key`` is what all fragments of a datagram have in common."""

    key: bytes
    header: bytes  # IP header, without what makes it a fragment
    offset: int
    more: bool
    data: bytes


@dataclass(slots=True)
class Reassembler:
    """Holds what is incomplete; feed it fragments, take datagrams.

    ``evicted`` counts datagrams that were dropped because *most* others were newer.
    """

    most: int
    evicted: int = 0
    _pending: dict[bytes, _Datagram] = field(default_factory=dict)

    @property
    def incomplete(self) -> int:
        """How many datagrams were never completed, so far."""
        return len(self._pending) + self.evicted

    def feed(self, fragment: Fragment) -> bytes | None:
        """Take one fragment; give the datagram, IP header included, that it completes."""
        datagram = self._pending.setdefault(fragment.key, _Datagram())
        datagram.add(fragment)
        whole = datagram.whole()
        if whole is not None:
            del self._pending[fragment.key]
        elif len(self._pending) > self.most:
            del self._pending[next(iter(self._pending))]
            self.evicted += 1
        return whole


@dataclass(slots=True)
class _Datagram:
    """The fragments of one datagram so far."""

    pieces: dict[int, bytes] = field(default_factory=dict)
    header: bytes = b""
    size: int | None = None  # known once the last fragment was seen
    held: int = 0

    def add(self, fragment: Fragment) -> None:
        """Keep a fragment, unless it lies about its place or repeats one."""
        end = fragment.offset + len(fragment.data)
        if end > _DATAGRAM_MOST or len(self.pieces) >= _PIECES_MOST:
            return
        if fragment.offset == 0 and not self.header:
            self.header = fragment.header
        if not fragment.more and self.size is None:
            self.size = end
        if fragment.offset not in self.pieces:
            self.pieces[fragment.offset] = fragment.data
            self.held += len(fragment.data)

    def whole(self) -> bytes | None:
        """Join the pieces, if they cover everything."""
        if self.size is None or not self.header or self.held < self.size:
            return None
        joined = bytearray()
        for offset in sorted(self.pieces):
            if offset > len(joined):
                return None
            joined += self.pieces[offset][len(joined) - offset :]
        if len(joined) < self.size:
            return None
        return _with_length(self.header, bytes(joined[: self.size]))


def read_fragments(fields: Fields, rows: Rows, version: int) -> Iterable[tuple[int, Fragment]]:
    """Decode fragment rows; give each with its row in the block.

    A fragment of which the snap length cut some bytes cannot complete anything and is left.
    """
    read = _read_ipv4 if version == 4 else _read_ipv6
    columns = (rows.index, rows.at, rows.end, rows.stop, rows.ip)
    for index, at, end, stop, ip in zip(*(c.tolist() for c in columns), strict=True):
        fragment = read(fields.buffer[ip:end].tobytes(), at - ip) if end == stop else None
        if fragment is not None:
            yield index, fragment


def _read_ipv4(packet: bytes, _at: int) -> Fragment | None:
    """``at`` is the IPv4 header itself."""
    size = (packet[0] & 15) * 4
    if len(packet) < size or packet[9] not in _PROTOCOLS:
        return None
    (word,) = struct.unpack_from(">H", packet, 6)
    header = packet[:6] + b"\0\0" + packet[8:size]
    key = packet[4:6] + packet[9:10] + packet[12:20]
    return Fragment(key, header, (word & 0x1FFF) * 8, word & _MORE != 0, packet[size:])


def _read_ipv6(packet: bytes, at: int) -> Fragment | None:
    """``at`` is the fragment header: next header, reserved, offset and flag, identification.

    Extension headers before it are left out of the datagram: nothing after this stage reads them.
    """
    following, word = packet[at], struct.unpack_from(">H", packet, at + 2)[0]
    if following not in _PROTOCOLS:
        return None
    header = packet[:6] + bytes([following]) + packet[7:40]
    key = packet[at + 4 : at + 8] + packet[8:40]
    return Fragment(key, header, word & 0xFFF8, word & 1 != 0, packet[at + 8 :])


def _with_length(header: bytes, data: bytes) -> bytes | None:
    """Write the length of the whole into its IP header; None if it does not fit."""
    ipv4 = header[0] >> 4 == 4
    length = len(data) + (len(header) if ipv4 else 0)
    if length > _DATAGRAM_MOST:
        return None
    at = 2 if ipv4 else 4
    return header[:at] + length.to_bytes(2, "big") + header[at + 2 :] + data
