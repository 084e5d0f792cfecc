"""How clients went on with servers: a few moments for each pair, however many connections they have."""

from __future__ import annotations

from typing import Final

from analyzer.tls.story import Habits

_CERTIFICATES_MOST: Final = 8  # different certificates remembered of one pair


class HabitsOfPair:
    """What is remembered of one client and one server. Connections come in any order."""

    __slots__ = ("_idle", "_resumed", "_used")

    def __init__(self) -> None:
        self._idle: int | None = None  # the first
        self._resumed: int | None = None  # the last
        # Serial number of the certificate, first and last; one tuple, since most pairs are met once.
        self._used: tuple[tuple[str, int, int], ...] = ()

    def add(self, start: int, certificate: str | None, *, used: bool, resumed: bool) -> None:
        """Remember a connection that completed."""
        if resumed:
            self._resumed = max(start, self._resumed or start)
        if used:
            self._hold(certificate or "", start)
        else:
            self._idle = min(start, self._idle or start)

    def _hold(self, serial: str, start: int) -> None:
        known = self._span(serial)
        if known is None and len(self._used) >= _CERTIFICATES_MOST:
            return
        first, last = known or (start, start)
        others = [one for one in self._used if one[0] != serial]
        self._used = (*others, (serial, min(first, start), max(last, start)))

    def _span(self, serial: str) -> tuple[int, int] | None:
        return next(((first, last) for held, first, last in self._used if held == serial), None)

    def told(self, certificate: str | None) -> Habits:
        """The same as a value, for a connection with this certificate."""
        return Habits(self._span(certificate or ""), self._idle, self._resumed)
