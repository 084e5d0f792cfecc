"""From packets to TCP segments: every way down the layers, walked by all its rows at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from analyzer.capture import link, network, tunnels, wifi
from analyzer.capture.block import IcmpError, PacketBlock, SegmentBlock
from analyzer.capture.exotic import locate_ip
from analyzer.capture.fields import Fields
from analyzer.capture.fragments import Reassembler, read_fragments
from analyzer.capture.icmp import decode_errors
from analyzer.capture.rows import Layer, Next, Rows
from analyzer.capture.tcp import decode_segments, join
from analyzer.limits import Limits

_TCP, _ICMP, _ICMPV6 = 6, 1, 58
_DEPTH = 32  # headers one within another; a hostile packet can hold thousands

LAYERS: Mapping[tuple[str, int], Layer] = {
    **link.LAYERS,
    **wifi.LAYERS,
    **network.LAYERS,
    **tunnels.LAYERS,
}
# Where the walk ends, because another module takes the rows.
_ENDS = frozenset({("ip", _TCP), ("ip", _ICMP), ("ip", _ICMPV6), ("fragment", 4), ("fragment", 6)})


def _numbers() -> Mapping[str, tuple[int, ...]]:
    """All numbers that lead somewhere, by space; the most frequent first."""
    frequent = {0x0800, 0x86DD, _TCP, 17, 4}
    spaces: defaultdict[str, list[int]] = defaultdict(list)
    for space, number in sorted(_ENDS | LAYERS.keys(), key=lambda key: key[1] not in frequent):
        spaces[space].append(number)
    return {space: tuple(numbers) for space, numbers in spaces.items()}


_NUMBERS = _numbers()


@dataclass(slots=True)
class Dissector:
    """Turns blocks of packets into blocks of segments; keeps fragments from block to block.

    ``unknown_links`` counts packets by link types that are not understood; ``unread_errors`` the
    ICMP errors beyond what is decoded of one block.
    """

    limits: Limits
    unknown_links: dict[int, int] = field(default_factory=dict)
    unread_errors: int = 0
    fragments: Reassembler = field(init=False)

    def __post_init__(self) -> None:
        self.fragments = Reassembler(self.limits.fragments)

    @property
    def incomplete(self) -> int:
        """How many IP datagrams lack fragments so far."""
        return self.fragments.incomplete

    def segments(self, block: PacketBlock) -> SegmentBlock:
        """Find the TCP segments of a block, whatever they travelled in."""
        fields = Fields(block.buffer)
        found = _Found()
        rows = Rows.of(block)
        found.walk(fields, Next("link", block.link_type, rows))
        unknown = np.isin(block.link_type, _NUMBERS["link"], invert=True)
        if unknown.any():
            self._exotic(block, fields, rows.where(unknown), found)
        fields = self._reassemble(fields, found)
        nothing = rows.where(np.zeros(len(rows), np.bool_))
        parts = [decode_segments(fields, block, part) for part in found.ends["ip", _TCP]]
        errors = self._errors(fields, block, found)
        if len(parts) == 1:
            return replace(parts[0], icmp_errors=errors)
        return join(parts or [decode_segments(fields, block, nothing)], errors)

    def _exotic(self, block: PacketBlock, fields: Fields, rows: Rows, found: _Found) -> None:
        """Try what the optional package knows; count the rest."""
        types = block.link_type[rows.index]
        for number in np.unique(types).tolist():
            some = rows.where(types == number)
            at = locate_ip(fields.buffer, number, some.at, some.end)
            if at is None:
                self.unknown_links[number] = self.unknown_links.get(number, 0) + len(some)
                continue
            located = replace(some, at=at).where(at >= 0)
            found.walk(fields, Next("nibble", fields.u8(located.at) >> 4, located))

    def _errors(self, fields: Fields, block: PacketBlock, found: _Found) -> tuple[IcmpError, ...]:
        """Decode the ICMP errors of a block, in order of capture."""
        errors: list[IcmpError] = []
        for protocol, version in ((_ICMP, 4), (_ICMPV6, 6)):
            for rows in found.ends["ip", protocol]:
                decoded, unread = decode_errors(fields, block, rows, version)
                errors += decoded
                self.unread_errors += unread
        return tuple(sorted(errors, key=lambda error: error.frame))

    def _reassemble(self, fields: Fields, found: _Found) -> Fields:
        """Feed the fragments in order of capture; walk down the datagrams that they complete.

        Those are appended to a copy of the buffer, so that all segments of a block share one.
        Tunnels can hold fragments again, hence the rounds.
        """
        for _ in range(_DEPTH):
            waiting = [
                (index, fragment)
                for version in (4, 6)
                for rows in found.ends.pop(("fragment", version), [])
                for index, fragment in read_fragments(fields, rows, version)
            ]
            waiting.sort(key=lambda pair: pair[0])
            whole = [(index, self.fragments.feed(fragment)) for index, fragment in waiting]
            datagrams = [(index, data) for index, data in whole if data is not None]
            if not datagrams:
                break
            fields, rows = _append(fields, datagrams)
            found.walk(fields, Next("nibble", fields.u8(rows.at) >> 4, rows))
        return fields


@dataclass(slots=True)
class _Found:
    """Rows at the ends of their ways: TCP, ICMP errors, fragments."""

    ends: defaultdict[tuple[str, int], list[Rows]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def walk(self, fields: Fields, start: Next) -> None:
        """Take rows down layer by layer; all ways advance by one header in each round."""
        work = [start]
        for _ in range(_DEPTH):
            if not work:
                return
            following: list[Next] = []
            for step in work:
                for number, rows in _split(step):
                    if (step.space, number) in _ENDS:
                        self.ends[step.space, number].append(rows)
                    else:
                        layer = LAYERS[step.space, number]
                        following += [n for n in layer(fields, rows) if len(n.rows)]
            work = following


def _split(step: Next) -> Iterator[tuple[int, Rows]]:
    """Part rows by their numbers, as far as these lead anywhere."""
    if isinstance(step.number, int):
        yield step.number, step.rows
        return
    numbers, rows = step.number, step.rows
    for number in _NUMBERS[step.space]:
        mask = numbers == number
        if mask.all():
            yield number, rows
            return
        if mask.any():
            yield number, rows.where(mask)
            numbers, rows = numbers[~mask], rows.where(~mask)


def _append(fields: Fields, datagrams: Sequence[tuple[int, bytes]]) -> tuple[Fields, Rows]:
    """Put datagrams behind the buffer; give rows that begin at their IP headers."""
    sizes = np.array([len(data) for _, data in datagrams], np.int64)
    extra = np.frombuffer(b"".join(data for _, data in datagrams), np.uint8)
    end = len(fields.buffer) + np.cumsum(sizes)
    index = np.array([index for index, _ in datagrams], np.int64)
    rows = Rows(index, end - sizes, end, end, np.full(len(index), -1, np.int64))
    return Fields(np.concatenate([fields.buffer, extra])), rows
