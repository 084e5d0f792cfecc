"""When each story is judged, and with which neighbours; and in which order results come out.

Connections are heard of in the order in which they were told, whoever told them. What they show of
their ends goes into one survey. A story waits for its neighbours until the rest of the capture has
been read, or until too many wait; then whoever keeps it judges it. So neither the number of
processes nor their speed changes a word of what comes out, or its order.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final, Generic, NamedTuple, Protocol, TypeVar

from analyzer.judging import Heard
from analyzer.limits import Limits
from analyzer.tls.neighbours.survey import Survey
from analyzer.tls.story import Neighbours

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

_LAID_OUT: Final = 2_048  # results that wait for one before them


class Promise(Protocol[T_co]):
    """A result that somebody will give."""

    @property
    def kept(self) -> bool:
        """Whether it is there."""
        ...

    def wait(self) -> T_co:
        """Give it, as soon as it is there."""
        ...


class Judge(Protocol[T_co]):
    """Who keeps a story, wherever that is."""

    def judge(self, stream: int, neighbours: Neighbours) -> Promise[T_co]:
        """Judge a story that was told there."""
        ...


class Kept(Generic[T]):
    """A promise that is kept as it is made."""

    kept: Final = True

    def __init__(self, result: T) -> None:
        self._result = result

    def wait(self) -> T:
        """As :meth:`Promise.wait`."""
        return self._result


class Case(NamedTuple, Generic[T]):
    """What was heard of a connection, and who keeps its story."""

    heard: Heard[T]
    judge: Judge[T]


class Crew(Generic[T]):
    """Takes what was heard of connections, and gives the results.

    Args:
        limits: ``held_stories`` may wait for neighbours.
        patient: Whether stories wait for their neighbours at all.
    """

    def __init__(self, limits: Limits, *, patient: bool = True) -> None:
        self._room = limits.held_stories if patient else 0
        self._survey = Survey(limits)
        self._waiting: deque[Case[T]] = deque()
        self._results: deque[Promise[T]] = deque()

    def take(self, cases: Iterable[Case[T]]) -> Iterator[T]:
        """Take note of connections, in order; give what is ready."""
        for case in cases:
            self._survey.add(case.heard.shown)
            if case.heard.result is not None:
                self._results.append(Kept(case.heard.result))
            else:
                self._waiting.append(case)
                if len(self._waiting) > self._room:
                    self._judge(self._waiting.popleft())
            yield from self._ready(_LAID_OUT)

    def finish(self) -> Iterator[T]:
        """Judge those that still wait, in order of their stream numbers."""
        waiting = sorted(self._waiting, key=lambda case: case.heard.stream)
        self._waiting.clear()
        for case in waiting:
            self._judge(case)
            yield from self._ready(_LAID_OUT)
        yield from self._ready(0)

    def _judge(self, case: Case[T]) -> None:
        neighbours = self._survey.neighbours(case.heard.shown)
        self._results.append(case.judge.judge(case.heard.stream, neighbours))

    def _ready(self, most: int) -> Iterator[T]:
        """Give the results up to the first that is not ready; at most so many stay behind it."""
        while self._results and (self._results[0].kept or len(self._results) > most):
            yield self._results.popleft().wait()
