"""The command line: parse options, call the library, render, exit.

Exit status 0: analysed; 1: ``--exit-code`` was given and a connection failed; 2: the command line
or a file could not be used, which one line on standard error says. Everything that is slow to
import is imported where it is used, so that ``--help`` answers at once.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import signal
import sys
from collections.abc import Iterable, Sequence
from typing import Annotated, Final

import typer

from analyzer import __version__
from analyzer.commands import COMMANDS, NAME
from analyzer.errors import CaptureError, UsageError

INTERRUPTED: Final = 130  # 128 + SIGINT
PIPE_CLOSED: Final = 141  # 128 + SIGPIPE
_COMPLETION: Final = "_HANDSHAKE_ANALYZER_COMPLETE"
_ELSEWHERE: Final = "make room, or write elsewhere"
_OF_WRITING: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EBADF})
_HINTS: Final = {
    errno.ENOSPC: _ELSEWHERE,
    errno.EDQUOT: _ELSEWHERE,
    errno.EFBIG: _ELSEWHERE,
    errno.EROFS: "write elsewhere",
    errno.EBADF: "it is closed; open it, or write to a file",
    errno.ENOENT: "check the path",
    errno.ENOTDIR: "check the path",
    errno.EEXIST: "name another",
    errno.EISDIR: "name a file",
}


def main() -> None:
    """Run the command line of this process."""
    # numpy's algebra goes unused here, and its threads take time at every start.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    _end_as_if_interrupted()
    sys.exit(run(sys.argv[1:]))


class _Ended(KeyboardInterrupt):
    """Somebody ended the process, as a time limit of CI does; what is half written has to go."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.status = 128 + number


def _end_as_if_interrupted() -> None:
    """Let SIGTERM and SIGHUP end this process as Ctrl-C does, and those that it starts as ever."""
    own = os.getpid()

    def end(number: int, _: object) -> None:
        signal.signal(number, signal.SIG_DFL)  # the second time it is meant
        if os.getpid() == own:
            raise _Ended(number)
        os.kill(os.getpid(), number)

    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no hangup
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:  # nohup ignores it
            signal.signal(number, end)


def run(arguments: list[str]) -> int:
    """Run a command line and return its exit status."""
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    debug = "--debug" in options
    rest = [a for a in options if a != "--debug"] + arguments[len(options) :]
    asked = _with_command(rest)
    _open_what_is_closed()
    try:
        status = _invoke(asked)
        sys.stdout.flush()
    except KeyboardInterrupt as end:
        return end.status if isinstance(end, _Ended) else INTERRUPTED
    except BrokenPipeError:
        _abandon_stdout()
        return PIPE_CLOSED
    except Exception as error:  # the last resort: no traceback reaches a user who did not ask
        if debug:
            raise
        _complain(_explanation(error, asked))
        if isinstance(error, OSError):
            _abandon_stdout()
        return 2
    return status


def program(commands: Iterable[str] = COMMANDS) -> typer.Typer:
    """Make the program with these commands, each from the module of its name."""
    app = typer.Typer(
        name=NAME,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        epilog="'analyze' may be left out: handshake-analyzer trace.pcap",
    )
    app.callback(invoke_without_command=True)(_handshake_analyzer)
    for name in commands:
        module = importlib.import_module(f"analyzer.commands.{name}")
        command = getattr(module, name)
        if isinstance(command, typer.Typer):  # a command with commands of its own
            app.add_typer(command, name=name)
        else:
            app.command(name)(command)
    return app


def _open_what_is_closed() -> None:
    """Put something in the place of standard streams that the caller closed, as with ``>&-``.

    Else the next file opened would get their number. What is written to standard output fails,
    since nobody would read it; complaints have nowhere to go.
    """
    if sys.stdin is None:
        sys.stdin = os.fdopen(os.open(os.devnull, os.O_RDONLY), encoding="utf-8")
    if sys.stdout is None:
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_RDONLY), "w", encoding="utf-8")
    if sys.stderr is None:
        sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8")


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


def _wanted(arguments: list[str]) -> Sequence[str]:
    """The commands that a command line is about: one, unless it or the shell asks for all."""
    named = arguments[:1]
    return named if named and named[0] in COMMANDS and _COMPLETION not in os.environ else COMMANDS


def _invoke(arguments: list[str]) -> int:
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # names may hold what the locale lacks
            stream.reconfigure(errors="backslashreplace")
    command = typer.main.get_command(program(_wanted(arguments)))
    if _COMPLETION in os.environ:  # the shell asks what may come next
        command.main(args=arguments, prog_name=NAME)
    try:
        # Not main(): it would turn a reader that goes away into exit status 1.
        with command.make_context(NAME, arguments) as context:
            command.invoke(context)
    except typer.Exit as end:
        return end.exit_code
    return 0


def _explanation(error: Exception, arguments: list[str]) -> str:
    """One line: what is wrong, where, and what to do."""
    if isinstance(error, (CaptureError, UsageError)):
        return str(error)
    if hasattr(error, "format_message"):  # typer's own: a wrong option, a missing argument
        context = getattr(error, "ctx", None)
        named = arguments[0] if arguments and arguments[0] in COMMANDS else ""
        where = context.command_path if context else f"{NAME} {named}".rstrip()
        return f"{error.format_message().rstrip('.')}; see '{where} --help'"
    if isinstance(error, typer.Abort):
        return "aborted"
    if isinstance(error, OSError):
        place = error.filename or ("standard output" if error.errno in _OF_WRITING else "")
        hint = _HINTS.get(error.errno or 0, "check the path, and who may read and write it")
        return f"{place}{place and ': '}{error.strerror or error}; {hint}"
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


def _handshake_analyzer(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Say which step of a TLS handshake failed, who gave up, why, and what to change."""
    if context.invoked_subcommand is None and not version:
        typer.echo(context.get_help())
