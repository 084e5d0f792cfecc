"""Evidence in, judged stories out.

A story is judged with its neighbours, so the desk keeps it until the survey of the capture has
them; when that is decides :mod:`analyzer.crew`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol, TypeAlias

from analyzer.advice import advised
from analyzer.diagnosis.engine import Diagnosis, Outcome, diagnose, outcome
from analyzer.handbook import CATALOGUE, Handbook
from analyzer.limits import Limits
from analyzer.tcp.evidence import Evidence
from analyzer.tls.keylog import Secrets
from analyzer.tls.neighbours import Shown, shown_by
from analyzer.tls.outline import Outline
from analyzer.tls.story import Neighbours, Story
from analyzer.tls.telling import tell


@dataclass(frozen=True, slots=True)
class Judged:
    """A story with what the rules say of it."""

    story: Story
    diagnosis: Diagnosis
    outcome: Outcome

    @property
    def stream(self) -> int:
        """Wireshark's ``tcp.stream``."""
        return self.story.stream


Told: TypeAlias = Judged | Outline


class Heard(NamedTuple):
    """What is known of a connection before it is judged."""

    stream: int
    shown: Shown


class Placing(Protocol):
    """Adds what is known of stories from elsewhere."""

    def meet(self, story: Story) -> None:
        """Take note of a story before any is placed."""
        ...

    def place(self, story: Story) -> Story:
        """Give a story what belongs to it, before it is judged."""
        ...


class Desk:
    """Tells evidence, and keeps the stories until they are judged, placed by ``papers``.

    The rules are those of ``book``.
    """

    def __init__(
        self, limits: Limits, papers: Placing | None = None, book: Handbook = CATALOGUE
    ) -> None:
        self._limits = limits
        self._papers = papers
        self._stories: dict[int, Story] = {}
        self._rules = book.modules(of_gateways=papers is not None)
        self._products = book.products

    def hear(self, evidence: Evidence, now: int, secrets: Secrets | None) -> Heard:
        """Take the evidence of a connection; ``now`` is the time up to which was read."""
        story = tell(evidence, now, self._limits, secrets)
        self._stories[story.stream] = story
        if self._papers is not None:
            self._papers.meet(story)
        return Heard(story.stream, shown_by(story))

    def judge(self, stream: int, neighbours: Neighbours) -> Judged:
        """Judge a story that is kept here, and let it go."""
        story = replace(self._stories.pop(stream), neighbours=neighbours)
        placed = story if self._papers is None else self._papers.place(story)
        diagnosis = advised(diagnose(placed, self._rules), placed, self._products)
        return Judged(placed, diagnosis, outcome(placed, diagnosis.headline))
