"""``baseline``: failures of a capture against those of an earlier report."""

from __future__ import annotations

import contextlib
import enum
import sys
from pathlib import Path
from typing import Annotated

import typer

from analyzer.commands import refuse_to_overwrite, standard_output


class Form(enum.StrEnum):
    """How the result is printed."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


def baseline(
    earlier: Annotated[
        Path, typer.Argument(metavar="EARLIER.json", help="A report by --format json.")
    ],
    files: Annotated[
        list[str], typer.Argument(metavar="FILE", help="Captures, as 'analyze' takes them.")
    ],
    form: Annotated[
        Form, typer.Option("--format", "-f", help="github prints annotations for a workflow.")
    ] = Form.TEXT,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write to this file instead.")
    ] = None,
    no_color: Annotated[bool, typer.Option("--no-color", help="Print without colour.")] = False,
) -> None:
    """Compare failures with an earlier report: new, gone, unchanged; exit with status 1 if any is new."""
    refuse_to_overwrite(output, (earlier, *files))
    from analyzer.gate import baseline as gate  # noqa: PLC0415 - loads numpy and more
    from analyzer.pipeline import Analysis  # noqa: PLC0415 - as above
    from analyzer.report.machine import render_json  # noqa: PLC0415 - as above
    from analyzer.report.page import Page  # noqa: PLC0415 - loads rich
    from analyzer.report.progress import ProgressBar  # noqa: PLC0415 - not for --help
    from analyzer.report.sink import write_all, written_beside  # noqa: PLC0415 - as above

    before = gate.read_earlier(earlier)
    bar = ProgressBar(sys.stderr) if sys.stderr.isatty() else None
    with bar or contextlib.nullcontext():
        now = Analysis(files, progress=bar).report()
    report = gate.against(before, now, str(earlier))
    with written_beside(output) if output else contextlib.nullcontext(standard_output()) as sink:
        if form is Form.JSON:
            write_all(sink, render_json(report))
        elif form is Form.GITHUB:
            sink.writelines(f"{line}\n" for line in gate.github_lines(report))
        else:
            gate.tell(Page(sink, colour=False if no_color or output else None), report)
    if report.new:
        raise typer.Exit(1)
