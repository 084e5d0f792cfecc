"""A handshake made now tells the same story as a capture of it, and fails in one clear line."""

from __future__ import annotations

import json
import shutil
import socket
import ssl
import time
from pathlib import Path
from typing import Any

import pytest

from analyzer import analyze
from analyzer.cli import run
from analyzer.live.clients import with_python
from analyzer.live.link import ConnectError, Goal, abort, connect
from analyzer.live.probe import told
from analyzer.live.recorder import KEPT_MOST, Recording, written
from analyzer.live.relay import Relay
from analyzer.report.schema import Connection, Report
from analyzer.tcp.timeline import Side
from tests.live import servers

SAMPLES = Path(__file__).parents[2] / "sample_pcaps"
needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl")
CLIENTS = [
    pytest.param("python", id="python"),
    pytest.param("openssl", id="openssl", marks=[pytest.mark.peer, needs_openssl]),
]


def probe(capsys: pytest.CaptureFixture[str], *words: object) -> dict[str, Any]:
    """Run the command and give its one connection."""
    assert run(["probe", *map(str, words), "-f", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    (connection,) = document["connections"]
    assert "not on the wire" in str(document["captures"][0]["caveats"])
    return dict(connection)


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_a_good_handshake_is_told_as_one(
    client: str, version: str, capsys: pytest.CaptureFixture[str]
) -> None:
    made = servers.context(maximum_version=ssl.TLSVersion[version])
    with servers.serving(servers.tls(made)) as port:
        found = probe(
            capsys, f"127.0.0.1:{port}", "--sni", "gateway.example", "--client", client,
            "--ca", servers.identity_file(),
        )  # fmt: skip

    assert (found["outcome"], found["diagnosis"]) == ("established", None)
    assert found["tls"]["version"] == version.replace("_", ".")
    assert found["tls"]["sni"] == "gateway.example"


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_an_untrusted_server_is_refused_as_a_client_does(
    client: str, version: str, capsys: pytest.CaptureFixture[str]
) -> None:
    made = servers.context(maximum_version=ssl.TLSVersion[version])
    with servers.serving(servers.tls(made)) as port:
        found = probe(capsys, f"127.0.0.1:{port}", "--client", client)

    assert found["outcome"] == "failed"
    assert found["diagnosis"]["failing_side"] == "client"
    assert found["diagnosis"]["phase"] == "server_certificate"
    assert [alert["description"] for alert in found["handshake"]["alerts"]] == ["unknown_ca"]


@pytest.mark.parametrize("client", CLIENTS)
def test_a_wrong_name_is_refused(client: str, capsys: pytest.CaptureFixture[str]) -> None:
    made = servers.context(maximum_version=ssl.TLSVersion.TLSv1_2)
    with servers.serving(servers.tls(made)) as port:
        found = probe(
            capsys, f"127.0.0.1:{port}", "--sni", "other.example", "--client", client,
            "--ca", servers.identity_file(),
        )  # fmt: skip

    assert found["diagnosis"]["cause"] == "hostname_mismatch"


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize(
    ("behave", "side", "end"),
    [
        pytest.param(servers.resetting, "server", "rst", id="reset"),
        pytest.param(servers.closing, "server", "fin", id="close"),
    ],
)
def test_who_gave_up_and_how_is_what_happened(
    behave: servers.Behaviour, side: str, end: str, client: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with servers.serving(behave) as port:
        found = probe(capsys, f"127.0.0.1:{port}", "--client", client, "--timeout", "3")

    assert found["outcome"] in {"failed", "not_tls"}
    assert (found["tcp"]["end"], found["tcp"]["end_by"]) == (end, side)


@pytest.mark.parametrize("client", CLIENTS)
def test_a_server_that_speaks_plain_text_is_named_so(
    client: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with servers.serving(servers.plain) as port:
        found = probe(capsys, f"127.0.0.1:{port}", "--client", client, "--timeout", "3")

    assert found["diagnosis"]["cause"] == "tls_to_plaintext"


@pytest.mark.parametrize("client", CLIENTS)
def test_a_silent_server_is_waited_for_and_then_left(
    client: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with servers.serving(servers.silent) as port:
        found = probe(capsys, f"127.0.0.1:{port}", "--client", client, "--timeout", "1")

    assert found["outcome"] == "failed"
    assert found["tcp"]["end_by"] == "client"
    assert "rst" not in {found["tcp"]["end"]} | {found["diagnosis"]["cause"][:3]}


@pytest.mark.parametrize("client", CLIENTS)
def test_starttls_is_part_of_the_story(client: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--starttls", "smtp", "-k", "--client", client, "--timeout", "3")
    with servers.serving(servers.tls(servers.context(), servers.smtp(willing=True))) as port:
        found = probe(capsys, f"127.0.0.1:{port}", *words)
    with servers.serving(servers.smtp(willing=False)) as port:
        refused = probe(capsys, f"127.0.0.1:{port}", *words)

    assert found["outcome"] == "established"
    assert refused["diagnosis"]["cause"] == "starttls_refused"


@pytest.mark.parametrize("client", CLIENTS)
def test_a_proxy_is_part_of_the_story(client: str, capsys: pytest.CaptureFixture[str]) -> None:
    with (
        servers.serving(servers.tls(servers.context())) as port,
        servers.serving(servers.proxy) as between,
    ):
        found = probe(
            capsys, f"127.0.0.1:{port}", "--proxy", f"127.0.0.1:{between}", "-k", "--client", client
        )

    assert found["outcome"] == "established"
    assert found["server"]["port"] == between


@pytest.mark.parametrize("client", CLIENTS)
def test_protocols_are_offered_where_they_are_given(
    client: str, capsys: pytest.CaptureFixture[str]
) -> None:
    made = servers.context(maximum_version=ssl.TLSVersion.TLSv1_2)
    made.set_alpn_protocols(["h2"])
    with servers.serving(servers.tls(made)) as port:
        words = ("-k", "--client", client, "--alpn", "http/1.1,h2")
        found = probe(capsys, f"127.0.0.1:{port}", *words)

    assert found["tls"]["client_offers"]["alpn"] == ["http/1.1", "h2"]
    assert found["tls"]["alpn"] == "h2"


def test_a_proxy_that_refuses_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    def refusing(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        servers.silent(connection)

    with servers.serving(refusing) as between:
        words = ("gateway.example:443", "--proxy", f"127.0.0.1:{between}", "--client", "python")
        found = probe(capsys, *words)

    assert found["diagnosis"]["cause"] == "proxy_refused"


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("shown", [True, False])
@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_a_client_certificate_is_shown_where_one_is_given(
    client: str, shown: bool, version: str, capsys: pytest.CaptureFixture[str]
) -> None:
    made = servers.context(maximum_version=ssl.TLSVersion[version])
    made.verify_mode = ssl.CERT_REQUIRED
    made.load_verify_locations(servers.identity_file())
    words = ["--cert", servers.identity_file()] if shown else []
    with servers.serving(servers.tls(made)) as port:
        found = probe(capsys, f"127.0.0.1:{port}", "-k", "--client", client, *words)

    assert found["outcome"] == "failed"
    # Only for servers, says the certificate; without one, none was shown.
    expected = {"client_cert_wrong_usage", "client_certificate_rejected"} if shown else {
        "client_cert_missing"
    }  # fmt: skip
    assert found["diagnosis"]["cause"] in expected


@pytest.mark.parametrize("name", ["out.pcap", "out.pcapng"])
def test_what_is_written_tells_the_same_story(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, keys = tmp_path / name, tmp_path / "keys.log"
    with servers.serving(servers.tls(servers.context())) as port:
        words = ("--client", "python", "--write", path, "--keylog", keys)
        found = probe(capsys, f"127.0.0.1:{port}", *words)
    assert run(["analyze", str(path), "-f", "json", "--keylog", str(keys)]) == 0
    again = json.loads(capsys.readouterr().out)["connections"]

    assert again == [found]
    assert {entry.name for entry in tmp_path.iterdir()} == {name, "keys.log"}
    assert keys.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("client", CLIENTS)
def test_our_own_secrets_show_what_tls_1_3_encrypts(
    client: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with servers.serving(servers.tls(servers.context())) as port:
        found = probe(capsys, f"127.0.0.1:{port}", "--client", client)

    assert found["tls"]["version"] == "TLSv1.3"
    assert found["diagnosis"]["cause"] == "self_signed"
    assert [entry["subject"] for entry in found["certificates"]["server"]] == ["CN=gateway.example"]


def test_a_captured_hello_is_sent_again(capsys: pytest.CaptureFixture[str]) -> None:
    place = SAMPLES / "good_tls13.pcapng"
    (before,) = analyze(place).connections
    with servers.serving(servers.tls(servers.context())) as port:
        found = probe(capsys, f"127.0.0.1:{port}", "--like", f"{place}:0")

    assert found["outcome"] == "incomplete"
    assert found["tls"]["version"] == "TLSv1.3"
    assert found["tls"]["ja4"] == before.tls.ja4
    assert before.tls.client_offers is not None
    assert found["tls"]["client_offers"]["key_shares"] == list(before.tls.client_offers.key_shares)


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6")
def test_ipv6_is_reached(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        with servers.serving(servers.tls(servers.context()), "::1") as port:
            found = probe(
                capsys, f"[::1]:{port}", "--client", "python", "-6", "--ca", servers.identity_file()
            )
    except OSError:
        pytest.skip("no IPv6 loopback")

    assert found["outcome"] == "established"
    assert found["server"]["ip"] == "::1"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        pytest.param(["127.0.0.1:1"], "connection refused", id="refused"),
        pytest.param(["nowhere.invalid:443", "--timeout", "2"], "name not found", id="name"),
        pytest.param(["a..b:443"], "name not found", id="no name"),
        pytest.param(["[::1"], "HOST:PORT", id="address"),
        pytest.param(["127.0.0.1:1", "--starttls", "gopher"], "not known", id="starttls"),
        pytest.param(["127.0.0.1:1", "--sni", "a b"], "no host name", id="sni"),
        pytest.param(["127.0.0.1:1", "--alpn", "h2,"], "list of protocols", id="alpn"),
        pytest.param(["127.0.0.1:1", "--cert", "absent.pem"], "no such file", id="file"),
        pytest.param(["127.0.0.1:1", "--cert", __file__, "--client", "python"], "not usable", id="no certificate"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_one_line(
    words: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["probe", *words]) == 2
    complained = capsys.readouterr().err
    assert complaint in complained
    assert complained.count("\n") == 1


def test_no_openssl_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")

    assert run(["probe", "127.0.0.1:1", "--client", "openssl"]) == 2
    assert "no openssl" in capsys.readouterr().err


def test_silence_while_connecting_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise TimeoutError

    monkeypatch.setattr(socket.socket, "connect", never)
    with pytest.raises(ConnectError, match="no answer within 1 s"):
        connect(Goal("127.0.0.1", 1, timeout=1))


def _one(report: Report) -> Connection:
    (connection,) = report.connections
    return connection


def test_a_bound_of_the_recorder_is_a_caveat_and_no_accusation() -> None:
    recording = Recording(("192.0.2.1", 5000), ("192.0.2.2", 443), 1_000, 2_000)
    recording.sent(Side.CLIENT, bytes(KEPT_MOST))
    recording.sent(Side.CLIENT, b"more")
    report = told([recording], "here")

    assert recording.cut
    assert any("bound of the recorder" in caveat for caveat in report.captures[0].caveats)


def test_nothing_is_recorded_after_the_seal_nor_after_a_reset() -> None:
    recording = Recording(("192.0.2.1", 5000), ("192.0.2.2", 443), 1_000, 2_000)
    recording.reset(Side.SERVER)
    recording.closed(Side.SERVER)
    recording.seal()
    recording.sent(Side.CLIENT, b"late")

    assert [event.kind for event in recording.events] == ["rst"]
    assert len(written([recording])) > 24


def test_who_has_reset_acknowledges_nothing_any_more() -> None:
    recording = Recording(("192.0.2.1", 5000), ("192.0.2.2", 443), 1_000, 2_000)
    recording.sent(Side.SERVER, b"one")
    recording.reset(Side.CLIENT)
    recording.sent(Side.SERVER, b"two")
    after = [frame[47] for _, frame in recording.frames()]  # TCP flags

    assert after[-2:] == [4 | 16, 8 | 16]  # its RST, then the server's late segment; no ACK


def test_a_server_that_refuses_starttls_is_left_at_once() -> None:
    def stays(connection: socket.socket) -> None:
        servers.smtp(willing=False)(connection)
        servers.silent(connection)

    began = time.monotonic()
    with servers.serving(stays) as port:
        with_python(Goal("127.0.0.1", port, starttls="smtp", check=False, timeout=8))

    assert time.monotonic() - began < 6


@pytest.mark.parametrize("who", [Side.CLIENT, Side.SERVER])
def test_the_relay_passes_a_reset_on(who: Side) -> None:
    """Both ends are sockets of this test; the one that did not reset must see that the other did."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        goal = Goal("127.0.0.1", listener.getsockname()[1], timeout=5)
        relay = Relay(*connect(goal), patience=5)
        relay.start()
        near = socket.create_connection(("127.0.0.1", relay.port), 5)
        far, _ = listener.accept()
        near.sendall(b"hello")
        assert far.recv(16) == b"hello"
        giver, taker = (near, far) if who is Side.CLIENT else (far, near)
        abort(giver)
        taker.settimeout(5)
        with pytest.raises(ConnectionResetError):
            taker.recv(16)
        taker.close()
    relay.stop()

    assert [(event.side, event.kind) for event in relay.recording.events][-1] == (who, "rst")


def test_the_python_client_needs_no_command_line() -> None:
    with servers.serving(servers.tls(servers.context())) as port:
        attempt = with_python(Goal("127.0.0.1", port, check=False, timeout=5))

    assert _one(told([attempt.recording], "here")).outcome == "established"
