"""A report of connections that were asked for by number: its groups are theirs alone.

Groups count the whole capture, and their examples need not be among the chosen. A ticket about one
connection must have neither the title nor the numbers of others.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from analyzer.report.ladder import endpoint_text
from analyzer.report.schema import Connection, Finding, Group, Report


def only_chosen(report: Report) -> Report:
    """The same report with the groups of the connections that it holds."""
    return msgspec.structs.replace(report, groups=groups_of(report.connections))


def groups_of(connections: Iterable[Connection]) -> tuple[Group, ...]:
    """One group for each rule, cause and server, in the order of the connections."""
    found: dict[tuple[str, str, str], list[tuple[Connection, Finding]]] = {}
    for one in connections:
        if one.outcome == "failed" and one.diagnosis is not None:
            key = one.diagnosis.rule, one.diagnosis.cause, endpoint_text(one.server)
            found.setdefault(key, []).append((one, one.diagnosis))
    return tuple(_group(members) for members in found.values())


def _group(members: list[tuple[Connection, Finding]]) -> Group:
    example, finding = members[0]
    clients = tuple(dict.fromkeys(one.client.ip for one, _ in members))
    names = tuple(dict.fromkeys(one.tls.sni for one, _ in members if one.tls.sni))
    starts = [one.start for one, _ in members]  # of one form, so that text sorts as time
    return Group(
        cause=finding.cause,
        rule=finding.rule,
        title=finding.title,
        count=len(members),
        clients=clients,
        clients_total=len(clients),
        servers=(endpoint_text(example.server),),
        servers_total=1,
        sni=names,
        sni_total=len(names),
        first=min(starts),
        last=max(starts),
        example_stream=example.stream,
    )
