"""``rules``: the list of all rules."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from analyzer.commands.book import handbook


def rules(
    own: Annotated[
        Path | None, typer.Option("--rules", metavar="DIR", help="With the rules of this folder.")
    ] = None,
    no_color: Annotated[bool, typer.Option("--no-color", help="Print without colour.")] = False,
) -> None:
    """List all rules: id, cause, title."""
    from analyzer.report.explain import render_rules  # noqa: PLC0415 - loads every rule

    render_rules(handbook(own).modules(), sys.stdout, colour=False if no_color else None)
