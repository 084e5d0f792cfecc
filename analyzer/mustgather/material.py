"""All that is at hand of a case, read once: what the parts of the bundle are made of."""

from __future__ import annotations

import functools
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from analyzer.datapower.case import Case
from analyzer.datapower.graph import Graph
from analyzer.datapower.log.load import Log
from analyzer.extract.extracting import Extract, Wish, extract
from analyzer.judging import Judged
from analyzer.limits import DEFAULT, Limits
from analyzer.mustgather.masking import masked_log
from analyzer.mustgather.runs import runs_of, told_by
from analyzer.pipeline import Analysis
from analyzer.reading import Progress
from analyzer.report.schema import Report
from analyzer.report.witness import with_witness

TRACE = "trace.pcap"  # the extract in the bundle, of which the report speaks


@dataclass(frozen=True, slots=True)
class Trace:
    """The packets: the extract of what was given, and what it tells with the papers."""

    extract: Extract
    report: Report
    judged: tuple[Judged, ...]  # the chosen connections

    @property
    def failed(self) -> tuple[Judged, ...]:
        """Those that failed."""
        return tuple(one for one in self.judged if one.outcome == "failed")


@dataclass(frozen=True, slots=True)
class Material:
    """A case. What is None was not given."""

    trace: Trace | None = None
    log: Log | None = None
    graph: Graph | None = None
    notes: Mapping[str, str] = field(default_factory=dict)  # output of openssl, by file name
    complaints: tuple[str, ...] = ()


class _Named(io.BytesIO):
    """The extract with the name that it has in the bundle."""

    name = TRACE


def gather(
    case: Case,
    notes: Mapping[str, str],
    *,
    clock_offset: float | None = None,
    limits: Limits = DEFAULT,
    progress: Progress | None = None,
) -> Material:
    """Read the captures of a case, extract the failures, and analyse these with the papers.

    Raises:
        CaptureError: A capture is of no use.
    """
    case = replace(case, log=masked_log(case.log))
    if not case.sources:
        return Material(None, case.log, case.graph, notes)
    wish = Wish(or_else=True)
    made = extract(case.sources, wish, limits=limits, progress=progress)
    report, judged, complaints = _told(made, case, clock_offset, limits)
    report = with_witness(report, functools.partial(told_by, runs_of(notes)))
    wanted = {one.there for one in made.chosen}
    chosen = tuple(one for one in judged if one.stream in wanted)
    return Material(Trace(made, report, chosen), case.log, case.graph, notes, complaints)


def _told(
    made: Extract, case: Case, clock_offset: float | None, limits: Limits
) -> tuple[Report, Sequence[Judged], tuple[str, ...]]:
    """What the extract tells with the papers, once as a report and once as stories."""

    def analysis() -> Analysis:
        return Analysis(
            [_Named(made.data)],
            limits=limits,
            graph=case.graph,
            log=case.log,
            clock_offset=clock_offset,
            full=True,
        )

    whole = analysis()
    report = whole.report()
    judged = sorted(analysis().judged(), key=lambda one: one.stream)
    return report, judged, whole.complaints
