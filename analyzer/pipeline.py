"""Wires the stages: bytes to segments to evidence to stories to findings to a report.

The only module that knows them all. A capture is read once, block by block. A connection that has
ended leaves the table of flows at once; what is told of it, and when, is the judge's matter.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from analyzer.capture.members import Source
from analyzer.capture.source import Capture, size_of
from analyzer.crew import Case, Crew
from analyzer.following import Alone, Following
from analyzer.handbook import CATALOGUE, Handbook
from analyzer.judging import Brevity, Desk, Finish, Judged, Told
from analyzer.limits import DEFAULT, Limits
from analyzer.reading import Frames, Progress, Reading, is_crowded
from analyzer.report.assemble import report as assemble
from analyzer.report.assemble.report import described, finished, frame_in
from analyzer.report.groups import Grouping
from analyzer.report.machine import Line, line_of
from analyzer.report.schema import Connection, Frame, Report
from analyzer.tls.decryption.keylog import Secrets

if TYPE_CHECKING:
    from analyzer.datapower.graph import Graph
    from analyzer.datapower.log.load import Log
    from analyzer.datapower.papers import Papers

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Selection:
    """Which connections to report on; summary and groups speak of all."""

    streams: frozenset[int] | None = None
    failed: bool = False

    def takes(self, stream: int, result: str) -> bool:
        """Whether a connection with this outcome is wanted."""
        chosen = self.streams is None or stream in self.streams
        return chosen and (not self.failed or result == "failed")


EVERYTHING: Final = Selection()


class Analysis:
    """One capture, in one file or several, from bytes to report.

    Each of :meth:`judged`, :meth:`connections` and :meth:`report` reads the capture anew; a stream
    can be read once.

    Args:
        sources: The files of one capture, or one stream.
        limits: Bounds on memory and time.
        progress: Called with the bytes read so far and the size of the file (0: unknown).
        full: Tell every connection in full, and not in short those that plainly went well and are
            too many (:attr:`Limits.full_stories`).
        live: Tell each connection as soon as it has ended, without waiting for what the rest of
            the capture shows.
        follow: The input is still being written; wait for more where it ends.
        graph: A gateway's configuration, whose objects are named where they took part.
        log: A gateway's log, whose lines are joined with connections.
        clock_offset: Seconds by which the log's clock is ahead of the capture's; None finds out.
        secrets: Keys at hand beside those that the captures bring; all is then told in full.
        jobs: Processes that share the work of a capture of many connections; 1 is this one alone.
            Programs that ask for more guard their main module, as for :mod:`multiprocessing`.
        book: What connections are judged by, the user's own rules among it.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        *,
        limits: Limits = DEFAULT,
        progress: Progress | None = None,
        full: bool = False,
        live: bool = False,
        follow: bool = False,
        graph: Graph | None = None,
        log: Log | None = None,
        clock_offset: float | None = None,
        secrets: Secrets | None = None,
        jobs: int = 1,
        book: Handbook = CATALOGUE,
    ) -> None:
        self._sources = sources
        self._limits = limits
        self._progress = progress
        self._full = full
        self._live = live
        self._follow = follow
        self._graph = graph
        self._log = log
        self._clock_offset = clock_offset
        self._papers: Papers | None = None
        self._secrets = secrets
        self._jobs = jobs
        self._book = book
        self._reading: Reading | None = None
        self.count = 0  # connections that have a number, as far as read
        self.absent: set[int] = set()  # stream numbers that were asked for and not met

    @property
    def captures(self) -> Sequence[Capture]:
        """The files, as far as read."""
        return self._reading.captures if self._reading is not None else ()

    @property
    def span(self) -> tuple[int, int]:
        """The times of the earliest and the latest packet, ns since the epoch, as far as read."""
        first = [c.first_packet for c in self.captures if c.first_packet is not None]
        last = [c.last_packet for c in self.captures if c.last_packet is not None]
        return min(first, default=0), max(last, default=0)

    @property
    def secrets(self) -> Secrets | None:
        """The secrets at hand, those that the captures brought among them, as far as read."""
        return self._secrets

    @property
    def complaints(self) -> tuple[str, ...]:
        """What was wrong with secrets and papers at hand, a sentence each, as far as read."""
        of_secrets = self._secrets.complaints() if self._secrets is not None else ()
        return (*of_secrets, *(self._papers.caveats() if self._papers is not None else ()))

    def judged(self, selection: Selection = EVERYTHING) -> Iterator[Judged]:
        """Give the stories with what the rules say of them, each in full.

        They come in order of stream numbers unless they are too many to be held till the end
        (:attr:`Limits.held_stories`).
        """
        for judged in self._told(selection, _as_judged, full=True):
            if selection.takes(judged.stream, judged.outcome):
                yield judged

    def connections(self, selection: Selection = EVERYTHING) -> Iterator[Connection]:
        """Give the connections, each as soon as it is told; the order is that of telling."""
        for connection in self._told(selection, described, full=self._full, jobs=self._jobs):
            if selection.takes(connection.stream, connection.outcome):
                yield connection

    def lines(self, selection: Selection = EVERYTHING) -> Iterator[Line]:
        """Give the same as lines of ndjson, each written by the process that told it."""
        for line in self._told(selection, line_of, full=self._full, jobs=self._jobs):
            if selection.takes(line.stream, line.outcome):
                yield line

    def report(self, selection: Selection = EVERYTHING) -> Report:
        """Give the whole report, connections in order of their stream numbers."""
        grouping = Grouping()
        connections: list[Connection] = []
        for one in self._told(selection, finished, full=self._full, jobs=self._jobs):
            grouping.add(one.connection.outcome, one.failure)
            if selection.takes(one.connection.stream, one.connection.outcome):
                connections.append(one.connection)
        connections.sort(key=lambda connection: connection.stream)
        captures = [
            assemble.capture_of(capture, () if index else self.complaints)
            for index, capture in enumerate(self.captures)
        ]
        return assemble.report_of(captures, grouping, connections)

    def frame_of(self, frame: int) -> Frame:
        """Say in which file a frame is, where there are several."""
        return frame if self._reading is None else frame_in(self._reading.frames, frame)

    def _told(
        self, selection: Selection, finish: Finish[T], *, full: bool, jobs: int = 1
    ) -> Iterator[T]:
        """Read the capture and tell all its connections."""
        reading = self._reading = Reading(
            self._sources, self._limits, progress=self._progress, follow=self._follow
        )
        if self._graph is not None or self._log is not None:
            from analyzer.datapower.papers import Papers  # noqa: PLC0415 - only with papers

            self._papers = Papers(self._graph, self._log, self._clock_offset, self._limits)
        self.absent = set(selection.streams or ())
        least = 0 if selection.failed else self._limits.full_stories  # the good are only counted
        brevity = Brevity(None if full else least, selection.streams or frozenset())
        following: Following[T]
        if jobs > 1 and selection.streams is None and self._much(reading):
            from analyzer.sharing.shares import Shares  # noqa: PLC0415 - only with other processes

            following = Shares(jobs, self._limits, reading.frames, finish, brevity, self._book)
        else:
            desk = Desk(
                *(self._limits, reading.frames, finish, brevity),
                papers=self._papers,
                book=self._book,
            )
            following = Alone(self._limits, desk, self._secrets)
        with _no_collection(), contextlib.closing(following):
            yield from self._read(reading, following)

    def _much(self, reading: Reading) -> bool:
        """Whether there is enough to tell for several processes, and no reason to stay in one."""
        if self._live or self._follow or self._papers is not None or self._secrets is not None:
            return False
        enough = sum(map(size_of, reading.sources)) >= self._limits.shared_bytes
        return enough and is_crowded(reading.sources[0], self._limits)

    def _read(self, reading: Reading, following: Following[T]) -> Iterator[T]:
        crew: Crew[T] = Crew(self._limits, patient=not self._live)
        for block in reading.blocks():
            self._note(following)
            yield from crew.take(self._met(following.hear(block)))
        self._note(following)
        yield from crew.take(self._met(following.finish(reading.end)))
        yield from crew.finish()

    def _note(self, following: Following[T]) -> None:
        """Pass on the secrets that the captures have brought, and note what became known."""
        for capture in self.captures:
            fresh = capture.new_secrets()
            if fresh:
                following.learn(capture.path, fresh)
                self._secrets = following.secrets
        self.count = following.count

    def _met(self, cases: Iterable[Case[T]]) -> Iterator[Case[T]]:
        """Pass on what was told, and strike it off the list of what was asked for."""
        for case in cases:
            self.absent.discard(case.heard.stream)
            yield case


def _as_judged(told: Told, _: Frames) -> Judged:
    assert isinstance(told, Judged)
    return told


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """Put off garbage collection: stories hold no cycles, and there are many of them."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
