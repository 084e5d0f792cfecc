"""Packets as columns over one buffer: the only types of the fast path.

Column convention, used in every docstring of this package: ``N`` packets or ``M`` segments in a
block; offsets are ``int64`` bytes from the start of ``buffer``; lengths are bytes on the wire
unless the name says ``captured``; times are ``int64`` nanoseconds since the epoch, UTC. A function
here takes and returns whole columns, never loops over packets, and never raises for a bad packet:
it clears that packet's bit in a validity mask.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

Bytes: TypeAlias = npt.NDArray[np.uint8]
Integers: TypeAlias = npt.NDArray[np.int64]
Words: TypeAlias = npt.NDArray[np.uint64]
Mask: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class PacketBlock:
    """Packets as the file holds them; every column has shape ``(N,)``."""

    buffer: Bytes  # shape (bytes,), read-only; valid only until the next block is asked for
    frame: Integers  # 1-based, as Wireshark counts within the file
    time: Integers  # ns since the epoch, UTC
    begin: Integers  # first byte of the link-layer header
    end: Integers  # one past the last captured byte
    wire: Integers  # length on the wire, link-layer header included
    link_type: Integers  # LINKTYPE_ number of the packet's interface


@dataclass(frozen=True, slots=True)
class IcmpError:
    """An ICMP or ICMPv6 error that quotes a TCP segment (RFC 792, RFC 4443 section 3).

    ``source`` and ``destination`` are those of the *quoted* segment: the error speaks of what
    ``source`` had sent to ``destination``. ``reporter`` sent the error.
    """

    frame: int
    time: int
    reporter: str
    type: int
    code: int
    version: int  # 4: ICMP; 6: ICMPv6
    source: tuple[int, int]  # as in SegmentBlock
    destination: tuple[int, int]
    source_port: int
    destination_port: int
    sequence: int
    next_hop_mtu: int | None  # RFC 1191 section 4, RFC 4443 section 3.2


class Place(NamedTuple):
    """Where a file has the bytes of a buffer, so that another process can read them there."""

    path: str
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class SegmentBlock:
    """TCP segments, whatever they travelled in; columns of shape ``(M,)``, in order of ``frame``.

    Addresses are two 64-bit words in network order, column shape ``(M, 2)``; an IPv4 address is
    ``(0, 0x0000ffff_00000000 | address)``, the mapped form of RFC 4291 section 2.5.5.2.

    ``length`` is the payload's length on the wire. It exceeds ``end - begin`` where the snap length
    cut the packet: the bytes in between are not captured.
    """

    buffer: Bytes
    frame: Integers
    time: Integers
    source: Words  # (M, 2)
    destination: Words  # (M, 2)
    source_port: Integers
    destination_port: Integers
    sequence: Integers  # 0 … 2**32 - 1
    acknowledgment: Integers  # 0 … 2**32 - 1; meaningful where the ACK flag is set
    flags: Integers  # RFC 9293 section 3.1: FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32
    window: Integers  # as sent, not scaled
    ttl: Integers  # time to live, or hop limit
    ip_id: Integers  # IPv4 identification; -1 for IPv6
    mss: Integers  # maximum segment size option of a SYN (RFC 9293 section 3.7.1); -1 without
    begin: Integers  # payload bytes in ``buffer``: [begin, end)
    end: Integers
    length: Integers
    icmp_errors: tuple[IcmpError, ...] = ()
    place: Place | None = None  # of ``buffer``; None where no file has it as it is

    def rows(self, chosen: slice | Integers | Mask) -> SegmentBlock:
        """Some of the rows, without the errors."""
        if isinstance(chosen, slice):
            columns = {name: getattr(self, name)[chosen] for name in COLUMNS}
        else:
            # take is quicker than brackets: twenty times for two words, twice instead of a mask.
            index = np.flatnonzero(chosen) if chosen.dtype == np.bool_ else chosen
            columns = {name: getattr(self, name).take(index, axis=0) for name in COLUMNS}
        return replace(self, icmp_errors=(), **columns)


COLUMNS: Final = tuple(
    field.name
    for field in fields(SegmentBlock)
    if field.name not in {"buffer", "icmp_errors", "place"}
)
