"""Probes of real servers, good and failing: the story is the one that the server was made for."""

from __future__ import annotations

import contextlib
import datetime as dt
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from analyzer.live.certificate import make_identity
from analyzer.live.clients import with_openssl, with_python
from analyzer.live.link import Goal
from analyzer.live.probe import told
from analyzer.report.schema import Connection
from tests.live import servers

pytestmark = pytest.mark.peer
CLIENTS = {"python": with_python, "openssl": with_openssl}
VERSIONS = {"TLSv1.2": ("-tls1_2", "1.2"), "TLSv1.3": ("-tls1_3", "1.3")}
NGINX = """
daemon off; pid {folder}/pid; error_log {folder}/error.log;
events {{}}
http {{ access_log off; server {{
  listen 127.0.0.1:{port} ssl; ssl_certificate {cert}; ssl_certificate_key {cert};
  ssl_protocols {version}; {more}
}} }}
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as place:
        return int(place.getsockname()[1])


@contextlib.contextmanager
def running(words: list[str], port: int, folder: Path) -> Iterator[None]:
    if shutil.which(words[0]) is None:
        pytest.skip(f"no {words[0]}")
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=folder)
    try:
        for _ in range(100):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        else:
            pytest.fail((folder / "server.log").read_text())
        yield
    finally:
        process.kill()
        process.communicate()


def served(
    program: str, version: str, cert: Path, port: int, folder: Path, *, ask: bool
) -> list[str]:
    """The command of a server, and its configuration where it needs one."""
    ours, plain = VERSIONS[version]
    roots = str(servers.identity_file())
    if program == "openssl":
        words = ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-www", ours]
        words += ["-cert", str(cert), "-key", str(cert)]
        return [*words, "-Verify", "3", "-CAfile", roots] if ask else words
    if program == "gnutls-serv":
        words = ["gnutls-serv", "--http", "--port", str(port), "--x509certfile", str(cert)]
        words += ["--x509keyfile", str(cert), "--priority", f"NORMAL:-VERS-ALL:+VERS-TLS{plain}"]
        return [*words, "--require-client-cert", "--x509cafile", roots] if ask else words
    more = f"ssl_verify_client on; ssl_client_certificate {roots};" if ask else ""
    text = NGINX.format(folder=folder, port=port, cert=cert, version=version, more=more)
    (folder / "nginx.conf").write_text(text)
    return ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")]


def story(client: str, goal: Goal) -> Connection:
    attempt = CLIENTS[client](goal)
    (found,) = told([attempt.recording], "here", attempt.key_log).connections
    return found


@pytest.fixture(params=sorted(CLIENTS))
def client(request: pytest.FixtureRequest) -> str:
    name = str(request.param)
    if name == "openssl" and shutil.which("openssl") is None:
        pytest.skip("no openssl")
    return name


@pytest.mark.parametrize("version", sorted(VERSIONS))
@pytest.mark.parametrize("program", ["openssl", "gnutls-serv", "nginx"])
def test_good_and_failing_handshakes_are_told_as_they_were_made(
    program: str, version: str, client: str, tmp_path: Path
) -> None:
    cert, port = servers.identity_file(), free_port()
    name = "gateway.example"
    with running(served(program, version, cert, port, tmp_path, ask=False), port, tmp_path):
        good = story(client, Goal("127.0.0.1", port, name, authorities=cert, timeout=5))
        untrusted = story(client, Goal("127.0.0.1", port, name, timeout=5))
        misnamed = story(
            client, Goal("127.0.0.1", port, "other.example", authorities=cert, timeout=5)
        )

    assert (good.outcome, good.tls.version) == ("established", version)
    causes = [found.diagnosis.cause if found.diagnosis else None for found in (untrusted, misnamed)]
    assert causes == ["self_signed", "hostname_mismatch"]


@pytest.mark.parametrize("version", sorted(VERSIONS))
def test_an_expired_certificate_is_named(version: str, client: str, tmp_path: Path) -> None:
    cert, port = tmp_path / "expired.pem", free_port()
    cert.write_bytes(
        make_identity(["gateway.example"], dt.datetime(2020, 1, 1, tzinfo=dt.UTC)).together
    )
    with running(served("openssl", version, cert, port, tmp_path, ask=False), port, tmp_path):
        goal = Goal("127.0.0.1", port, "gateway.example", authorities=cert, timeout=5)
        found = story(client, goal)

    assert found.diagnosis is not None
    assert found.diagnosis.cause == "cert_expired"


@pytest.mark.parametrize("version", sorted(VERSIONS))
@pytest.mark.parametrize("program", ["openssl", "gnutls-serv"])
def test_a_missing_client_certificate_is_named_also_after_the_handshake(
    program: str, version: str, client: str, tmp_path: Path
) -> None:
    cert, port = servers.identity_file(), free_port()
    with running(served(program, version, cert, port, tmp_path, ask=True), port, tmp_path):
        found = story(client, Goal("127.0.0.1", port, check=False, timeout=5))

    assert found.outcome == "failed"
    assert found.diagnosis is not None
    assert found.diagnosis.failing_side == "server"
    assert found.diagnosis.cause in {"client_cert_missing", "client_certificate_rejected"}
