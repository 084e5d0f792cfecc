"""What rules promise so that they need not be asked: it must hold for every story."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from analyzer import rules
from analyzer.diagnosis.causes import Confidence, FailingSide, Phase, RemedySide
from analyzer.diagnosis.engine import diagnose, findings_of
from analyzer.diagnosis.model import Evidence, Finding, Rank, Rule, RuleModule, Topic
from analyzer.pipeline import Analysis
from analyzer.tls.story import Story
from tests.support.stories import hello_unanswered

SAMPLES = sorted((Path(rules.__file__).parents[2] / "sample_pcaps").glob("*.pcap*"))
CAUSE = "client_abandoned"


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_where_the_topic_is_silent_so_is_the_rule(path: Path) -> None:
    for judged in Analysis([str(path)]).judged():
        for module in rules.modules(of_gateways=False).values():
            topic = module.RULE.topic
            if topic is not None and module.RULE.cause not in topic(judged.story):
                assert findings_of(module, judged.story) == []


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_fallback_neither_outranks_itself_nor_notes(path: Path) -> None:
    fallbacks = [m for m in rules.modules().values() if m.RULE.fallback]

    for judged in Analysis([str(path)]).judged():
        for module in fallbacks:
            ranks = {finding.rank for finding in findings_of(module, judged.story)}
            assert all(Rank.NOTE < rank <= module.RULE.rank for rank in ranks)


def rule(number: int, rank: Rank, *, topic: Topic | None = None, fallback: bool = False) -> Asked:
    return Asked(
        Rule(
            id=f"TLS-TEST-{number:03}",
            name=f"test-{number}",
            cause=CAUSE,
            phase=Phase.CLIENT_HELLO,
            rank=rank,
            title="A test",
            references=("RFC 8446",),
            topic=topic,
            fallback=fallback,
        )
    )


class Asked:
    """A rule that always fires, and counts how often it was asked."""

    def __init__(self, rule: Rule) -> None:
        self.RULE = rule
        self.times = 0

    def check(self, story: Story) -> list[Finding]:
        self.times += 1
        return [
            self.RULE.finding(
                Evidence(story.timeline.first_frame, "the first packet"),
                title="A test fired",
                explanation="It always does.",
                remedy=("Nothing.",),
                failing_side=FailingSide.CLIENT,
                remedy_side=RemedySide.CLIENT,
                confidence=Confidence.SEEN,
            )
        ]


def judged(*asked: Asked) -> None:
    modules = {one.RULE.id: cast("RuleModule", one) for one in asked}
    diagnose(hello_unanswered(), modules)


def test_a_rule_is_asked_where_its_topic_names_its_cause() -> None:
    named = rule(1, Rank.STEP, topic=lambda _: frozenset({CAUSE}))
    unnamed = rule(2, Rank.STEP, topic=lambda _: frozenset({"cert_expired"}))
    without = rule(3, Rank.STEP)
    judged(named, unnamed, without)

    assert (named.times, unnamed.times, without.times) == (1, 0, 1)


def test_a_topic_that_fails_keeps_no_rule_from_being_asked() -> None:
    def failing(_: Story) -> frozenset[str]:
        raise RuntimeError("a mistake of ours")

    one, other = rule(1, Rank.STEP, topic=failing), rule(2, Rank.STEP, topic=failing)
    judged(one, other)

    assert (one.times, other.times) == (1, 1)


@pytest.mark.parametrize(
    ("found", "times"),
    [
        pytest.param(Rank.FACT, 0, id="more is known"),
        pytest.param(Rank.STEP, 1, id="as much is known: the surer one leads"),
        pytest.param(Rank.CLOSED, 1, id="less is known"),
        pytest.param(Rank.NOTE, 1, id="a note explains nothing"),
    ],
)
def test_a_fallback_is_asked_where_nothing_more_is_known(found: Rank, times: int) -> None:
    fallback = rule(1, Rank.STEP, fallback=True)
    judged(fallback, rule(2, found))

    assert fallback.times == times
