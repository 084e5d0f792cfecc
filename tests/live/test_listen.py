"""A listener tells the story of every client, good and failing, and stops in good order."""

from __future__ import annotations

import json
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509

from analyzer import analyze
from analyzer.cli import run
from analyzer.errors import UsageError
from analyzer.live.certificate import make_identity
from analyzer.live.listen import Listener, Terms
from analyzer.live.probe import told
from analyzer.report.schema import Connection
from analyzer.reproduce.java import PROGRAM
from tests.live import servers
from tests.support.interrupts import heed_interrupts

Calls = Callable[[int], object]


def heard(call: Calls, **settings: object) -> Connection:
    """Let one client come and give its story."""
    terms = Terms(made=servers.identity(), **settings)  # type: ignore[arg-type]
    listener = Listener("127.0.0.1", 0, terms)
    caller = threading.Thread(target=call, args=(listener.address[1],))
    caller.start()
    try:
        (recording,) = listener.recordings(1)
    finally:
        caller.join(10)
        listener.close()
    (connection,) = told([recording], "here").connections
    return connection


def by_python(**settings: object) -> Calls:
    """A client made with Python's ssl that asks for a page."""

    def call(port: int) -> None:
        context = ssl.create_default_context(cafile=servers.identity_file())
        for name, value in settings.items():
            if name != "asks_for":
                setattr(context, name, value)
        name = str(settings.get("asks_for", "gateway.example"))
        try:
            with (
                socket.create_connection(("127.0.0.1", port), 5) as plain,
                context.wrap_socket(plain, server_hostname=name) as secure,
            ):
                secure.sendall(b"GET / HTTP/1.0\r\nHost: gateway.example\r\n\r\n")
                assert b"The handshake completed" in b"".join(iter(lambda: secure.recv(4096), b""))
        except ssl.SSLError:
            return

    return call


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_a_good_client_gets_its_page(version: str) -> None:
    found = heard(by_python(), lowest=version, highest=version)

    assert (found.outcome, found.diagnosis) == ("established", None)
    assert found.tls.version == version
    assert found.tls.sni == "gateway.example"


def test_a_client_that_does_not_trust_us_is_told() -> None:
    def distrusts(port: int) -> None:
        with (
            pytest.raises(ssl.SSLError),
            socket.create_connection(("127.0.0.1", port), 5) as plain,
        ):
            ssl.create_default_context().wrap_socket(plain, server_hostname="gateway.example")

    found = heard(distrusts)

    assert found.outcome == "failed"
    assert found.diagnosis is not None
    assert found.diagnosis.failing_side == "client"
    assert found.diagnosis.phase == "server_certificate"


def test_versions_that_do_not_meet_are_told() -> None:
    found = heard(by_python(maximum_version=ssl.TLSVersion.TLSv1_2), lowest="TLSv1.3")

    assert found.diagnosis is not None
    assert (found.diagnosis.cause, found.diagnosis.failing_side) == ("protocol_version", "server")


def test_a_missing_client_certificate_is_told() -> None:
    found = heard(
        by_python(), highest="TLSv1.2", insists=True, client_roots=servers.identity_file()
    )

    assert found.diagnosis is not None
    assert found.diagnosis.cause == "client_cert_missing"


def test_plain_http_is_told() -> None:
    def http(port: int) -> None:
        with socket.create_connection(("127.0.0.1", port), 5) as plain:
            plain.sendall(b"GET / HTTP/1.0\r\n\r\n")
            plain.recv(4096)

    found = heard(http)

    assert found.diagnosis is not None
    assert found.diagnosis.cause == "plaintext_http_to_tls"


def test_a_client_that_says_nothing_does_not_stay() -> None:
    done = threading.Event()

    def mute(port: int) -> None:
        with socket.create_connection(("127.0.0.1", port), 5) as plain:
            done.wait(5)
            plain.recv(1)

    threading.Timer(1.2, done.set).start()
    found = heard(mute, timeout=0.5)

    assert found.outcome in {"failed", "incomplete", "not_tls"}
    assert found.tcp.end_by == "server"


