"""Which runs of openssl were with the other side of a connection: by host and port, or by certificate.

``s_client`` prints the server's certificate; ``verify`` names the file of ``certificates/`` that it was given;
host and port stand in the command where that was copied along. What agrees in none of these joins nothing.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from analyzer.mustgather.said import what_openssl_said
from analyzer.report.schema import Connection, Evidence, Frame

_BEGINNING: Final = re.compile(
    r"^(?P<command>.*\bopenssl(?:\.exe)? +(?:s_client|s_server|verify)\b.*)$|^(?:CONNECTED\(|ACCEPT\r?$)",
    re.MULTILINE,
)
_PLACE: Final = re.compile(r"-connect[ =]+\[?([^\s\]]+?)\]?:(\d+)\b")
_NAME: Final = re.compile(r"-servername[ =]+(\S+)")
_PEM: Final = re.compile(r"-----BEGIN CERTIFICATE-----([\sA-Za-z0-9+/=]+)-----END CERTIFICATE-----")
_FILE: Final = re.compile(r"-([0-9a-f]{12})\.pem\b")  # as analyzer.pki.names has it
_FAILED: Final = "connect:errno"  # what a command ends with that does not come to CONNECTED
_MOST: Final = 3  # runs that are told of one connection


@dataclass(frozen=True, slots=True)
class Run:
    """What one run of openssl says, and by what it is known."""

    file: str
    said: str
    place: tuple[str, int] | None  # host as it was given, lower case, and port
    name: str | None  # of -servername
    certificates: frozenset[str]  # beginnings of SHA-256 fingerprints, or these


def runs_of(notes: Mapping[str, str]) -> tuple[Run, ...]:
    """The runs of which something is told, in the order of the files."""
    return tuple(run for file, text in sorted(notes.items()) for run in _runs(file, text))


def _runs(file: str, text: str) -> Iterator[Run]:
    for part in _parts(text):
        said = " / ".join(what_openssl_said(part))
        if not said:
            continue
        place, name = _PLACE.search(part), _NAME.search(part)
        yield Run(
            file=file,
            said=said,
            place=(place[1].lower(), int(place[2])) if place else None,
            name=name[1].lower() if name else None,
            certificates=frozenset([*_fingerprints(part), *_FILE.findall(part)]),
        )


def _parts(text: str) -> Iterator[str]:
    """A part for each run. It begins with its command where that is there, else where openssl says so."""
    begun, commanded = 0, False
    for found in _BEGINNING.finditer(text):
        command, before = found["command"] is not None, text[begun : found.start()]
        if command or not commanded or _FAILED in before:
            yield before
            begun = found.start()
        commanded = command
    yield text[begun:]


def _fingerprints(text: str) -> Iterator[str]:
    for found in _PEM.finditer(text):
        try:
            der = base64.b64decode("".join(found[1].split()), validate=True)
        except binascii.Error:
            continue
        yield hashlib.sha256(der).hexdigest()


def told_by(runs: Sequence[Run], connection: Connection) -> tuple[Evidence, ...]:
    """What runs with the server of a connection, or on its certificate, came to: a sentence each."""
    found = (one for run in runs if (one := _told(run, connection)) is not None)
    return tuple(dict.fromkeys(found))[:_MOST]


def _told(run: Run, connection: Connection) -> Evidence | None:
    shown = (
        connection.certificates.server[0].fingerprint_sha256
        if connection.certificates.server
        else ""
    )
    if any(shown.startswith(known) for known in run.certificates):
        frame = _frame(connection, "server", "certificate")
        text = f"openssl, given the same certificate (openssl/{run.file}): {run.said}"
    elif run.place is not None and _is_server(run.place, connection):
        frame = _frame(connection, "client", "client_hello")
        named = f" as {run.name}" if run.name else ""
        text = f"openssl to {run.place[0]}:{run.place[1]}{named} (openssl/{run.file}): {run.said}"
    else:
        return None
    return None if frame is None else Evidence(frame=frame, text=text)


def _is_server(place: tuple[str, int], connection: Connection) -> bool:
    """Whether a command led to a connection's server, or by a proxy to what was asked of that."""
    host, port = place
    prelude, sni = connection.handshake.prelude, connection.tls.sni if connection.tls else None
    if prelude is not None and prelude.target is not None:
        return prelude.target.lower() == f"{host}:{port}"
    return port == connection.server.port and host in {connection.server.ip, (sni or "").lower()}


def _frame(connection: Connection, sender: str, name: str) -> Frame | None:
    """Where a connection shows what a run agrees in."""
    messages = connection.handshake.messages
    return next((m.frame for m in messages if (m.sender, m.name) == (sender, name)), None)
