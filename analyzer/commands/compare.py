"""``compare``: a good handshake beside a bad one."""

from __future__ import annotations

import contextlib
import enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TextIO

import typer

from analyzer.commands import refuse_to_overwrite, standard_output
from analyzer.commands.connection import parted
from analyzer.errors import UsageError, no_such_stream

if TYPE_CHECKING:
    from analyzer.compare.ranking import Comparison
    from analyzer.judging import Judged

_PAIRS_MOST: Final = 20


class Form(enum.StrEnum):
    """How the comparison is printed."""

    TEXT = "text"
    JSON = "json"
    HTML = "html"


def compare(
    good: Annotated[
        str, typer.Argument(metavar="GOOD[:STREAM]", help="A capture in which it works.")
    ],
    bad: Annotated[
        str, typer.Argument(metavar="BAD[:STREAM]", help="A capture in which it fails.")
    ],
    form: Annotated[Form, typer.Option("--format", "-f", help="How to print.")] = Form.TEXT,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write to this file instead.")
    ] = None,
    keylog: Annotated[
        list[str] | None,
        typer.Option(
            "--keylog",
            metavar="FILE",
            help="Decrypt both with the secrets of an NSS key log; repeatable.",
        ),
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="List every difference.")
    ] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="Print without colour.")] = False,
) -> None:
    """Say what differs between a good handshake and a bad one, the best explanation first.

    Without a number each kind of failure in BAD is compared with the connection of GOOD that is most
    like it.
    """
    refuse_to_overwrite(output, (parted(good)[0], parted(bad)[0], *(keylog or ())))
    found = _comparisons(good, bad, keylog or [])
    colour = False if no_color or output else None
    from analyzer.report.sink import written_beside  # noqa: PLC0415 - not for --help

    with written_beside(output) if output else contextlib.nullcontext(standard_output()) as sink:
        _print(found, form, sink, colour=colour, verbose=verbose)


def _print(
    found: list[Comparison], form: Form, sink: TextIO, *, colour: bool | None, verbose: bool
) -> None:
    if form is Form.JSON:
        import json  # noqa: PLC0415 - only what is asked for

        from analyzer.compare.page import comparison_document  # noqa: PLC0415 - as above

        document = {"comparisons": [comparison_document(entry) for entry in found]}
        sink.write(json.dumps(document, indent=2) + "\n")
        return
    if form is Form.HTML:
        from analyzer.compare.html import render_html  # noqa: PLC0415 - only what is asked for

        sink.write(render_html(found))
        return
    from analyzer.compare.page import render_comparison  # noqa: PLC0415 - loads rich

    for number, entry in enumerate(found):
        if number:
            sink.write("\n")
        render_comparison(entry, sink, colour=colour, verbose=verbose)


def _comparisons(good: str, bad: str, keylog: list[str]) -> list[Comparison]:
    from analyzer.compare.partner import examples, partner  # noqa: PLC0415 - loads numpy and more
    from analyzer.compare.ranking import compare as compared  # noqa: PLC0415 - as above

    (good_path, good_stream), (bad_path, bad_stream) = parted(good), parted(bad)
    from_good = _read(good_path, keylog)
    from_bad = from_good if bad_path == good_path else _read(bad_path, keylog)
    chosen = _chosen(bad_path, from_bad, bad_stream)
    pairs: list[Comparison] = []
    for entry in chosen or examples(from_bad)[:_PAIRS_MOST]:
        candidates = _chosen(good_path, from_good, good_stream) or from_good
        other = candidates[0] if good_stream is not None else partner(entry, candidates)
        if other is None:
            raise UsageError(
                f"{good_path}: no connection completed its handshake there, so there is nothing to "
                "compare with; name one as in FILE:STREAM, or take another capture"
            )
        pairs.append(compared(other, entry))
    if not pairs:
        raise UsageError(
            f"{bad_path}: no connection failed there; name one as in {bad_path}:0 to compare anyway"
        )
    return pairs


def _read(path: str, keylog: list[str]) -> list[Judged]:
    from analyzer.keys import read_secrets  # noqa: PLC0415 - not for --help
    from analyzer.pipeline import Analysis  # noqa: PLC0415 - loads numpy and more

    return list(Analysis([path], secrets=read_secrets(keylog)).judged())


def _chosen(path: str, judged: list[Judged], stream: int | None) -> list[Judged]:
    """The connection that was named, as a list; empty where none was."""
    if stream is None:
        return []
    found = [entry for entry in judged if entry.story.stream == stream]
    if not found:
        raise no_such_stream(path, stream, len(judged))
    return found
