from __future__ import annotations

import io
import re
from typing import Any

import pytest
from msgspec.structs import replace

from analyzer.report.console import render_console
from analyzer.report.schema import Connection, Endpoint, FileFrame, Message, Report
from tests.report.reports import at, connection, failing, finding, good, group, offers, report

MODES: tuple[dict[str, Any], ...] = ({}, {"verbose": True}, {"chosen": True})
HOSTILE = "evil\x1b[2J\x07\u202egro.live\u202c[bold]\r\n\x9b31m"


def shown(told: Report, width: int = 80, encoding: str = "utf-8", **options: Any) -> str:
    buffer = io.BytesIO()
    stream = io.TextIOWrapper(buffer, encoding=encoding, errors="backslashreplace")
    render_console(told, stream, width=width, **options)
    stream.flush()
    return buffer.getvalue().decode(encoding)


def test_the_first_words_are_the_answer() -> None:
    first = shown(failing(), width=100).splitlines()[0]

    assert first == "✗ " + finding().title[:98].rsplit(" ", 1)[0]


def test_the_report_of_a_failure_in_full() -> None:
    assert (
        shown(failing())
        == """\
✗ 10.1.1.5 does not trust CN=Corp Issuing CA, which issued the certificate of
  api.example.com (10.2.2.2:443)

  gave up    the client, at the server's certificate (server_certificate)
  to do      change on the client
  how sure   seen: stated on the wire
  cause      untrusted_ca · rule TLS-CERT-010
  between    10.1.1.5:51234 to 10.2.2.2:443 (api.example.com)
  when       2026-03-01 14:03:00.010 UTC
  Wireshark  tcp.stream eq 0

  The client ended the handshake right after the server's certificate with the
  alert that says that it knows no authority that vouches for it.

  Evidence
    frame 6  server sent its certificate, issued by CN=Corp Issuing CA
    frame 8  client sent fatal alert unknown_ca (48)

  Who said what
    frame      time  10.1.1.5:51234                                 10.2.2.2:443
        4    +0.030  client_hello api.example.com ─────────────────────────────▶
        6    +0.050  ◀───── server_hello TLSv1.2, certificate, server_hello_done
        8    +0.070  alert unknown_ca (fatal) ✗ ───────────────────────────────▶
        9    +0.080  closes the connection (FIN) ──────────────────────────────▶

  What to change, on the client
    1. Import the certificate of CN=Corp Root into the trust store of the
       client.
    2. Check that the client uses that trust store.

  Not excluded, and what would decide
    incomplete_chain: the client's trust store

  RFC 5246 section 7.2.2. More: handshake-analyzer explain TLS-CERT-010

────────────────────────────────────────────────────────────────────────────────
✓ 2 connections went well: TLSv1.2.

trace.pcap · pcap · EN10MB · 9 packets · 2026-03-01 14:03:00.010 UTC to
2026-03-01 14:03:00.090 UTC
"""
    )


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp437", "utf-8"])
@pytest.mark.parametrize("width", [50, 80, 200])
def test_every_line_fits_whatever_the_width_and_the_encoding(width: int, encoding: str) -> None:
    told = report(
        connection(diagnosis=finding(explanation="word " * 60, title="Long title " * 20)),
        connection(1, tls=connection().tls, findings=(finding(),)),
        groups=(group(title="Long title " * 20, count=2), group(example_stream=1)),
    )
    for options in MODES:
        page = shown(told, width=width, encoding=encoding, **options)

        assert max(len(line) for line in page.splitlines()) <= min(width, 100)
        assert [line for line in page.splitlines() if line != line.rstrip()] == []


def test_signs_that_the_encoding_lacks_are_written_in_ascii() -> None:
    page = shown(failing(), encoding="ascii")

    assert page.isascii()
    assert page.startswith("x 10.1.1.5 does not trust")
    assert "alert unknown_ca (fatal) x --" in page
    assert "\\u" not in page


