"""Servers on loopback for a moment: TLS by Python's ssl, and some that misbehave."""

from __future__ import annotations

import atexit
import contextlib
import shutil
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from analyzer.live.certificate import Identity, make_identity

Behaviour = Callable[[socket.socket], None]


@cache
def identity() -> Identity:
    return make_identity(["gateway.example", "127.0.0.1", "::1"])


@cache
def identity_file() -> Path:
    folder = mkdtemp(prefix="handshake-test-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = Path(folder) / "identity.pem"
    path.write_bytes(identity().together)
    return path


def context(**settings: object) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(identity_file())
    for name, value in settings.items():
        setattr(made, name, value)
    return made


def tls(made: ssl.SSLContext, talk: Behaviour | None = None) -> Behaviour:
    """Shake hands, after ``talk`` where that is given, and wait for the client to leave."""

    def behave(connection: socket.socket) -> None:
        if talk:
            talk(connection)
        with contextlib.suppress(OSError), made.wrap_socket(connection, server_side=True) as secure:
            secure.settimeout(5)
            while secure.recv(4096):
                pass

    return behave


def silent(connection: socket.socket) -> None:
    """Take everything, say nothing."""
    with contextlib.suppress(OSError):
        while connection.recv(4096):
            pass


def resetting(connection: socket.socket) -> None:
    """Reset after the first bytes."""
    connection.recv(4096)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def closing(connection: socket.socket) -> None:
    """Close at once."""
    connection.shutdown(socket.SHUT_WR)
    silent(connection)


def plain(connection: socket.socket) -> None:
    """Answer in another protocol."""
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
    connection.shutdown(socket.SHUT_WR)
    silent(connection)


def smtp(*, willing: bool) -> Behaviour:
    """The talk of a mail server up to STARTTLS."""

    def talk(connection: socket.socket) -> None:
        connection.sendall(b"220 mail.example ESMTP\r\n")
        file = connection.makefile("rb", buffering=0)
        while line := _line(file):
            if line.startswith(b"EHLO"):
                connection.sendall(b"250-mail.example\r\n250 STARTTLS\r\n")
            elif line.startswith(b"STARTTLS"):
                break
        connection.sendall(b"220 go ahead\r\n" if willing else b"454 TLS not available\r\n")

    return talk


def _line(file: object) -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        byte = file.read(1)  # type: ignore[attr-defined]
        if not byte:
            return b""
        line += byte
    return line


def proxy(connection: socket.socket) -> None:
    """An HTTP proxy that connects wherever it is told."""
    request = b""
    while b"\r\n\r\n" not in request:
        request += connection.recv(4096)
    place = request.split()[1].decode()
    host, _, port = place.rpartition(":")
    with socket.create_connection((host.strip("[]"), int(port))) as far:
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        back = threading.Thread(target=_copy, args=(far, connection), daemon=True)
        back.start()
        _copy(connection, far)
        back.join(5)


def _copy(giver: socket.socket, taker: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := giver.recv(4096):
            taker.sendall(data)
        taker.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def serving(behave: Behaviour, host: str = "127.0.0.1") -> Iterator[int]:
    """Serve on a free port until the block ends."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    server = socket.create_server((host, 0), family=family)
    server.settimeout(0.05)
    ended = threading.Event()

    def one(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(10)
            behave(connection)

    def run() -> None:
        while not ended.is_set():
            try:
                connection, _ = server.accept()
            except TimeoutError:
                continue
            threading.Thread(target=one, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield int(server.getsockname()[1])
    finally:
        ended.set()
        thread.join(2)
        server.close()
