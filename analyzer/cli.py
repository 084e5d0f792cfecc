"""The command line: parse options, call the library, render, exit.

Exit status 0: analysed; 1: ``--exit-code`` was given and a connection failed; 2: the command line
or a file could not be used, which one line on standard error says. Everything that is slow to
import is imported where it is used, so that ``--help`` answers at once.
"""

from __future__ import annotations

import contextlib
import enum
import os
import sys
from collections.abc import Iterable
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, cast

import typer

from analyzer import __version__

if TYPE_CHECKING:
    from analyzer.pipeline import Analysis, Selection
    from analyzer.report.schema import Connection

NAME: Final = "handshake-analyzer"
COMMANDS: Final = ("analyze", "explain", "rules", "schema")
INTERRUPTED: Final = 130  # 128 + SIGINT
PIPE_CLOSED: Final = 141  # 128 + SIGPIPE
_COMPLETION: Final = "_HANDSHAKE_ANALYZER_COMPLETE"

app = typer.Typer(
    name=NAME,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="'analyze' may be left out: handshake-analyzer trace.pcap",
)


class Format(enum.StrEnum):
    """How ``analyze`` prints its report."""

    TEXT = "text"
    JSON = "json"
    NDJSON = "ndjson"


class UsageError(Exception):
    """The command line cannot be used; the text says what is wrong and what to do."""


def main() -> None:
    """Run the command line of this process."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run a command line and return its exit status."""
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    debug = "--debug" in options
    rest = [a for a in options if a != "--debug"] + arguments[len(options) :]
    try:
        status = _invoke(_with_command(rest))
        sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _abandon_stdout()
        return PIPE_CLOSED
    except Exception as error:  # the last resort: no traceback reaches a user who did not ask
        if debug:
            raise
        _complain(_explanation(error))
        if isinstance(error, OSError):
            _abandon_stdout()
        return 2
    return status


def _abandon_stdout() -> None:
    """Keep the interpreter from complaining at its end that it cannot write the rest."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _with_command(arguments: list[str]) -> list[str]:
    """Put in ``analyze`` where it was left out."""
    first = next((a for a in arguments if not a.startswith("-") or a == "-"), None)
    own = {"-h", "--help", "--version", "--install-completion", "--show-completion"}
    if not arguments or arguments[0] in own or first in COMMANDS:
        return arguments
    return ["analyze", *arguments]


def _invoke(arguments: list[str]) -> int:
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # names may hold what the locale lacks
            stream.reconfigure(errors="backslashreplace")
    command = typer.main.get_command(app)
    if _COMPLETION in os.environ:  # the shell asks what may come next
        command.main(args=arguments, prog_name=NAME)
    try:
        # Not main(): it would turn a reader that goes away into exit status 1.
        with command.make_context(NAME, arguments) as context:
            command.invoke(context)
    except typer.Exit as end:
        return end.exit_code
    return 0


def _explanation(error: Exception) -> str:
    """One line: what is wrong, where, and what to do."""
    from analyzer.errors import CaptureError  # noqa: PLC0415 - only when something is wrong

    if isinstance(error, (CaptureError, UsageError)):
        return str(error)
    if hasattr(error, "format_message"):  # typer's own: a wrong option, a missing argument
        context = getattr(error, "ctx", None)
        where = context.command_path if context else NAME
        return f"{error.format_message().rstrip('.')}; see '{where} --help'"
    if isinstance(error, typer.Abort):
        return "aborted"
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        return f"{place}{error.strerror or error}; check the path and the space left"
    kind = type(error).__name__
    return f"internal error, {kind}: {error}; please report it with the output of --debug"


def _complain(problem: str) -> None:
    from analyzer.report.escape import one_line  # noqa: PLC0415 - only when something is wrong

    with contextlib.suppress(OSError):  # standard error may be closed
        sys.stderr.write(f"{NAME}: {one_line(problem)}\n")


def _version(value: bool) -> None:
    if value:
        typer.echo(f"{NAME} {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def handshake_analyzer(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Say which step of a TLS handshake failed, who gave up, why, and what to change."""
    if context.invoked_subcommand is None and not version:
        typer.echo(context.get_help())


