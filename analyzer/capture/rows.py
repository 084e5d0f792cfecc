"""Rows of packets on their way down the layers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from analyzer.capture.block import Integers, Mask, PacketBlock
from analyzer.capture.fields import Fields


@dataclass(frozen=True, slots=True)
class Rows:
    """Packets whose next header begins at ``at``; every column has shape ``(K,)``.

    ``end`` is where the capture of it ends, ``stop`` where it ended on the wire; both shrink as
    layers state their lengths (Ethernet padding, trailers), and ``at`` may pass them in a packet
    that lies: :meth:`holding` weeds such rows out.
    """

    index: Integers  # row of the PacketBlock
    at: Integers
    end: Integers
    stop: Integers
    ip: Integers  # the innermost IP header so far; -1 before any

    @classmethod
    def of(cls, block: PacketBlock) -> Rows:
        """All packets of a block, before their link layer."""
        count = len(block.begin)
        nowhere = np.full(count, -1, np.int64)
        stop = np.maximum(block.begin + block.wire, block.end)
        return cls(np.arange(count), block.begin, block.end, stop, nowhere)

    def __len__(self) -> int:
        return len(self.index)

    def where(self, mask: Mask) -> Rows:
        """Keep the rows of a mask; no copy if it keeps all, as it mostly does."""
        if mask.all():
            return self
        columns = self.index, self.at, self.end, self.stop, self.ip
        kept = np.flatnonzero(mask)
        return Rows(*[column.take(kept) for column in columns])

    def holding(self, size: int) -> Rows:
        """Keep the rows of which the next *size* bytes were captured."""
        return self.where(self.end - self.at >= size)

    def skip(self, size: Integers | int) -> Rows:
        """Step over a header."""
        return replace(self, at=self.at + size)

    def bounded(self, stop: Integers) -> Rows:
        """Cut what follows *stop*: padding, trailers, other things than this layer's payload."""
        return replace(self, end=np.minimum(self.end, stop), stop=np.minimum(self.stop, stop))


@dataclass(frozen=True, slots=True)
class Next:
    """Rows with what their next header is: a number in a space of numbers.

    The spaces are ``link`` (LINKTYPE_), ``wifi`` (alignment of the payload of IEEE 802.11),
    ``ethertype``, ``ppp``, ``llc``, ``ip`` (protocol numbers), ``nibble`` (the IP version in the
    first four bits), ``udp`` (ports) and ``fragment`` (the IP version). One number can stand for all
    rows.
    """

    space: str
    number: Integers | int
    rows: Rows


Layer: TypeAlias = Callable[[Fields, Rows], Iterator[Next]]
"""Steps over one kind of header, all rows at once; rows that do not fit are dropped."""
