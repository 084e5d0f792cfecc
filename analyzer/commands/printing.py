"""How ``analyze`` prints: in a format of the table, or by a template."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from io import TextIOWrapper
from typing import TYPE_CHECKING, TypeAlias

from analyzer.errors import UsageError
from analyzer.report.formats import Format, Renderer, Style, renderer

if TYPE_CHECKING:
    from analyzer.pipeline import Analysis, Selection
    from analyzer.report.schema import Connection

Writer: TypeAlias = "Callable[[Analysis, Selection, TextIOWrapper, Style], int]"


def writer(form: Format, template: str | None, given: Sequence[str] | None) -> Writer:
    """Give what prints and counts failures; a template that cannot be read is told before the captures are."""
    if template is None:
        if given:
            raise UsageError(f"--set {given[0]}: is for a template; give one with --template")
        return functools.partial(_print, form)
    from analyzer.report.template import Template  # noqa: PLC0415 - loads jinja2

    render = Template.read(template, given or ()).write
    return functools.partial(_print_whole, render)


def _print(
    form: Format, analysis: Analysis, selection: Selection, sink: TextIOWrapper, style: Style
) -> int:
    """Print the report in the form that was asked for; return how many failures it shows."""
    if form is Format.NDJSON:
        return _print_lines(analysis.connections(selection), sink)
    return _print_whole(renderer(form), analysis, selection, sink, style)


def _print_whole(
    render: Renderer,
    analysis: Analysis,
    selection: Selection,
    sink: TextIOWrapper,
    style: Style,
) -> int:
    report = analysis.report(selection)
    render(report, sink, style)
    return len(report.failed)


def _print_lines(connections: Iterable[Connection], sink: TextIOWrapper) -> int:
    from analyzer.report.machine import render_line  # noqa: PLC0415 - only what is asked for
    from analyzer.report.sink import write_all  # noqa: PLC0415 - as above

    failures = 0
    for connection in connections:
        write_all(sink, render_line(connection))
        failures += connection.outcome == "failed"
    return failures
