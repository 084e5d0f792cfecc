"""A server for the client that fails: it shakes hands, records, and answers with a short page."""

from __future__ import annotations

import contextlib
import queue
import socket
import ssl
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from analyzer.errors import UsageError
from analyzer.live.certificate import Identity
from analyzer.live.keylog import KeyLog
from analyzer.live.link import CHUNK
from analyzer.live.recorder import Recording
from analyzer.tcp.timeline import Side

AT_ONCE: Final = 16  # clients served at a time; more have to wait for the next accept
_REQUEST_MOST: Final = 8 << 10
_REQUEST_WAIT: Final = 2.0  # seconds for the client to ask for something
_FAREWELL: Final = 1.0
_TICK: Final = 0.1


@dataclass(frozen=True, slots=True)
class Terms:
    """How the listener shakes hands; empty fields leave OpenSSL its default."""

    certificate: Path | None = None
    key: Path | None = None
    made: Identity | None = None  # where no files were given
    lowest: str | None = None  # TLSv1.2
    highest: str | None = None
    ciphers: str | None = None
    alpn: tuple[str, ...] = ()
    client_roots: Path | None = None
    asks: bool = False  # for a client certificate
    insists: bool = False
    timeout: float = 15.0


VERSIONS: Final = {
    "TLSv1.0": ssl.TLSVersion.TLSv1,
    "TLSv1.1": ssl.TLSVersion.TLSv1_1,
    "TLSv1.2": ssl.TLSVersion.TLSv1_2,
    "TLSv1.3": ssl.TLSVersion.TLSv1_3,
}


def context_for(terms: Terms) -> ssl.SSLContext:
    """Put the terms into a context.

    Raises:
        UsageError: A file or a list of suites cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.set_ciphers(f"{terms.ciphers or 'DEFAULT'}:@SECLEVEL=0")
    except ssl.SSLError as error:
        raise UsageError(f"--ciphers {terms.ciphers}: OpenSSL knows none of them") from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # old versions are asked for
        context.minimum_version = VERSIONS[terms.lowest or "TLSv1.0"]
        context.maximum_version = VERSIONS[terms.highest or "TLSv1.3"]
    if terms.alpn:
        context.set_alpn_protocols(list(terms.alpn))
    _load(context, terms)
    if terms.asks or terms.insists:
        context.verify_mode = ssl.CERT_REQUIRED if terms.insists else ssl.CERT_OPTIONAL
    return context


def _load(context: ssl.SSLContext, terms: Terms) -> None:
    path = terms.certificate
    try:
        if path is not None:
            context.load_cert_chain(path, terms.key, password=lambda: b"")
        elif terms.made is not None:
            _load_made(context, terms.made)
        path = terms.client_roots
        if path is not None:
            context.load_verify_locations(path)
    except (OSError, ssl.SSLError) as error:
        raise UsageError(
            f"{path}: not usable ({error.strerror or error}); needed are PEM files, the key without "
            "a password and of this certificate"
        ) from error


def _load_made(context: ssl.SSLContext, made: Identity) -> None:
    """Python's ssl takes files only; this one is gone before the first client comes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "identity.pem"
        path.touch(0o600)
        path.write_bytes(made.together)
        context.load_cert_chain(path)


