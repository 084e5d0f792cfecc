"""``rules``: the list of all rules."""

from __future__ import annotations

import sys
from typing import Annotated

import typer


def rules(
    no_color: Annotated[bool, typer.Option("--no-color", help="Print without colour.")] = False,
) -> None:
    """List all rules: id, cause, title."""
    from analyzer import rules as catalogue  # noqa: PLC0415 - loads every rule
    from analyzer.report.explain import render_rules  # noqa: PLC0415 - as above

    render_rules(catalogue.modules(), sys.stdout, colour=False if no_color else None)
