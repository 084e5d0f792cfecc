"""Plaintext where TLS was due, and TLS where it was not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from analyzer import rules
from analyzer.diagnosis.causes import Confidence, FailingSide, Phase, RemedySide
from analyzer.diagnosis.engine import diagnose, outcome
from analyzer.tls.story import Neighbours, SeenWith, Story
from tests.support import messages as m
from tests.support.neighbours import introduced, survey
from tests.support.pairs import Pair, ids, judge, said
from tests.support.stories import (
    CLIENT,
    SERVER,
    a_story,
    alerted,
    closed,
    connected,
    ended,
    offered,
    used,
)

_F, _R, _C, _P = FailingSide, RemedySide, Confidence, Phase
GET = b"GET /health HTTP/1.1\r\nHost: server.example\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"
WANTS_TLS = b"HTTP/1.1 400 Bad Request\r\n\r\nThe plain HTTP request was sent to HTTPS port\r\n"
SSH = b"SSH-2.0-OpenSSH_9.2\r\n"
TLS_ELSEWHERE = Neighbours(server=SeenWith(established=3))


def asked(request: bytes = GET, answer: bytes = b"", **changes: Any) -> Story:
    """A client's bytes, what the server says to them, and the server's close."""
    scene = connected().client(request)
    if answer:
        scene.server(answer)
    return scene.fin(SERVER).fin(CLIENT).story(**changes)


def greeted(greeting: bytes) -> Story:
    """A server that speaks first, and a client that answers with its hello and leaves."""
    return ended(connected().server(greeting).client(m.client_hello()), "fin", CLIENT)


PAIRS = (
    Pair(
        "TLS-PLN-001",
        lambda: alerted(connected().client(GET), SERVER, 10),
        lambda: asked(answer=OK),
        _P.CLIENT_HELLO,
        _F.SERVER,
        _R.CLIENT,
        _C.SEEN,
    ),
    Pair(
        "TLS-PLN-002",
        lambda: alerted(connected().client(SSH), SERVER, 10),
        lambda: alerted(connected().client(GET), SERVER, 10),
        _P.CLIENT_HELLO,
        _F.SERVER,
        _R.CLIENT,
        _C.SEEN,
    ),
    Pair(
        "TLS-PLN-003",
        lambda: ended(offered().server(BAD_REQUEST), "fin", CLIENT),
        lambda: ended(offered(), "fin", CLIENT),
        _P.CLIENT_HELLO,
        _F.CLIENT,
        _R.CLIENT,
        _C.SEEN,
    ),
)


@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_a_rule_tells_its_case_from_its_neighbour(pair: Pair) -> None:
    judge(pair)


def test_every_rule_of_the_family_has_a_pair() -> None:
    assert {pair.rule for pair in PAIRS} == ids("not_tls")


@pytest.mark.parametrize("rule", sorted(ids("not_tls")))
def test_no_rule_accuses_a_healthy_connection(rule: str) -> None:
    assert said(rule, a_story()) == []


@pytest.mark.parametrize(
    ("story", "confidence"),
    [
        pytest.param(asked(answer=WANTS_TLS), Confidence.SEEN, id="the server says so"),
        pytest.param(asked(neighbours=TLS_ELSEWHERE), Confidence.INFERRED, id="others spoke TLS"),
        pytest.param(asked(), Confidence.SUSPECTED, id="it only closes"),
    ],
)
def test_how_sure_it_is_that_tls_was_due(story: Story, confidence: Confidence) -> None:
    (finding,) = said("TLS-PLN-001", story)

    assert finding.confidence is confidence
    assert bool(finding.alternatives) is (confidence is not Confidence.SEEN)


@pytest.mark.parametrize(
    "story",
    [
        pytest.param(asked(answer=OK), id="http"),
        pytest.param(asked(SSH, SSH), id="ssh on both sides"),
        pytest.param(
            ended(connected().server(b"220 mail.example ESMTP\r\n"), "fin", CLIENT),
            id="a greeting that nobody answers",
        ),
        pytest.param(
            asked(b"\x01\x02\x03\x04 private", b"\x05\x06\x07\x08"), id="private protocol"
        ),
    ],
)
def test_plaintext_that_both_sides_want_is_nobodys_failure(story: Story) -> None:
    diagnosis = diagnose(story, rules.modules())

    assert diagnosis.headline is None
    assert outcome(story, diagnosis.headline) == "not_tls"


def test_unknown_bytes_and_a_close_are_too_little_to_accuse() -> None:
    assert said("TLS-PLN-002", asked(b"\x01\x02\x03\x04 private")) == []
    assert said("TLS-PLN-002", asked(SSH)) != []


PROXY_HEADER = b"PROXY TCP4 192.0.2.1 192.0.2.2 1 443\r\n"


def test_a_header_that_no_tls_follows_does_not_make_the_server_one_of_tls() -> None:
    """hitch before a web server of plain HTTP that knows nothing of the header."""
    assert said("TLS-PLN-002", asked(PROXY_HEADER + GET)) == []
    assert said("TLS-PLN-002", asked(PROXY_HEADER + GET, neighbours=TLS_ELSEWHERE)) != []


def balanced(*answer: bytes, **changes: Any) -> Story:
    """A load balancer's header and a hello, what the server says to them, and the server's close."""
    scene = connected().client(PROXY_HEADER, m.client_hello())
    if answer:
        scene.server(*answer)
    return scene.fin(SERVER).fin(CLIENT).story(**changes)


@pytest.mark.parametrize(
    ("story", "confidence"),
    [
        pytest.param(balanced(m.alert(10)), Confidence.INFERRED, id="GnuTLS, Java"),
        pytest.param(balanced(WANTS_TLS), Confidence.INFERRED, id="it says so"),
        pytest.param(balanced(BAD_REQUEST), Confidence.SUSPECTED, id="nginx"),
        pytest.param(balanced(), Confidence.SUSPECTED, id="OpenSSL, Go, HAProxy"),
    ],
)
def test_a_server_that_does_not_know_the_header_before_the_hello(
    story: Story, confidence: Confidence
) -> None:
    headline = diagnose(story, rules.modules()).headline

    assert headline is not None
    assert (headline.cause, headline.confidence) == ("plaintext_other_to_tls", confidence)
    assert headline.remedy_side is RemedySide.CLIENT


@pytest.mark.parametrize(
    ("story", "cause"),
    [
        pytest.param(balanced(m.alert(70)), "protocol_version", id="it read the hello"),
        pytest.param(balanced(SSH), "tls_to_plaintext", id="it speaks something else"),
        pytest.param(
            balanced(neighbours=TLS_ELSEWHERE),
            "server_closed_silently",
            id="it may know the header",
        ),
    ],
)
def test_a_header_that_is_not_to_blame(story: Story, cause: str) -> None:
    headline = diagnose(story, rules.modules()).headline

    assert headline is not None
    assert headline.cause == cause


def test_the_header_is_another_explanation_of_silence() -> None:
    headline = diagnose(balanced(neighbours=TLS_ELSEWHERE), rules.modules()).headline

    assert headline is not None
    assert "plaintext_other_to_tls" in [other.cause for other in headline.alternatives]


@pytest.mark.parametrize(
    ("greeting", "protocol"),
    [
        (SSH, "ssh"),
        (b"220 mail.example ESMTP ready\r\n", "smtp"),
        (b"220 FTP server ready\r\n", "ftp"),
        (b"* OK IMAP4 ready\r\n", "imap"),
        (b"+OK POP3 ready\r\n", "pop3"),
        (b"\x4a\0\0\0\x0a8.0.36\0" + bytes(60), "mysql"),
    ],
)
def test_a_greeting_before_the_hello_names_the_protocol(greeting: bytes, protocol: str) -> None:
    (finding,) = said("TLS-PLN-003", greeted(greeting))

    assert protocol in finding.title.casefold()
    assert [evidence.frame for evidence in finding.evidence] == [5, 4]


def test_the_alert_of_a_client_that_reads_plaintext_changes_nothing() -> None:
    """OpenSSL answers "HTTP/1.1 400" with protocol_version: it reads a record of version 0x5454."""
    story = alerted(offered().server(BAD_REQUEST), CLIENT, 70)
    headline = diagnose(story, rules.modules()).headline

    assert headline is not None
    assert headline.cause == "tls_to_plaintext"


def test_a_client_that_closes_first_on_being_told_did_not_give_up() -> None:
    """curl closes when it has read nginx's 400, before the server does."""
    story = connected().client(GET).server(WANTS_TLS).fin(CLIENT).fin(SERVER).story()
    (finding,) = said("TLS-PLN-001", story)

    assert finding.failing_side is _F.SERVER


