"""Equal failures told once: who is concerned, how often, from when to when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeAlias

from analyzer.diagnosis.engine import Diagnosis
from analyzer.report.escape import encodable
from analyzer.report.schema import Group, Summary
from analyzer.report.times import rfc3339
from analyzer.tcp.evidence import Endpoint
from analyzer.tls.story import Story

_NAMES_LISTED: Final = 100
_SERVERS_APART: Final = 3  # failures of more servers than these are one group

_Key: TypeAlias = tuple[str, str, Endpoint]


class Failure(NamedTuple):
    """What a group has to know of a failed connection."""

    rule: str
    cause: str
    title: str
    stream: int
    start: int
    client: Endpoint
    server: Endpoint
    sni: str | None


def failure_of(story: Story, diagnosis: Diagnosis, outcome: str) -> Failure | None:
    """What a group has to know of a connection; None if it did not fail."""
    finding = diagnosis.headline
    if outcome != "failed" or finding is None:
        return None
    name = story.offer.server_name if story.offer is not None else None
    return Failure(
        rule=finding.rule,
        cause=finding.cause,
        title=encodable(finding.title),
        stream=story.stream,
        start=story.start,
        client=story.client,
        server=story.server,
        sni=encodable(name) if name else None,
    )


@dataclass(slots=True)
class _Members:
    """Failed connections that share a rule, a cause and a server."""

    title: str
    example: int
    first: int
    last: int
    count: int = 0
    clients: Counter[str] = field(default_factory=Counter)
    servers: Counter[str] = field(default_factory=Counter)
    sni: Counter[str] = field(default_factory=Counter)

    def add(self, failure: Failure) -> None:
        self.count += 1
        self.first = min(self.first, failure.start)
        self.last = max(self.last, failure.start)
        self.clients[failure.client.ip] += 1
        self.servers[str(failure.server)] += 1
        if failure.sni:
            self.sni[failure.sni] += 1

    def join(self, other: _Members) -> None:
        if other.example < self.example:
            self.title, self.example = other.title, other.example
        self.count += other.count
        self.first, self.last = min(self.first, other.first), max(self.last, other.last)
        self.clients += other.clients
        self.servers += other.servers
        self.sni += other.sni


class Grouping:
    """Counts outcomes and gathers failures while connections go by, in any order."""

    def __init__(self) -> None:
        self._outcomes: Counter[str] = Counter()
        self._members: dict[_Key, _Members] = {}

    def add(self, outcome: str, failure: Failure | None) -> None:
        """Count a connection in."""
        self._outcomes[outcome] += 1
        if failure is None:
            return
        key = (failure.rule, failure.cause, failure.server)
        if key not in self._members:
            start = failure.start
            self._members[key] = _Members(failure.title, failure.stream, start, start)
        members = self._members[key]
        if failure.stream < members.example:
            members.title, members.example = failure.title, failure.stream
        members.add(failure)

    def summary(self) -> Summary:
        """Count all connections by outcome."""
        counts = self._outcomes
        return Summary(
            connections=counts.total(),
            established=counts["established"],
            failed=counts["failed"],
            incomplete=counts["incomplete"],
            not_tls=counts["not_tls"],
        )

    def groups(self) -> tuple[Group, ...]:
        """Give the groups, the largest first, then the earliest."""
        servers = Counter((rule, cause) for rule, cause, _ in self._members)
        merged: dict[tuple[str, str, Endpoint | None], _Members] = {}
        for (rule, cause, server), members in self._members.items():
            apart = servers[rule, cause] <= _SERVERS_APART
            key = (rule, cause, server if apart else None)
            if key in merged:
                merged[key].join(members)
            else:
                merged[key] = members
        ordered = sorted(merged.items(), key=lambda m: (-m[1].count, m[1].first, m[1].example))
        return tuple(_group(rule, cause, members) for (rule, cause, _), members in ordered)


def _group(rule: str, cause: str, members: _Members) -> Group:
    return Group(
        cause=cause,
        rule=rule,
        title=members.title,
        count=members.count,
        clients=_most_common(members.clients.items()),
        clients_total=len(members.clients),
        servers=_most_common(members.servers.items()),
        servers_total=len(members.servers),
        sni=_most_common(members.sni.items()),
        sni_total=len(members.sni),
        first=rfc3339(members.first),
        last=rfc3339(members.last),
        example_stream=members.example,
    )


def _most_common(counts: Iterable[tuple[str, int]]) -> tuple[str, ...]:
    ordered = sorted(counts, key=lambda item: (-item[1], item[0]))
    return tuple(name for name, _ in ordered[:_NAMES_LISTED])
