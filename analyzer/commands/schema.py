"""``schema``: the JSON Schema of the report."""

from __future__ import annotations

from analyzer.commands import standard_output


def schema() -> None:
    """Print the JSON Schema of the report."""
    from analyzer.report.machine import render_schema  # noqa: PLC0415 - loads msgspec
    from analyzer.report.sink import write_all  # noqa: PLC0415 - as above

    write_all(standard_output(), render_schema())
