"""``explain``: the page of a rule, or why it fired on a connection or did not."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from analyzer.commands import NAME
from analyzer.commands.book import handbook
from analyzer.errors import UsageError, no_such_stream

if TYPE_CHECKING:
    from analyzer.handbook import Handbook
    from analyzer.tls.story import Story


def explain(
    rule: Annotated[str, typer.Argument(help="Its id, as in TLS-CERT-001, or its name.")],
    file: Annotated[
        list[str] | None,
        typer.Option(
            "--file",
            metavar="FILE",
            help="Say why the rule fired in this capture or did not; several are one in parts.",
        ),
    ] = None,
    stream: Annotated[
        int | None,
        typer.Option("--stream", min=0, help="On which connection (tcp.stream) of the capture."),
    ] = None,
    keylog: Annotated[
        list[str] | None,
        typer.Option("--keylog", metavar="FILE", help="Decrypt with the secrets of this key log."),
    ] = None,
    rules: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Know the rules of this folder, too.")
    ] = None,
    no_color: Annotated[bool, typer.Option("--no-color", help="Print without colour.")] = False,
) -> None:
    """Print the page of a rule, or why it fired on a connection and why not.

    With --file and --stream the conditions of the rule are told one by one, with their answers.
    """
    if (file is None) != (stream is None):
        raise UsageError("--file and --stream go together: a capture, and a connection of it")
    from analyzer.report.explain import find_rule, render_rule, suggest  # noqa: PLC0415 - see above

    book = handbook(rules)
    modules = book.modules()
    found = find_rule(modules, rule)
    if found is None:
        close = suggest(modules, rule)
        hint = f"did you mean {' or '.join(close)}?" if close else f"'{NAME} rules' lists them"
        raise UsageError(f"{rule}: no such rule; {hint}")
    colour = False if no_color else None
    if file is None or stream is None:
        render_rule(modules[found], sys.stdout, colour=colour)
        return
    from analyzer.diagnosis.trace import trace  # noqa: PLC0415 - as above
    from analyzer.report.explain import render_trace  # noqa: PLC0415 - as above

    story = _story(file, stream, keylog or [], book)
    told = trace(modules[found], story)
    render_trace(modules[found], story, told, sys.stdout, colour=colour)


def _story(files: list[str], stream: int, keylog: list[str], book: Handbook) -> Story:
    """The story of one connection, with all that its neighbours show."""
    from analyzer.keys import read_secrets  # noqa: PLC0415 - loads numpy and more
    from analyzer.pipeline import Analysis, Selection  # noqa: PLC0415 - as above

    secrets = read_secrets(keylog, (), None)
    analysis = Analysis(files, secrets=secrets, book=book)
    for judged in analysis.judged(Selection(streams=frozenset({stream}))):
        return judged.story
    raise no_such_stream(", ".join(files), stream, analysis.count)
