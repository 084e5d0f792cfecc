"""Which lines belong to which connection, by which clock, and where lines and packets disagree."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer import rules
from analyzer.cli import run
from analyzer.datapower.export.container import read_bytes
from analyzer.datapower.graph import build_graph
from analyzer.datapower.log.clock import Happening, find_clock
from analyzer.datapower.log.joining import Joiner
from analyzer.datapower.log.load import Log, read_log_bytes
from analyzer.datapower.papers import Papers
from analyzer.diagnosis.engine import diagnose
from analyzer.limits import DEFAULT
from analyzer.pipeline import Analysis
from analyzer.rules.datapower import read_wire
from analyzer.tcp.evidence import Endpoint
from analyzer.tcp.timeline import Side
from analyzer.tls.loglines import LogView
from analyzer.tls.story import Story
from tests.datapower.test_export_cases import back, client, front, server
from tests.datapower.test_log_forms import report
from tests.support import messages as m
from tests.support import stories as told
from tests.support.exports import Thing, as_xml, handler
from tests.support.logs import Entry, as_new, as_old, as_syslog

ROOT = Path(__file__).parents[2]
CLIENT, SERVER = Side.CLIENT, Side.SERVER
SECOND, MS = 10**9, 10**6
CIPHER = "SSL library error: error:0A0000C1:SSL routines::no shared cipher"
UNKNOWN_CA = "SSL library error: error:0A000418:SSL routines::tlsv1 alert unknown ca"
VERSION = "SSL library error: error:0A000102:SSL routines::unsupported protocol"


def refused(
    stream: int = 0, *, ip: str = "192.0.2.10", port: int = 50_000, at: float = 0.0
) -> Story:
    """A ClientHello refused with handshake_failure, ``at`` seconds later than others."""
    return shifted(told.alerted(told.offered(), SERVER, 40), stream, ip, port, at)


def shifted(story: Story, stream: int, ip: str, port: int, at: float) -> Story:
    by = int(at * SECOND)
    ending = replace(story.ending, time=story.ending.time + by)
    return replace(
        story,
        stream=stream,
        client=Endpoint(ip, port),
        start=story.start + by,
        end=story.end + by,
        ending=ending,
    )


def line(
    story: Story, text: str = CIPHER, *, tid: int = 17, late: float = 0.002, **more: str
) -> Entry:
    """What the gateway writes at the end of a connection."""
    held = {
        "kind": "ssl-server",
        "name": "front",
        "domain": "payments",
        "client": story.client.ip,
    } | more
    return Entry(
        time=story.ending.time + int(late * SECOND), category="ssl", severity="error", code="0x8120002f",
        text=text, tid=tid, **held,
    )  # fmt: skip


def ended(story: Story, *, tid: int = 17, late: float = 0.003) -> Entry:
    ends = f"{story.client.ip}:{story.client.port} {story.server.ip}:{story.server.port}"
    made = line(story, f"Starting termination of connection {ends}", tid=tid, late=late)
    return replace(
        made,
        code="0x80e00531",
        severity="debug",
        category="mpgw",
        kind="source-https",
        name="https-in",
    )


def log_of(entries: Iterable[Entry]) -> Log:
    return read_log_bytes("\n".join(map(as_new, entries)).encode(), "default-log")


def joined(stories: list[Story], log: Log, offset: float | None = None) -> list[LogView | None]:
    joiner = Joiner(log, offset)
    for story in stories:
        joiner.meet(story)
    return [joiner.join(story) for story in stories]


def transactions(views: list[LogView | None]) -> list[int | None]:
    return [view.transaction if view is not None else None for view in views]


# --- which lines ----------------------------------------------------------------------------------


def test_both_addresses_and_ports_lead_to_the_connection_whatever_stands_near() -> None:
    first, second = refused(0, port=50_000), refused(1, port=50_001, at=0.001)
    entries = [
        line(first, VERSION, tid=1),
        ended(first, tid=1),
        line(second, tid=2),
        ended(second, tid=2),
    ]
    views = joined([first, second], log_of(entries))

    assert transactions(views) == [1, 2]
    assert all(view is not None and len(view.lines) == 2 for view in views)


def test_the_clients_address_and_the_time_lead_to_the_nearest() -> None:
    stories = [refused(n, port=50_000 + n, at=n * 1.0) for n in range(5)]
    views = joined(stories, log_of(line(one, tid=n) for n, one in enumerate(stories)))

    assert transactions(views) == [0, 1, 2, 3, 4]


def test_lines_that_say_different_things_at_one_moment_belong_to_nobody() -> None:
    first, second = refused(0, port=50_000), refused(1, port=50_001, at=0.001)
    views = joined([first, second], log_of([line(first, VERSION, tid=1), line(second, tid=2)]))

    assert transactions(views) == [None, None]


def test_lines_that_say_the_same_at_one_moment_may_be_exchanged() -> None:
    first, second = refused(0, port=50_000), refused(1, port=50_001, at=0.001)
    views = joined([first, second], log_of([line(first, tid=1), line(second, tid=2)]))

    assert None not in transactions(views)


def test_a_line_belongs_to_the_nearer_of_two_connections_only() -> None:
    first, second = refused(0, port=50_000), refused(1, port=50_001, at=0.5)

    assert transactions(joined([first, second], log_of([line(second, tid=2)]))) == [None, 2]


def test_ports_that_were_used_again_hours_later_are_another_connection() -> None:
    story = refused()

    assert transactions(joined([story], log_of([ended(story, late=7_200.0)]), offset=0.0)) == [None]


def test_lines_of_two_clients_with_one_number_are_two_transactions() -> None:
    first, second = refused(0), refused(1, ip="192.0.2.11", at=0.1)
    views = joined([first, second], log_of([line(first, tid=5), line(second, VERSION, tid=5)]))

    assert [[one.client for one in view.lines] for view in views if view] == [
        ["192.0.2.10"],
        ["192.0.2.11"],
    ]


def test_another_clients_lines_and_those_of_a_minute_later_are_left_alone() -> None:
    story = refused()
    other = line(story, client="192.0.2.99")
    late = line(refused(1, at=60.0))

    assert transactions(joined([story], log_of([other]))) == [None]
    assert transactions(joined([story], log_of([late]))) == [None]


def test_a_numbers_second_life_is_another_transaction() -> None:
    first, second = refused(0), refused(1, at=7_200.0)
    views = joined([first, second], log_of([line(first, tid=5), line(second, tid=5)]))

    assert [view is not None and len(view.lines) for view in views] == [1, 1]


def test_front_and_back_of_one_transaction_are_told_apart() -> None:
    behind = replace(
        refused(1), client=Endpoint("10.0.0.1", 40_000), server=Endpoint("10.0.0.9", 8443)
    )
    ahead = told.a_story()
    url = "a backside connection, url: https://10.0.0.9:8443/x"
    entries = [
        replace(
            line(behind, "certificate validation succeeded for 'x' against 'V'"),
            code="0x8060010b",
            client="192.0.2.10",
        ),
        line(behind, UNKNOWN_CA, kind="ssl-client", name="back", client="192.0.2.10"),
        replace(
            line(behind, url, kind="mpgw", name="orders", client="192.0.2.10"), code="0x80e00126"
        ),
        ended(ahead),
    ]
    views = joined([ahead, behind], log_of(entries))

    assert [view is not None and view.leg is not None and view.leg.value for view in views] == [
        "front",
        "back",
    ]
    assert views[1] is not None
    assert {one.name for one in views[1].lines if one.kind} >= {"back", "orders"}


def test_time_alone_leads_to_no_back_side() -> None:
    story = refused()
    lines = [line(story, CIPHER, kind="ssl-client", name="back", client="203.0.113.9")]

    assert transactions(joined([story], log_of(lines))) == [None]


def test_connections_beyond_the_limit_are_not_joined_and_counted() -> None:
    stories = [refused(n, port=50_000 + n, at=n * 10.0) for n in range(4)]
    limits = replace(DEFAULT, surveyed=2)
    joiner = Joiner(log_of(line(one, tid=n) for n, one in enumerate(stories)), None, limits)
    for story in stories:
        joiner.meet(story)

    assert transactions([joiner.join(story) for story in stories]) == [0, 1, None, None]
    assert any("2 connections after the first 2" in one for one in joiner.caveats())


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 40)), min_size=1, max_size=8), st.randoms()
)
def test_no_connection_gets_lines_of_another_client(
    spots: list[tuple[int, int]], chance: object
) -> None:
    stories = [
        refused(n, ip=f"192.0.2.{who}", port=50_000 + n, at=at / 4)
        for n, (who, at) in enumerate(spots)
    ]
    entries = [line(one, CIPHER if n % 2 else VERSION, tid=n) for n, one in enumerate(stories)]
    chance.shuffle(entries)  # type: ignore[attr-defined]
    for story, view in zip(stories, joined(stories, log_of(entries)), strict=True):
        if view is not None:
            assert {one.client for one in view.lines} == {story.client.ip}


# --- which clock ----------------------------------------------------------------------------------


@pytest.mark.parametrize("offset", [-3_600.0, -0.7, 0.0, 0.25, 42.5, 86_400.0])
def test_a_line_with_both_ends_tells_the_offset(offset: float) -> None:
    stories = [refused(n, port=50_000 + n, at=n * 10.0) for n in range(3)]
    late = offset + 0.002
    entries = [line(one, tid=n, late=late) for n, one in enumerate(stories)]
    entries.append(ended(stories[1], tid=1, late=late))
    joiner = Joiner(log_of(entries))
    for story in stories:
        joiner.meet(story)
    views = [joiner.join(story) for story in stories]

    assert transactions(views) == [0, 1, 2]
    assert any("s ahead of the capture" in one for one in joiner.caveats()) is (abs(offset) > 1)


def test_failures_that_agree_tell_the_offset() -> None:
    stories = [refused(n, port=50_000 + n, at=at) for n, at in enumerate((0.0, 7.0, 31.0, 90.0))]
    entries = [line(one, tid=n, late=-1_234.5) for n, one in enumerate(stories)]
    views = joined(stories, log_of(entries))

    assert transactions(views) == [0, 1, 2, 3]
    assert views[0] is not None
    assert views[0].offset_ns == pytest.approx(-1_234.5 * SECOND, abs=SECOND)
    assert "off" in views[0].found_by


def test_one_pair_that_could_be_chance_tells_none() -> None:
    story = refused()
    log = log_of([line(story, late=1_234.5)])

    assert transactions(joined([story], log)) == [None]
    assert transactions(joined([story], log, offset=1_234.5)) == [17]


@pytest.mark.parametrize("hours", [-7.0, 2.0, 5.75])
def test_times_without_a_zone_may_be_off_by_one(hours: float) -> None:
    story = refused()
    entry = line(story, late=hours * 3_600)
    old = read_log_bytes(as_old(entry).encode(), "log")
    zoned = read_log_bytes(as_new(entry).encode(), "log")
    odd = read_log_bytes(as_old(replace(entry, time=entry.time + 400 * SECOND)).encode(), "log")

    assert transactions(joined([story], old)) == [17]
    assert transactions(joined([story], zoned)) == [None]
    assert transactions(joined([story], odd)) == [None]


def test_times_without_a_year_take_that_of_the_capture() -> None:
    story = refused()
    log = read_log_bytes(as_syslog(line(story)).encode(), "log")

    assert log.lines[0].year_known is False
    assert transactions(joined([story], log)) == [17]


def test_ports_that_were_used_twice_tell_no_offset() -> None:
    ends = (("192.0.2.10", 1), ("192.0.2.20", 443))
    captured = [Happening(0, "192.0.2.10", ends), Happening(900 * SECOND, "192.0.2.10", ends)]

    assert (
        find_clock([Happening(50 * SECOND, "192.0.2.10", ends)], captured, zone_known=True) is None
    )


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        (line(refused(at=90_000.0)), "does not cover the time of 1 connection"),
        (line(refused(), client="192.0.2.99"), "covers the time and has no line on 1 connection"),
    ],
)
def test_a_log_that_is_of_no_use_says_why(entry: Entry, says: str) -> None:
    joiner = Joiner(log_of([entry]))
    story = refused()
    joiner.meet(story)

    assert joiner.join(story) is None
    assert [one for one in joiner.caveats() if says in one]


# --- wire against log -----------------------------------------------------------------------------


def laid(story: Story, entries: list[Entry], things: list[Thing] | None = None) -> Story:
    graph = build_graph([read_bytes(as_xml(things, addresses=[]), "e.xml")]) if things else None
    papers = Papers(graph, log_of(entries) if entries else None)
    papers.meet(story)
    return papers.place(story)


CONTRADICTIONS = {
    "another alert": (told.alerted(told.answered(), CLIENT, 46), UNKNOWN_CA, "in the capture it sent certificate_unknown"),
    "no alert": (told.ended(told.answered(), "fin", CLIENT), UNKNOWN_CA, "and no alert among it"),
    "the peer gave up": (told.alerted(told.answered(), CLIENT, 48), VERSION, "its peer gave up first, with alert unknown_ca"),
    "HTTP, and a ClientHello": (
        told.alerted(told.offered(), SERVER, 40),
        "SSL library error: error:1407609C:SSL routines:SSL23_GET_CLIENT_HELLO:http request",
        "the client sent a ClientHello",
    ),
    "no shared cipher, and a ServerHello": (told.ended(told.answered(), "fin", SERVER), CIPHER, "went on to ServerHello"),
    "a refusal, and data": (told.a_story(), VERSION, "went on to ServerHello"),
}  # fmt: skip


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_lines_that_the_packets_deny_are_a_finding_and_no_evidence(name: str) -> None:
    story, text, says = CONTRADICTIONS[name]
    placed = laid(story, [line(story, text), ended(story)])
    found, alone = diagnose(placed, rules.modules()), diagnose(story, rules.modules())
    (noted,) = [one for one in found.findings if one.rule == "TLS-DPX-031"]

    assert says in noted.title
    assert noted.evidence[0].frame > 0
    assert found.headline == alone.headline


@pytest.mark.parametrize(
    ("story", "text"),
    [
        pytest.param(told.alerted(told.answered(), CLIENT, 48), UNKNOWN_CA, id="the alert that was sent"),
        pytest.param(told.answered13().client(m.sealed(2)).fin(CLIENT).story(), UNKNOWN_CA, id="an encrypted alert"),
        pytest.param(told.ended(told.answered(), "rst", SERVER), VERSION.replace("102", "086"), id="a refusal without an alert"),
        pytest.param(told.answered().only(SERVER).story(), UNKNOWN_CA, id="half of the connection was not captured"),
    ],
)  # fmt: skip
def test_lines_that_can_be_right_contradict_nothing(story: Story, text: str) -> None:
    placed = laid(story, [line(story, text), ended(story)])

    assert placed.log is not None
    assert placed.log.contradictions == ()


def test_of_two_transactions_the_one_that_fits_the_wire_is_taken() -> None:
    story = told.alerted(told.answered(), CLIENT, 48)
    entries = [line(story, CIPHER, tid=1, late=0.0), line(story, UNKNOWN_CA, tid=2, late=0.3)]
    placed = laid(story, entries)

    assert placed.log is not None
    assert placed.log.transaction == 2


# --- log and export -------------------------------------------------------------------------------


def test_the_log_settles_which_of_two_listeners_took_part() -> None:
    story = refused()
    things = front(server(), handler("twin"))
    without = laid(story, [], things)
    placed = laid(story, [line(story), ended(story)], things)

    assert without.objects is not None
    assert without.objects.profile is None
    assert placed.objects is not None
    assert (placed.objects.place, placed.objects.found_by) == (
        "HTTPSSourceProtocolHandler https-in",
        "the gateway's log names it",
    )
    assert placed.objects.profile is not None
    assert placed.objects.profile.label == "SSLServerProfile front"


def test_a_profile_that_two_listeners_share_settles_nothing() -> None:
    story = refused()
    placed = laid(story, [line(story)], front(server(), handler("twin", SSLServer="front")))

    assert placed.objects is not None
    assert placed.objects.profile is None


def test_nothing_is_concluded_from_lines_that_contradict_the_packets() -> None:
    story = told.ended(told.answered(), "fin", SERVER)
    entries = [line(story, CIPHER), ended(story)]
    placed, without = laid(story, entries, front(server())), laid(story, [], front(server()))

    assert placed.log is not None
    assert placed.log.contradictions
    assert read_wire(placed) == read_wire(story)
    assert diagnose(placed, rules.modules()).headline == diagnose(without, rules.modules()).headline


def test_the_log_names_the_profile_of_a_backend_that_no_url_leads_to() -> None:
    story = told.alerted(told.offered(m.client_hello(sni=None)), SERVER, 40)
    url = "a backside connection, url: https://198.51.100.20/x"
    entries = [
        line(story, CIPHER.replace("0A0000C1", "0A000410"), kind="ssl-client", name="back"),
        replace(line(story, url, kind="mpgw", name="orders"), code="0x80e00126"),
    ]
    things = back(client(), "https://somewhere.example:443/")
    placed = laid(story, entries, things)

    assert placed.objects is not None
    assert placed.objects.profile is not None
    assert placed.objects.profile.label == "SSLClientProfile back"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            {"domain": "orders"},
            "is of domain orders; by address and port the connection belongs to",
        ),
        (
            {"name": "other"},
            "names SSLServerProfile other; by address and port it is SSLServerProfile front",
        ),
    ],
)
def test_where_log_and_export_disagree_no_object_is_named(
    change: dict[str, Any], says: str
) -> None:
    story = refused()
    placed = laid(story, [replace(line(story), **change)], front(server()))

    assert placed.objects is None
    assert placed.log is not None
    assert says in placed.log.contradictions[0]


# --- the program ----------------------------------------------------------------------------------


Capture: TypeAlias = pytest.CaptureFixture[str]


def said(capfd: Capture, *arguments: str) -> str:
    """What a command line prints."""
    assert run(list(arguments)) == 0
    return capfd.readouterr().out


def sample_log(tmp_path: Path, *, late: float = 0.002) -> tuple[str, Path]:
    trace = str(ROOT / "sample_pcaps" / "no_shared_cipher_tls12.pcap")
    (judged,) = Analysis([trace]).judged()
    path = tmp_path / "default-log"
    path.write_text(as_new(line(judged.story, late=late)) + "\n", encoding="utf-8")
    return trace, path


def test_analyze_tells_the_lines_as_text_and_json(tmp_path: Path, capfd: Capture) -> None:
    trace, path = sample_log(tmp_path)
    text = said(capfd, "analyze", trace, "--dp-log", str(path))
    data = json.loads(said(capfd, "analyze", trace, "--dp-log", str(path), "-f", "json"))
    (connection,) = data["connections"]

    assert "SSLServerProfile front refused 192.0.2.10: no shared cipher" in text
    assert "In the gateway's log" in text
    assert connection["diagnosis"]["rule"] == "TLS-DPX-026"
    assert connection["log"]["lines"][0]["file"] == "default-log"
    assert connection["log"]["lines"][0]["line"] == 1
    assert connection["log"]["lines"][0]["code"] == "0x8120002f"
    assert connection["log"]["transaction"] == 17


def test_the_offset_of_the_clock_can_be_given(tmp_path: Path, capfd: Capture) -> None:
    trace, path = sample_log(tmp_path, late=777.0)
    command = ("analyze", trace, "--dp-log", str(path), "-f", "json")
    without = json.loads(said(capfd, *command))
    given = json.loads(said(capfd, *command, "--dp-clock-offset", "777"))

    assert without["connections"][0]["log"] is None
    assert any("does not cover the time" in one for one in without["captures"][0]["caveats"])
    assert given["connections"][0]["log"]["clock_offset"] == 777.0


def test_an_offset_without_a_log_is_a_wrong_command(capfd: Capture) -> None:
    trace = str(ROOT / "sample_pcaps" / "cert_expired.pcap")

    assert run(["analyze", trace, "--dp-clock-offset", "3"]) == 2
    assert "--dp-clock-offset belongs to a log" in capfd.readouterr().err


def test_an_error_report_alone_is_analysed(tmp_path: Path, capfd: Capture) -> None:
    path = tmp_path / "error-report.txt.gz"
    path.write_bytes(report())
    data = json.loads(said(capfd, "analyze", str(path), "-f", "json"))

    assert data["captures"][0]["path"] == "error-report.txt.gz: background.pcap"
    assert data["summary"]["failed"] == 1
