"""Times as machines read them."""

from __future__ import annotations

import functools
from datetime import datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - UTC by definition; "Z" is written below


@functools.lru_cache(maxsize=256)
def rfc3339(time: int) -> str:
    """Write nanoseconds since the epoch as RFC 3339, UTC, with as many digits as it needs.

    Messages come several to a packet, and are asked about one after the other.

    >>> rfc3339(1_700_000_000_123_456_000), rfc3339(1)
    ('2023-11-14T22:13:20.123456Z', '1970-01-01T00:00:00.000000001Z')
    """
    seconds, rest = divmod(time, 1_000_000_000)
    digits = str(1_000_000_000 + rest)  # behind the 1, leading zeros and all
    return f"{_second(seconds)}.{digits[1:] if rest % 1000 else digits[1:-3]}Z"


def rfc3339_if_any(time: int | None) -> str | None:
    """The same of a time that a certificate states: it may state none, or one that no calendar has."""
    try:
        return None if time is None else rfc3339(time)
    except OverflowError:
        return None


@functools.lru_cache(maxsize=1024)
def _second(seconds: int) -> str:
    """A report has many moments of the same second."""
    return (_EPOCH + timedelta(seconds=seconds)).isoformat()


def clock(time: str, *, local: bool = False) -> str:
    """Write a time of the report for people: to the millisecond, and in which zone.

    >>> clock("2026-11-23T12:33:00.705123Z")
    '2026-11-23 12:33:00.705 UTC'
    """
    if local and (moment := _local(time)):
        return moment.isoformat(sep=" ", timespec="milliseconds")
    return f"{time[:10]} {time[11:23]} UTC"


def _local(time: str) -> datetime | None:
    """The moment in this machine's zone; None for a year that a calendar cannot hold."""
    try:
        return datetime.fromisoformat(f"{time[:26]}+00:00").astimezone()
    except (ValueError, OverflowError, OSError):
        return None
