"""The bounded reader: the only way in which decoders touch bytes.

It raises :class:`~analyzer.errors.DecodeError`, and nothing else, for any bytes; decoders at the
boundary of this package turn that into a value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from analyzer.errors import DecodeError, Defect, DefectKind


@dataclass(slots=True)
class Reader:
    """A window onto one message; it cannot read outside ``[pos, end)``.

    Windows opened inside it share the bytes and keep absolute offsets, so a defect found four levels
    deep still points at the right byte.
    """

    data: bytes
    pos: int
    end: int
    field: str = ""

    @classmethod
    def over(cls, data: bytes, field: str) -> Self:
        """Open a window onto all of ``data``, which ``field`` names in defects."""
        return cls(data, 0, len(data), field)

    def uint(self, width: int, field: str) -> int:
        """Read a big-endian unsigned integer of ``width`` bytes."""
        start = self.pos
        stop = start + width
        if stop > self.end:
            raise self._overrun(width, field)
        self.pos = stop
        return int.from_bytes(self.data[start:stop], "big")

    def raw(self, length: int, field: str) -> bytes:
        """Read ``length`` bytes."""
        start = self.pos
        stop = start + length
        if stop > self.end:
            raise self._overrun(length, field)
        self.pos = stop
        return self.data[start:stop]

    def vector(self, width: int, field: str, *, low: int = 0, high: int | None = None) -> Reader:
        """Open ``opaque field<low..high>``: a length of ``width`` bytes, then a body."""
        at = self.pos
        start = at + width
        if start > self.end:
            raise self._overrun(width, field)
        length = int.from_bytes(self.data[at:start], "big")
        if length < low or (high is not None and length > high):
            most = high if high is not None else (1 << 8 * width) - 1
            raise self.wrong(field, f"length {length} is not in {low}..{most}")
        stop = start + length
        if stop > self.end:
            self.pos = start
            raise self._overrun(length, field)
        self.pos = stop
        return Reader(self.data, start, stop, f"{self.field}.{field}")

    def opaque(self, width: int, field: str, *, low: int = 0) -> bytes:
        """Read the bytes of a vector without opening a window onto it."""
        at = self.pos
        start = at + width
        if start > self.end:
            raise self._overrun(width, field)
        length = int.from_bytes(self.data[at:start], "big")
        if length < low:
            raise self.wrong(field, f"length {length} is less than {low}")
        stop = start + length
        if stop > self.end:
            self.pos = start
            raise self._overrun(length, field)
        self.pos = stop
        return self.data[start:stop]

    def rest(self) -> bytes:
        """Read everything that is left."""
        start, self.pos = self.pos, self.end
        return self.data[start : self.end]

    def done(self) -> None:
        """Require that the container was consumed exactly."""
        if self.pos != self.end:
            detail = f"{self.end - self.pos} bytes left over"
            raise DecodeError(Defect(DefectKind.TRAILING, self.field, self.pos, detail))

    def wrong(self, field: str, detail: str) -> DecodeError:
        """The error for a length or value that the RFC forbids, found where the reader stands."""
        path = f"{self.field}.{field}"
        return DecodeError(Defect(DefectKind.OUT_OF_RANGE, path, self.pos, detail))

    def __bool__(self) -> bool:
        return self.pos < self.end

    def _overrun(self, length: int, field: str) -> DecodeError:
        path = f"{self.field}.{field}"
        detail = f"needs {length} bytes, {self.end - self.pos} left"
        return DecodeError(Defect(DefectKind.OVERRUN, path, self.pos, detail))


def printable(raw: bytes) -> str:
    r"""Show bytes that should be ASCII text; whatever is not is escaped, so no two look alike.

    >>> printable(b"h2"), printable(bytes([0x0A, 0x0A]))
    ('h2', '\\x0a\\x0a')
    """
    if raw.isascii():
        text = raw.decode("ascii")
        if text.isprintable() and "\\" not in text:
            return text
    shown = (0x20 <= byte < 0x7F and byte != 0x5C for byte in raw)
    return "".join(
        chr(byte) if plain else f"\\x{byte:02x}" for byte, plain in zip(raw, shown, strict=True)
    )
