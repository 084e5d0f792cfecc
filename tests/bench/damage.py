"""Recorded captures as a worse one would have them: begun late, cut, one-sided, late, with holes."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_HEADER: Final = 24  # of a pcap file (draft-ietf-opsawg-pcap section 4)
_SOURCE: Final = slice(26, 30)  # of an Ethernet frame that holds IPv4
_TARGET: Final = slice(30, 34)
_FLAGS: Final = 47
_FIN_RST: Final = 5


@dataclass(frozen=True)
class Packet:
    """A record of a pcap file."""

    seconds: int
    fraction: int
    length: int  # on the wire
    data: bytes

    def cut(self, length: int) -> Packet:
        """The packet as a snap length leaves it."""
        return Packet(self.seconds, self.fraction, self.length, self.data[:length])

    def after(self, delay: int) -> Packet:
        """The packet so many microseconds later."""
        more, fraction = divmod(self.fraction + delay, 1_000_000)
        return Packet(self.seconds + more, fraction, self.length, self.data)


Packets = Sequence[Packet]


def read(path: Path) -> tuple[bytes, list[Packet]]:
    """The header and the records of a pcap file in little-endian form, as tcpdump writes it here."""
    data = path.read_bytes()
    at, packets = _HEADER, []
    while at < len(data):
        seconds, fraction, kept, length = struct.unpack_from("<IIII", data, at)
        packets.append(Packet(seconds, fraction, length, data[at + 16 : at + 16 + kept]))
        at += 16 + kept
    return data[:_HEADER], packets


def write(path: Path, header: bytes, packets: Packets) -> None:
    """Write such a file."""
    records = (
        struct.pack("<IIII", p.seconds, p.fraction, len(p.data), p.length) + p.data for p in packets
    )
    path.write_bytes(header + b"".join(records))


def delayed(packets: Packets, source: bytes, delay: int) -> Packets:
    """The packets of one source come so many microseconds late, as by the clock of another tap."""
    return sorted(
        (p.after(delay) if p.data[_SOURCE] == source else p for p in packets),
        key=lambda p: (p.seconds, p.fraction),
    )


def damaged(packets: Packets, seed: str) -> Iterator[tuple[str, Packets]]:
    """The capture in every state of damage, each with its name."""
    client = packets[0].data[_SOURCE]
    for first in (1, 3, 4, 5, 6, 8, 10):
        yield f"begins at {first}", packets[first:]
    for end in (4, 5, 6, 7, 8, 10, 12):
        yield f"ends at {end}", packets[:end]
    yield "client only", [p for p in packets if p.data[_SOURCE] == client]
    yield "server only", [p for p in packets if p.data[_SOURCE] != client]
    for length in (60, 96, 200, 400):
        yield f"snap length {length}", [p.cut(length) for p in packets]
    for late in (client, packets[0].data[_TARGET]):
        side = "client" if late == client else "server"
        for delay in (2_000, 300_000):
            yield f"{side} {delay} us late", delayed(packets, late, delay)
    yield "doubled", [copy for p in packets for copy in (p, p)]
    yield "without an end", [p for p in packets if not p.data[_FLAGS] & _FIN_RST]
    chance = random.Random(seed)
    for _ in range(3):
        yield "with losses", [p for p in packets if chance.random() > 0.15]
