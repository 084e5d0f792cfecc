"""The bytes of one side of a connection, open to rewriting at their place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from analyzer.tcp.reassembly import Stream
from analyzer.tls.prelude.carriers import Payload, unmasked

_ALL: Final = 1 << 62


class _Place(NamedTuple):
    """Where bytes of TLS lie in TCP's."""

    inside: int
    begin: int
    length: int
    mask: bytes


class Said:
    """What one side sent. Offsets count TCP's bytes from the first on, or those of TLS ``inside``.

    The two differ only where another protocol's packets carry TLS.
    """

    def __init__(self, stream: Stream, payloads: Sequence[Payload] | None = None) -> None:
        self._chunks = [(chunk.offset, bytearray(chunk.data)) for chunk in stream.chunks]
        self._places = [_Place(0, 0, _ALL, b"")] if payloads is None else _places(payloads)

    @property
    def end(self) -> int:
        """The offset behind the last byte that was kept."""
        return max((offset + len(data) for offset, data in self._chunks), default=0)

    @property
    def end_inside(self) -> int:
        """The same for the bytes of TLS."""
        last = self._places[-1] if self._places else _Place(0, 0, 0, b"")
        return self.end if last.length == _ALL else last.inside + last.length

    def read(self, begin: int, end: int) -> bytes:
        """Bytes from offset to offset; zeros where nothing was kept."""
        found = bytearray(max(0, end - begin))
        for offset, data in self._chunks:
            first, last = max(begin, offset), min(end, offset + len(data))
            if first < last:
                found[first - begin : last - begin] = data[first - offset : last - offset]
        return bytes(found)

    def write(self, begin: int, new: bytes) -> None:
        """Put other bytes in the place of those from an offset on."""
        end = begin + len(new)
        for offset, data in self._chunks:
            first, last = max(begin, offset), min(end, offset + len(data))
            if first < last:
                data[first - offset : last - offset] = new[first - begin : last - begin]

    def read_inside(self, begin: int, end: int) -> bytes:
        """Bytes of TLS."""
        return b"".join(self._seen(place, *part) for place, part in self._parts(begin, end))

    def write_inside(self, begin: int, new: bytes) -> None:
        """Put other bytes of TLS in the place of those from an offset on."""
        for place, (first, last) in self._parts(begin, begin + len(new)):
            at = first - place.inside
            part = _masked(new[first - begin : last - begin], place.mask, at)
            self.write(place.begin + at, part)

    def _parts(self, begin: int, end: int) -> Iterator[tuple[_Place, tuple[int, int]]]:
        for place in self._places:
            first, last = max(begin, place.inside), min(end, place.inside + place.length)
            if first < last:
                yield place, (first, last)

    def _seen(self, place: _Place, first: int, last: int) -> bytes:
        at = first - place.inside
        return _masked(
            self.read(place.begin + at, place.begin + last - place.inside), place.mask, at
        )


def _places(payloads: Sequence[Payload]) -> list[_Place]:
    places, inside = [], 0
    for payload in payloads:
        places.append(_Place(inside, payload.begin, len(payload.data), payload.mask))
        inside += len(payload.data)
    return places


def _masked(data: bytes, mask: bytes, at: int) -> bytes:
    """Combine with a mask of which ``at`` bytes were used before."""
    return unmasked(data, mask[at % 4 :] + mask[: at % 4]) if mask else data
