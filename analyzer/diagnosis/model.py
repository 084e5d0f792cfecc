"""What a rule is and what it yields.

A rule is a module under :mod:`analyzer.rules` with a ``RULE``, a ``check(story)`` and a docstring
that is its page. A rule sees a :class:`~analyzer.tls.story.Story` and nothing else, and yields
findings with frames as evidence. It never decides whether it is the headline: the engine ranks.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeAlias

from analyzer.diagnosis.causes import CAUSES, Confidence, FailingSide, Phase, RemedySide
from analyzer.tls.story import Story


class Rank(enum.IntEnum):
    """How much a finding explains; the highest becomes the headline, the rest is "also seen".

    Definitions, so that the order is not a matter of mood:
    """

    NOTE = 0  # worth knowing about a connection that did not fail by it
    CAPTURE = 10  # the capture hides what happened: nothing more can be said
    UNUSED = 15  # a handshake that completed, and brought nothing: perhaps a late refusal
    CLOSED = 20  # only TCP or silence tells; no TLS fact explains it
    STEP = 30  # the step and the side are known, the reason is not
    ALERT = 40  # the sender's alert names the reason
    OFFER = 50  # offers, neighbours or lengths narrow the reason further than the alert
    FACT = 60  # a fact in the messages explains the refusal and fits the alert, if there is one
    DECISIVE = 70  # stated without room for another reading (HTTP on a TLS port, refused SYN)
    LOG = 75  # as the wire reads, and the gateway's own log says why
    OBJECT = 80  # as the wire reads, and an object of the gateway's configuration says why


class Evidence(NamedTuple):
    """One sentence and the frame that proves it (1-based, as in Wireshark)."""

    frame: int
    text: str


class Alternative(NamedTuple):
    """An explanation that could not be excluded, and what would decide."""

    cause: str
    would_decide: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One diagnosis of one connection, in the words of the contract."""

    rule: str
    cause: str
    phase: Phase
    failing_side: FailingSide
    remedy_side: RemedySide
    confidence: Confidence
    rank: Rank
    title: str
    explanation: str
    evidence: tuple[Evidence, ...]
    remedy: tuple[str, ...]
    alternatives: tuple[Alternative, ...] = ()
    references: tuple[str, ...] = ()

    @property
    def failure(self) -> bool:
        """Whether the finding says that the connection failed (notes and caveats do not)."""
        return self.rank >= Rank.CLOSED

    def __post_init__(self) -> None:
        if self.cause not in CAUSES:
            raise ValueError(f"{self.rule}: no such cause: {self.cause}")
        if not self.evidence:
            raise ValueError(f"{self.rule}: a finding without evidence did not happen")


Topic: TypeAlias = Callable[[Story], frozenset[str]]
"""Says of which causes a story gives reason to speak: :mod:`analyzer.diagnosis.topics`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A diagnosis with a permanent id. Its module's docstring is its page.

    ``name`` is the module's name with hyphens. ``cause`` and ``phase`` are what the rule usually
    concludes; a finding may name another phase where the same cause shows later.
    ``requires`` names parts of the capture (:data:`analyzer.tls.story.HIDDEN`) that the rule cannot
    do without: where one is hidden the rule "could not tell", which is not "fine".

    Two promises save time, and neither has to be made. A rule with a ``topic`` finds nothing where
    that does not name its ``cause``. A ``fallback`` never finds more than its ``rank`` says and yields
    no notes, so that it need not be asked where a finding of higher rank leads.
    """

    id: str
    name: str
    cause: str
    phase: Phase
    rank: Rank
    title: str  # the catalogue's title, without parties
    references: tuple[str, ...]
    requires: frozenset[str] = frozenset()
    topic: Topic | None = None
    fallback: bool = False

    def __post_init__(self) -> None:
        if not re.fullmatch(r"TLS-[A-Z]{3,5}-\d{3}", self.id):
            raise ValueError(f"{self.id}: ids look like TLS-CERT-001")
        if self.cause not in CAUSES:
            raise ValueError(f"{self.id}: no such cause: {self.cause}")

    def finding(
        self,
        *evidence: Evidence,
        title: str,
        explanation: str,
        remedy: tuple[str, ...],
        failing_side: FailingSide,
        remedy_side: RemedySide,
        confidence: Confidence,
        cause: str | None = None,
        phase: Phase | None = None,
        rank: Rank | None = None,
        alternatives: tuple[Alternative, ...] = (),
        references: tuple[str, ...] = (),
    ) -> Finding:
        """Make a finding of this rule; cause, phase and rank default to the rule's own."""
        return Finding(
            rule=self.id,
            cause=cause or self.cause,
            phase=phase or self.phase,
            failing_side=failing_side,
            remedy_side=remedy_side,
            confidence=confidence,
            rank=self.rank if rank is None else rank,
            title=title,
            explanation=explanation,
            evidence=evidence,
            remedy=remedy,
            alternatives=alternatives,
            references=self.references + references,
        )


class RuleModule(Protocol):
    """What the engine expects of a module under :mod:`analyzer.rules`."""

    __doc__: str | None
    RULE: Rule

    def check(self, story: Story) -> Iterator[Finding]:
        """Yield what this rule has to say about a connection."""
        ...
