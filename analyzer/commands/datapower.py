"""``datapower``: what an export says without any failure at hand."""

from __future__ import annotations

import enum
import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from analyzer.commands import standard_output
from analyzer.errors import UsageError

if TYPE_CHECKING:
    from analyzer.datapower.graph import Graph
    from analyzer.tls.message.client_hello import ClientHello

datapower = typer.Typer(
    help="Lint a DataPower export, or predict what it answers to a ClientHello.",
    rich_markup_mode=None,
)
_EXPORT = typer.Option("--dp-export", help="An export: zip, xml, xcfg or cfg; repeatable.")
_CERTIFICATES = typer.Option("--cert-dir", help="Certificate files that the export names.")


class Form(enum.StrEnum):
    """How a result is printed."""

    TEXT = "text"
    JSON = "json"


@datapower.command("lint")
def lint(
    dp_export: Annotated[list[Path], _EXPORT],
    cert_dir: Annotated[Path | None, _CERTIFICATES] = None,
    form: Annotated[Form, typer.Option("--format", "-f", help="How to print it.")] = Form.TEXT,
    days: Annotated[
        int | None,
        typer.Option(min=0, help="Call out certificates that expire within so many days."),
    ] = None,
    at: Annotated[
        str | None, typer.Option(metavar="DATE", help="Judge dates as of this day (2026-11-30).")
    ] = None,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit with status 1 if a warning or error is found.")
    ] = False,
) -> None:
    """List profiles that contradict themselves, weak settings, and certificates near their end."""
    from analyzer.datapower.lint.linting import lint as check  # noqa: PLC0415 - not for --help
    from analyzer.report.gateway import render_issues  # noqa: PLC0415 - not for --help

    issues = check(_graph(dp_export, cert_dir), _moment(at), days)
    if form is Form.JSON:
        _print_json(
            [
                {
                    "check": issue.check,
                    "severity": issue.severity.name.lower(),
                    "domain": issue.domain,
                    "object": issue.label,
                    "property": issue.setting,
                    "text": issue.text,
                    "change": issue.change,
                }
                for issue in issues
            ]
        )
    else:
        standard_output().write(render_issues(issues))
    if exit_code and any(issue.severity > 0 for issue in issues):
        raise typer.Exit(1)


@datapower.command("predict")
def predict(
    dp_export: Annotated[list[Path], _EXPORT],
    hello: Annotated[
        str,
        typer.Option(metavar="FILE:STREAM", help="A ClientHello: a capture and its tcp.stream."),
    ],
    cert_dir: Annotated[Path | None, _CERTIFICATES] = None,
    listener: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only this handler or service.")
    ] = None,
    form: Annotated[Form, typer.Option("--format", "-f", help="How to print it.")] = Form.TEXT,
) -> None:
    """Say what each TLS listener would answer to a ClientHello, step by step."""
    from analyzer.datapower.predict.answer import answer  # noqa: PLC0415 - not for --help
    from analyzer.report.gateway import plain_answer, render_answer  # noqa: PLC0415 - as above

    graph = _graph(dp_export, cert_dir)
    chosen = [
        one for one in graph.listeners if one.profile and listener in {None, one.name, one.label}
    ]
    if not chosen:
        names = ", ".join(one.name for one in graph.listeners if one.profile) or "none"
        wanted = f"no TLS listener {listener}" if listener else "no TLS listener"
        raise UsageError(f"{dp_export[0]}: {wanted}; it has {names}")
    offer = _hello(hello)
    answers = [(one, answer(one.profile, offer)) for one in chosen if one.profile is not None]
    if form is Form.JSON:
        _print_json([plain_answer(one, said) for one, said in answers])
    else:
        text = "\n".join(render_answer(one, said) for one, said in answers)
        standard_output().write(text)


def _graph(exports: list[Path], folder: Path | None) -> Graph:
    from analyzer.datapower.load import load_graph  # noqa: PLC0415 - not for --help

    graph = load_graph(exports, folder)
    if graph is None:
        raise UsageError("no export; give --dp-export FILE")
    return graph


def _moment(at: str | None) -> int:
    """The time by which dates are judged, ns: now, unless a day is given."""
    if at is None:
        return time.time_ns()
    try:
        day = datetime.fromisoformat(at)
    except ValueError as error:
        raise UsageError(f"{at}: no date; write it as 2026-11-30") from error
    return int((day if day.tzinfo else day.replace(tzinfo=UTC)).timestamp()) * 1_000_000_000


def _hello(place: str) -> ClientHello:
    """The ClientHello of one connection of a capture."""
    from analyzer.pipeline import Analysis, Selection  # noqa: PLC0415 - loads numpy and more

    path, _, number = place.rpartition(":")
    if not path or not number.isdecimal():
        raise UsageError(f"{place}: give the capture and the stream, as in trace.pcap:3")
    analysis = Analysis([path])
    for judged in analysis.judged(Selection(streams=frozenset({int(number)}))):
        if judged.story.offer is not None:
            return judged.story.offer
        raise UsageError(f"{place}: this connection has no ClientHello; choose another stream")
    raise UsageError(f"{path}: no TCP stream {number}; use Wireshark's tcp.stream number")


def _print_json(value: Any) -> None:
    json.dump(value, sys.stdout, indent=2, ensure_ascii=False)
    standard_output().write("\n")
