"""Connections to a server: found by name, made in time, and recorded; and why that failed."""

from __future__ import annotations

import contextlib
import errno
import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from analyzer.errors import UsageError
from analyzer.live.recorder import Recording
from analyzer.tcp.timeline import Side

CHUNK: Final = 16 << 10
_FAREWELL: Final = 1.0  # seconds for the server to close as well
_RESET: Final = frozenset({errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED})
_WHY: Final = {
    errno.ECONNREFUSED: "connection refused; nothing listens there, or a firewall answers for it",
    errno.EHOSTUNREACH: "no route to the host, or a firewall forbids it",
    errno.ENETUNREACH: "the network is unreachable; this machine may lack a route or that family",
    errno.EACCES: "not allowed by this machine's firewall",
    errno.EADDRNOTAVAIL: "this machine has no address of that family",
}


class ConnectError(UsageError):
    """No connection came to be; the text says why in one line."""


@dataclass(frozen=True, slots=True)
class Goal:
    """Whom to shake hands with, and how."""

    host: str
    port: int
    server_name: str | None = None  # sent as SNI, and checked
    starttls: str | None = None
    proxy: tuple[str, int] | None = None  # HTTP CONNECT
    certificate: Path | None = None
    key: Path | None = None
    authorities: Path | None = None
    alpn: tuple[str, ...] = ()
    check: bool = True  # the certificate, as a client does
    timeout: float = 10.0
    family: socket.AddressFamily = socket.AF_UNSPEC

    @property
    def place(self) -> str:
        """Host and port as they are printed."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Link:
    """A connection whose bytes are recorded as they pass."""

    def __init__(self, connection: socket.socket, recording: Recording) -> None:
        self.socket = connection
        self.recording = recording
        self.ended = False  # the server closed or reset

    def send(self, data: bytes) -> bool:
        """Send as the client; False where the server is gone."""
        self.recording.sent(Side.CLIENT, data)
        try:
            self.socket.sendall(data)
        except TimeoutError:
            return False
        except OSError as error:
            self._gone(error)
            return False
        return True

    def receive(self, timeout: float) -> bytes | None:
        """Bytes of the server; none at its end, None when it says nothing for so long."""
        self.socket.settimeout(max(timeout, 0.001))
        try:
            data = self.socket.recv(CHUNK)
        except TimeoutError:
            return None
        except OSError as error:
            self._gone(error)
            return b""
        if data:
            self.recording.sent(Side.SERVER, data)
        else:
            self.recording.closed(Side.SERVER)
            self.ended = True
        return data

    def _gone(self, error: OSError) -> None:
        self.ended = True
        if error.errno in _RESET:
            self.recording.reset(Side.SERVER)

    def finish(self) -> None:
        """Close in good order: say so, and hear the server out for a moment."""
        if not self.recording.sealed:
            self.recording.unacknowledged = unsent(self.socket) > 0
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_WR)
            self.recording.closed(Side.CLIENT)
        end = time.monotonic() + _FAREWELL
        while not self.ended and (left := end - time.monotonic()) > 0:
            self.receive(left)
        self.socket.close()

    def leave(self) -> None:
        """Stop recording here, and go: what we do now is no part of the story."""
        self.socket.close()


def connect(goal: Goal) -> tuple[socket.socket, Recording]:
    """Connect to the server, or to the proxy before it, and begin a recording.

    Raises:
        ConnectError: The name is unknown, or no address of it could be reached in time.
    """
    host, port = goal.proxy or (goal.host, goal.port)
    problem = ""
    deadline = time.monotonic() + goal.timeout
    for family, address in _addresses(host, port, goal.family):
        connection = socket.socket(family, socket.SOCK_STREAM)
        connection.settimeout(max(0.05, deadline - time.monotonic()))
        started = time.time_ns()
        clock = time.monotonic_ns()
        try:
            connection.connect(address)
        except OSError as error:
            connection.close()
            problem = problem or f"{host}:{port} ({address[0]}): {_why(error, goal.timeout)}"
            continue
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        here, there = connection.getsockname(), connection.getpeername()
        return connection, Recording(
            (_plain(here[0]), here[1]),
            (_plain(there[0]), there[1]),
            started,
            started + time.monotonic_ns() - clock,
        )
    raise ConnectError(problem)


def _addresses(
    host: str, port: int, family: socket.AddressFamily
) -> Iterator[tuple[socket.AddressFamily, tuple[str, int]]]:
    try:
        found = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no host name"
        raise ConnectError(
            f"{host}: name not found ({reason}); check the spelling, or give an address and --sni"
        ) from error
    for kind, _, _, _, address in found:
        yield kind, (str(address[0]), port) if kind == socket.AF_INET else address  # type: ignore[misc]


def _plain(address: str) -> str:
    """The address without a zone (fe80::1%eth0)."""
    return address.partition("%")[0]


def _why(error: OSError, timeout: float) -> str:
    if isinstance(error, TimeoutError) or error.errno == errno.ETIMEDOUT:
        return f"no answer within {timeout:g} s; a firewall may drop it, or the host is down"
    return _WHY.get(error.errno or 0, f"{error.strerror or error}; check the address")


def unsent(connection: socket.socket) -> int:
    """Bytes that the peer has not acknowledged, where the system tells (Linux); else 0."""
    try:
        import fcntl  # noqa: PLC0415 - not on every system
        import termios  # noqa: PLC0415 - as above

        raw = fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, bytes(4))
    except (ImportError, OSError, ValueError):
        return 0
    return int.from_bytes(raw, "little")


def abort(connection: socket.socket) -> None:
    """Close with a reset, as the other end of a relay did."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
