"""When servers did what: a few moments for each, however many connections they have."""

from __future__ import annotations

from typing import Final

from analyzer.tls.story import Moment, Past

_CERTIFICATES_MOST: Final = 8  # different certificates remembered of one server


class PastOfServer:
    """What is remembered of one server. Connections come in any order."""

    __slots__ = ("_certificates", "_established", "_failed")

    def __init__(self) -> None:
        self._established: Moment | None = None  # the last
        self._failed: Moment | None = None  # the first
        self._certificates: dict[str, tuple[Moment, Moment]] | None = None

    def add(self, when: Moment, certificate: str | None, *, done: bool, lost: bool) -> None:
        """Remember a connection."""
        if done and (self._established is None or self._established.time < when.time):
            self._established = when
        if lost and (self._failed is None or when.time < self._failed.time):
            self._failed = when
        if certificate is not None:
            self._hold(certificate, when)

    def _hold(self, certificate: str, when: Moment) -> None:
        held = self._certificates = self._certificates or {}
        if certificate in held or len(held) < _CERTIFICATES_MOST:
            first, last = held.get(certificate, (when, when))
            if when.time < first.time:
                first = when
            elif when.time > last.time:
                last = when
            held[certificate] = first, last

    def told(self) -> Past:
        """The same as a value."""
        held = sorted((self._certificates or {}).items(), key=lambda one: one[1][0].time)
        return Past(self._established, self._failed, dict(held))