class Listener:
    """Waits for clients; :meth:`recordings` gives each when it is over."""

    def __init__(self, host: str, port: int, terms: Terms) -> None:
        """Open the port.

        Raises:
            UsageError: The address or the terms cannot be used.
        """
        self._context = context_for(terms)
        self._terms = terms
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            self._socket = socket.create_server((host, port), family=family)
        except OSError as error:
            raise UsageError(
                f"{host}:{port}: cannot listen there ({error.strerror or error}); choose another port "
                "or address"
            ) from error
        self._socket.settimeout(_TICK)
        self._keys = KeyLog()
        self._context.keylog_filename = str(self._keys.path)
        self._done: queue.Queue[Recording] = queue.Queue()
        self._room = threading.BoundedSemaphore(AT_ONCE)

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        host, port = self._socket.getsockname()[:2]
        return str(host), int(port)

    def close(self) -> None:
        """Take no more clients, and forget their secrets."""
        self._socket.close()
        self._keys.forget()

    def key_log(self) -> bytes:
        """The secrets of the sessions so far."""
        return self._keys.read()

    def recordings(self, count: int | None = None) -> Iterator[Recording]:
        """Serve for ever, or ``count`` clients; give each recording when its client has gone."""
        given = 0
        taken = 0
        while count is None or given < count:
            if (count is None or taken < count) and self._accept():
                taken += 1
            wait = _TICK if count is not None and taken >= count else 0.0
            with contextlib.suppress(queue.Empty):
                while True:
                    recording = self._done.get(timeout=wait) if wait else self._done.get_nowait()
                    given += 1
                    yield recording

    def _accept(self) -> bool:
        if not self._room.acquire(timeout=_TICK):
            return False
        try:
            connection, peer = self._socket.accept()
        except OSError:  # nobody came, or somebody left before we looked
            self._room.release()
            return False
        threading.Thread(target=self._serve, args=(connection, peer), daemon=True).start()
        return True

    def _serve(self, connection: socket.socket, peer: tuple[str, int]) -> None:
        now = time.time_ns()
        here = connection.getsockname()
        recording = Recording((peer[0].partition("%")[0], peer[1]), (here[0], here[1]), now, now)
        try:
            with connection:
                _Talk(connection, recording, self._context, self._terms.timeout).run()
        except OSError:
            recording.reset(Side.CLIENT)
        finally:
            self._room.release()
            self._done.put(recording)


class _Talk:
    """One client, over two buffers in memory, so that every byte passes our hands."""

    def __init__(
        self,
        connection: socket.socket,
        recording: Recording,
        context: ssl.SSLContext,
        timeout: float,
    ) -> None:
        self._connection = connection
        self._recording = recording
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._deadline = time.monotonic() + timeout
        self._left = False  # the client closed

    def run(self) -> None:
        """Shake hands, answer, say goodbye."""
        with contextlib.suppress(ssl.SSLError):
            if self._shake():
                self._answer()
        self._flush()
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_WR)
            self._recording.closed(Side.SERVER)
        end = time.monotonic() + _FAREWELL
        while not self._left and time.monotonic() < end:
            self._hear(end - time.monotonic())

    def _shake(self) -> bool:
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._flush()
            else:
                self._flush()
                return True
            if not self._hear(self._deadline - time.monotonic()):
                if self._left:
                    self._incoming.write_eof()
                    self._tls.do_handshake()
                return False

    def _answer(self) -> None:
        """Wait for a request, whatever it is, and give the page to it."""
        request = b""
        end = min(self._deadline, time.monotonic() + _REQUEST_WAIT)
        while not _complete(request) and len(request) < _REQUEST_MOST:
            try:
                more = self._tls.read(_REQUEST_MOST)
            except ssl.SSLWantReadError:
                if not self._hear(end - time.monotonic()):
                    break
                continue
            if not more:
                break
            request += more
        if request:
            self._tls.write(page(self._tls))
        self._flush()
        with contextlib.suppress(ssl.SSLError):
            self._tls.unwrap()

    def _hear(self, timeout: float) -> bool:
        """Take what the client sends; False where it is silent or gone."""
        self._connection.settimeout(max(timeout, 0.001))
        try:
            data = self._connection.recv(CHUNK)
        except TimeoutError:
            return False
        except ConnectionError:
            self._left = True
            self._recording.reset(Side.CLIENT)
            return False
        if not data:
            self._left = True
            self._recording.closed(Side.CLIENT)
            return False
        self._recording.sent(Side.CLIENT, data)
        self._incoming.write(data)
        return True

    def _flush(self) -> None:
        data = self._outgoing.read()
        if data and (Side.CLIENT, "rst") not in self._recording.ended:
            self._recording.sent(Side.SERVER, data)
            with contextlib.suppress(OSError):
                self._connection.sendall(data)


def _complete(request: bytes) -> bool:
    """An HTTP request's header, or a line of anything else."""
    return b"\r\n\r\n" in request or (b"\n" in request and b"HTTP/" not in request)


def page(tls: ssl.SSLObject) -> bytes:
    """A short page of what was agreed."""
    cipher = tls.cipher() or ("", "", 0)
    shown = "a client certificate was shown" if tls.getpeercert(binary_form=True) else "none"
    text = (
        f"The handshake completed.\r\nversion {tls.version()}\r\nsuite {cipher[0]}\r\n"
        f"client certificate: {shown}\r\n"
    ).encode("ascii", "replace")
    head = f"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {len(text)}\r\n\r\n"
    return head.encode() + text
