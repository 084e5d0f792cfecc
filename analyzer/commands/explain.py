"""``explain``: the page of a rule."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from analyzer.commands import NAME
from analyzer.errors import UsageError


def explain(
    rule: Annotated[str, typer.Argument(help="Its id, as in TLS-CERT-001, or its name.")],
    no_color: Annotated[bool, typer.Option("--no-color", help="Print without colour.")] = False,
) -> None:
    """Print the page of a rule: what it means, how it is known, what to do."""
    from analyzer import rules as catalogue  # noqa: PLC0415 - loads every rule
    from analyzer.report.explain import find_rule, render_rule, suggest  # noqa: PLC0415 - as above

    modules = catalogue.modules()
    found = find_rule(modules, rule)
    if found is None:
        close = suggest(modules, rule)
        hint = f"did you mean {' or '.join(close)}?" if close else f"'{NAME} rules' lists them"
        raise UsageError(f"{rule}: no such rule; {hint}")
    render_rule(modules[found], sys.stdout, colour=False if no_color else None)
