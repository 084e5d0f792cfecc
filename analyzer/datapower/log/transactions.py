"""Lines become transactions: what the gateway did for one client, front and back.

All lines of one attempt share the transaction's number, which is unique within a domain for a while;
those that name none are held together by object and moment. A transaction has a front part (the
client's handshake) and a back part (the gateway's own to a server).
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from analyzer.datapower.log.codes import Kind, ends_of, kind_of, target_of
from analyzer.datapower.log.reasons import reason_of
from analyzer.datapower.log.times import SECOND
from analyzer.tls.loglines import LogLine
from analyzer.tls.objects import Leg

_SAME_NUMBER: Final = 60 * SECOND  # longest silence within a transaction
_SAME_MOMENT: Final = SECOND // 20  # between lines that share no number
_OF_OBJECTS: Final = frozenset({Kind.UP, Kind.DOWN})
_FRONT: Final = frozenset({Kind.FRONT, Kind.ENDED, Kind.ENDED_TLS})
_BACK: Final = frozenset({Kind.BACK, Kind.SPOKE_PLAIN})
_FAILS: Final = frozenset({Kind.LIBRARY, Kind.INVALID, Kind.FRONT, Kind.BACK, Kind.SPOKE_PLAIN})
_ABOUT: Final = frozenset(Kind) - _OF_OBJECTS - {Kind.OTHER}
End: TypeAlias = tuple[str, int]


@dataclass
class Part:
    """The lines of one leg of a transaction."""

    leg: Leg
    lines: list[LogLine] = field(default_factory=list)
    client: str | None = None  # the transaction's client, on the front side of the gateway
    ends: tuple[End, End] | None = None  # both ends of the connection, where a line names them
    targets: frozenset[tuple[str, int | None]] = frozenset()  # host and port that lines name

    @functools.cached_property
    def time(self) -> int:
        """When it failed by the log's clock: its first line that speaks of failure."""
        failed = (line for line in self.lines if kind_of(line) in _FAILS)
        return next(failed, self.lines[0]).time or 0

    @functools.cached_property
    def failed(self) -> bool:
        """Whether a line speaks of failure."""
        return any(kind_of(line) in _FAILS for line in self.lines)

    @property
    def domain(self) -> str | None:
        """The domain that the lines name."""
        return next((line.domain for line in self.lines if line.domain), None)

    @property
    def transaction(self) -> int | None:
        """The transaction's number."""
        return next((line.transaction for line in self.lines if line.transaction is not None), None)

    @functools.cached_property
    def content(self) -> frozenset[tuple[object, ...]]:
        """What the lines say, but for times and numbers: equal content leads to equal conclusions."""
        return frozenset((line.code, line.kind, line.name, said_of(line)) for line in self.lines)


def said_of(line: LogLine) -> str:
    """A line's text without what is different in every connection."""
    reason = reason_of(line)
    if reason is not None:
        return f"{reason.reason}"
    return "" if ends_of(line) is not None else line.text


def parts_of(lines: Iterable[LogLine]) -> Iterator[Part]:
    """Give the parts of all transactions of lines that are in order of time."""
    for group in _groups(lines):
        front, back = _split(group)
        for leg, held in ((Leg.FRONT, front), (Leg.BACK, back)):
            if held:
                yield _part(leg, held, group)


def _part(leg: Leg, lines: list[LogLine], group: list[LogLine]) -> Part:
    named = (ends_of(line) for line in lines)
    targets = (target_of(line) for line in lines)
    return Part(
        leg=leg,
        lines=lines,
        client=next((line.client for line in group if line.client), None),
        ends=next((ends for ends in named if ends is not None), None),
        targets=frozenset((host.lower(), port) for _, host, port in filter(None, targets)),
    )


def _groups(lines: Iterable[LogLine]) -> list[list[LogLine]]:
    """Lines about connections, held together by number, else by object and moment."""
    open_: dict[tuple[object, ...], list[LogLine]] = {}
    found: list[list[LogLine]] = []
    for line in lines:
        if line.time is None or kind_of(line) not in _ABOUT:
            continue
        key = _key(line)
        held = open_.get(key)
        if held is None or not _belongs(line, held):
            held = open_[key] = []
            found.append(held)
        held.append(line)
    return found


def _key(line: LogLine) -> tuple[object, ...]:
    if line.transaction is not None:
        return line.domain, line.transaction
    return line.domain, line.kind, line.name, line.client


def _belongs(line: LogLine, held: list[LogLine]) -> bool:
    most = _SAME_MOMENT if line.transaction is None else _SAME_NUMBER
    near = (line.time or 0) - (held[-1].time or 0) <= most
    clients = {one.client for one in held if one.client}
    ends = {ends for one in held if (ends := ends_of(one)) is not None}
    own = ends_of(line)
    same = not ends or own is None or own in ends
    return near and same and (line.client is None or not clients or line.client in clients)


def _split(group: list[LogLine]) -> tuple[list[LogLine], list[LogLine]]:
    """The lines of the front side and of the back side; a line that tells neither goes with others."""
    legs = [leg_of(line) for line in group]
    known = [(line.time or 0, leg) for line, leg in zip(group, legs, strict=True) if leg]
    front: list[LogLine] = []
    back: list[LogLine] = []
    for line, leg in zip(group, legs, strict=True):
        time = line.time or 0
        chosen = leg or min(known, key=lambda one: abs(one[0] - time), default=(0, Leg.FRONT))[1]
        (front if chosen is Leg.FRONT else back).append(line)
    return front, back


def leg_of(line: LogLine) -> Leg | None:
    """On which side of the gateway a line's connection is, as far as the line says."""
    kind = kind_of(line)
    if line.kind in {"ssl-server", "ssl-sni-server"} or kind in _FRONT:
        return Leg.FRONT
    if line.kind == "ssl-client" or kind in _BACK:
        return Leg.BACK
    reason = reason_of(line)
    name = reason.function_name.lower() if reason is not None else ""
    if "get_client" in name or "process_client" in name:
        return Leg.FRONT
    return Leg.BACK if "get_server" in name or "process_server" in name else None
