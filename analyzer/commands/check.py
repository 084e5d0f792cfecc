"""``check``: captures against what is expected of them."""

from __future__ import annotations

import contextlib
import enum
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from analyzer.commands import NAME, refuse_to_overwrite, standard_output

if TYPE_CHECKING:
    from analyzer.gate.find import Task
    from analyzer.gate.run import Result
    from analyzer.gate.verdict import CheckReport


class Form(enum.StrEnum):
    """How the result is printed."""

    TEXT = "text"
    JUNIT = "junit"
    GITHUB = "github"
    JSON = "json"


def check(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH",
            help="Captures with an expectation beside them (CAPTURE.expect.json or .toml), or "
            "folders of such captures.",
        ),
    ],
    form: Annotated[
        Form, typer.Option("--format", "-f", help="github prints annotations for a workflow.")
    ] = Form.TEXT,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write to this file instead.")
    ] = None,
    update: Annotated[
        bool, typer.Option("--update", help="Show what differs, then expect what was found.")
    ] = False,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", min=1, help="Processes; as many as there are cores."),
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Also list what is as expected.")
    ] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="Print without colour.")] = False,
) -> None:
    """Compare captures with what is expected of them; exit with status 1 if anything differs."""
    from analyzer.gate.find import tasks  # noqa: PLC0415 - loads msgspec
    from analyzer.gate.run import check as run  # noqa: PLC0415 - loads numpy and more
    from analyzer.report.progress import ProgressBar  # noqa: PLC0415 - not for --help

    listed = tasks(paths)
    refuse_to_overwrite(
        output, (name for task in listed for name in (task.capture, task.file) if name)
    )
    bar = ProgressBar(sys.stderr) if sys.stderr.isatty() else None
    with bar or contextlib.nullcontext():
        results = list(run(listed, jobs, os.cpu_count() or 1, bar))
    report = _report(results)
    _print(report, form, output, verbose=verbose, colour=False if no_color or output else None)
    written = _update(listed, results) if update else frozenset()
    unusable = [
        entry
        for entry in report.captures
        if entry.verdict == "unusable" and entry.capture not in written
    ]
    if unusable:
        _complain(len(unusable), f"{unusable[0].capture}: {unusable[0].problem}")
        raise typer.Exit(2)
    if report.summary.differs and not update:
        raise typer.Exit(1)


def _report(results: Sequence[Result]) -> CheckReport:
    from analyzer.gate.verdict import SCHEMA_VERSION, CheckReport, summary_of  # noqa: PLC0415 - loads msgspec
    from analyzer.report.assemble.report import TOOL  # noqa: PLC0415 - as above

    checked = tuple(entry for entry, _ in results)
    return CheckReport(
        schema_version=SCHEMA_VERSION, tool=TOOL, summary=summary_of(checked), captures=checked
    )


def _print(
    report: CheckReport, form: Form, output: Path | None, *, verbose: bool, colour: bool | None
) -> None:
    from analyzer.gate import tell  # noqa: PLC0415 - loads rich
    from analyzer.report.machine import render_json  # noqa: PLC0415 - loads msgspec
    from analyzer.report.page import Page  # noqa: PLC0415 - loads rich
    from analyzer.report.sink import write_all, written_beside  # noqa: PLC0415 - not for --help

    with written_beside(output) if output else contextlib.nullcontext(standard_output()) as sink:
        if form is Form.JSON:
            write_all(sink, render_json(report))
        elif form is Form.JUNIT:
            sink.write(tell.render_junit(report))
        elif form is Form.GITHUB:
            sink.writelines(f"{line}\n" for line in tell.github_lines(report))
        else:
            tell.tell(Page(sink, colour=colour), report, verbose=verbose)


def _update(listed: Sequence[Task], results: Sequence[Result]) -> frozenset[str]:
    """Write what was found as what is expected; return the captures of which that was possible."""
    from analyzer.gate import update  # noqa: PLC0415 - only what is asked for

    done: set[str] = set()
    for task, (entry, written) in zip(listed, results, strict=True):
        if written is None or entry.verdict == "as_expected":
            continue
        file = update.target(task.capture, task.file)
        if task.key is None:
            update.write(file, written)
        else:
            update.write_folder(file, {task.key: written})
        sys.stderr.write(f"wrote {file}\n")
        done.add(entry.capture)
    return frozenset(done)


def _complain(count: int, problem: str) -> None:
    """One line: how many captures could not be checked, and why the first could not."""
    from analyzer.report.escape import one_line  # noqa: PLC0415 - only when something is wrong

    more = f" (and {count - 1} more)" if count > 1 else ""
    sys.stderr.write(f"{NAME}: {one_line(problem)}{more}\n")
