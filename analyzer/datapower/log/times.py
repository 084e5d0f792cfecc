"""Times of log lines, in every form that the product, syslog and containers write.

A form without a zone is read as UTC and says so; syslog's (RFC 3164 section 4.1.2) has no year.
"""

from __future__ import annotations

import datetime as dt
import functools
import re
from dataclasses import dataclass
from typing import Final

SECOND: Final = 1_000_000_000
YEARLESS: Final = 1972  # stands for a year that is not written; it has all days
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MONTHS: Final = [
    "Jan",
    "Feb",
    "Mar",
    "Apr",
    "May",
    "Jun",
    "Jul",
    "Aug",
    "Sep",
    "Oct",
    "Nov",
    "Dec",
]

_CLOCK: Final = r"(?P<H>\d\d):(?P<M>\d\d):(?P<S>\d\d)(?P<f>[.,]\d{1,9})?"
_DAY: Final = (
    r"(?:[A-Z][a-z]{2} )?(?P<b>Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) {1,2}(?P<d>\d{1,2})"
)
_SHORT: Final = r"(?P<y>\d{4})(?P<m>\d\d)(?P<d>\d\d)T(?P<H>\d\d)(?P<M>\d\d)(?P<S>\d\d)(?P<f>\.\d{1,9})?(?P<z>Z)?"
# The surest form first: a collector may have put a time of its own before the gateway's.
_FORMS: Final = tuple(
    re.compile(form)
    for form in (
        _SHORT,
        rf"(?P<y>\d{{4}})-(?P<m>\d\d)-(?P<d>\d\d)[T ]{_CLOCK}(?P<z>Z|[+-]\d\d:?\d\d)?",
        rf"{_DAY} (?P<y>\d{{4}}) {_CLOCK}",
        rf"{_DAY} {_CLOCK}(?: (?P<z>UTC|GMT|Z))?(?: (?P<y>\d{{4}}))?",
        r"(?<![\d.])(?P<epoch>1\d{9})(?P<f>\.\d{1,9})?(?![\d.])",
        r"(?<![\d.])(?P<millis>1\d{12})(?!\d)",
    )
)


@dataclass(frozen=True, slots=True)
class Moment:
    """A time as it was written; ``begin`` is where in the text."""

    time: int  # ns since the epoch
    zone_known: bool
    year_known: bool
    begin: int


def find_time(text: str) -> Moment | None:
    """Find the time in what stands before a line's tags.

    >>> find_time("datapower | 20161202T183348.225Z ").time
    1480703628225000000
    """
    for form in _FORMS:
        for found in reversed(list(form.finditer(text))):
            moment = _moment(found)
            if moment is not None:
                return moment
    return None


def _moment(found: re.Match[str]) -> Moment | None:
    parts = found.groupdict()
    fraction = int((parts.get("f") or ".0")[1:].ljust(9, "0"))
    if parts.get("epoch"):
        return Moment(int(parts["epoch"]) * SECOND + fraction, True, True, found.start())
    if parts.get("millis"):
        return Moment(int(parts["millis"]) * 1_000_000, True, True, found.start())
    year = parts.get("y")
    month = parts.get("m") or _MONTHS.index(parts["b"]) + 1
    numbers = (int(parts[name]) for name in ("d", "H", "M", "S"))
    time = _of_parts(int(year or YEARLESS), int(month), *numbers)
    if time is None:
        return None
    zone = parts.get("z") or ""
    return Moment(time + fraction - _shift(zone), bool(zone), year is not None, found.start())


@functools.lru_cache(maxsize=256)
def _of_parts(year: int, month: int, day: int, hour: int, minute: int, second: int) -> int | None:
    """The ns of a calendar time; None for one that does not exist. A leap second is the one before."""
    try:
        at = dt.datetime(year, month, day, hour, minute, min(second, 59), tzinfo=dt.UTC)
    except ValueError:
        return None
    return int((at - _EPOCH).total_seconds()) * SECOND


def _shift(zone: str) -> int:
    """Ns by which a zone is ahead of UTC."""
    if zone[:1] not in {"+", "-"}:
        return 0
    digits = zone[1:].replace(":", "")
    ahead = (int(digits[:2]) * 60 + int(digits[2:])) * 60 * SECOND
    return ahead if zone[0] == "+" else -ahead


def near(time: int, other: int) -> int:
    """A time without a year, put into the year that brings it nearest to another time.

    >>> moment = find_time("Dec 31 23:59:59")
    >>> near(moment.time, 1_672_531_200 * SECOND) // SECOND  # 2023-01-01
    1672531199
    """
    base = _EPOCH + dt.timedelta(seconds=time // SECOND)
    about = (_EPOCH + dt.timedelta(seconds=other // SECOND)).year
    tries = (
        _of_parts(year, base.month, base.day, base.hour, base.minute, base.second)
        for year in (about - 1, about, about + 1)
        if 0 < year < 9999
    )
    found = [one + time % SECOND for one in tries if one is not None]
    return min(found, key=lambda one: abs(one - other), default=time)
