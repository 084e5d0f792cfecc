"""A small reader of DER (X.690): enough for names, times and OCSP responses.

Certificates are read by the library in :mod:`analyzer.tls.x509.chain`. This serves where the library
refuses, where bytes must be compared as sent, and where a name alone is at hand.
"""

from __future__ import annotations

import calendar
import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from analyzer.errors import DecodeError, Defect, DefectKind

BOOLEAN: Final = 0x01
INTEGER: Final = 0x02
BIT_STRING: Final = 0x03
OCTET_STRING: Final = 0x04
OID: Final = 0x06
ENUMERATED: Final = 0x0A
UTC_TIME: Final = 0x17
GENERALIZED_TIME: Final = 0x18
SEQUENCE: Final = 0x30
SET: Final = 0x31


def context(number: int, *, constructed: bool = True) -> int:
    """The tag ``[number]`` of a context."""
    return (0xA0 if constructed else 0x80) | number


@dataclass(slots=True, eq=False)
class Value:
    """One value: its tag, and where it and its contents lie in ``data``.

    It lives while a certificate is walked over, forty at a time; freezing it would double the cost.
    """

    data: bytes
    tag: int
    start: int
    body: int
    end: int

    @property
    def content(self) -> bytes:
        """The bytes inside."""
        return self.data[self.body : self.end]

    @property
    def whole(self) -> bytes:
        """The bytes with tag and length."""
        return self.data[self.start : self.end]

    def items(self) -> Iterator[Value]:
        """The values inside, one after the other."""
        at = self.body
        while at < self.end:
            value = read_value(self.data, at, self.end)
            yield value
            at = value.end

    def children(self) -> list[Value]:
        """All values inside."""
        return list(self.items())


def read_value(data: bytes, at: int = 0, end: int | None = None) -> Value:
    """Read the value that begins at ``at``.

    Raises:
        DecodeError: It does not fit before ``end``, or has a form that DER forbids.
    """
    stop = len(data) if end is None else end
    if at + 2 > stop:
        raise _error(DefectKind.OVERRUN, at, "a value needs two bytes at least")
    tag, length, body = data[at], data[at + 1], at + 2
    if tag & 0x1F == 0x1F:
        raise _error(DefectKind.OUT_OF_RANGE, at, "a tag number above 30")
    if length & 0x80:
        width = length & 0x7F
        if not 1 <= width <= 4:
            raise _error(DefectKind.OUT_OF_RANGE, at, "a length of no or more than four bytes")
        body += width
        if body > stop:
            raise _error(DefectKind.OVERRUN, at, "a length that ends outside")
        length = int.from_bytes(data[at + 2 : body], "big")
    if body + length > stop:
        raise _error(DefectKind.OVERRUN, at, f"{length} bytes, {stop - body} left")
    return Value(data, tag, at, body, body + length)


def expect(value: Value, tag: int, field: str) -> Value:
    """Require a tag."""
    if value.tag != tag:
        detail = f"{field}: tag {value.tag:#04x} where {tag:#04x} belongs"
        raise _error(DefectKind.OUT_OF_RANGE, value.start, detail)
    return value


def _error(kind: DefectKind, offset: int, detail: str) -> DecodeError:
    return DecodeError(Defect(kind, "der", offset, detail))


@functools.lru_cache(maxsize=1024)
def read_oid(content: bytes) -> str:
    """Write an object identifier with dots (X.690 section 8.19).

    >>> read_oid(bytes([0x55, 0x04, 0x03]))
    '2.5.4.3'
    """
    arcs: list[int] = []
    number = 0
    for byte in content[:64]:
        number = number << 7 | byte & 0x7F
        if not byte & 0x80:
            arcs.append(number)
            number = 0
    if not arcs:
        return ""
    top = min(arcs[0] // 40, 2)
    return ".".join(map(str, (top, arcs[0] - 40 * top, *arcs[1:])))


_TIME: Final = re.compile(rb"(\d{2}|\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)?(?:\.\d+)?Z")


def read_time(value: Value) -> int:
    """Convert UTCTime or GeneralizedTime to ns since the epoch (RFC 5280 section 4.1.2.5).

    Raises:
        DecodeError: It is neither, or no time of the calendar.
    """
    found = _TIME.fullmatch(value.content)
    year_digits = {UTC_TIME: 2, GENERALIZED_TIME: 4}.get(value.tag)
    if found is None or len(found[1]) != year_digits:
        raise _error(DefectKind.OUT_OF_RANGE, value.start, "is no time in UTC")
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups())
    if value.tag == UTC_TIME:
        year += 1900 if year >= 50 else 2000
    days = calendar.monthrange(max(year, 1), month)[1] if 1 <= month <= 12 else 0
    if not (1 <= day <= days and hour <= 23 and minute <= 59 and second <= 60):
        raise _error(DefectKind.OUT_OF_RANGE, value.start, "is no time of the calendar")
    return calendar.timegm((year, month, day, hour, minute, second)) * 1_000_000_000
