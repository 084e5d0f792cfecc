"""``probe``: a handshake with a server now, told as a capture would be."""

from __future__ import annotations

import contextlib
import enum
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from analyzer.commands import standard_output
from analyzer.errors import UsageError

if TYPE_CHECKING:
    from analyzer.live.clients import Attempt, Client
    from analyzer.live.link import Goal
    from analyzer.live.recorder import Recording
    from analyzer.report.schema import Report


class Program(enum.StrEnum):
    """Who shakes hands."""

    AUTO = "auto"
    OPENSSL = "openssl"
    PYTHON = "python"


class Form(enum.StrEnum):
    """How the story is printed."""

    TEXT = "text"
    JSON = "json"


def probe(
    place: Annotated[
        str, typer.Argument(metavar="HOST:PORT", help="The server; the port is 443 if left out.")
    ],
    sni: Annotated[
        str | None, typer.Option("--sni", help="The name to ask for and to check, if not HOST.")
    ] = None,
    no_sni: Annotated[bool, typer.Option("--no-sni", help="Send no server name.")] = False,
    alpn: Annotated[
        str | None, typer.Option("--alpn", help="Protocols to offer, as in h2,http/1.1.")
    ] = None,
    starttls: Annotated[
        str | None, typer.Option("--starttls", metavar="PROTOCOL", help="smtp, imap, ldap …")
    ] = None,
    proxy: Annotated[
        str | None, typer.Option("--proxy", metavar="HOST:PORT", help="Go by HTTP CONNECT.")
    ] = None,
    cert: Annotated[Path | None, typer.Option("--cert", help="Client certificate, PEM.")] = None,
    key: Annotated[
        Path | None, typer.Option("--key", help="Its key, PEM; if not beside it.")
    ] = None,
    ca: Annotated[
        Path | None, typer.Option("--ca", help="Trust these roots, not the system's.")
    ] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", "-k", help="Take any certificate.")
    ] = False,
    like: Annotated[
        str | None,
        typer.Option("--like", metavar="FILE:STREAM", help="Send the ClientHello of a capture."),
    ] = None,
    matrix: Annotated[
        bool,
        typer.Option("--matrix", help="Ask what it takes: versions, suites, groups, one by one."),
    ] = False,
    most: Annotated[
        int, typer.Option("--most", min=1, max=1000, help="Connections that --matrix may make.")
    ] = 150,
    pause: Annotated[
        float, typer.Option("--pause", min=0, max=60, help="Seconds between them.")
    ] = 0.2,
    client: Annotated[Program, typer.Option("--client", help="Who shakes hands.")] = Program.AUTO,
    write: Annotated[
        Path | None, typer.Option("--write", "-w", help="Also write a capture (pcap, pcapng).")
    ] = None,
    keylog: Annotated[
        Path | None,
        typer.Option("--keylog", help="Also write the session's secrets, to decrypt the capture."),
    ] = None,
    timeout: Annotated[
        float, typer.Option("--timeout", min=0.5, max=300, help="Seconds for each step.")
    ] = 10.0,
    ipv4: Annotated[bool, typer.Option("--ipv4", "-4", help="Use IPv4 only.")] = False,
    ipv6: Annotated[bool, typer.Option("--ipv6", "-6", help="Use IPv6 only.")] = False,
    form: Annotated[Form, typer.Option("--format", "-f", help="How to print.")] = Form.TEXT,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit with status 1 if the handshake failed.")
    ] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="Print without colour.")] = False,
) -> None:
    """Shake hands with a server now, without root, and tell the story of it."""
    from analyzer.live.probe import client_of  # noqa: PLC0415 - loads numpy and more

    goal = _goal(
        place,
        name=None if no_sni else sni,
        named=not no_sni,
        alpn=alpn,
        starttls=starttls,
        proxy=proxy,
        files=(cert, key, ca),
        check=not insecure,
        timeout=timeout,
        versions=(ipv4, ipv6),
    )
    if matrix:
        _explore(goal, most, pause, write, form, colour=False if no_color else None)
        return
    chosen = _like(like, sni) if like else client_of(client.value)
    attempt = chosen(goal)
    write_capture(write, [attempt.recording])
    write_key_log(keylog, attempt.key_log)
    report = _told(goal, attempt)
    _print(report, attempt, form, colour=False if no_color else None)
    if exit_code and report.failed:
        raise typer.Exit(1)


