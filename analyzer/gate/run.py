"""Checks captures, on every core where it pays; the order of what comes back is that of the tasks."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Final

from analyzer.errors import CaptureError, UsageError
from analyzer.gate.compare import compare
from analyzer.gate.expectation import Expectation
from analyzer.gate.find import Task
from analyzer.gate.update import updated
from analyzer.gate.verdict import Checked
from analyzer.pipeline import Analysis
from analyzer.report.escape import encodable

_WORTH_A_PROCESS: Final = 8 << 20  # bytes of captures; a process takes a second to start

Result = tuple[Checked, Expectation | None]


def check(
    tasks: Sequence[Task], jobs: int | None, cores: int, progress: Callable[[int, int], None] | None
) -> Iterator[Result]:
    """Check captures; yield what was found, with the expectation that would hold."""
    sizes = [task.capture.stat().st_size if task.capture.is_file() else 0 for task in tasks]
    total, done = sum(sizes), 0
    workers = min(jobs or (cores if total > _WORTH_A_PROCESS else 1), len(tasks))
    results = _spread(tasks, workers) if workers > 1 else map(examine, tasks)
    for size, result in zip(sizes, results, strict=True):
        done += size
        if progress is not None:
            progress(done, total)
        yield result


def _spread(tasks: Sequence[Task], workers: int) -> Iterator[Result]:
    """Examine in processes of their own, which start anew: threads may run in this one."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        try:
            yield from pool.map(examine, tasks)
        except BrokenProcessPool:
            raise UsageError(
                "a process that checked captures was ended from outside; try --jobs 1"
            ) from None


def examine(task: Task) -> Result:
    """Check one capture."""
    if task.problem:
        return _unusable(task, task.problem), None
    try:
        report = Analysis([str(task.capture)]).report()
    except CaptureError as error:
        return _unusable(task, error.complaint), None
    except OSError as error:
        return _unusable(task, error.strerror or str(error)), None
    written = updated(task.expectation, report)
    if task.expectation is None:
        problem = "nothing says what to expect of it; --update writes an expectation"
        return _unusable(task, problem), written
    try:
        differences = tuple(compare(task.expectation, report))
    except UsageError as error:
        return _unusable(task, f"{task.file}: {error}"), written
    checked = Checked(
        capture=_named(task.capture),
        expectation=_named(task.file),
        verdict="differs" if differences else "as_expected",
        connections=len(report.connections),
        differences=differences,
        problem=None,
    )
    return checked, written


def _unusable(task: Task, problem: str) -> Checked:
    return Checked(
        capture=_named(task.capture),
        expectation=_named(task.file) if task.file else None,
        verdict="unusable",
        connections=0,
        differences=(),
        problem=encodable(problem),
    )


def _named(path: object) -> str:
    return encodable(str(path))
