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

from analyzer.capture.source import Capture
from analyzer.crew import Crew
from analyzer.handbook import CATALOGUE, Handbook
from analyzer.judging import Judged, Told
from analyzer.keys import gather
from analyzer.limits import DEFAULT, Limits
from analyzer.reading import Frames, Progress, Reading, Source
from analyzer.report import assemble
from analyzer.report.assemble import described, finished, frame_in
from analyzer.report.groups import Grouping
from analyzer.report.machine import Line, line_of
from analyzer.report.schema import Connection, Frame, Report
from analyzer.tcp.evidence import Evidence
from analyzer.tcp.flow import FlowTable
from analyzer.tls.keylog import Secrets
from analyzer.workers import Finish

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

        def briefly(stream: int) -> bool:
            chosen = selection.streams is not None and stream in selection.streams
            in_full = full or chosen or self._secrets is not None
            return not in_full and (enough or stream >= self._limits.full_stories)

        enough = selection.failed  # those that went well are only counted
        reading = self._reading = Reading(
            self._sources, self._limits, progress=self._progress, follow=self._follow
        )
        if self._graph is not None or self._log is not None:
            from analyzer.datapower.papers import Papers  # noqa: PLC0415 - only with papers

            self._papers = Papers(self._graph, self._log, self._clock_offset, self._limits)
        crew = Crew(
            self._limits,
            reading.frames,
            finish,
            briefly=briefly,
            patient=not self._live,
            papers=self._papers,
            jobs=jobs if selection.streams is None else 1,
            book=self._book,
        )
        self.absent = set(selection.streams or ())
        with _no_collection(), contextlib.closing(crew):
            yield from self._read(reading, crew)

    def _read(self, reading: Reading, crew: Crew[T]) -> Iterator[T]:
        flows = FlowTable(self._limits)
        for block in reading.blocks():
            if block is not None:
                flows.observe(block)
            self.count = flows.connections
            ended = flows.ended(quiet=block is None)
            yield from crew.hear(self._met(ended), flows.now, self._gathered())
        yield from crew.hear(self._met(flows.evidence()), reading.end, self._gathered())
        yield from crew.finish()

    def _gathered(self) -> Secrets | None:
        """All secrets at hand: those given, and those that the captures brought so far."""
        for capture in self.captures:
            fresh = capture.new_secrets()
            if fresh:
                self._secrets = self._secrets or Secrets(self._limits)
                gather(self._secrets, capture.path, fresh)
        return self._secrets

    def _met(self, evidence: Iterable[Evidence]) -> Iterator[Evidence]:
        """Pass on evidence, and strike it off the list of what was asked for."""
        for one in evidence:
            self.absent.discard(one.stream)
            yield one


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
