"""Failures of a host as a client, for the connections whose server it is: a gateway fails forth, then back."""

from __future__ import annotations

from typing import Final

from analyzer.tcp.evidence import Endpoint
from analyzer.tls.story import Beyond, Moment

_KEPT_MOST: Final = 64  # of one host
_SECOND: Final = 1_000_000_000
_BEFORE: Final = _SECOND  # a host may have found out before it was asked: by a check of its own


class FailuresOfHost:
    """When a host failed toward whom: the first in each second, as many as are kept."""

    __slots__ = ("_found",)

    def __init__(self) -> None:
        self._found: dict[tuple[Endpoint, int], Moment] = {}

    def add(self, server: Endpoint, moment: Moment) -> None:
        """Remember a failure. They come in any order."""
        key = server, moment.time // _SECOND
        if key in self._found or len(self._found) < _KEPT_MOST:
            self._found[key] = min(moment, self._found.get(key, moment))

    def during(self, start: int, end: int) -> tuple[Beyond, ...]:
        """Those that began while another connection lasted, or just before."""
        times = range(start - _BEFORE, end + 1)
        found = [Beyond(server, at) for (server, _), at in self._found.items() if at.time in times]
        return tuple(sorted(found, key=lambda one: (one.moment, one.server)))
