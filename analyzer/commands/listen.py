"""``listen``: a server for the client that fails, which tells the story of every client."""

from __future__ import annotations

import enum
import ipaddress
import sys
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from analyzer.commands import standard_output
from analyzer.commands.probe import write_capture, write_key_log
from analyzer.errors import UsageError

if TYPE_CHECKING:
    from analyzer.live.certificate import Identity
    from analyzer.live.listen import Listener, Terms
    from analyzer.live.recorder import Recording

_KEPT_MOST: Final = 200  # clients in the report at the end and in the written capture


class Form(enum.StrEnum):
    """How the stories are printed."""

    TEXT = "text"
    JSON = "json"


class Version(enum.StrEnum):
    """Versions that a listener can be held to."""

    TLS10 = "TLSv1.0"
    TLS11 = "TLSv1.1"
    TLS12 = "TLSv1.2"
    TLS13 = "TLSv1.3"


def listen(
    port: Annotated[
        str, typer.Argument(metavar="PORT", help="The port, as in 8443; 0 takes a free one.")
    ],
    bind: Annotated[
        str, typer.Option("--bind", help="Listen on this address; others can reach it then.")
    ] = "127.0.0.1",
    cert: Annotated[
        Path | None, typer.Option("--cert", help="Certificate with its chain, PEM; or one is made.")
    ] = None,
    key: Annotated[
        Path | None, typer.Option("--key", help="Its key, PEM; if not beside it.")
    ] = None,
    name: Annotated[
        list[str] | None, typer.Option("--name", help="Name in the made certificate; repeatable.")
    ] = None,
    rsa: Annotated[bool, typer.Option("--rsa", help="Make it with an RSA key, not EC.")] = False,
    lowest: Annotated[
        Version | None, typer.Option("--min", help="Lowest version to accept.")
    ] = None,
    highest: Annotated[
        Version | None, typer.Option("--max", help="Highest version to accept.")
    ] = None,
    ciphers: Annotated[
        str | None, typer.Option("--ciphers", help="OpenSSL's list of suites before TLS 1.3.")
    ] = None,
    alpn: Annotated[
        str | None, typer.Option("--alpn", help="Protocols to accept, as in h2,http/1.1.")
    ] = None,
    ask_cert: Annotated[
        Path | None,
        typer.Option("--ask-cert", metavar="ROOTS", help="Ask for a client certificate of these."),
    ] = None,
    require_cert: Annotated[
        Path | None,
        typer.Option("--require-cert", metavar="ROOTS", help="Insist on a client certificate."),
    ] = None,
    count: Annotated[
        int | None, typer.Option("--count", min=1, help="Stop after so many clients.")
    ] = None,
    write: Annotated[
        Path | None,
        typer.Option("--write", "-w", help="Write a capture of all clients at the end."),
    ] = None,
    keylog: Annotated[
        Path | None,
        typer.Option("--keylog", help="Also write the sessions' secrets, to decrypt the capture."),
    ] = None,
    timeout: Annotated[
        float, typer.Option("--timeout", min=0.5, max=300, help="Seconds for a client's handshake.")
    ] = 15.0,
    form: Annotated[
        Form, typer.Option("--format", "-f", help="json comes at the end.")
    ] = Form.TEXT,
    no_color: Annotated[bool, typer.Option("--no-color", help="Print without colour.")] = False,
) -> None:
    """Wait for clients, shake hands, and tell the story of each; stop with Ctrl-C."""
    number = _port(port)
    from analyzer.live.listen import Listener, Terms  # noqa: PLC0415 - loads ssl and more

    terms = Terms(
        certificate=cert,
        key=key,
        made=None if cert else _made([*(name or []), "localhost", bind], rsa=rsa),
        lowest=lowest,
        highest=highest,
        ciphers=ciphers,
        alpn=tuple(alpn.split(",")) if alpn else (),
        client_roots=require_cert or ask_cert,
        asks=ask_cert is not None,
        insists=require_cert is not None,
        timeout=timeout,
    )
    _check_address(bind)
    listener = Listener(bind, number, terms)
    _announce(listener, terms)
    colour = False if no_color else None
    kept, key_log = _serve(listener, count, form, colour=colour)
    write_capture(write, kept)
    write_key_log(keylog, key_log)
    _finish(kept, key_log, form, colour=colour)


def _port(text: str) -> int:
    bare = text.removeprefix(":")
    if not bare.isdecimal() or int(bare) > 65_535:
        raise UsageError(f"{text}: no port; write a number, as in 8443")
    return int(bare)


def _check_address(bind: str) -> None:
    try:
        address = ipaddress.ip_address(bind)
    except ValueError:
        raise UsageError(f"--bind {bind}: no address; write one of this machine's") from None
    if not address.is_loopback:
        whom = "every network of this machine" if address.is_unspecified else "its network"
        sys.stderr.write(
            f"Listening on {bind}: whoever can reach {whom} can connect, until this stops.\n"
        )


def _made(names: list[str], *, rsa: bool) -> Identity:
    from analyzer.live.certificate import make_identity  # noqa: PLC0415 - loads cryptography
    from analyzer.reproduce.shell import host_name  # noqa: PLC0415 - as above

    for name in names[:-2]:
        if host_name(name) is None:
            raise UsageError(f"--name {name}: no host name; write it in ASCII")
    return make_identity(names, rsa_key=rsa)


def _announce(listener: Listener, terms: Terms) -> None:
    host, port = listener.address
    whose = str(terms.certificate) if terms.certificate else "a certificate made for this run"
    sys.stderr.write(f"Listening on {host} port {port} with {whose}; Ctrl-C stops.\n")
    sys.stderr.flush()


def _serve(
    listener: Listener, count: int | None, form: Form, *, colour: bool | None
) -> tuple[list[Recording], bytes]:
    """Serve until the count is reached or the user stops it; tell each story as it comes."""
    kept: deque[Recording] = deque(maxlen=_KEPT_MOST)
    try:
        for recording in listener.recordings(count):
            kept.append(recording)
            if form is Form.TEXT:
                _tell([recording], listener.key_log(), chosen=True, colour=colour)
    except KeyboardInterrupt:
        sys.stderr.write("\nStopped.\n")
    finally:
        key_log = listener.key_log()
        listener.close()
    return list(kept), key_log


def _name(recordings: list[Recording]) -> str:
    return "a client that came" if len(recordings) == 1 else f"{len(recordings)} clients that came"


def _tell(
    recordings: list[Recording], key_log: bytes, *, chosen: bool, colour: bool | None
) -> None:
    from analyzer.live.probe import told  # noqa: PLC0415 - loads numpy and more
    from analyzer.report.console import render_console  # noqa: PLC0415 - loads rich

    sink = standard_output()
    report = told(recordings, _name(recordings), key_log)
    render_console(report, sink, chosen=chosen, colour=colour)
    sink.write("\n")
    sink.flush()


def _finish(kept: list[Recording], key_log: bytes, form: Form, *, colour: bool | None) -> None:
    from analyzer.live.probe import told  # noqa: PLC0415 - loads numpy and more

    if form is Form.JSON:
        from analyzer.report.machine import render_json  # noqa: PLC0415 - only when asked for
        from analyzer.report.sink import write_all  # noqa: PLC0415 - as above

        write_all(standard_output(), render_json(told(kept, _name(kept), key_log)))
    elif len(kept) > 1:
        _tell(kept, key_log, chosen=False, colour=colour)
    elif not kept:
        sys.stderr.write("No client came.\n")
