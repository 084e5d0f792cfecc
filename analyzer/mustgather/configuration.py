"""The TLS part of a configuration: the objects that take part, without anything secret.

Readers of exports keep named properties only (:mod:`analyzer.datapower.export.schema`), and passwords and
keys are not among these.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from analyzer.datapower.export.objects import ConfigObject, Value
from analyzer.datapower.export.secrets import without_named_secrets
from analyzer.datapower.graph import Graph
from analyzer.report.escape import printable

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")


def members(graph: Graph | None) -> Iterator[tuple[str, str]]:
    """One file for each domain; those of one name, of several appliances, are numbered."""
    if graph is None:
        return
    taken: dict[str, int] = {}
    for export in graph.exports:
        for domain in export.domains:
            if not domain.objects:
                continue
            name = _UNSAFE.sub("_", domain.name).strip("._") or "domain"
            taken[name] = taken.get(name, 0) + 1
            number = f"-{taken[name]}" if taken[name] > 1 else ""
            head = f"# Domain {printable(domain.name)}, of {printable(export.path)}\n\n"
            body = "\n".join(_told(thing) for thing in domain.objects.values())
            yield f"configuration/{name}{number}.txt", head + body


def _told(thing: ConfigObject) -> str:
    state = "" if thing.enabled else "  (disabled)"
    lines = [f"{printable(thing.label)}{state}"]
    for name, values in thing.properties.items():
        lines += [f"  {name}: {_shown(value)}" for value in values]
    return "\n".join(lines) + "\n"


def _shown(value: Value) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_shown(inner)}" for name, inner in value.items())
    return printable(without_named_secrets(value))
