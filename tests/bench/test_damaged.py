"""A worse capture makes weaker verdicts, never wrong ones: no failure made fine, nothing fine made failed."""

from __future__ import annotations

import json
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest

from analyzer.diagnosis.causes import PARENTS
from analyzer.keys import read_secrets
from analyzer.pipeline import Analysis
from analyzer.report.schema import Connection
from tests.bench.damage import _SOURCE, damaged, delayed, read, write
from tests.bench.lab import CLIENT_IP, SERVER_IP

CLIENT, SERVER = (IPv4Address(text).packed for text in (CLIENT_IP, SERVER_IP))
RECORDED = Path(__file__).parent / "recorded"
# A doubled capture that also begins late shows a hello twice, and never its answer.
NAMES = [
    path.name.removesuffix(".expect.json")
    for path in sorted(RECORDED.glob("*.expect.json"))
    if "doubled" not in path.name
]


KEYED = [name for name in NAMES if (RECORDED / f"{name}.keys").exists()]


def judged(name: str, folder: Path, *, keys: bool = False) -> tuple[int, int, list[str]]:
    """How often a cause was called seen, how often wrongly, and every outcome that is wrong."""
    (truth, *more) = json.loads((RECORDED / f"{name}.expect.json").read_text())["connections"]
    header, packets = read(RECORDED / f"{name}.pcap")
    secrets = read_secrets([RECORDED / f"{name}.keys"]) if keys else None
    seen, wrong, outcomes = 0, 0, []
    for state, worse in damaged(packets, name) if not more else ():
        path = folder / "worse.pcap"
        write(path, header, worse)
        for told in Analysis([path], secrets=secrets).connections():
            if told.outcome in ("failed", "established") and told.outcome not in _outcomes(truth):
                outcomes.append(f"{name} {state}: {told.outcome}")
            if told.outcome == "failed" and told.diagnosis and told.diagnosis.confidence == "seen":
                seen += 1
                wrong += told.diagnosis.cause not in _causes(truth)
    return seen, wrong, outcomes


def _outcomes(truth: dict[str, Any]) -> set[str]:
    return {truth["outcome"], *truth.get("accept", {}).get("outcome", ())}


def _causes(truth: dict[str, Any]) -> set[str | None]:
    family = PARENTS.get(truth["cause"] or "")
    return {truth["cause"], family, *truth.get("accept", {}).get("cause", ())}


def _hold(names: list[str], folder: Path, *, keys: bool = False) -> None:
    told = [judged(name, folder, keys=keys) for name in names]

    assert [line for _, _, lines in told for line in lines] == []
    assert sum(wrong for _, wrong, _ in told) <= 0.01 * sum(seen for seen, _, _ in told)


def test_damage_makes_no_verdict_wrong(tmp_path: Path) -> None:
    _hold(NAMES[::48], tmp_path)


def test_damage_makes_no_verdict_wrong_with_keys(tmp_path: Path) -> None:
    _hold(KEYED[::24], tmp_path, keys=True)


@pytest.mark.slow
def test_damage_makes_no_verdict_wrong_anywhere(tmp_path: Path) -> None:
    _hold(NAMES, tmp_path)


@pytest.mark.slow
def test_damage_makes_no_verdict_wrong_anywhere_with_keys(tmp_path: Path) -> None:
    _hold(KEYED, tmp_path, keys=True)


@pytest.mark.parametrize("late", [CLIENT, SERVER])
@pytest.mark.parametrize("name", NAMES[::48])
def test_one_late_direction_changes_no_verdict(name: str, late: bytes, tmp_path: Path) -> None:
    """Acknowledgments tell the order, and evidence has the frame numbers of the capture."""
    header, packets = read(RECORDED / f"{name}.pcap")
    mixed = delayed(packets, late, 300_000)
    place = [mixed.index(p if p.data[_SOURCE] != late else p.after(300_000)) for p in packets]
    told = []
    for one in (packets, mixed):
        write(tmp_path / "one.pcap", header, one)
        told.append([*Analysis([tmp_path / "one.pcap"]).connections()])

    assert [_verdict(one) for one in told[1]] == [
        _verdict(one, [frame + 1 for frame in place]) for one in told[0]
    ]


def _verdict(told: Connection, frames: list[int] | None = None) -> tuple[object, ...]:
    finding = told.diagnosis
    if finding is None:
        return (told.outcome,)
    seen = [e.frame for e in finding.evidence if isinstance(e.frame, int)]
    return (
        *(told.outcome, finding.rule, finding.cause, finding.confidence, finding.failing_side),
        [frame if frames is None else frames[frame - 1] for frame in seen],
    )