@app.command()
def analyze(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE",
            help="Captures (pcap, pcapng); '-' is standard input. Several files are one capture "
            "that was kept in parts, and are read in order of time.",
        ),
    ],
    form: Annotated[
        Format, typer.Option("--format", "-f", help="How to print the report.")
    ] = Format.TEXT,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write to this file instead.")
    ] = None,
    stream: Annotated[
        list[int] | None,
        typer.Option("--stream", min=0, help="Only this connection (tcp.stream); repeatable."),
    ] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Only connections that failed.")] = False,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit with status 1 if a connection failed.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Tell every failure, and list the rest.")
    ] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="Print without colour.")] = False,
) -> None:
    """Analyse captures; 'handshake-analyzer trace.pcap' is short for it."""
    for name in files:
        _check(name, files)
    from analyzer.pipeline import Analysis, Selection  # noqa: PLC0415 - loads numpy and more
    from analyzer.report.progress import ProgressBar  # noqa: PLC0415 - not for --help
    from analyzer.report.sink import written_beside  # noqa: PLC0415 - not for --help

    selection = Selection(streams=frozenset(stream) if stream else None, failed=failed)
    bar = ProgressBar(sys.stderr) if sys.stderr.isatty() else None
    with bar or contextlib.nullcontext():
        analysis = Analysis(files, progress=bar)
        analysis.read()
    missing = sorted((selection.streams or frozenset()) - analysis.streams)
    if missing:
        raise UsageError(
            f"{files[0]}: no TCP stream {missing[0]} ({_known(len(analysis.streams))}); "
            "use Wireshark's tcp.stream number"
        )
    colour = False if no_color or output else None
    with written_beside(output) if output else contextlib.nullcontext(_stdout()) as sink:
        failures = _print(analysis, selection, form, sink, verbose=verbose, colour=colour)
    if exit_code and failures:
        raise typer.Exit(1)


@app.command()
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


@app.command()
def rules(
    no_color: Annotated[bool, typer.Option("--no-color", help="Print without colour.")] = False,
) -> None:
    """List all rules: id, cause, title."""
    from analyzer import rules as catalogue  # noqa: PLC0415 - loads every rule
    from analyzer.report.explain import render_rules  # noqa: PLC0415 - as above

    render_rules(catalogue.modules(), sys.stdout, colour=False if no_color else None)


@app.command()
def schema() -> None:
    """Print the JSON Schema of the report."""
    from analyzer.report.machine import render_schema  # noqa: PLC0415 - loads msgspec
    from analyzer.report.sink import write_all  # noqa: PLC0415 - as above

    write_all(_stdout(), render_schema())


def _check(name: str, names: list[str]) -> None:
    """Refuse what can only be a mistake, before anything slow is loaded."""
    if name == "-" and len(names) > 1:
        raise UsageError("-: standard input cannot be one of several files; analyse it alone")
    bare = name != "-" and Path(name).name == name and "." not in name
    if bare and len(names) == 1 and not Path(name).exists():
        raise UsageError(
            f"{name}: neither a file nor a command; commands are {', '.join(COMMANDS)}"
        )


def _known(count: int) -> str:
    return f"it has 0 to {count - 1}" if count else "it has none"


def _print(
    analysis: Analysis,
    selection: Selection,
    form: Format,
    sink: TextIOWrapper,
    *,
    verbose: bool,
    colour: bool | None,
) -> int:
    """Print the report in the form that was asked for; return how many failures it shows."""
    if form is Format.NDJSON:
        return _print_lines(analysis.connections(selection), sink)
    report = analysis.report(selection)
    if form is Format.JSON:
        from analyzer.report.machine import render_json  # noqa: PLC0415 - only what is asked for
        from analyzer.report.sink import write_all  # noqa: PLC0415 - as above

        write_all(sink, render_json(report))
    else:
        from analyzer.report.console import render_console  # noqa: PLC0415 - loads rich

        chosen = selection.streams is not None
        render_console(report, sink, verbose=verbose, chosen=chosen, colour=colour)
    return len(report.failed)


def _print_lines(connections: Iterable[Connection], sink: TextIOWrapper) -> int:
    from analyzer.report.machine import render_line  # noqa: PLC0415 - only what is asked for
    from analyzer.report.sink import write_all  # noqa: PLC0415 - as above

    failures = 0
    for connection in connections:
        write_all(sink, render_line(connection))
        failures += connection.outcome == "failed"
    return failures


def _stdout() -> TextIOWrapper:
    return cast("TextIOWrapper", sys.stdout)