def test_without_a_terminal_there_is_no_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")

    assert "\x1b" not in shown(failing())


def test_a_terminal_has_colour_unless_no_color_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[" in shown(failing(), colour=True)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[3" not in shown(failing(), colour=True)


def test_hostile_names_reach_no_terminal() -> None:
    bad = finding(title=HOSTILE, explanation=HOSTILE, remedy=(HOSTILE,), references=(HOSTILE,))
    hostile = connection(
        diagnosis=bad,
        findings=(bad,),
        caveats=(HOSTILE,),
        tls=replace(connection().tls, sni=HOSTILE),
    )
    told = report(hostile, groups=(group(title=HOSTILE, sni=(HOSTILE,), count=2),))
    for options in MODES:
        page = shown(told, **options)

        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", page)
        assert "[bold]" in page
        assert "\\x1b[2J" in page


def test_many_groups_stay_short_and_verbose_tells_all() -> None:
    failures = [connection(i, diagnosis=finding(cause=f"cause_{i}")) for i in range(30)]
    groups = tuple(
        group(title=f"Failure number {i}", cause=f"cause_{i}", example_stream=i) for i in range(30)
    )
    told = report(*failures, groups=groups)
    short, long = shown(told), shown(told, verbose=True)

    assert len(short.splitlines()) < 250
    assert "and 10 more kinds of failure in 10 connections" in short
    assert "cause_29" not in short
    assert "cause_29" in long


def test_verbose_tells_each_failure_once_where_servers_have_groups_of_their_own() -> None:
    elsewhere = connection(1, server=Endpoint(ip="10.9.9.9", port=443))
    told = report(
        connection(),
        elsewhere,
        groups=(group(), group(example_stream=1, servers=("10.9.9.9:443",))),
    )

    assert shown(told, verbose=True).count("tcp.stream eq 1\n") == 1


def test_a_group_names_how_many_and_who() -> None:
    told = report(
        connection(),
        connection(1),
        groups=(group(count=17, clients=("10.0.0.1", "10.0.0.2"), clients_total=9),),
    )
    page = shown(told)

    assert "(×17: 9 clients)" in page
    assert "clients    10.0.0.1, 10.0.0.2 and 7 more" in page


def test_the_first_screen_says_where_to_change_something() -> None:
    cut = finding(remedy_side="capture", confidence="suspected")
    told = report(
        connection(),
        connection(1, diagnosis=cut),
        groups=(group(count=2, servers_total=2, sni_total=3), group(example_stream=1)),
    )

    first, second = re.findall(r"[✗].*\n(?: .*\n)*? {5}▶ (.*)\n", shown(told))
    assert (first, second) == ("change on the client", "capture again (suspected)")
    assert "(×2: 2 servers, 3 names)" in " ".join(shown(told).split())


def test_a_long_flight_takes_several_rows_and_loses_nothing() -> None:
    names = ["server_hello", "certificate", "server_key_exchange", "certificate_request"]
    told = connection()
    flight = tuple(
        Message(name=n, sender="server", frame=6, time=at(0.06), length=9, inferred=False)
        for n in [*names, "server_hello_done"]
    )
    page = shown(report(_with_messages(told, flight)), width=60, chosen=True)

    assert all(name in page for name in names)


def test_a_close_stands_where_it_came() -> None:
    told = connection()
    (alert,) = told.handshake.alerts
    answer = replace(alert, sender="server", visible=False, frame=10, time=at(0.1))
    shake = replace(told.handshake, alerts=(answer,))
    page = shown(report(replace(told, handshake=shake)), chosen=True)
    unseen = replace(told.tcp, end_frame=None, end_time=at(0.1))
    proven = shown(report(replace(told, handshake=shake, tcp=unseen)), chosen=True)

    assert re.search(r"closes the connection \(FIN\) .*\n +10 .*alert, encrypted", proven)
    assert re.search(r"9 .* closes the connection \(FIN\) ✗ .*\n +10 .*alert, encrypted", page)


def test_a_long_talk_shows_its_beginning_and_its_end() -> None:
    talk = tuple(
        Message(
            name=f"message_{i}",
            sender="client" if i % 2 else "server",
            frame=i + 1,
            time=at(i / 10),
            length=9,
            inferred=True,
        )
        for i in range(100)
    )
    page = shown(report(_with_messages(connection(), talk)), chosen=True)

    assert "(message_0)" in page
    assert "(message_99)" in page
    assert "(message_50)" not in page
    assert "known by its record only" in page


def test_frames_of_several_files_name_the_file() -> None:
    seen = finding().evidence[0]
    bad = finding(evidence=(type(seen)(frame=FileFrame(file=1, frame=7), text="here"),))

    assert "frame 1:7  here" in shown(report(connection(diagnosis=bad)), chosen=True)


def test_of_several_files_streams_are_found_by_their_ends_and_files_have_numbers() -> None:
    told = failing()
    page = shown(replace(told, captures=told.captures * 2), width=100)

    assert "Wireshark  ip.addr eq 10.1.1.5 and tcp.port eq 51234 and ip.addr eq 10.2.2.2" in page
    assert "tcp.stream eq" not in page
    assert "\n0: trace.pcap" in page
    assert "\n1: trace.pcap" in page


def test_what_went_well_is_one_line_first_when_nothing_failed() -> None:
    assert shown(report(good())).startswith("✓ The one TLS connection completed its handshake.\n")
    assert shown(report(good(), good(2))).startswith("✓ All 2 TLS connections completed")
    plain = connection(outcome="not_tls", diagnosis=None)
    assert shown(report(plain)).startswith("The capture holds no TLS.\n")


def test_a_capture_without_connections_says_what_is_not_read() -> None:
    (capture,) = report().captures
    nothing = replace(report(), captures=(replace(capture, packets=0),))

    assert shown(nothing).startswith("The capture holds no packets.\n")
    assert "TLS over UDP (DTLS, QUIC) is not read" in shown(report())


def test_what_is_incomplete_says_why() -> None:
    cut = finding(title="The capture begins after the handshake", cause="capture_midstream")
    page = shown(report(connection(outcome="incomplete", diagnosis=cut)))

    assert "1 connection: the capture does not show how the handshake ended." in page
    assert "capture_midstream: The capture begins after the handshake (stream 0)" in page


def test_notes_on_good_connections_are_counted_once() -> None:
    note = finding(title="The certificate expires in 3 days")
    told = report(
        *(connection(i, outcome="established", diagnosis=None, findings=(note,)) for i in range(4))
    )
    page = shown(told)

    assert page.count("expires in 3 days") == 1
    assert "(stream 0, TLS-CERT-010) and 3 more like" in page


def test_offer_and_choice_stand_side_by_side_when_asked_for() -> None:
    page = shown(report(connection()), chosen=True)

    assert f"version  TLSv1.2, out of: {', '.join(offers().versions)}" in page


@pytest.mark.parametrize(
    ("version", "suite", "word"),
    [
        ("TLSv1.2", "TLS_RSA_WITH_AES_128_GCM_SHA256", "not used"),
        ("TLSv1.2", "TLS_PSK_WITH_AES_128_GCM_SHA256", "not used"),
        ("TLSv1.2", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "nothing"),
        ("TLSv1.3", "TLS_AES_128_GCM_SHA256", "nothing"),
        (None, None, "nothing"),
    ],
)
def test_a_group_that_the_suite_does_without_is_not_missing(
    version: str | None, suite: str | None, word: str
) -> None:
    told = connection()
    tls = replace(told.tls, version=version, cipher_suite=suite, group=None)
    text = shown(report(replace(told, tls=tls)), verbose=True, chosen=True)

    assert f"group    {word}, out of: " in text


def _with_messages(told: Connection, messages: tuple[Message, ...]) -> Connection:
    handshake = replace(told.handshake, messages=messages, alerts=())
    return replace(told, handshake=handshake)
