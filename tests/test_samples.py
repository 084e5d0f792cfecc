"""Every sample is told as its expectation says: the contract only, as missing and unexpected."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from analyzer import Connection, analyze

FOLDER = Path(__file__).parents[1] / "sample_pcaps"
SUFFIX = ".expect.json"
CASES = sorted(path.name.removesuffix(SUFFIX) for path in FOLDER.glob(f"*{SUFFIX}"))
DIAGNOSIS = ("cause", "phase", "failing_side", "remedy_side", "confidence")


def told(connection: Connection) -> dict[str, Any]:
    """What an expectation may speak of, in its form."""
    plain: dict[str, Any] = msgspec.to_builtins(connection)
    finding = plain["diagnosis"] or dict.fromkeys(DIAGNOSIS)
    last = plain["handshake"]["last_message"]
    return {
        "stream": plain["stream"],
        "outcome": plain["outcome"],
        **{key: finding[key] for key in DIAGNOSIS},
        "last_message": last and f"{last['sender']} {last['name']}",
        "alerts": [
            f"{alert['sender']} {alert['description'] if alert['visible'] else 'encrypted'}"
            for alert in plain["handshake"]["alerts"]
        ],
    }


def facts(row: dict[str, Any], keys: set[str]) -> set[str]:
    """A row as comparable lines: only what the expectation speaks of."""
    return {f"{key} = {json.dumps(row[key], sort_keys=True)}" for key in keys}


def capture_of(case: str) -> Path:
    """The capture of a case, pcap or pcapng."""
    (capture,) = FOLDER.glob(f"{case}.pcap*")
    return capture


@pytest.mark.parametrize("case", CASES)
def test_a_sample_is_told_as_expected(case: str) -> None:
    expected = json.loads((FOLDER / f"{case}{SUFFIX}").read_text(encoding="utf-8"))["connections"]
    found = {c.stream: told(c) for c in analyze(capture_of(case)).connections}

    assert sorted(found) == sorted(row["stream"] for row in expected)
    for row in expected:
        seen = found[row["stream"]]
        if isinstance(row["cause"], list) and seen["cause"] in row["cause"]:
            seen["cause"] = row["cause"]
        keys = set(row)
        differences = [
            *(f"missing {fact}" for fact in sorted(facts(row, keys) - facts(seen, keys))),
            *(f"unexpected {fact}" for fact in sorted(facts(seen, keys) - facts(row, keys))),
        ]
        assert not differences, f"stream {row['stream']}: " + "; ".join(differences)


def test_every_sample_has_an_expectation_and_a_line_of_provenance() -> None:
    index = (FOLDER / "INDEX.md").read_text(encoding="utf-8")
    captures = sorted(path.stem for path in FOLDER.glob("*.pcap*"))

    assert captures == CASES
    assert [case for case in CASES if f"`{capture_of(case).name}`" not in index] == []


def test_all_samples_at_once_are_told_as_each_alone() -> None:
    """The outcome, and which stage failed; a cause may be told wider, for what the others show."""

    def outlines(*captures: Path) -> list[tuple[str, str, str]]:
        connections = analyze(captures).connections
        return [(c.start, c.outcome, c.diagnosis.phase if c.diagnosis else "") for c in connections]

    captures = sorted(FOLDER.glob("*.pcap*"))
    alone = [row for capture in captures for row in outlines(capture)]

    assert sorted(outlines(*captures), key=str) == sorted(alone, key=str)


def test_there_are_at_least_forty_samples_and_a_fifth_is_healthy() -> None:
    outcomes = [
        json.loads((FOLDER / f"{case}{SUFFIX}").read_text(encoding="utf-8"))["connections"][0]
        for case in CASES
    ]
    healthy = [row for row in outcomes if row["outcome"] == "established"]

    assert len(CASES) >= 40
    assert len(healthy) * 5 >= len(CASES)
