"""Recorded failures with a log, and an export, beside them: the right object, never a wrong one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import pytest

from analyzer.datapower.export.container import read_bytes
from analyzer.datapower.graph import build_graph
from analyzer.datapower.log.load import read_log_bytes
from analyzer.diagnosis.causes import PARENTS
from analyzer.diagnosis.model import Finding
from analyzer.pipeline import Analysis
from tests.bench.__main__ import RECORDED
from tests.bench.scenarios import Scenario, scenarios
from tests.datapower.beside import Beside, back, front
from tests.datapower.log_beside import entries, noise
from tests.datapower.test_beside import LIKE_A_GATEWAY
from tests.support.logs import Entry, as_csv, as_new, as_syslog, as_xml

RIGHT_AT_LEAST = 0.9
SHAPES: tuple[Callable[[Entry], str], ...] = (as_new, as_csv, as_xml, as_syslog)
OF_LOG = {
    True: ("SSLServerProfile front", "SSLSNIServerProfile by-name"),
    False: ("SSLClientProfile back", "MultiProtocolGateway orders"),
}


@dataclass(frozen=True)
class Outcome:
    """What came of one scenario on one leg."""

    scenario: Scenario
    beside: Beside
    front: bool
    headline: Finding | None
    alone: Finding | None  # without log and export
    joined: bool

    @property
    def allowed(self) -> tuple[str, ...]:
        return (*self.beside.blamed, *OF_LOG[self.front])

    @property
    def named(self) -> str | None:
        """The object that the headline names."""
        title = self.headline.title if self.headline is not None else ""
        found = re.search(
            r"\b(SSL\w+Profile|Crypto\w+|\w+Handler|MultiProtocolGateway|SSLSNIMapping) [\w-]+",
            title,
        )
        return found[0] if found else None

    @property
    def wrong(self) -> bool:
        return self.named is not None and not any(label in self.named for label in self.allowed)

    @property
    def right(self) -> bool:
        return self.named is not None and not self.wrong

    @property
    def counts(self) -> bool:
        """A failure within the handshake, with an object to blame, of a program that refuses as a gateway."""
        truth = self.scenario.truth
        late = "established" in truth.accept.get("outcome", ())
        return bool(self.beside.blamed and not late and self.beside.stack in LIKE_A_GATEWAY)

    @property
    def worse(self) -> bool:
        """Whether the log made a right cause a wrong one."""
        truth = self.scenario.truth
        right = {truth.cause, PARENTS.get(truth.cause or ""), *truth.accept.get("cause", ())}
        if self.headline is None or self.alone is None:
            return False
        return self.alone.cause in right and self.headline.cause not in right

    def __str__(self) -> str:
        said = f"{self.headline.rule} {self.headline.title}" if self.headline else "nothing"
        return f"{self.scenario.name}, {'front' if self.front else 'back'}: {said}"


def outcomes(chosen: Iterable[Scenario], *, export: bool) -> Iterator[Outcome]:
    for turn, scenario in enumerate(chosen):
        if scenario.truth.outcome != "failed":
            continue
        path = RECORDED / f"{scenario.name}.pcap"
        plain = list(Analysis([path]).judged())
        for leg, is_front in ((front, True), (back, False)):
            beside = leg(scenario)
            held = [
                e
                for n, one in enumerate(plain)
                for e in entries(scenario, one.story, front=is_front, turn=turn, tid=17 + n)
            ]
            held += noise(held[0].time)
            shape = SHAPES[turn // 2 % len(SHAPES)]
            if shape is as_syslog:
                held = [replace(one, time=one.time // 10**9 * 10**9) for one in held]
            log = read_log_bytes("\n".join(map(shape, held)).encode(), "default-log")
            graph = (
                build_graph([read_bytes(beside.xml(), "e.xml")], beside.files) if export else None
            )
            for one, judged in zip(
                plain, Analysis([path], graph=graph, log=log).judged(), strict=True
            ):
                view = judged.story.log
                joined = view is not None and bool(view.lines)
                yield Outcome(
                    scenario,
                    beside,
                    is_front,
                    judged.diagnosis.headline,
                    one.diagnosis.headline,
                    joined,
                )


def recorded() -> list[Scenario]:
    return [one for one in scenarios() if (RECORDED / f"{one.name}.pcap").exists()]


def hold(found: list[Outcome]) -> None:
    counted = [one for one in found if one.counts]
    unnamed = [str(one) for one in counted if not one.right]

    assert [str(one) for one in found if one.wrong] == []
    assert [str(one) for one in found if one.worse] == []
    assert len(counted) - len(unnamed) >= RIGHT_AT_LEAST * len(counted), unnamed


@pytest.mark.parametrize("export", [True, False], ids=["with an export", "the log alone"])
def test_the_right_object_is_named_and_never_a_wrong_one_in_a_sample_of_the_bench(
    export: bool,
) -> None:
    found = list(outcomes(recorded()[::7], export=export))

    assert sum(one.counts for one in found) >= 30
    hold(found)


@pytest.mark.slow
@pytest.mark.parametrize("export", [True, False], ids=["with an export", "the log alone"])
def test_the_right_object_is_named_and_never_a_wrong_one_in_the_whole_bench(export: bool) -> None:
    found = list(outcomes(recorded(), export=export))

    assert sum(one.counts for one in found) >= 350
    hold(found)


def test_a_log_of_another_hour_is_joined_with_nothing() -> None:
    for scenario in recorded()[::40]:
        path = RECORDED / f"{scenario.name}.pcap"
        plain = list(Analysis([path]).judged())
        held = [e for one in plain for e in entries(scenario, one.story, front=True)]
        late = [
            replace(one, time=one.time + 3_601 * 10**9)
            for one in held
            if "connection" not in one.text
        ]
        log = read_log_bytes("\n".join(map(as_new, late)).encode(), "default-log")
        judged = list(Analysis([path], log=log).judged())

        assert [one.story.log for one in judged if one.story.log is not None] == []
        assert [one.diagnosis for one in judged] == [one.diagnosis for one in plain]
