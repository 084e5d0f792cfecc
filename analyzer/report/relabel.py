"""Reports of captures that never were files: say where they come from, and what is made up."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import structs

from analyzer.report.schema import Report


def relabelled(report: Report, name: str, caveats: Sequence[str] = ()) -> Report:
    """The report with another name for its one capture, and with more caveats."""
    captures = tuple(
        structs.replace(capture, path=name, caveats=(*capture.caveats, *caveats))
        for capture in report.captures
    )
    return structs.replace(report, captures=captures)
