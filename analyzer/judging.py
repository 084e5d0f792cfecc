"""Evidence in, judged stories out: what is told in full, what in short, and who has to wait.

A story is judged with its neighbours, so it waits until the rest of the capture has been read, or
until too many wait. Connections that plainly went well need no judgement once enough of them have
been told in full: their outline is given at once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from analyzer import rules
from analyzer.diagnosis.engine import Diagnosis, Outcome, diagnose, outcome
from analyzer.limits import Limits
from analyzer.tcp.evidence import Evidence
from analyzer.tls.keylog import Secrets
from analyzer.tls.neighbours import Survey
from analyzer.tls.outline import Outline, outline
from analyzer.tls.story import Story
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
Wanted: TypeAlias = Callable[[int], bool]


class Judge:
    """Hears evidence and gives what can be said of it.

    ``briefly`` says of a stream number whether an outline is enough, should the connection have
    gone well; ``patient`` whether stories wait for their neighbours. ``place`` adds what else is
    known of a story's place before it is judged.
    """

    def __init__(
        self, limits: Limits, *, briefly: Wanted, patient: bool, place: Callable[[Story], Story]
    ) -> None:
        self._limits = limits
        self._briefly = briefly
        self._place = place
        self._room = limits.held_stories if patient else 0
        self._survey = Survey(limits)
        self._waiting: deque[Story] = deque()
        self._rules = rules.modules()

    def hear(
        self, evidence: Iterable[Evidence], now: int, secrets: Secrets | None = None
    ) -> Iterator[Told]:
        """Take evidence of connections; ``now`` is the time up to which the capture was read."""
        for one in evidence:
            short = outline(one) if self._briefly(one.stream) else None
            if short is not None:
                self._survey.add_outline(short)
                yield short
                continue
            story = tell(one, now, self._limits, secrets)
            self._survey.add(story)
            self._waiting.append(story)
            while len(self._waiting) > self._room:
                yield self._judge(self._waiting.popleft())

    def close(self) -> Iterator[Judged]:
        """Judge those that still wait, in order of their stream numbers."""
        waiting = sorted(self._waiting, key=lambda story: story.stream)
        self._waiting.clear()
        for story in waiting:
            yield self._judge(story)

    def _judge(self, story: Story) -> Judged:
        introduced = self._place(self._survey.introduce(story))
        diagnosis = diagnose(introduced, self._rules)
        return Judged(introduced, diagnosis, outcome(introduced, diagnosis.headline))
