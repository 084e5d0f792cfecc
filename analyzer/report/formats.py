"""The formats of a report: one table from a format's name to what writes it.

A renderer is a function ``(report, sink, style)``. Its module is imported when it is asked for, so
that the command line, which lists the names, stays quick.
"""

from __future__ import annotations

import enum
import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import TextIOWrapper
from typing import TYPE_CHECKING, Final, TypeAlias, cast

if TYPE_CHECKING:
    from analyzer.report.schema import Report


class Format(enum.StrEnum):
    """How a report is written."""

    TEXT = "text"
    HTML = "html"
    JSON = "json"
    NDJSON = "ndjson"
    MARKDOWN = "markdown"
    JUNIT = "junit"
    SARIF = "sarif"
    CSV = "csv"


@dataclass(frozen=True, slots=True)
class Style:
    """What a reader wants of a format for people; the others look at none of it."""

    verbose: bool = False  # tell every failure instead of an example of each kind
    chosen: bool = False  # the connections were asked for by number: tell each of them
    colour: bool | None = None  # None: what suits the stream
    local: bool = False  # times of this machine's zone instead of UTC
    live: bool = False  # somebody waits for each line


Renderer: TypeAlias = "Callable[[Report, TextIOWrapper, Style], None]"

_HOMES: Final[Mapping[Format, str]] = {
    Format.TEXT: "console:write_text",
    Format.HTML: "html:write_html",
    Format.JSON: "machine:write_json",
    Format.NDJSON: "machine:write_ndjson",
    Format.MARKDOWN: "markdown:write_markdown",
    Format.JUNIT: "junit:write_junit",
    Format.SARIF: "sarif:write_sarif",
    Format.CSV: "table:write_csv",
}


def renderer(form: Format) -> Renderer:
    """Load what writes a format."""
    module, _, function = _HOMES[form].partition(":")
    return cast("Renderer", getattr(importlib.import_module(f"analyzer.report.{module}"), function))
