"""Pairs of stories for a rule: one on which it fires, and the nearest one on which it is quiet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from analyzer import rules
from analyzer.diagnosis.causes import Confidence, FailingSide, Phase, RemedySide
from analyzer.diagnosis.model import Finding
from analyzer.tls.story import Story

Told = Callable[[], Story]


@dataclass(frozen=True)
class Pair:
    """What a rule says of ``fires``; of ``quiet`` it says nothing."""

    rule: str
    fires: Told
    quiet: Told
    phase: Phase
    failing: FailingSide
    remedy: RemedySide
    confidence: Confidence

    def __str__(self) -> str:
        return self.rule


def said(rule: str, story: Story) -> list[Finding]:
    """What a rule yields, asked alone."""
    return list(rules.modules()[rule].check(story))


def judge(pair: Pair) -> None:
    """Assert that the rule tells its case from its neighbour, and says what the contract asks."""
    found = said(pair.rule, pair.fires())

    assert [finding.rule for finding in found] == [pair.rule]
    (finding,) = found
    assert finding.cause == rules.modules()[pair.rule].RULE.cause
    assert (finding.phase, finding.failing_side, finding.remedy_side, finding.confidence) == (
        pair.phase,
        pair.failing,
        pair.remedy,
        pair.confidence,
    )
    assert all(evidence.frame > 0 and evidence.text for evidence in finding.evidence)
    assert finding.remedy
    texts = (finding.title, finding.explanation, *finding.remedy)
    assert not [text for text in texts if "{" in text or "None" in text]
    assert said(pair.rule, pair.quiet()) == []


def ids(family: str) -> set[str]:
    """The ids of the rules in a package under ``analyzer.rules``."""
    prefix = f"analyzer.rules.{family}."
    return {
        id_
        for id_, module in rules.modules().items()
        if getattr(module, "__name__", "").startswith(prefix)
    }
