"""Runs all rules over a story, isolates those that fail, and picks the headline."""

from __future__ import annotations

import functools
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

from analyzer.diagnosis.causes import (
    CAUSES,
    CHILDREN,
    PARENTS,
    Confidence,
    FailingSide,
    Phase,
    RemedySide,
)
from analyzer.diagnosis.history import history
from analyzer.diagnosis.model import Evidence, Finding, Rank, RuleModule, Topic
from analyzer.tls.story import HIDDEN, Story

Outcome: TypeAlias = Literal["established", "failed", "incomplete", "not_tls"]

_SURENESS: Final[Mapping[Confidence, int]] = {
    Confidence.SEEN: 2,
    Confidence.INFERRED: 1,
    Confidence.SUSPECTED: 0,
}


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What the rules say of one connection: the headline, and what else is worth saying."""

    headline: Finding | None
    findings: tuple[Finding, ...]


def diagnose(story: Story, modules: Mapping[str, RuleModule]) -> Diagnosis:
    """Ask every rule about one story; who has many stories keeps a :class:`Panel`."""
    return Panel(modules).diagnose(story)


class Panel:
    """The rules that stories are judged by, in the order in which they are asked."""

    def __init__(self, modules: Mapping[str, RuleModule]) -> None:
        rules = tuple(modules.values())
        self._every = _Bench(rules)
        self._wordless = _Bench([one for one in rules if not _is_about_bytes(one.RULE.id)])

    def diagnose(self, story: Story) -> Diagnosis:
        """Ask every rule, rank what they find, and fold consequences under their cause.

        The headline is the finding of highest rank; where ranks are equal the surer one, then the
        more specific, then the lower id. Beside it stay notes: all else is another reading of the
        same end.
        """
        bench = self._every if any(story.timeline.payload.values()) else self._wordless
        first, fallbacks = bench.concerned(story)
        found = [finding for module in first for finding in _asked(module, story)]
        highest = max([f.rank for f in found if _may_lead(f, story)], default=Rank.NOTE)
        for module in fallbacks:
            if module.RULE.rank >= highest:
                found += _asked(module, story)
        found.sort(key=_order)
        headline = next((finding for finding in found if _may_lead(finding, story)), None)
        rest = tuple([f for f in found if f is not headline and not _explains(headline, f)])
        return Diagnosis(_told_with_others(headline, story), rest)


class _Bench:
    """Finds those of its rules that a story concerns: by their topics, and by what the capture hides."""

    def __init__(self, rules: Iterable[RuleModule]) -> None:
        self._rules = tuple(rules)
        topics = (module.RULE.topic for module in self._rules)
        self._topics = tuple(dict.fromkeys(topic for topic in topics if topic is not None))
        self._chosen = functools.lru_cache(maxsize=1024)(self._choose)

    def concerned(self, story: Story) -> _Concerned:
        """The rules to ask, and those to ask where they find nothing of a higher rank."""
        try:
            return self._chosen(story.hidden, *[topic(story) for topic in self._topics])
        except Exception:  # noqa: BLE001 - as in _asked
            return self._chosen(story.hidden, *[_causes(topic, story) for topic in self._topics])

    def _choose(self, hidden: frozenset[str], *causes: frozenset[str]) -> _Concerned:
        """Choose by the topics' answers; there are few different ones, so that this is remembered."""
        answers: Mapping[Topic | None, frozenset[str]] = {
            None: CAUSES,
            **dict(zip(self._topics, causes, strict=True)),
        }
        rules = [
            module
            for module in self._rules
            if module.RULE.cause in answers[module.RULE.topic] and not module.RULE.requires & hidden
        ]
        first = tuple([module for module in rules if not module.RULE.fallback])
        return first, tuple([module for module in rules if module.RULE.fallback])


_Concerned: TypeAlias = tuple[tuple[RuleModule, ...], tuple[RuleModule, ...]]


def _causes(topic: Topic, story: Story) -> frozenset[str]:
    """What a topic answers. Where it fails so does each of its rules, which is told of them."""
    try:
        return frozenset(topic(story))
    except Exception:  # noqa: BLE001 - as in _asked
        return CAUSES


def _told_with_others(headline: Finding | None, story: Story) -> Finding | None:
    """A failure with what neighbours add to it."""
    if headline is None or not headline.failure:
        return headline
    told = list(history(story))
    return (
        replace(headline, explanation=" ".join([headline.explanation, *told])) if told else headline
    )


# Rules of these families speak of what was sent: of a connection without a byte they say nothing, and
# a flood of those is no time to ask them.
_ABOUT_BYTES: Final = ("CERT", "CLCRT", "CRY", "NEG", "ALERT", "PLN", "UPG", "END")


@functools.lru_cache(maxsize=1024)
def _is_about_bytes(rule: str) -> bool:
    return rule.split("-")[1] in _ABOUT_BYTES


def outcome(story: Story, headline: Finding | None) -> Outcome:
    """Classify a connection: failed exactly where the headline is a failure."""
    if headline is not None and headline.failure:
        return "failed"
    if story.completed is True:
        return "established"
    return "incomplete" if story.is_tls or headline is not None else "not_tls"


def blind(story: Story, modules: Mapping[str, RuleModule]) -> Mapping[str, frozenset[str]]:
    """Rules that could not tell, with the parts of the capture that they miss.

    "Could not tell" is not "fine": the names are those of :data:`analyzer.tls.story.HIDDEN`.
    """
    needs = {id_: module.RULE.requires & story.hidden for id_, module in modules.items()}
    return {id_: missing for id_, missing in needs.items() if missing & HIDDEN.keys()}


def findings_of(module: RuleModule, story: Story) -> list[Finding]:
    """What one rule says. A rule that fails is a finding of its own; the others go on."""
    return [] if module.RULE.requires & story.hidden else _asked(module, story)


def _asked(module: RuleModule, story: Story) -> list[Finding]:
    try:
        return list(module.check(story))
    except Exception:  # noqa: BLE001 - the one place where our own bugs are caught
        return [_broken(module, story, traceback.format_exc())]


def _broken(module: RuleModule, story: Story, trace: str) -> Finding:
    return Finding(
        rule="TLS-TOOL-001",
        cause="internal_error",
        phase=Phase.NONE,
        failing_side=FailingSide.NONE,
        remedy_side=RemedySide.CAPTURE,
        confidence=Confidence.SUSPECTED,
        rank=Rank.NOTE,
        title=f"The rule {module.RULE.id} failed on this connection; the others were applied",
        explanation=trace,
        evidence=(Evidence(story.timeline.first_frame, "the connection's first packet"),),
        remedy=("Report this together with the capture, or an extract of this connection.",),
    )


def _order(finding: Finding) -> tuple[int, int, bool, str]:
    """What comes first: rank, sureness, a cause before its parent, and then the id."""
    parent = finding.cause in CHILDREN
    return -finding.rank, -_SURENESS[finding.confidence], parent, finding.rule


def _may_lead(finding: Finding, story: Story) -> bool:
    """Notes never lead, and no caveat leads where the handshake is known to have completed."""
    if finding.rank is Rank.CAPTURE:
        return story.completed is not True
    return finding.rank is not Rank.NOTE


def _explains(headline: Finding | None, other: Finding) -> bool:
    """Whether ``other`` is the headline's cause, its parent, or a weaker reading of the same end."""
    if other.rank is not Rank.NOTE:
        return True
    return headline is not None and other.cause in {headline.cause, PARENTS.get(headline.cause)}
