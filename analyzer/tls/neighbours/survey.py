"""What the rest of the capture shows about the two ends of a connection.

A survey counts, for every server, client and pair of them, what was chosen and refused; then each
story gets the counts without its own contribution. Everything is bounded by named constants.
"""

from __future__ import annotations

import functools
from collections.abc import Hashable
from typing import Any, Final, NamedTuple, TypeVar

from analyzer.limits import DEFAULT, Limits
from analyzer.tcp.evidence import Endpoint
from analyzer.tls.neighbours.beyond import FailuresOfHost
from analyzer.tls.neighbours.habits import HabitsOfPair
from analyzer.tls.neighbours.past import PastOfServer
from analyzer.tls.neighbours.shown import DONE, LOST, RESUMED, Marks, Shown
from analyzer.tls.story import Beyond, Habits, Moment, Neighbours, Past, SeenWith

_SORTS_MOST: Final = 64  # different sorts of connection counted for one endpoint
_KINDS: Final = ("versions", "cipher_suites", "groups", "sni", "alpn", "alerts", "accepted_without")
_NUMBERS: Final = (
    "established",
    "failed",
    "client_certificates",
    "plaintext",
    "resumed",
    "upgraded",
)

_Name = TypeVar("_Name", str, Endpoint)


class _Seen(NamedTuple):
    """What many clients show alike."""

    server: Endpoint
    of_server: Marks
    of_client: Marks


class _Visit(NamedTuple):
    """What one connection of a client shows, but for who that was."""

    seen: _Seen
    start: int
    certificate: str | None
    used: bool


class _Tally:
    """Counts for one key. Nothing is kept twice for the many endpoints that are seen once."""

    __slots__ = ("_sorts", "_told")

    def __init__(self) -> None:
        self._sorts: dict[Marks, int] = {}  # how many connections showed just this
        self._told: dict[Marks, SeenWith] = {}

    def add(self, shown: Marks) -> None:
        times = self._sorts.get(shown, 0)
        if not times and len(self._sorts) >= _SORTS_MOST:
            return
        self._sorts[shown] = times + 1
        if shown and self._told:
            self._told.clear()

    def without(self, shown: Marks) -> SeenWith:
        """The counts with one connection taken out again."""
        if shown not in self._told:
            self._told[shown] = self._rest(shown)
        return self._told[shown]

    def _rest(self, left_out: Marks) -> SeenWith:
        totals: dict[tuple[str, str], int] = {}
        for shown, times in self._sorts.items():
            rest = times - (shown == left_out)
            for what in shown if rest else ():
                totals[what] = totals.get(what, 0) + rest
        if not totals:
            return _NOTHING_SEEN
        numbers = dict.fromkeys(_NUMBERS, 0)
        values: dict[str, dict[str, int]] = {kind: {} for kind in _KINDS}
        for (kind, value), count in sorted(totals.items()):
            if kind in numbers:
                numbers[kind] = count
            else:
                values[kind][value] = count
        told: dict[str, Any] = values
        return SeenWith(**{**numbers, **told})


_NOTHING_SEEN: Final = SeenWith()