@pytest.mark.parametrize(
    "request_", [b"OPTIONS sip:a SIP/2.0\r\n", b"OPTIONS rtsp://a RTSP/1.0\r\n"]
)
def test_what_has_the_form_of_http_is_not_always_http(request_: bytes) -> None:
    story = alerted(connected().client(request_), SERVER, 10)
    headline = diagnose(story, rules.modules()).headline

    assert headline is not None
    assert headline.cause == "plaintext_other_to_tls"


BY_UPGRADE = Neighbours(server=SeenWith(established=3, upgraded=3))


def test_a_server_that_others_came_to_tls_at_by_asking_need_not_speak_it_at_once() -> None:
    """ldaps:// to the port of ldap://, where StartTLS works."""
    story = offered().fin(SERVER).fin(CLIENT).story(neighbours=BY_UPGRADE)
    headline = diagnose(story, rules.modules()).headline

    assert headline is not None
    blamed = {other.cause: other.would_decide for other in headline.alternatives}
    assert "STARTTLS" in blamed["tls_to_plaintext"]
    assert [found.confidence for found in said("TLS-PLN-002", asked(SSH))] == [Confidence.SUSPECTED]
    sure = said("TLS-PLN-002", asked(SSH, neighbours=BY_UPGRADE))
    assert [found.confidence for found in sure] == [Confidence.SUSPECTED]


def test_who_came_to_tls_by_asking_is_counted_apart() -> None:
    talk = connected().server(b"220 mx\r\n").client(b"EHLO a\r\n").server(b"250 STARTTLS\r\n")
    scene = talk.client(b"STARTTLS\r\n").server(b"220 go on\r\n").client(m.client_hello())
    scene.ack(SERVER).server(m.server_flight()).ack(CLIENT).client(m.client_flight())
    asked_for = closed(used(scene.server(m.finished()).ack(CLIENT))).story()
    told = []
    for other in (asked_for, a_story()):
        both = [replace(one, stream=n, start=n) for n, one in enumerate((a_story(), other))]
        seen = introduced(both[0], survey(both)).neighbours.server
        told.append((seen.established, seen.upgraded, seen.direct))

    assert told == [(1, 1, 0), (1, 0, 1)]
