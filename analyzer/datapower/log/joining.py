"""Which lines belong to which connection: by addresses, ports and time, and by what objects fit.

Connections are met first, as the capture is read, and joined when they are judged: a transaction
belongs to the connection that is nearest in time among all that could be it, and only if that one has
no nearer transaction which says something else. Nothing is guessed beyond that.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from analyzer.datapower.log.clock import Clock, End, Happening, find_clock
from analyzer.datapower.log.codes import Kind, kind_of
from analyzer.datapower.log.crosscheck import contradictions
from analyzer.datapower.log.load import Log
from analyzer.datapower.log.matching import Matcher, Met, time_of
from analyzer.datapower.log.remarks import on_clock, on_limit, on_use
from analyzer.datapower.log.times import SECOND, near
from analyzer.datapower.log.transactions import Part, parts_of
from analyzer.limits import DEFAULT, Limits
from analyzer.tls.loglines import LogLine, LogView
from analyzer.tls.objects import Leg, ObjectView
from analyzer.tls.story import Story

_STATE_OBJECTS: Final = frozenset({Kind.UP, Kind.DOWN, Kind.HARDWARE})
_HARDWARE: Final = 600 * SECOND  # how long a word on the crypto engine counts
_STATES_MOST: Final = 2_000  # objects whose state is followed


class Joiner:
    """Joins one log with the connections of one capture."""

    def __init__(self, log: Log, offset_s: float | None = None, limits: Limits = DEFAULT) -> None:
        self._log = log
        self._given = offset_s
        self._limits = limits
        self._met: dict[int, Met] = {}
        self._by_client: dict[str, list[Met]] = defaultdict(list)
        self._by_server: dict[str, list[Met]] = defaultdict(list)
        self._parts: list[Part] | None = None
        self._front: dict[str, list[Part]] = defaultdict(list)
        self._ends: dict[tuple[End, End], list[Part]] = defaultdict(list)
        self._back: list[Part] = []
        self._states: dict[tuple[object, ...], list[LogLine]] = {}
        self._clock: Clock | None = None
        self._sought = 0  # connections met when the clock was last looked for
        self._left_out = 0  # connections beyond the limit
        self.joined = 0

    def meet(self, story: Story) -> None:
        """Take note of a connection before any is joined."""
        if len(self._met) >= self._limits.surveyed:
            self._left_out += 1
            return
        ending = story.ending.time if story.ending.side is not None else story.end
        client = story.client.ip, story.client.port
        server = story.server.ip, story.server.port
        failed = story.completed is not True
        met = Met(story.stream, client, server, ending, failed)
        self._met[story.stream] = met
        for held in (self._by_client[client[0]], self._by_server[server[0]]):
            insort(held, met, key=time_of)

    def join(self, story: Story) -> LogView | None:
        """The lines of one connection; None where none belong to it for sure."""
        met = self._met.get(story.stream)
        if met is None:
            return None
        self._prepare(met)
        states = self._states_before(met)
        found = self._find(met, story)
        if found is None:
            return LogView((), "", state=states) if states else None
        part, how = found
        self.joined += 1
        return LogView(
            lines=tuple(part.lines[: self._limits.log_lines_told]),
            contradictions=contradictions(story, part.lines, part.leg),
            found_by=how + (f"; {self._shift}" if self._shift else ""),
            leg=part.leg,
            domain=part.domain,
            transaction=part.transaction,
            offset_ns=self._offset,
            state=states,
        )

    def caveats(self) -> tuple[str, ...]:
        """What is to be said of the log as a whole, a sentence each."""
        failed = [met.time for met in self._met.values() if met.failed]
        return (
            *self._log.caveats,
            *on_clock(self._clock),
            *(
                ()
                if self.joined or self._parts is None
                else on_use(self._log, self._offset, failed)
            ),
            *on_limit(self._left_out, self._limits.surveyed),
        )

    # --- the log, by the capture's time -----------------------------------------------------------

    def _prepare(self, met: Met) -> None:
        if self._parts is None:
            lines = [_dated(line, met.time) for line in self._log.lines]
            lines.sort(key=lambda line: line.time if line.time is not None else -1)
            self._parts = list(parts_of(lines))
            self._states = _states_of(lines)
            for part in self._parts:
                if part.ends is not None:
                    self._ends[part.ends].append(part)
                elif part.leg is Leg.FRONT and part.client is not None:
                    self._front[part.client].append(part)
                elif part.leg is Leg.BACK:
                    self._back.append(part)
            for held in (self._back, *self._front.values()):
                held.sort(key=time_of)
        if self._given is None and self._clock is None and 2 * self._sought <= len(self._met):
            self._sought = len(self._met)
            self._clock = self._found_clock()

    def _found_clock(self) -> Clock | None:
        parts = [part for part in self._parts or () if part.leg is Leg.FRONT and part.failed]
        logged = [Happening(part.time, part.client or "", part.ends) for part in parts]
        failed = [one for one in self._met.values() if one.failed]
        captured = [Happening(one.time, one.client[0], (one.client, one.server)) for one in failed]
        zoned = all(line.zone_known for line in self._log.lines if line.time is not None)
        return find_clock(logged, captured, zone_known=zoned)

    @property
    def _offset(self) -> int:
        if self._given is not None:
            return int(self._given * SECOND)
        return self._clock.offset if self._clock is not None else 0

    @property
    def _matcher(self) -> Matcher:
        return Matcher(self._offset)

    @property
    def _shift(self) -> str:
        return f"its clock is {self._offset / SECOND:+.3f} s off" if self._offset else ""

    # --- which part -------------------------------------------------------------------------------

    def _find(self, met: Met, story: Story) -> tuple[Part, str] | None:
        exact = [
            part
            for part in self._ends.get((met.client, met.server), ())
            if abs(self._matcher.gap(part, met)) <= 60 * SECOND
        ]
        if exact:
            nearest = min(exact, key=lambda one: abs(self._matcher.gap(one, met)))
            return nearest, "addresses and ports in one of them"
        leg = story.objects.leg if story.objects is not None else None
        if leg is not Leg.BACK and (part := self._front_part(met, story)) is not None:
            return part, f"client address {met.client[0]} and time"
        return self._back_part(met, story) if leg is not Leg.FRONT else None

    def _front_part(self, met: Met, story: Story) -> Part | None:
        fitting = self._matcher.near(self._front.get(met.client[0], []), met)
        return self._matcher.choose(_agreeing(fitting, story), met, self._by_client[met.client[0]])

    def _back_part(self, met: Met, story: Story) -> tuple[Part, str] | None:
        """A back part must name its server, or the object that called it: time is not enough."""
        fitting = self._matcher.near(self._back, met)
        rivals = self._by_server[met.server[0]]
        named = [part for part in fitting if _names(part, story)]
        if (part := self._matcher.choose(_agreeing(named, story), met, rivals)) is not None:
            return part, "the server that its lines name, and time"
        calling = [part for part in fitting if _calls(part, story.objects)]
        if (part := self._matcher.choose(_agreeing(calling, story), met, rivals)) is not None:
            return part, "the object that its lines name, and time"
        return None

    # --- before -----------------------------------------------------------------------------------

    def _states_before(self, met: Met) -> tuple[LogLine, ...]:
        """The latest word on each object that went up or down before the connection began."""
        if not met.failed:
            return ()
        until = met.time + SECOND + self._offset
        ends = ((held, bisect_right(held, until, key=_moment)) for held in self._states.values())
        latest = (held[end - 1] for held, end in ends if end)
        found = [line for line in latest if self._counts(line, met)]
        return tuple(sorted(found, key=_moment, reverse=True))

    def _counts(self, line: LogLine, met: Met) -> bool:
        age = met.time - (line.time or 0) + self._offset
        kind = kind_of(line)
        return kind is Kind.DOWN or (kind is Kind.HARDWARE and age <= _HARDWARE)


def _moment(line: LogLine) -> int:
    return line.time or 0


def _states_of(lines: Iterable[LogLine]) -> dict[tuple[object, ...], list[LogLine]]:
    """Lines on the state of objects, by object; of lines that are in order of time."""
    found: dict[tuple[object, ...], list[LogLine]] = {}
    for line in lines:
        if line.time is None or kind_of(line) not in _STATE_OBJECTS:
            continue
        key = (line.domain, line.kind, line.name)
        if key in found or len(found) < _STATES_MOST:
            found.setdefault(key, []).append(line)
    return found


def _agreeing(parts: list[Part], story: Story) -> list[Part]:
    """The parts that do not contradict the wire; all, where every one does."""
    return [p for p in parts if not contradictions(story, p.lines, p.leg)] or parts


def _dated(line: LogLine, about: int) -> LogLine:
    """A line whose time has no year, put near the capture."""
    if line.year_known or line.time is None:
        return line
    return replace(line, time=near(line.time, about), year_known=True)


def _names(part: Part, story: Story) -> bool:
    """Whether a part's lines name the server of a connection."""
    asked = story.offer.server_name if story.offer is not None else None
    hosts = {story.server.ip.lower(), (asked or story.server.ip).lower()}
    return any(host in hosts and port in {None, story.server.port} for host, port in part.targets)


def _calls(part: Part, view: ObjectView | None) -> bool:
    """Whether a part's lines name the objects that took part by the export."""
    if view is None:
        return False
    own = {view.profile.name if view.profile is not None else None}
    service = view.target.name if view.target is not None else None
    return any(
        (line.kind == "ssl-client" and line.name in own)
        or (line.kind in {"mpgw", "wsgw", "xmlfirewall", "sslforwarder"} and line.name == service)
        for line in part.lines
    )
