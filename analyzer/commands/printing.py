"""How ``analyze`` prints: in a format of the table, or by a template."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from io import TextIOWrapper
from typing import TYPE_CHECKING, TypeAlias

from analyzer.errors import UsageError, no_such_stream
from analyzer.report.formats import Format, Renderer, Style, renderer

if TYPE_CHECKING:
    from analyzer.pipeline import Analysis, Selection

Writer: TypeAlias = "Callable[[Analysis, Selection, Outlet], int]"


@dataclass(frozen=True, slots=True)
class Outlet:
    """Where a report goes, how it is to look there, and what shows progress until then."""

    sink: TextIOWrapper
    style: Style
    busy: AbstractContextManager[object]


def writer(form: Format, template: str | None, given: Sequence[str] | None) -> Writer:
    """Give what prints and counts failures; a template that cannot be read is told before the captures are."""
    if template is None:
        if given:
            raise UsageError(f"--set {given[0]}: is for a template; give one with --template")
        return functools.partial(_print, form)
    from analyzer.report.template import Template  # noqa: PLC0415 - loads jinja2

    render = Template.read(template, given or ()).write
    return functools.partial(_print_whole, render)


def _print(form: Format, analysis: Analysis, selection: Selection, outlet: Outlet) -> int:
    """Print the report in the form that was asked for; return how many failures it shows."""
    if form is Format.NDJSON:
        return _print_lines(analysis, selection, outlet)
    return _print_whole(renderer(form), analysis, selection, outlet)


def _print_whole(render: Renderer, analysis: Analysis, selection: Selection, outlet: Outlet) -> int:
    with outlet.busy:
        report = analysis.report(selection)
    _check_streams(analysis)
    render(report, outlet.sink, outlet.style)
    return len(report.failed)


def _print_lines(analysis: Analysis, selection: Selection, outlet: Outlet) -> int:
    """Print each connection as it is told."""
    from analyzer.report.sink import write_all  # noqa: PLC0415 - only what is asked for

    failures = 0
    with outlet.busy:
        for line in analysis.lines(selection):
            write_all(outlet.sink, line.text)
            if outlet.style.live:
                outlet.sink.flush()
            failures += line.outcome == "failed"
    _check_streams(analysis)
    return failures


def _check_streams(analysis: Analysis) -> None:
    """Refuse to be silent about a connection that was asked for and is not there."""
    if analysis.absent:
        raise no_such_stream(analysis.captures[0].path, min(analysis.absent), analysis.count)
