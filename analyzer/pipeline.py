"""Wires the stages: bytes to segments to evidence to stories to findings to a report.

The only module that knows them all. A capture is read once; then every connection's story is told,
a survey of all stories gives each its neighbours, and the rules speak.
"""

from __future__ import annotations

import contextlib
import gc
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from typing import BinaryIO, Final, TypeAlias

from analyzer import rules
from analyzer.capture.block import SegmentBlock
from analyzer.capture.source import Capture, open_capture
from analyzer.datapower.graph import Graph
from analyzer.datapower.view import with_objects
from analyzer.diagnosis.engine import Diagnosis, diagnose, outcome
from analyzer.diagnosis.model import RuleModule
from analyzer.keys import gather
from analyzer.limits import DEFAULT, Limits
from analyzer.report import assemble
from analyzer.report.groups import Grouping
from analyzer.report.schema import Connection, FileFrame, Frame, Outcome, Report
from analyzer.tcp.flow import FlowTable
from analyzer.tls.keylog import Secrets
from analyzer.tls.neighbours import survey
from analyzer.tls.story import Story
from analyzer.tls.telling import tell

Source: TypeAlias = str | PathLike[str] | BinaryIO
Progress: TypeAlias = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which connections to report on; summary and groups speak of all."""

    streams: frozenset[int] | None = None
    failed: bool = False

    def takes(self, stream: int, result: str) -> bool:
        """Whether a connection with this outcome is wanted."""
        return (self.streams is None or stream in self.streams) and (
            not self.failed or result == "failed"
        )


EVERYTHING: Final = Selection()
_NEVER: Final = 1 << 63  # after every time that nanoseconds in 64 bits can tell


@dataclass(frozen=True, slots=True)
class Judged:
    """A story with what the rules say of it."""

    story: Story
    diagnosis: Diagnosis
    outcome: Outcome


class Analysis:
    """One capture, in one file or several, from bytes to report."""

    def __init__(
        self,
        sources: Sequence[Source],
        *,
        limits: Limits = DEFAULT,
        progress: Progress | None = None,
        graph: Graph | None = None,
        secrets: Secrets | None = None,
    ) -> None:
        self._sources = sources
        self._limits = limits
        self._progress = progress
        self._graph = graph  # of a gateway's configuration
        self._secrets = secrets
        self._captures: list[Capture] = []
        self._starts: list[int] = []  # frames before each file
        self._stories: list[Story] | None = None

    @property
    def streams(self) -> frozenset[int]:
        """The numbers of all connections."""
        return frozenset(story.stream for story in self._told())

    @property
    def complaints(self) -> tuple[str, ...]:
        """What was wrong with the secrets at hand, a sentence each."""
        self.read()
        return self._secrets.complaints() if self._secrets is not None else ()

    def read(self) -> None:
        """Read the files, unless that was done; raises CaptureError where one is of no use."""
        self._told()

    def judged(self, selection: Selection = EVERYTHING) -> Iterator[Judged]:
        """Give the stories with what the rules say of them, in order of their stream numbers."""
        for judged in self._judged():
            if selection.takes(judged.story.stream, judged.outcome):
                yield judged

    def connections(self, selection: Selection = EVERYTHING) -> Iterator[Connection]:
        """Give the connections in order of their stream numbers, each as soon as it is judged."""
        for judged in self.judged(selection):
            yield self._assemble(judged)

    def report(self, selection: Selection = EVERYTHING) -> Report:
        """Give the whole report."""
        grouping = Grouping()
        connections: list[Connection] = []
        with _no_collection():
            for judged in self._judged():
                grouping.add(judged.story, judged.diagnosis, judged.outcome)
                if selection.takes(judged.story.stream, judged.outcome):
                    connections.append(self._assemble(judged))
        captures = [
            assemble.capture_of(capture, () if index else self.complaints)
            for index, capture in enumerate(self._captures)
        ]
        return assemble.report_of(captures, grouping, connections)

    def _judged(self) -> Iterator[Judged]:
        modules = rules.modules()
        for story in self._told():
            yield _judge(story, modules)

    def _assemble(self, judged: Judged) -> Connection:
        return assemble.connection_of(
            judged.story, judged.diagnosis, judged.outcome, self._frame_of
        )

    def _frame_of(self, frame: int) -> Frame:
        """Say in which file a frame is, where there are several."""
        if len(self._captures) == 1:
            return frame
        file = bisect_right(self._starts, frame - 1) - 1
        return FileFrame(file=file, frame=frame - self._starts[file])

    def _told(self) -> list[Story]:
        if self._stories is None:
            with _no_collection():
                flows = FlowTable(self._limits)
                end = self._observe(flows)
                secrets = self._gathered()
                stories = [
                    tell(evidence, end, self._limits, secrets) for evidence in flows.evidence()
                ]
                seen = survey(stories)
                self._stories = [self._placed(seen.introduce(story)) for story in stories]
        return self._stories

    def _placed(self, story: Story) -> Story:
        """Give a story the objects of the gateway that took part in it."""
        return story if self._graph is None else with_objects(self._graph, story)

    def _gathered(self) -> Secrets | None:
        """All secrets at hand: those given, and those that the captures bring along."""
        for capture in self._captures:
            if capture.facts.secrets:
                self._secrets = self._secrets or Secrets(self._limits)
                gather(self._secrets, capture.facts)
        return self._secrets

    def _observe(self, flows: FlowTable) -> int:
        """Read all files into the flow table; return the time of the last packet, ns."""
        frames = 0
        for source in _in_order(self._sources, self._limits):
            capture = open_capture(source, self._limits)
            self._starts.append(frames)
            for block in capture.segments():
                flows.observe(_shifted(block, frames) if frames else block)
                if self._progress is not None:
                    self._progress(*capture.progress)
            self._captures.append(capture)
            frames += capture.frames
        return max((c.last_packet or 0 for c in self._captures), default=0)


def _judge(story: Story, modules: Mapping[str, RuleModule]) -> Judged:
    diagnosis = diagnose(story, modules)
    return Judged(story, diagnosis, outcome(story, diagnosis.headline))


def _in_order(sources: Sequence[Source], limits: Limits) -> Sequence[Source]:
    """Put the files of one capture in order of their first packets."""
    if len(sources) == 1:
        return sources
    return sorted(sources, key=lambda source: _first_time(source, limits))


def _first_time(source: Source, limits: Limits) -> int:
    """When the first packets of a file were captured, ns; a file without any goes last."""
    if source == "-" or not isinstance(source, (str, PathLike)):
        raise TypeError("only one stream can be analysed at a time, and no files beside it")
    capture = open_capture(source, limits)
    try:
        next(capture.blocks(), None)
    finally:
        capture.close()
    first = capture.first_packet
    return _NEVER if first is None else first


def _shifted(block: SegmentBlock, frames: int) -> SegmentBlock:
    """Count frames on from the files before."""
    errors = tuple(replace(error, frame=error.frame + frames) for error in block.icmp_errors)
    return replace(block, frame=block.frame + frames, icmp_errors=errors)


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
