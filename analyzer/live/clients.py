"""Who shakes hands: OpenSSL's s_client through a relay, Python's ssl, or a ClientHello by itself."""

from __future__ import annotations

import contextlib
import shutil
import ssl
import subprocess
import threading
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from analyzer.errors import UsageError
from analyzer.live.keylog import KeyLog
from analyzer.live.link import Goal, Link, connect
from analyzer.live.recorder import Recording
from analyzer.live.relay import Relay
from analyzer.live.starttls import tunnel, upgrade

_LINGER: Final = 0.5  # seconds of silence after a handshake, in which a server may still refuse
_AFTER_FLIGHT: Final = 0.5  # as above, after a server's flight that nobody will answer
_SAID_MOST: Final = 64 << 10
_ESTABLISHED: Final = b"CONNECTION ESTABLISHED"

Client = Callable[[Goal], "Attempt"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One handshake that was tried: what passed, and what the program said of it.

    ``key_log`` are the secrets of the session in the format of NSS; they decrypt the recording and
    are written nowhere unless the user asks.
    """

    recording: Recording
    client: str  # which program
    said: str = ""  # its own words on a failure, one line
    notes: tuple[str, ...] = ()
    key_log: bytes = field(default=b"", repr=False)


def openssl_path() -> str | None:
    """Where the openssl program is, if it is there."""
    return shutil.which("openssl")


def with_openssl(goal: Goal) -> Attempt:
    """Let ``openssl s_client`` shake hands; the talk before TLS is ours.

    s_client goes on with TLS when a server refuses STARTTLS, which no real client does.

    Raises:
        ConnectError: There is no connection to shake hands on.
        UsageError: There is no openssl.
    """
    program = openssl_path()
    if program is None:
        raise UsageError("no openssl on the path; install it, or use --client python")
    link = Link(*connect(goal))
    if not reached(link, goal, time.monotonic() + goal.timeout):
        link.finish()
        return Attempt(link.recording, "openssl s_client, which was not reached")
    relay = Relay(link.socket, link.recording, 2 * goal.timeout + 5)
    with KeyLog() as keys:
        words = [program, *s_client_words(goal, relay.port), "-keylogfile", str(keys.path)]
        relay.start()
        process = subprocess.Popen(  # noqa: S603 - the program that was asked for, no shell
            words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        said = _watch(process, relay, goal.timeout)
        relay.join(2)
        relay.stop()
        return Attempt(link.recording, "openssl s_client", _complaint(said), (), keys.read())


def s_client_words(goal: Goal, port: int) -> list[str]:
    """The arguments of s_client: through the relay, but by the server's name."""
    words = ["s_client", "-brief", "-connect", f"127.0.0.1:{port}"]
    words += ["-servername", goal.server_name] if goal.server_name else ["-noservername"]
    if goal.alpn:
        words += ["-alpn", ",".join(goal.alpn)]
    if goal.certificate:
        words += ["-cert", str(goal.certificate), "-key", str(goal.key or goal.certificate)]
    if goal.authorities:
        words += ["-CAfile", str(goal.authorities)]
    if goal.check:
        words += ["-verify_return_error", "-verify", "10"]
        words += _expected(goal)
    return words


def _expected(goal: Goal) -> list[str]:
    """Whom the certificate must name."""
    if goal.server_name:
        return ["-verify_hostname", goal.server_name]
    numeric = ":" in goal.host or goal.host.replace(".", "").isdecimal()
    return ["-verify_ip", goal.host] if numeric else ["-verify_hostname", goal.host]


def _watch(process: subprocess.Popen[bytes], relay: Relay, timeout: float) -> bytes:
    """Wait for the handshake, leave the server a moment, and end the program; what it said."""
    said = bytearray()
    done = threading.Event()

    def listen() -> None:
        assert process.stderr is not None
        for line in process.stderr:
            if len(said) < _SAID_MOST:
                said.extend(line)
            if _ESTABLISHED in line:
                done.set()

    reader = threading.Thread(target=listen, daemon=True)
    reader.start()
    deadline = time.monotonic() + timeout
    while process.poll() is None and time.monotonic() < deadline and not done.wait(0.02):
        pass
    end = time.monotonic() + 4 * _LINGER
    while done.is_set() and process.poll() is None and relay.quiet() < _LINGER:
        if time.monotonic() > end:
            break
        time.sleep(0.02)
    if done.is_set() and process.poll() is None:
        relay.recording.seal()
    with contextlib.suppress(OSError):
        assert process.stdin is not None
        process.stdin.close()
    try:
        process.wait(1 if done.is_set() else 0.2)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    reader.join(1)
    assert process.stderr is not None
    process.stderr.close()
    return bytes(said)


def _complaint(said: bytes) -> str:
    """The line of OpenSSL's output that says what is wrong; its last error, without the number."""
    lines = said.decode(errors="replace").splitlines()
    verify = next((line for line in lines if line.startswith("verify error")), "")
    errors = [line.split(":error:", 1)[1] for line in lines if ":error:" in line]
    return verify or (errors[-1].split(":", 1)[-1] if errors else "")


def with_python(goal: Goal) -> Attempt:
    """Let Python's ssl shake hands.

    Raises:
        ConnectError: There is no connection to shake hands on.
        UsageError: A certificate or key cannot be used.
    """
    context = _context(goal)
    with KeyLog() as keys:
        context.keylog_filename = str(keys.path)
        link = Link(*connect(goal))
        deadline = time.monotonic() + goal.timeout
        said = ""
        if reached(link, goal, deadline):
            said = _shake(link, context, goal, deadline)
        link.finish()
        name = f"Python's ssl ({ssl.OPENSSL_VERSION})"
        return Attempt(link.recording, name, said, (), keys.read())


def reached(link: Link, goal: Goal, deadline: float) -> bool:
    """Pass the proxy and the talk before TLS, where there are any."""
    if goal.proxy and not tunnel(link, goal.host, goal.port, deadline):
        return False
    name = goal.server_name or goal.host
    return goal.starttls is None or upgrade(link, goal.starttls, name, deadline)


def _context(goal: Goal) -> ssl.SSLContext:
    context = ssl.create_default_context()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # old versions are wanted here
        context.minimum_version = ssl.TLSVersion.TLSv1
    with contextlib.suppress(ssl.SSLError):
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
    if not goal.check:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif goal.server_name is None and _named(goal) is None:
        context.check_hostname = False
    if goal.alpn:
        context.set_alpn_protocols(list(goal.alpn))
    _load(context, goal)
    return context


def _load(context: ssl.SSLContext, goal: Goal) -> None:
    """Take the files that were given."""
    path: Path | None = goal.authorities
    try:
        if goal.authorities:
            context.load_verify_locations(goal.authorities)
        path = goal.certificate
        if goal.certificate:
            context.load_cert_chain(goal.certificate, goal.key, password=lambda: b"")
    except (OSError, ssl.SSLError) as error:
        raise UsageError(
            f"{path}: not usable ({error.strerror or error}); needed are PEM files, the key without "
            "a password and of this certificate"
        ) from error


def _named(goal: Goal) -> str | None:
    """What ssl is told as the server's name: it sends a host name as SNI, an address not."""
    return goal.server_name or (goal.host if ":" in goal.host or _numeric(goal.host) else None)


def _numeric(host: str) -> bool:
    return host.replace(".", "").isdecimal()


def _shake(link: Link, context: ssl.SSLContext, goal: Goal, deadline: float) -> str:
    """Shake hands over two buffers in memory; what Python said if it failed."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        tls = context.wrap_bio(incoming, outgoing, server_hostname=_named(goal))
        if not _drive(link, tls.do_handshake, incoming, outgoing, deadline):
            return ""
        _linger(link, tls, incoming, outgoing)
        link.recording.seal()
        with contextlib.suppress(ssl.SSLError):
            tls.unwrap()
    except (ssl.SSLError, ValueError) as error:
        return str(getattr(error, "verify_message", "") or getattr(error, "reason", "") or error)
    finally:
        if outgoing.pending and not link.ended:
            link.send(outgoing.read())
    return ""


def _drive(
    link: Link,
    step: Callable[[], object],
    incoming: ssl.MemoryBIO,
    outgoing: ssl.MemoryBIO,
    deadline: float,
) -> bool:
    """Repeat a step of TLS until it is done; False where the server is silent or gone."""
    while True:
        try:
            step()
        except ssl.SSLWantReadError:
            pass
        else:
            return True
        if outgoing.pending and not link.send(outgoing.read()) and link.ended:
            _feed(link, incoming, 0.2)
            return False
        if not _feed(link, incoming, deadline - time.monotonic()):
            if link.ended:
                step()  # lets ssl say what it thinks of it
            return False


def _feed(link: Link, incoming: ssl.MemoryBIO, timeout: float) -> bool:
    data = link.receive(timeout)
    if data:
        incoming.write(data)
    elif data == b"":
        incoming.write_eof()
    return bool(data)


def _linger(
    link: Link, tls: ssl.SSLObject, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO
) -> None:
    """Hear what the server says after the handshake: in TLS 1.3 it may still refuse."""
    if outgoing.pending:
        link.send(outgoing.read())
    end = time.monotonic() + 4 * _LINGER
    while time.monotonic() < end and _feed(link, incoming, _LINGER):
        with contextlib.suppress(ssl.SSLWantReadError):
            tls.read(1)


def with_hello(
    records: bytes,
    notes: tuple[str, ...] = (),
    enough: Callable[[Recording], bool] | None = None,
) -> Client:
    """Make a client that sends a ClientHello, hears the answer, and has no more to say.

    The answer is over when ``enough`` says so, or after a moment of silence.
    """

    def client(goal: Goal) -> Attempt:
        link = Link(*connect(goal))
        deadline = time.monotonic() + goal.timeout
        if reached(link, goal, deadline) and link.send(records):
            patience = goal.timeout
            while (data := link.receive(min(patience, deadline - time.monotonic()))) is not None:
                if not data or time.monotonic() > deadline:
                    break
                if enough is not None and enough(link.recording):
                    break
                patience = _AFTER_FLIGHT
        link.leave()
        return Attempt(link.recording, "a ClientHello of ours", notes=notes)

    return client
