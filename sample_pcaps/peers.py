"""Programs to record: OpenSSL's and GnuTLS's tools, Python's ssl, and servers of one answer."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator

Talk = Callable[[socket.socket], None]


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@contextlib.contextmanager
def program(command: list[str], ready: str) -> Iterator[None]:
    """Run a server until the block ends; it is ready when it prints ``ready``."""
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert process.stdout is not None
    deadline = time.time() + 10
    for line in process.stdout:
        if ready in line.decode(errors="replace") or time.time() > deadline:
            break
    drain = threading.Thread(target=process.stdout.read, daemon=True)
    drain.start()
    try:
        yield
    finally:
        process.kill()
        process.wait()


def client(command: list[str], said: bytes) -> str:
    """Run a client to its end and return what it printed."""
    try:
        done = subprocess.run(command, input=said, capture_output=True, timeout=8, check=False)
    except subprocess.TimeoutExpired as error:
        return (error.stdout or b"").decode(errors="replace")
    return (done.stdout + done.stderr).decode(errors="replace")


@contextlib.contextmanager
def server_of(talk: Talk) -> Iterator[int]:
    """A TCP server that treats every connection by ``talk``; gives its port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection, contextlib.suppress(OSError):
                    talk(connection)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()


def reset(connection: socket.socket) -> None:
    """Close with RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def answers(*turns: tuple[bytes, bytes]) -> Talk:
    """Greet, then answer: each turn waits for its first bytes ("" waits for nothing)."""

    def talk(connection: socket.socket) -> None:
        for awaited, answer in turns:
            got = b""
            while awaited and awaited not in got:
                data = connection.recv(4096)
                if not data:
                    return
                got += data
            connection.sendall(answer)
        connection.settimeout(2)
        with contextlib.suppress(TimeoutError):
            while connection.recv(4096):
                pass

    return talk


def hello(host: str) -> bytes:
    """A ClientHello of Python's ssl."""
    context = ssl.create_default_context()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = context.wrap_bio(incoming, outgoing, server_hostname=host)
    with contextlib.suppress(ssl.SSLWantReadError):
        session.do_handshake()
    return outgoing.read()


def says(port: int, said: bytes, wait: float = 0.3, *, leave: bool = True) -> None:
    """A client that sends bytes, listens for a while, and leaves."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        if said:
            connection.sendall(said)
        connection.settimeout(wait)
        with contextlib.suppress(OSError):
            while connection.recv(4096):
                pass
        if not leave:
            reset(connection)