class Survey:
    """Collects what connections show, then tells of each what the others showed."""

    def __init__(self, limits: Limits = DEFAULT) -> None:
        self._most = limits.surveyed
        self._failing_most = min(limits.surveyed, limits.failing_hosts)
        self._clients: dict[str, _Visit] = {}  # those that came once: most clients of a flood
        self._once: dict[Hashable, Marks] = {}  # servers and pairs that were met once
        self._tallies: dict[Hashable, _Tally] = {}
        self._pasts: dict[Hashable, PastOfServer] = {}
        self._habits: dict[tuple[str, Endpoint], HabitsOfPair] = {}
        self._failures: dict[str, FailuresOfHost] = {}  # by address, as a client
        self._alike: dict[Hashable, Any] = {}  # one object for what many showed

    def add(self, shown: Shown) -> None:
        """Count a connection in.

        An endpoint, an address and a pair are never equal, so that one table can hold them all.
        """
        self._date(shown)
        if shown.failed:
            self._note_failure(shown)
        self._count(_one_of_equals(shown.server), shown.of_server)
        client = _one_of_equals(shown.client)
        seen = _Seen(shown.server, shown.of_server, shown.of_client)
        visit = _Visit(seen, shown.start, shown.certificate, shown.used)
        if client in self._tallies:
            self._count_visit(client, visit)
        elif (before := self._clients.pop(client, None)) is not None:
            self._count_visit(client, before)
            self._count_visit(client, visit)
        elif self._has_room():
            self._clients[client] = visit._replace(seen=self._alike.setdefault(seen, seen))
        else:
            self._note_habit(client, visit)

    def _count_visit(self, client: str, visit: _Visit) -> None:
        server, of_server, of_client = visit.seen
        self._count(client, of_client)
        self._count((client, _one_of_equals(server)), of_server)
        self._note_habit(client, visit)

    def _count(self, key: Hashable, what: Marks) -> None:
        tally = self._tallies.get(key)
        if tally is None:
            before = self._once.pop(key, None)
            if before is None:
                if self._has_room():
                    self._once[key] = self._alike.setdefault(what, what)
                return
            tally = self._tallies[key] = _Tally()
            tally.add(before)
        tally.add(what)

    def _has_room(self) -> bool:
        """Whether anybody may be met for the first time; if not, nobody is told of them."""
        return len(self._tallies) + len(self._once) + len(self._clients) < self._most

    def _date(self, shown: Shown) -> None:
        """Remember when it was, if it says how the server fared."""
        done, lost = DONE in shown.of_server, LOST in shown.of_server
        if not (done or lost):
            return
        past = self._pasts.get(shown.server)
        if past is None:
            if len(self._pasts) >= self._most:
                return
            past = self._pasts[shown.server] = PastOfServer()
        when = Moment(shown.start, shown.stream)
        past.add(when, shown.certificate, done=done, lost=lost)

    def _note_failure(self, shown: Shown) -> None:
        """Remember when a host failed as a client, for those whose server it is."""
        known = self._failures.get(shown.client)
        if known is None:
            if len(self._failures) >= self._failing_most:
                return
            known = self._failures[shown.client] = FailuresOfHost()
        known.add(_one_of_equals(shown.server), Moment(shown.start, shown.stream))

    def _note_habit(self, client: str, visit: _Visit) -> None:
        """Remember when a client used a server, or went on with a session; or not, if it did before."""
        server, _, of_client = visit.seen
        resumed = RESUMED in of_client
        pair = client, _one_of_equals(server)
        habits = self._habits.get(pair)
        if habits is None:
            if not (visit.used or resumed) or len(self._habits) >= self._most:
                return
            habits = self._habits[pair] = HabitsOfPair()
        elif DONE not in of_client:
            return
        habits.add(visit.start, visit.certificate, used=visit.used, resumed=resumed)

    def neighbours(self, shown: Shown) -> Neighbours:
        """What all but this connection showed; it must have been added before."""
        server = self._others(shown.server, shown.of_server)
        client = self._others(shown.client, shown.of_client)
        pair = self._others((shown.client, shown.server), shown.of_server)
        past = self._pasts.get(shown.server)
        habits = self._habits.get((shown.client, shown.server))
        return Neighbours(
            server,
            client,
            pair,
            past.told() if past is not None and LOST in shown.of_server else _NO_PAST,
            _NO_HABITS if habits is None or shown.used else habits.told(shown.certificate),
            self._beyond(shown),
        )

    def _beyond(self, shown: Shown) -> tuple[Beyond, ...]:
        host = shown.server.ip
        known = self._failures.get(host) if host != shown.client else None
        return () if known is None else known.during(shown.start, shown.end)

    def _others(self, key: Hashable, mine: Marks) -> SeenWith:
        tally = self._tallies.get(key)
        return _NOTHING_SEEN if tally is None else tally.without(mine)


_NO_PAST: Final = Past()
_NO_HABITS: Final = Habits()


@functools.lru_cache(maxsize=4096)
def _one_of_equals(value: _Name) -> _Name:
    """One object for equal ends: they are kept as keys, and every connection brings its own."""
    return value
