"""Which lines belong to which connection: by addresses, ports and time, and by what objects fit.

Connections are met first, as the capture is read, and joined when they are judged: a transaction
belongs to the connection that is nearest in time among all that could be it, and only if that one has
no nearer transaction which says something else. Nothing is guessed beyond that.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from analyzer.datapower.log.clock import EARLY, WINDOW, Clock, End, Happening, find_clock, fits
from analyzer.datapower.log.codes import Kind, kind_of
from analyzer.datapower.log.crosscheck import contradictions
from analyzer.datapower.log.load import Log
from analyzer.datapower.log.times import SECOND, near
from analyzer.datapower.log.transactions import Part, parts_of
from analyzer.limits import DEFAULT, Limits
from analyzer.tls.loglines import LogLine, LogView
from analyzer.tls.objects import Leg, ObjectView
from analyzer.tls.story import Story

_CLEAR: Final = SECOND // 10  # parts that say something else are not that near
_RIVALS_MOST: Final = 200  # parts and connections that are weighed against each other
_STATE_OBJECTS: Final = frozenset({Kind.UP, Kind.DOWN, Kind.HARDWARE})
_HARDWARE: Final = 600 * SECOND  # how long a word on the crypto engine counts
_STATES_MOST: Final = 200


@dataclass(frozen=True, slots=True)
class _Met:
    """A connection, as far as joining needs it."""

    stream: int
    client: End
    server: End
    start: int
    time: int  # when it ended, or somebody gave up
    failed: bool


class Joiner:
    """Joins one log with the connections of one capture."""

    def __init__(self, log: Log, offset_s: float | None = None, limits: Limits = DEFAULT) -> None:
        self._log = log
        self._given = offset_s
        self._limits = limits
        self._met: dict[int, _Met] = {}
        self._by_client: dict[str, list[_Met]] = defaultdict(list)
        self._by_server: dict[str, list[_Met]] = defaultdict(list)
        self._parts: list[Part] | None = None
        self._front: dict[str, list[Part]] = defaultdict(list)
        self._ends: dict[tuple[End, End], list[Part]] = defaultdict(list)
        self._back: list[Part] = []
        self._states: list[LogLine] = []
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
        met = _Met(story.stream, client, server, story.start, ending, failed)
        self._met[story.stream] = met
        for held in (self._by_client[client[0]], self._by_server[server[0]]):
            insort(held, met, key=_time_of)

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
        return (*self._log.caveats, *self._of_clock(), *self._of_nothing(), *self._of_limit())

    # --- the log, by the capture's time -----------------------------------------------------------

    def _prepare(self, met: _Met) -> None:
        if self._parts is None:
            lines = [_dated(line, met.time) for line in self._log.lines]
            lines.sort(key=lambda line: line.time if line.time is not None else -1)
            self._parts = list(parts_of(lines))
            self._states = [one for one in lines if one.time and kind_of(one) in _STATE_OBJECTS]
            for part in self._parts:
                if part.ends is not None:
                    self._ends[part.ends].append(part)
                elif part.leg is Leg.FRONT and part.client is not None:
                    self._front[part.client].append(part)
                elif part.leg is Leg.BACK:
                    self._back.append(part)
            for held in (self._back, *self._front.values()):
                held.sort(key=_time_of)
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
    def _shift(self) -> str:
        return f"its clock is {self._offset / SECOND:+.3f} s off" if self._offset else ""

    def _gap(self, part: Part, met: _Met) -> int:
        """Ns from the end of a connection to a part's first word of failure."""
        return part.time - self._offset - met.time

    def _may_be(self, part: Part, met: _Met) -> bool:
        began = part.time - self._offset >= met.start - EARLY  # some forms tell whole seconds
        return began and fits(self._gap(part, met))

    # --- which part -------------------------------------------------------------------------------

    def _find(self, met: _Met, story: Story) -> tuple[Part, str] | None:
        exact = [
            part
            for part in self._ends.get((met.client, met.server), ())
            if abs(self._gap(part, met)) <= 60 * SECOND
        ]
        if exact:
            nearest = min(exact, key=lambda one: abs(self._gap(one, met)))
            return nearest, "its addresses and ports in a line"
        leg = story.objects.leg if story.objects is not None else None
        if leg is not Leg.BACK and (part := self._front_part(met, story)) is not None:
            return part, f"client address {met.client[0]} and time"
        return self._back_part(met, story) if leg is not Leg.FRONT else None

    def _front_part(self, met: _Met, story: Story) -> Part | None:
        fitting = self._near(self._front.get(met.client[0], []), met)
        return self._mutual(_agreeing(fitting, story), met, self._by_client[met.client[0]])

    def _back_part(self, met: _Met, story: Story) -> tuple[Part, str] | None:
        """A back part must name its server, or the object that called it: time is not enough."""
        fitting = self._near(self._back, met)
        rivals = self._by_server[met.server[0]]
        named = [part for part in fitting if _names(part, story)]
        if (part := self._mutual(_agreeing(named, story), met, rivals)) is not None:
            return part, "the server that its lines name, and time"
        calling = [part for part in fitting if _calls(part, story.objects)]
        if (part := self._mutual(_agreeing(calling, story), met, rivals)) is not None:
            return part, "the object that its lines name, and time"
        return None

    def _near(self, parts: list[Part], met: _Met) -> list[Part]:
        """The parts, in order of time, that may be about a connection."""
        at = met.time + self._offset
        begin = bisect_left(parts, at - WINDOW, key=_time_of)
        end = bisect_right(parts, at + WINDOW, key=_time_of)
        return [part for part in parts[begin:end] if self._may_be(part, met)]

    def _mutual(self, fitting: list[Part], met: _Met, rivals: list[_Met]) -> Part | None:
        """The nearest part that has no nearer connection, unless others say something else."""
        if not fitting:
            return None
        begin = bisect_left(rivals, met.time - 2 * WINDOW, key=_time_of)
        end = bisect_right(rivals, met.time + 2 * WINDOW, key=_time_of)
        others = [one for one in rivals[begin:end] if one.failed and one.stream != met.stream]
        own = [part for part in fitting[:_RIVALS_MOST] if self._is_nearest(part, met, others)]
        own.sort(key=lambda part: abs(self._gap(part, met)))
        if not own:
            return None
        clear = max(abs(self._gap(own[0], met)) * 3, _CLEAR)
        unlike = (part for part in own[1:] if part.content != own[0].content)
        return None if any(abs(self._gap(p, met)) <= clear for p in unlike) else own[0]

    def _is_nearest(self, part: Part, met: _Met, others: list[_Met]) -> bool:
        """Whether no other connection that failed is nearer to a part."""
        gap = abs(self._gap(part, met))
        return not any(
            abs(self._gap(part, other)) < gap
            for other in others[:_RIVALS_MOST]
            if self._may_be(part, other)
        )

    # --- before -----------------------------------------------------------------------------------

    def _states_before(self, met: _Met) -> tuple[LogLine, ...]:
        """The latest word on each object that went up or down before the connection began."""
        latest: dict[tuple[object, ...], LogLine] = {}
        for line in self._states:
            if (line.time or 0) - self._offset > met.time + SECOND:
                break
            latest[line.domain, line.kind, line.name] = line
        down = [line for line in latest.values() if self._counts(line, met)]
        return tuple(reversed(down[-_STATES_MOST:]))

    def _counts(self, line: LogLine, met: _Met) -> bool:
        age = met.time - (line.time or 0) + self._offset
        kind = kind_of(line)
        return kind is Kind.DOWN or (kind is Kind.HARDWARE and age <= _HARDWARE)

    # --- the whole --------------------------------------------------------------------------------

    def _of_clock(self) -> Iterator[str]:
        if self._clock is not None and self._clock.offset:
            yield (
                f"the gateway's log is {self._clock.seconds:+.3f} s ahead of the capture "
                f"({self._clock.text}); --dp-clock-offset tells it otherwise"
            )

    def _of_nothing(self) -> Iterator[str]:
        """Say why a log may have been of no use."""
        failed = [one for one in self._met.values() if one.failed]
        if self.joined or not failed or self._parts is None:
            return
        times = [one.time - self._offset for one in self._log.lines if one.time and one.year_known]
        count = f"{len(failed)} connection{'s' if len(failed) > 1 else ''} that did not complete"
        if not times:
            yield f"no line of the gateway's log is joined with {count}: its lines have no time"
        elif not any(min(times) - SECOND <= one.time <= max(times) + SECOND for one in failed):
            yield (
                f"the gateway's log does not cover the time of {count}; give the log of that time, or "
                "--dp-clock-offset if its clock is another"
            )
        else:
            yield (
                f"the gateway's log covers the time and has no line on {count}: it may be another "
                "domain's, its level may be above debug, or a limit on its rate left lines out"
            )

    def _of_limit(self) -> Iterator[str]:
        if self._left_out:
            yield (
                f"{self._left_out} connections after the first {self._limits.surveyed} are not joined "
                "with the gateway's log"
            )


def _time_of(one: Part | _Met) -> int:
    return one.time


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