def _goal(
    place: str,
    *,
    name: str | None,
    named: bool,
    alpn: str | None,
    starttls: str | None,
    proxy: str | None,
    files: tuple[Path | None, Path | None, Path | None],
    check: bool,
    timeout: float,
    versions: tuple[bool, bool],
) -> Goal:
    """Check the options and put them together."""
    import socket  # noqa: PLC0415 - not for --help

    from analyzer.live.link import Goal  # noqa: PLC0415 - as above
    from analyzer.live.starttls import PROTOCOLS  # noqa: PLC0415 - as above
    from analyzer.reproduce.recipe import host_and_port  # noqa: PLC0415 - as above
    from analyzer.reproduce.shell import host_name  # noqa: PLC0415 - as above

    host, port = host_and_port(place, 443)
    if name is not None and host_name(name) is None:
        raise UsageError(f"--sni {name}: no host name; write it in ASCII, as in gateway.example")
    if starttls is not None and starttls not in PROTOCOLS:
        raise UsageError(f"--starttls {starttls}: not known; choose of {', '.join(PROTOCOLS)}")
    certificate, key, authorities = files
    for path in (entry for entry in files if entry is not None):
        if not path.is_file():
            raise UsageError(f"{path}: no such file; check the path")
    numeric = ":" in host or host.replace(".", "").isdecimal()
    family = {(True, False): socket.AF_INET, (False, True): socket.AF_INET6}
    return Goal(
        host,
        port,
        server_name=name or (host if named and not numeric else None),
        starttls=starttls,
        proxy=host_and_port(proxy, 8080) if proxy else None,
        certificate=certificate,
        key=key,
        authorities=authorities,
        alpn=tuple(_protocols(alpn)),
        check=check,
        timeout=timeout,
        family=family.get(versions, socket.AF_UNSPEC),
    )


def _protocols(text: str | None) -> list[str]:
    names = text.split(",") if text else []
    if not all(name.isascii() and 0 < len(name) < 256 for name in names):
        raise UsageError(f"--alpn {text}: no list of protocols; write it as in h2,http/1.1")
    return names


def _like(place: str, name: str | None) -> Client:
    """The client that sends the ClientHello of a capture."""
    from analyzer.commands.connection import connection  # noqa: PLC0415 - only when asked for
    from analyzer.live.clients import with_hello  # noqa: PLC0415 - as above
    from analyzer.live.hello import freshened, serialise  # noqa: PLC0415 - as above

    story = connection(place).story
    if not story.offers:
        raise UsageError(f"{place}: its ClientHello is not in the capture; choose another stream")
    note = (
        "the client is only its ClientHello: random, session id and key shares are fresh, "
        "old sessions left out; the story ends at the server's answer"
    )
    return with_hello(serialise(freshened(story.offers[0], name)), (note,))


def _explore(
    goal: Goal, most: int, pause: float, write: Path | None, form: Form, *, colour: bool | None
) -> None:
    """Ask the server for all that it takes, and print the lists."""
    import json  # noqa: PLC0415 - only when asked for

    from analyzer.live.matrix import explore  # noqa: PLC0415 - as above
    from analyzer.live.matrix_page import matrix_document, render_matrix  # noqa: PLC0415 - as above

    def tell(asked: int) -> None:
        sys.stderr.write(f"\rasked {asked} times")
        sys.stderr.flush()

    found = explore(goal, most=most, pause=pause, progress=tell if sys.stderr.isatty() else None)
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
    write_capture(write, found.recordings)
    if form is Form.JSON:
        document = json.dumps(matrix_document(found, goal.place), indent=2)
        standard_output().write(f"{document}\n")
    else:
        render_matrix(found, goal.place, standard_output(), colour=colour)


def write_capture(path: Path | None, recordings: Sequence[Recording]) -> None:
    """Write what was recorded as a capture, beside its name and then renamed."""
    if path is None:
        return
    from analyzer.live.probe import form_for  # noqa: PLC0415 - only what is asked for
    from analyzer.live.recorder import written  # noqa: PLC0415 - as above
    from analyzer.report.sink import write_all, written_beside  # noqa: PLC0415 - as above

    with written_beside(path) as sink:
        write_all(sink, written(recordings, form_for(path.name)))


def write_key_log(path: Path | None, key_log: bytes) -> None:
    """Write secrets that the user asked for; nobody else may read them."""
    if path is None:
        return
    from analyzer.report.sink import write_all, written_beside  # noqa: PLC0415 - only when asked

    with written_beside(path) as sink:
        write_all(sink, key_log)
    path.chmod(0o600)


def _told(goal: Goal, attempt: Attempt) -> Report:
    from analyzer.live.probe import told  # noqa: PLC0415 - loads numpy and more

    return told([attempt.recording], f"probe of {goal.place}", attempt.key_log)


def _print(report: Report, attempt: Attempt, form: Form, *, colour: bool | None) -> None:
    sink = standard_output()
    if form is Form.JSON:
        from analyzer.report.machine import render_json  # noqa: PLC0415 - only what is asked for
        from analyzer.report.sink import write_all  # noqa: PLC0415 - as above

        write_all(sink, render_json(report))
        return
    from analyzer.report.console import render_console  # noqa: PLC0415 - loads rich
    from analyzer.report.escape import one_line  # noqa: PLC0415 - as above

    render_console(report, sink, chosen=True, colour=colour)
    said = f"; it said: {attempt.said}" if attempt.said else ""
    with contextlib.suppress(OSError):
        for words in (f"The client was {attempt.client}{said}", *attempt.notes):
            sys.stderr.write(f"{one_line(words)}\n")
