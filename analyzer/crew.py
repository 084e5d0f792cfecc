"""Who tells and judges connections, and in which order: this process, or several beside it.

The process that reads hands out evidence in batches and hears what each connection shows of its
ends. It alone keeps the survey, and decides when each story is judged and with which neighbours; so
neither the number of processes nor their speed changes a word of what comes out, or its order.

Connections that plainly went well need no judgement once enough of them have been told in full:
their outline is given at once. A story waits for its neighbours until the rest of the capture has
been read, or until too many wait. Processes are started only where there are connections enough for them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Final, Generic, NamedTuple, TypeAlias, TypeVar

from analyzer.handbook import CATALOGUE, Handbook
from analyzer.judging import Desk, Heard, Placing
from analyzer.limits import Limits
from analyzer.reading import Frames
from analyzer.tcp.evidence import Evidence
from analyzer.tls.keylog import Secrets
from analyzer.tls.neighbours import Shown, Survey, shown_by_outline
from analyzer.tls.outline import Outline, outline
from analyzer.workers import Finish, Here, Promise, There, Worker

T = TypeVar("T")
Wanted: TypeAlias = Callable[[int], bool]

_BATCH: Final = 256  # connections taken at a time; those that need a story are handed out
_AHEAD: Final = 2  # batches that a process may have before it
_LAID_OUT: Final = 2_048  # results that wait for one before them


class _Asked(NamedTuple, Generic[T]):
    """A batch: what an outline is enough for, and what was handed out."""

    outlines: list[Outline]
    worker: Worker[T]
    heard: Promise[list[Heard]]


class _Waiting(NamedTuple, Generic[T]):
    """A story that is to be judged, and where it is."""

    stream: int
    shown: Shown
    worker: Worker[T]


class Crew(Generic[T]):
    """Hears evidence and gives what can be said of it, as ``finish`` makes it.

    Args:
        limits: ``held_stories`` may wait for neighbours; ``alone`` are told before others help.
        frames: Where merged frames are; they grow as the capture is read.
        finish: Makes results; with ``jobs``, a function of a module.
        briefly: Says of a stream number whether an outline is enough, should it have gone well.
        patient: Whether stories wait for their neighbours.
        papers: Adds what is known of stories from elsewhere; it stays in this process.
        jobs: Processes beside this one; none if 1 or less.
        book: What is judged by.
    """

    def __init__(
        self,
        limits: Limits,
        frames: Frames,
        finish: Finish[T],
        *,
        briefly: Wanted,
        patient: bool = True,
        papers: Placing | None = None,
        jobs: int = 1,
        book: Handbook = CATALOGUE,
    ) -> None:
        self._limits = limits
        self._frames = frames
        self._book = book
        self._make = finish
        self._briefly = briefly
        self._room = limits.held_stories if patient else 0
        self._jobs = jobs if papers is None else 1
        self._here: Here[T] = Here(Desk(limits, papers, book), frames, finish)
        self._there: list[There[T]] = []
        self._survey = Survey(limits)
        self._told = 0
        self._asked: deque[_Asked[T]] = deque()
        self._waiting: deque[_Waiting[T]] = deque()
        self._results: deque[Promise[T]] = deque()

    def hear(
        self, evidence: Iterable[Evidence], now: int, secrets: Secrets | None = None
    ) -> Iterator[T]:
        """Take evidence of connections; ``now`` is the time up to which the capture was read."""
        rest = iter(evidence)
        while batch := list(islice(rest, _BATCH)):
            outlines, others = self._sort(batch)
            worker = self._worker(secrets)
            self._asked.append(_Asked(outlines, worker, worker.tell(others, now, secrets)))
            self._told += len(batch)
            yield from self._go_on(_AHEAD * len(self._there))

    def finish(self) -> Iterator[T]:
        """Judge those that still wait, in order of their stream numbers."""
        yield from self._go_on(0)
        waiting = sorted(self._waiting, key=lambda one: one.stream)
        self._waiting.clear()
        for one in waiting:
            self._judge(one)
            if not self._there:
                yield from self._ready(_LAID_OUT)
        yield from self._ready(0)

    def close(self) -> None:
        """End the processes, in whatever state things are."""
        for worker in self._there:
            worker.stop()

    def _sort(self, batch: list[Evidence]) -> tuple[list[Outline], list[Evidence]]:
        """The outlines of those that they are enough for, and the others."""
        outlines: list[Outline] = []
        others: list[Evidence] = []
        for one in batch:
            short = outline(one) if self._briefly(one.stream) else None
            if short is None:
                others.append(one)
            else:
                outlines.append(short)
        return outlines, others

    def _worker(self, secrets: Secrets | None) -> Worker[T]:
        """Who tells the next batch. Secrets do not leave this process."""
        if self._jobs > 1 and not self._there and self._told >= self._limits.alone:
            arguments = (self._limits, self._frames, self._make, self._book)
            self._there = [There(*arguments) for _ in range(self._jobs)]
        if secrets is not None or not self._there:
            return self._here
        return min(self._there, key=lambda worker: worker.busy)

    def _go_on(self, ahead: int) -> Iterator[T]:
        """Survey what was told, until no more than so many batches are out; give what is ready."""
        while self._asked:
            if self._asked[0].heard.kept:
                self._take(self._asked.popleft())
            elif not self._receive(patient=len(self._asked) > ahead):
                break
        yield from self._ready(_LAID_OUT)

    def _take(self, asked: _Asked[T]) -> None:
        for short in asked.outlines:
            self._survey.add(shown_by_outline(short))
            self._results.append(Promise(self._make(short, self._frames)))
        for stream, shown in asked.heard.value:
            self._survey.add(shown)
            self._waiting.append(_Waiting(stream, shown, asked.worker))
            if len(self._waiting) > self._room:
                self._judge(self._waiting.popleft())

    def _judge(self, one: _Waiting[T]) -> None:
        neighbours = self._survey.neighbours(one.shown)
        self._results.append(one.worker.judge(one.stream, neighbours))

    def _ready(self, most: int) -> Iterator[T]:
        """Give the results up to the first that is not ready; at most so many stay behind it."""
        while self._results:
            if self._results[0].kept:
                yield self._results.popleft().value
            elif len(self._results) > most:
                for worker in self._there:
                    worker.urge()
                self._receive(patient=True)
            else:
                return

    def _receive(self, *, patient: bool) -> bool:
        """Take answers that have come; ``patient`` waits for one."""
        busy = [worker for worker in self._there if worker.busy]
        from multiprocessing.connection import wait  # noqa: PLC0415 - only with other processes

        answered = wait([worker.answers for worker in busy], None if patient else 0)
        for worker in busy:
            if worker.answers in answered:
                worker.receive()
        return bool(answered)
