"""The rows of chosen connections, found in whole blocks at once."""

from __future__ import annotations

import ipaddress
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from analyzer.capture.block import IcmpError, Integers, SegmentBlock
from analyzer.tcp.evidence import Endpoint
from analyzer.tcp.keys import Keys

_MAPPED: Final = 0xFFFF_0000_0000  # RFC 4291 section 2.5.5.2
_Words: TypeAlias = tuple[int, int]
_Pair: TypeAlias = frozenset[tuple[_Words, int]]


class Span(NamedTuple):
    """One connection: its two ends, and the frames from its first to its last."""

    ends: tuple[Endpoint, Endpoint]
    first: int
    last: int


class ChosenRows:
    """Finds the rows of some connections; each is known by its place among ``spans``."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self._keys = Keys()
        self._spans: dict[_Pair, list[tuple[int, int, int]]] = {}  # first, last, place
        for place, span in enumerate(spans):
            pair = frozenset((_words(end.ip), end.port) for end in span.ends)
            self._spans.setdefault(pair, []).append((span.first, span.last, place))
        for listed in self._spans.values():
            listed.sort()
        self._wanted = self._keys_of(spans)

    def rows(self, block: SegmentBlock) -> tuple[Integers, list[int]]:
        """The rows of chosen connections, shape ``(R,)``, and the place of each."""
        if not len(block.frame) or not len(self._wanted):
            return np.zeros(0, np.int64), []
        _, key = self._keys.of(
            block.source, block.destination, block.source_port, block.destination_port
        )
        likely = np.flatnonzero(np.isin(key, self._wanted))
        ends = zip(
            map(tuple, block.source[likely].tolist()),
            block.source_port[likely].tolist(),
            map(tuple, block.destination[likely].tolist()),
            block.destination_port[likely].tolist(),
            strict=True,
        )
        frames = block.frame[likely].tolist()
        places = [
            self._place(frozenset(((a, p), (b, q))), frame)
            for (a, p, b, q), frame in zip(ends, frames, strict=True)
        ]
        chosen = [place is not None for place in places]
        return likely[chosen], [place for place in places if place is not None]

    def errors(self, block: SegmentBlock) -> Iterator[tuple[int, IcmpError]]:
        """``(place, error)`` of each ICMP error about a chosen connection."""
        for error in block.icmp_errors:
            ends = ((error.source, error.source_port), (error.destination, error.destination_port))
            place = self._place(frozenset(ends), error.frame)
            if place is not None:
                yield place, error

    def _place(self, pair: _Pair, frame: int) -> int | None:
        listed = self._spans.get(pair, ())
        at = bisect_right([first for first, _, _ in listed], frame) - 1
        return listed[at][2] if at >= 0 and frame <= listed[at][1] else None

    def _keys_of(self, spans: Sequence[Span]) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
        ends = [[_words(span.ends[n].ip) for span in spans] for n in (0, 1)]
        ports = [np.array([span.ends[n].port for span in spans], np.int64) for n in (0, 1)]
        low, high = (np.array(e, np.uint64).reshape(-1, 2) for e in ends)
        return np.unique(self._keys.of(low, high, *ports)[1])


def _words(ip: str) -> _Words:
    """An address as two 64-bit words, as in :class:`~analyzer.capture.block.SegmentBlock`."""
    address = ipaddress.ip_address(ip)
    if address.version == 4:
        return 0, _MAPPED | int(address)
    return int(address) >> 64, int(address) & (1 << 64) - 1
