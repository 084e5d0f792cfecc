"""Hold the analyzer against the recorded truth, and print where it is wrong."""

from __future__ import annotations

import functools
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from analyzer.diagnosis.causes import CHILDREN
from analyzer.keys import read_secrets
from analyzer.pipeline import Analysis
from tests.bench import say

FIELDS = ("outcome", "cause", "phase", "failing_side", "remedy_side")


@dataclass(frozen=True)
class Row:
    """One connection: the scenario, the truth, what was told, and which fields are right."""

    name: str
    scenario: dict[str, Any]
    truth: dict[str, Any]
    told: dict[str, Any]
    right: dict[str, bool]
    kept: bool  # whether the cause, or the family that is all that can be known, is right


def judge(truth: dict[str, Any], told: dict[str, Any]) -> dict[str, bool]:
    """Which fields are right.

    Where another outcome is accepted and told without a diagnosis, the other fields say nothing.
    """
    accept = truth.get("accept", {})
    right = {key: told[key] == truth[key] or told[key] in accept.get(key, ()) for key in FIELDS}
    if told["cause"] is None and right["outcome"] and truth["outcome"] != told["outcome"]:
        return dict.fromkeys(FIELDS, True)
    if truth["outcome"] == told["outcome"] == "established" and truth["cause"] is None:
        return dict.fromkeys(FIELDS, told["cause"] in (None, "fine", *accept.get("cause", ())))
    return right


@functools.cache
def rows(folder: Path, *, keys: bool = False) -> tuple[Row, ...]:
    """Analyse every capture of the folder that has an expectation; once in a process.

    With ``keys`` only those count for which the programs logged secrets, and a parent is no right
    answer any more where a child is the truth.
    """
    return tuple(_rows(folder, keys=keys))


def _rows(folder: Path, *, keys: bool) -> Iterator[Row]:
    for path in sorted(folder.glob("*.expect.json")):
        name = path.name.removesuffix(".expect.json")
        expected = json.loads(path.read_text(encoding="utf-8"))
        key_log = path.with_name(f"{name}.keys")
        if keys and not key_log.exists():
            continue
        secrets = read_secrets([key_log]) if keys else None
        analysis = Analysis([path.with_name(f"{name}.pcap")], secrets=secrets)
        told = {c.stream: c for c in analysis.connections()}
        for recorded in expected["connections"]:
            truth = _exact(recorded) if keys else recorded
            found = told.get(truth["stream"])
            finding = found.diagnosis if found else None
            saying = {
                "outcome": found.outcome if found else "not found",
                **{key: getattr(finding, key, None) for key in FIELDS[1:]},
                "confidence": getattr(finding, "confidence", None),
                "rule": getattr(finding, "rule", None),
                "signature": found.handshake.signature if found else "",
            }
            kept = judge(recorded, saying)["cause"]
            yield Row(name, expected["scenario"], truth, saying, judge(truth, saying), kept)


def _exact(truth: dict[str, Any]) -> dict[str, Any]:
    """The truth without the parents that are right only while encryption hides the child."""
    accept = truth.get("accept", {})
    causes = [cause for cause in accept.get("cause", ()) if cause not in CHILDREN]
    return {**truth, "accept": {**accept, "cause": causes}}


def share(group: Sequence[Row], field: str) -> float:
    """How many per cent of the rows have a field right."""
    return 100 * sum(row.right[field] for row in group) / max(len(group), 1)


def groups(found: Iterable[Row], key: Callable[[Row], str]) -> list[tuple[str, list[Row]]]:
    """The rows by a key, the group with the fewest right causes first."""
    grouped: dict[str, list[Row]] = defaultdict(list)
    for row in found:
        grouped[key(row)].append(row)
    return sorted(grouped.items(), key=lambda item: (share(item[1], "cause"), item[0]))


GROUPINGS: Final[tuple[tuple[str, Callable[[Row], str]], ...]] = (
    ("fault", lambda row: str(row.scenario["fault"])),
    ("client", lambda row: str(row.scenario["client"])),
    ("server", lambda row: str(row.scenario["server"])),
    ("version", lambda row: str(row.scenario["version"])),
    ("confidence", lambda row: str(row.told["confidence"] or "no diagnosis")),
)


def table(title: str, found: list[Row], key: Callable[[Row], str]) -> list[str]:
    """Shares of right answers per group, the worst first."""
    head = f"{title:32} {'n':>4} " + " ".join(f"{field:>12}" for field in FIELDS)
    return [
        head,
        *(
            f"{name:32} {len(group):4} "
            + " ".join(f"{share(group, field):11.1f}%" for field in FIELDS)
            for name, group in groups(found, key)
        ),
        "",
    ]


def score(folder: Path, *, keys: bool = False, verbose: bool = False) -> int:
    """Print the tables; returns how many connections got a wrong cause or outcome."""
    found = list(rows(folder, keys=keys))
    if not found:
        say(f"{folder}: nothing recorded")
        return 0
    lines: list[str] = []
    for title, key in (*GROUPINGS, ("all", lambda _: "all")):
        lines += table(title, found, key)
    bad = [row for row in found if not all(row.right.values())]
    for row in bad if verbose else bad[:60]:
        wrong = [
            f"{key} {row.told[key]} instead of {row.truth[key]}"
            for key, right in row.right.items()
            if not right
        ]
        lines.append(f"{row.name} [{row.told['rule']} {row.told['signature']}]: {'; '.join(wrong)}")
    say("\n".join(lines))
    return sum(not (row.right["cause"] and row.right["outcome"]) for row in found)
