"""Recorded failures with an export beside them: the right object is named, and never a wrong one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pytest

from analyzer.datapower.export.container import read_bytes
from analyzer.datapower.graph import build_graph
from analyzer.diagnosis.model import Finding
from analyzer.pipeline import Analysis
from tests.bench.__main__ import RECORDED
from tests.bench.scenarios import Scenario, scenarios
from tests.datapower.beside import LEGS, Beside

RIGHT_AT_LEAST = 0.9
# A gateway's TLS is OpenSSL's, as its log says; these programs refuse as it does.
LIKE_A_GATEWAY = {
    *("openssl", "python", "curl", "haproxy", "stunnel", "apache", "nginx", "plain_http"),
}


@dataclass(frozen=True)
class Outcome:
    """What came of one scenario on one leg."""

    scenario: Scenario
    beside: Beside
    headline: Finding | None

    @property
    def named(self) -> bool:
        return self.headline is not None and self.headline.rule.startswith("TLS-DPX-")

    @property
    def right(self) -> bool:
        title = self.headline.title if self.headline is not None else ""
        return self.named and any(label in title for label in self.beside.blamed)

    @property
    def counts(self) -> bool:
        """A failure with an object to blame, by a program that refuses within the handshake."""
        late = "established" in self.scenario.truth.accept.get("outcome", ())
        failed = self.scenario.truth.outcome == "failed"
        return bool(
            failed and self.beside.blamed and not late and self.beside.stack in LIKE_A_GATEWAY
        )

    def __str__(self) -> str:
        said = f"{self.headline.rule} {self.headline.title}" if self.headline else "nothing"
        return f"{self.scenario.name}, {self.beside.own}: {said}"


def outcomes(chosen: Iterable[Scenario]) -> Iterator[Outcome]:
    for turn, scenario in enumerate(chosen):
        path = RECORDED / f"{scenario.name}.pcap"
        for leg in LEGS:
            beside = leg(scenario)
            data = beside.commands() if turn % 2 else beside.xml()
            graph = build_graph([read_bytes(data, "payments.cfg")], beside.files)
            for judged in Analysis([path], graph=graph).judged():
                yield Outcome(scenario, beside, judged.diagnosis.headline)


def hold(found: list[Outcome]) -> None:
    wrong = [str(one) for one in found if one.named and not one.right]
    counted = [one for one in found if one.counts]
    unnamed = [str(one) for one in counted if not one.right]

    assert wrong == []
    assert len(counted) - len(unnamed) >= RIGHT_AT_LEAST * len(counted), unnamed


def recorded() -> list[Scenario]:
    return [one for one in scenarios() if (RECORDED / f"{one.name}.pcap").exists()]


def test_the_right_object_is_named_and_never_a_wrong_one_in_a_sample_of_the_bench() -> None:
    found = list(outcomes(recorded()[::11]))

    assert sum(one.counts for one in found) >= 20
    hold(found)


@pytest.mark.slow
def test_the_right_object_is_named_and_never_a_wrong_one_in_the_whole_bench() -> None:
    found = list(outcomes(recorded()))

    assert sum(one.counts for one in found) >= 350
    hold(found)
