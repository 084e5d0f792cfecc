"""Equal failures told once: who is concerned, how often, from when to when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from analyzer.diagnosis.engine import Diagnosis
from analyzer.report.escape import encodable
from analyzer.report.schema import Group, Summary
from analyzer.report.times import rfc3339
from analyzer.tcp.evidence import Endpoint
from analyzer.tls.story import Story

_NAMES_LISTED: Final = 100
_SERVERS_APART: Final = 3  # failures of more servers than these are one group

_Key: TypeAlias = tuple[str, str, Endpoint]


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

    def add(self, story: Story) -> None:
        self.count += 1
        self.first = min(self.first, story.start)
        self.last = max(self.last, story.start)
        self.clients[story.client.ip] += 1
        self.servers[str(story.server)] += 1
        if story.offer is not None and story.offer.server_name:
            self.sni[encodable(story.offer.server_name)] += 1

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

    def add(self, story: Story, diagnosis: Diagnosis, outcome: str) -> None:
        """Count a connection in."""
        self._outcomes[outcome] += 1
        finding = diagnosis.headline
        if outcome != "failed" or finding is None:
            return
        key = (finding.rule, finding.cause, story.server)
        if key not in self._members:
            title = encodable(finding.title)
            self._members[key] = _Members(title, story.stream, story.start, story.start)
        members = self._members[key]
        if story.stream < members.example:
            members.title, members.example = encodable(finding.title), story.stream
        members.add(story)

    def add_established(self) -> None:
        """Count in a connection that plainly went well."""
        self._outcomes["established"] += 1

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
