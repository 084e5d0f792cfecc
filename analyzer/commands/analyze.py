"""``analyze``: captures to a report."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from analyzer.commands import COMMANDS, papers, refuse_to_overwrite, standard_output
from analyzer.commands.book import handbook
from analyzer.commands.printing import Outlet, writer
from analyzer.errors import UsageError
from analyzer.report.formats import Format, Style

if TYPE_CHECKING:
    from analyzer.datapower.case import Case
    from analyzer.report.progress import ProgressBar

ENVIRONMENT: Final = "HANDSHAKE_ANALYZER_KEY_PASSWORD"


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
    template: Annotated[
        str | None,
        typer.Option(
            metavar="FILE.j2",
            help="Print what this Jinja2 template makes of the report; jira, servicenow and github "
            "come with the program.",
        ),
    ] = None,
    given: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A value for the template; repeatable."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write to this file instead.")
    ] = None,
    stream: Annotated[
        list[int] | None,
        typer.Option("--stream", min=0, help="Only this connection (tcp.stream); repeatable."),
    ] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Only connections that failed.")] = False,
    keylog: Annotated[
        list[str] | None,
        typer.Option(
            "--keylog",
            metavar="FILE",
            help="Decrypt handshakes and alerts with the secrets of an NSS key log; repeatable.",
        ),
    ] = None,
    key: Annotated[
        list[str] | None,
        typer.Option(
            "--key",
            metavar="FILE",
            help="Decrypt RSA key exchanges with a server's private key (PEM); repeatable.",
        ),
    ] = None,
    key_password_file: Annotated[
        str | None,
        typer.Option(
            "--key-password-file",
            metavar="FILE",
            help=f"Its first line opens encrypted private keys; else {ENVIRONMENT} is asked.",
        ),
    ] = None,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit with status 1 if a connection failed.")
    ] = False,
    dp_export: papers.Export = None,
    cert_dir: papers.Certificates = None,
    dp_address: papers.Address = None,
    dp_log: papers.LogFiles = None,
    dp_clock_offset: papers.ClockOffset = None,
    product: Annotated[
        list[str] | None,
        typer.Option(
            "--product",
            metavar="[SIDE=]NAME",
            help="Word remedies for this product, as in 'java' or 'client=java'; repeatable. There are "
            "apache, datapower, dotnet, f5, go, haproxy, iis, java, nginx, node, openssl.",
        ),
    ] = None,
    rules: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Ask the rules of this folder, too (docs/writing-a-rule.md)."
        ),
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Tell all in full, however many went well.")
    ] = False,
    follow: Annotated[
        bool,
        typer.Option(
            "--follow",
            help="The capture still grows: wait for more; Ctrl-C ends. "
            "With --format ndjson connections are told meanwhile, else at the end.",
        ),
    ] = False,
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs",
            "-j",
            min=1,
            help="Processes that share the work of a capture of many connections; by default as "
            "many as there are processors.",
        ),
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Tell every failure, and list the rest.")
    ] = False,
    local: Annotated[
        bool, typer.Option("--local", help="Times of this machine's zone instead of UTC.")
    ] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="Print without colour.")] = False,
) -> None:
    """Analyse captures; 'handshake-analyzer trace.pcap' is short for it."""
    for name in files:
        _check(name, files)
    given_files = (files, keylog, key, dp_export, dp_log, [template] if template else None)
    refuse_to_overwrite(output, chain.from_iterable(filter(None, given_files)))
    write = writer(form, template, given)
    from analyzer.keys import read_secrets  # noqa: PLC0415 - not for --help
    from analyzer.pipeline import Analysis, Selection  # noqa: PLC0415 - loads numpy and more
    from analyzer.report.sink import written_beside  # noqa: PLC0415 - not for --help

    book = handbook(rules, product or ())
    selection = Selection(streams=frozenset(stream) if stream else None, failed=failed)
    case = _case(files, dp_export, cert_dir, dp_address, dp_log)
    if dp_clock_offset is not None and case.log is None:
        raise UsageError("--dp-clock-offset belongs to a log; give --dp-log as well")
    secrets = read_secrets(keylog or (), key or (), _password(key_password_file))
    lines = form is Format.NDJSON and not template
    live = lines and (follow or (files == ["-"] and _is_pipe()))
    analysis = Analysis(
        case.sources,
        progress=(bar := _bar(lines=lines, to_file=output is not None)),
        full=full,
        live=live,
        follow=follow or live,
        graph=case.graph,
        log=case.log,
        clock_offset=dp_clock_offset,
        secrets=secrets,
        jobs=jobs or _processors(),
        book=book,
    )
    colour = False if no_color or output else None
    style = Style(verbose, chosen=bool(stream), colour=colour, local=local, live=live)
    with written_beside(output) if output else contextlib.nullcontext(standard_output()) as sink:
        failures = write(analysis, selection, Outlet(sink, style, bar or contextlib.nullcontext()))
    if template or form in {Format.NDJSON, Format.CSV}:  # others have it with the file's caveats
        from analyzer.report.escape import printable  # noqa: PLC0415 - not for --help

        sys.stderr.writelines(f"{printable(complaint)}\n" for complaint in analysis.complaints)
    if exit_code and failures:
        raise typer.Exit(1)


def _case(
    files: list[str],
    exports: list[Path] | None,
    folder: Path | None,
    addresses: list[str] | None,
    logs: list[Path] | None,
) -> Case:
    """What was given; the readers of a gateway's papers are loaded where there are any."""
    from analyzer.datapower.beginnings import may_be_report  # noqa: PLC0415 - not for --help
    from analyzer.datapower.case import Case  # noqa: PLC0415 - as above

    given = any((exports, folder, addresses, logs))
    if not given and not any(may_be_report(name) for name in files if name != "-"):
        return Case(files)
    from analyzer.datapower.load import load_case  # noqa: PLC0415 - only with papers

    return load_case(files, exports, folder, addresses or (), logs)


def _processors() -> int:
    """How many processors this process may use."""
    with contextlib.suppress(AttributeError):  # where a process cannot be bound to some of them
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _password(file: str | None) -> bytes | None:
    """The password of private keys: from a file, else from the environment."""
    if file is None:
        said = os.environ.get(ENVIRONMENT)
        return said.encode() if said is not None else None
    from analyzer.keys import read_password  # noqa: PLC0415 - not for --help

    return read_password(file)


def _check(name: str, names: list[str]) -> None:
    """Refuse what can only be a mistake, before anything slow is loaded."""
    if len(names) > 1 and (name == "-" or Path(name).is_fifo()):
        what = "standard input" if name == "-" else "a pipe"
        raise UsageError(f"{name}: {what} cannot be one of several files; analyse it alone")
    if not name:
        raise UsageError("the name of a file is empty; is the variable of the shell set?")
    bare = name != "-" and Path(name).name == name and "." not in name
    if bare and name == names[0] and not Path(name).exists():
        raise UsageError(
            f"{name}: neither a file nor a command; commands are {', '.join(COMMANDS)}"
        )


def _is_pipe() -> bool:
    """Whether standard input is still being written, and no file."""
    try:
        return not stat.S_ISREG(os.fstat(sys.stdin.fileno()).st_mode)
    except (OSError, ValueError):
        return False


def _bar(*, lines: bool, to_file: bool) -> ProgressBar | None:
    """Progress for a terminal, unless lines of the report appear on one meanwhile."""
    if not sys.stderr.isatty() or (lines and not to_file and sys.stdout.isatty()):
        return None
    from analyzer.report.progress import ProgressBar  # noqa: PLC0415 - loads rich

    return ProgressBar(sys.stderr)