def test_the_made_certificate_names_what_it_was_asked_to() -> None:
    made = make_identity(["gateway.example", "192.0.2.1"], rsa_key=True)
    certificate = x509.load_pem_x509_certificate(made.certificate)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value

    assert names.get_values_for_type(x509.DNSName) == ["gateway.example"]
    assert [str(a) for a in names.get_values_for_type(x509.IPAddress)] == ["192.0.2.1"]
    assert b"PRIVATE KEY" not in made.certificate


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["x"], "no port"),
        (["70000"], "no port"),
        (["0", "--bind", "nowhere"], "no address"),
        (["0", "--bind", "192.0.2.1"], "cannot listen there"),
        (["0", "--cert", "absent.pem"], "not usable"),
        (["0", "--ciphers", "NONSENSE"], "knows none"),
        (["0", "--name", "a b"], "no host name"),
    ],
)
def test_what_cannot_be_done_is_told(
    words: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["listen", *words]) == 2
    assert complaint in capsys.readouterr().err


def test_a_port_that_is_taken_is_told_and_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = servers.identity()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with servers.serving(servers.silent) as port, pytest.raises(UsageError, match="cannot listen"):
        Listener("127.0.0.1", port, Terms(made=made))
    listener = Listener("127.0.0.1", 0, Terms(made=made))
    assert len(list(tmp_path.iterdir())) == 1
    listener.close()

    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_ends_it_with_a_report_and_the_capture(tmp_path: Path) -> None:
    path = tmp_path / "clients.pcap"
    words = [sys.executable, "-m", "analyzer", "listen", "0", "-f", "json", "-w", str(path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdout=pipe, stderr=pipe, preexec_fn=heed_interrupts) as process:
        assert process.stderr is not None
        port = int(re.search(rb"port (\d+)", process.stderr.readline())[1])  # type: ignore[index]
        for _ in range(2):
            with socket.create_connection(("127.0.0.1", port), 5) as plain:
                plain.sendall(b"GET / HTTP/1.0\r\n\r\n")
                plain.recv(4096)
        time.sleep(1)  # until both are surely over
        process.send_signal(signal.SIGINT)
        assert process.stdout is not None
        document = json.loads(process.stdout.read())

    assert process.returncode == 0
    assert len(document["connections"]) == 2
    assert len(analyze(path).connections) == 2


def test_another_address_is_warned_of(capsys: pytest.CaptureFixture[str]) -> None:
    from analyzer.commands.listen import _check_address

    _check_address("0.0.0.0")
    assert "every network of this machine" in capsys.readouterr().err
    _check_address("127.0.0.1")
    assert capsys.readouterr().err == ""


@pytest.mark.peer
@pytest.mark.slow
@pytest.mark.skipif(shutil.which("java") is None, reason="no java")
@pytest.mark.parametrize(("check", "outcome"), [("false", "established"), ("true", "failed")])
def test_a_java_client_is_told(check: str, outcome: str, tmp_path: Path) -> None:
    (tmp_path / "Handshake.java").write_text(PROGRAM)

    def call(port: int) -> None:
        words = ["java", f"-Dcheck={check}", "Handshake.java", "127.0.0.1", str(port)]
        words += ["gateway.example", "http/1.1"]
        subprocess.run(words, cwd=tmp_path, capture_output=True, timeout=60, check=False)

    assert heard(call).outcome == outcome


@pytest.mark.peer
@pytest.mark.parametrize(
    ("program", "words", "outcome"),
    [
        ("openssl", ["s_client", "-brief", "-connect", "127.0.0.1:PORT"], "established"),
        ("openssl", ["s_client", "-verify_return_error", "-connect", "127.0.0.1:PORT"], "failed"),
        ("openssl", ["s_client", "-tls1_1", "-connect", "127.0.0.1:PORT"], "failed"),
        ("gnutls-cli", ["--insecure", "-p", "PORT", "127.0.0.1"], "established"),
        ("gnutls-cli", ["-p", "PORT", "127.0.0.1"], "failed"),
        ("curl", ["-sk", "https://127.0.0.1:PORT/"], "established"),
        ("curl", ["-s", "https://127.0.0.1:PORT/"], "failed"),
        ("curl", ["-s", "http://127.0.0.1:PORT/"], "failed"),
    ],
)
def test_clients_of_others_are_told(program: str, words: list[str], outcome: str) -> None:
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"no {program}")

    def call(port: int) -> None:
        line = [word.replace("PORT", str(port)) for word in words]
        subprocess.run(
            [path, *line], stdin=subprocess.DEVNULL, capture_output=True, timeout=20, check=False
        )

    assert heard(call, lowest="TLSv1.2").outcome == outcome
