"""The talk before TLS: asked for, not on the list, refused, and agreed."""

from __future__ import annotations

from typing import Any

import pytest

from analyzer import rules
from analyzer.diagnosis.causes import Confidence, FailingSide, Phase, RemedySide
from analyzer.diagnosis.engine import diagnose, outcome
from analyzer.diagnosis.model import Finding
from analyzer.tls.story import Story
from tests.support import messages as m
from tests.support.pairs import Pair, ids, judge, said
from tests.support.stories import CLIENT, SERVER, Scene, alerted, closed, connected, ended, used

_F, _R, _C, _P = FailingSide, RemedySide, Confidence, Phase
GREETING = b"220 mail.example ESMTP\r\n"
LIST = b"250-mail.example\r\n250 STARTTLS\r\n"
BARE_LIST = b"250-mail.example\r\n250 SIZE 1000000\r\n"
CONNECT = b"CONNECT partner.example:443 HTTP/1.1\r\nHost: partner.example:443\r\n\r\n"


def talk(*lines: bytes) -> Scene:
    """The server speaks first, then they take turns."""
    scene = connected()
    for index, line in enumerate(lines):
        scene.say(CLIENT if index % 2 else SERVER, line)
    return scene


def mail(answer: bytes) -> Scene:
    """A mail client that asks for TLS, and the server's answer."""
    return talk(GREETING, b"EHLO client.example\r\n", LIST, b"STARTTLS\r\n", answer)


def proxied(answer: bytes) -> Scene:
    """A client that asks a proxy for a tunnel, and the answer."""
    return connected().client(CONNECT).server(answer)


def then_tls(scene: Scene) -> Story:
    """A healthy TLS connection behind what was said before."""
    scene.client(m.client_hello()).server(m.server_flight())
    scene.client(m.client_flight()).server(m.finished())
    return closed(used(scene)).story()


def insisting(answer: bytes) -> Scene:
    """A mail client that hands over a mail in clear, and the server's answer."""
    return talk(GREETING, b"EHLO client.example\r\n", LIST, b"MAIL FROM:<a@b.example>\r\n", answer)


PAIRS = (
    Pair(
        "TLS-UPG-001",
        lambda: ended(
            talk(GREETING, b"EHLO client.example\r\n", BARE_LIST, b"QUIT\r\n"), "fin", CLIENT
        ),
        lambda: ended(talk(GREETING, b"EHLO client.example\r\n", LIST, b"QUIT\r\n"), "fin", CLIENT),
        _P.CLIENT_HELLO,
        _F.CLIENT,
        _R.SERVER,
        _C.SUSPECTED,
    ),
    Pair(
        "TLS-UPG-002",
        lambda: ended(mail(b"454 4.7.0 TLS not available\r\n"), "fin", CLIENT),
        lambda: then_tls(mail(b"220 2.0.0 go ahead\r\n")),
        _P.CLIENT_HELLO,
        _F.SERVER,
        _R.SERVER,
        _C.SEEN,
    ),
    Pair(
        "TLS-UPG-003",
        lambda: ended(
            proxied(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"), "fin", CLIENT
        ),
        lambda: then_tls(proxied(b"HTTP/1.1 200 Connection established\r\n\r\n")),
        _P.CLIENT_HELLO,
        _F.SERVER,
        _R.CLIENT,
        _C.SEEN,
    ),
    Pair(
        "TLS-UPG-004",
        lambda: ended(
            insisting(b"530 5.7.0 Must issue a STARTTLS command first\r\n"), "fin", CLIENT
        ),
        lambda: ended(insisting(b"530 5.7.1 Authentication required\r\n"), "fin", CLIENT),
        _P.CLIENT_HELLO,
        _F.SERVER,
        _R.CLIENT,
        _C.SEEN,
    ),
)


@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_a_rule_tells_its_case_from_its_neighbour(pair: Pair) -> None:
    judge(pair)


def test_every_rule_of_the_family_has_a_pair() -> None:
    assert {pair.rule for pair in PAIRS} == ids("upgrade")


@pytest.mark.parametrize(
    "scene", [mail(b"220 go ahead\r\n"), proxied(b"HTTP/1.0 200 OK\r\n\r\n")], ids=["mail", "proxy"]
)
def test_tls_behind_an_agreement_is_told_like_any_other(scene: Scene) -> None:
    story = then_tls(scene)
    diagnosis = diagnose(story, rules.modules())

    assert story.prelude is not None
    assert story.signature == "CsxknGIi"
    assert outcome(story, diagnosis.headline) == "established"
    assert diagnosis.headline is None


def test_a_mail_that_is_sent_in_clear_needed_no_tls() -> None:
    story = talk(
        GREETING,
        b"EHLO client.example\r\n",
        BARE_LIST,
        b"MAIL FROM:<a@client.example>\r\n",
        b"250 OK\r\n",
        b"QUIT\r\n",
    )

    assert diagnose(ended(story, "fin", CLIENT), rules.modules()).headline is None


LISTS = {
    "asked": ((GREETING, b"EHLO client.example\r\n", BARE_LIST), _C.SUSPECTED),
    "unasked": ((b"* OK [CAPABILITY IMAP4rev1] ready\r\n",), _C.SUSPECTED),
}


@pytest.mark.parametrize("listed", LISTS)
@pytest.mark.parametrize(("way", "side"), [("fin", CLIENT), ("rst", CLIENT), ("fin", SERVER)])
def test_only_a_client_that_leaves_by_itself_missed_tls(listed: str, way: str, side: Any) -> None:
    said_before, confidence = LISTS[listed]
    headline = diagnose(ended(talk(*said_before), way, side), rules.modules()).headline

    if side is SERVER:
        assert headline is None
        return
    assert headline is not None
    assert (headline.cause, headline.confidence) == ("starttls_not_offered", confidence)
    assert [other.cause for other in headline.alternatives] == ["fine"]


def test_a_client_that_is_still_there_has_not_left() -> None:
    story = talk(GREETING, b"EHLO client.example\r\n", BARE_LIST).story()

    assert diagnose(story, rules.modules()).headline is None


def test_a_client_that_closed_before_it_could_read_the_list_missed_nothing() -> None:
    scene = connected().fin(CLIENT).server(b"* OK [CAPABILITY IMAP4rev1] ready\r\n")

    assert diagnose(scene.fin(SERVER).story(), rules.modules()).headline is None


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        (b"403 Forbidden", RemedySide.SERVER),
        (b"407 Proxy Authentication Required", RemedySide.CLIENT),
        (b"502 Bad Gateway", RemedySide.SERVER),
        (b"503 Service Unavailable", RemedySide.SERVER),
    ],
)
def test_the_proxys_answer_says_who_must_change(status: bytes, remedy: RemedySide) -> None:
    story = ended(proxied(b"HTTP/1.1 " + status + b"\r\n\r\n"), "fin", SERVER)
    (finding,) = said("TLS-UPG-003", story)

    assert finding.remedy_side is remedy
    assert status.decode() in finding.title
    assert "partner.example:443" in finding.title


@pytest.mark.parametrize(
    ("lines", "protocol"),
    [
        ((b"* OK IMAP4\r\n", b"a1 STARTTLS\r\n", b"a1 NO not now\r\n"), "imap"),
        ((b"+OK POP3\r\n", b"STLS\r\n", b"-ERR not now\r\n"), "pop3"),
        ((b"220 FTP ready\r\n", b"AUTH TLS\r\n", b"534 not available\r\n"), "ftp"),
    ],
)
def test_a_refusal_names_protocol_and_answer(lines: tuple[bytes, ...], protocol: str) -> None:
    (finding,) = said("TLS-UPG-002", ended(talk(*lines), "fin", CLIENT))

    assert protocol in finding.title
    assert lines[-1].decode().strip() in finding.title
    assert finding.evidence[0].frame == 6


def test_postgresql_says_no_in_one_letter() -> None:
    story = ended(connected().client(b"\0\0\0\x08\x04\xd2\x16\x2f").server(b"N"), "fin", CLIENT)
    (finding,) = said("TLS-UPG-002", story)

    assert "postgresql" in finding.title


@pytest.mark.parametrize(
    ("listed", "answer", "cause"),
    [
        (LIST, b"454 4.7.0 TLS not available\r\n", "starttls_refused"),
        (BARE_LIST, b"502 5.5.1 unknown command\r\n", "starttls_not_offered"),
    ],
)
@pytest.mark.parametrize("going_on", [True, False])
def test_a_client_that_goes_on_after_a_refusal_was_refused(
    listed: bytes, answer: bytes, cause: str, going_on: bool
) -> None:
    scene = talk(GREETING, b"EHLO client.example\r\n", listed, b"STARTTLS\r\n", answer)
    if going_on:  # as s_client does
        scene.client(m.client_hello()).ack(SERVER)
    headline = diagnose(ended(scene, "rst", SERVER), rules.modules()).headline

    assert headline is not None
    assert (headline.cause, headline.confidence) == (cause, Confidence.SEEN)
    assert headline.failing_side is FailingSide.SERVER


PG_SSL, PG_START = b"\0\0\0\x08\x04\xd2\x16\x2f", b"\0\0\0\x13\0\3\0\0user\0app\0\0"
PG_ERROR = b"E\0\0\0\x12SFATAL\0C28000\0\0"  # no pg_hba.conf entry, no encryption
LDAP_ASK = b"0\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037"
LDAP_NO = b"0\x0c\x02\x01\x01\x78\x07\x0a\x01\x02\x04\0\x04\0"
LDAP_BIND = b"0\x0c\x02\x01\x02\x60\x07\x02\x01\x03\x04\0\x80\0"
LDAP_BOUND = b"0\x0c\x02\x01\x02\x61\x07\x0a\x01\0\x04\0\x04\0"
TO_MAIL = (CLIENT, b"STARTTLS\r\n"), (SERVER, b"454 not now\r\n")
AFTER_NO = [
    pytest.param(
        [(CLIENT, PG_SSL), (SERVER, b"N"), (CLIENT, PG_START), (SERVER, b"R\0\0\0\x08\0\0\0\0")],
        True,
        id="postgresql",
    ),
    pytest.param(
        [(CLIENT, PG_SSL), (SERVER, b"N"), (CLIENT, PG_START), (SERVER, PG_ERROR)],
        False,
        id="postgresql that insists as well",
    ),
    pytest.param(
        [(CLIENT, PG_SSL), (SERVER, b"N"), (CLIENT, PG_START)], False, id="postgresql unanswered"
    ),
    pytest.param(
        [*TO_MAIL, (CLIENT, b"MAIL FROM:<a@b.example>\r\n"), (SERVER, b"250 ok\r\n")],
        True,
        id="mail",
    ),
    pytest.param(
        [*TO_MAIL, (CLIENT, b"MAIL FROM:<a@b.example>\r\n"), (SERVER, b"530 use TLS\r\n")],
        False,
        id="mail to a server that insists",
    ),
    pytest.param(
        [*TO_MAIL, (CLIENT, b"RSET\r\nQUIT\r\n"), (SERVER, b"250 ok\r\n221 bye\r\n")],
        False,
        id="mail whose sender takes leave",
    ),
    pytest.param(
        [
            *((CLIENT, b"AUTH SSL\r\n"), (SERVER, b"500 what\r\n")),  # as curl --ssl tries both
            *((CLIENT, b"AUTH TLS\r\n"), (SERVER, b"500 what\r\n")),
            *((CLIENT, b"USER me\r\n"), (SERVER, b"331 go on\r\n")),
        ],
        True,
        id="ftp",
    ),
    pytest.param(
        [
            *((CLIENT, b"AUTH SSL\r\n"), (SERVER, b"500 what\r\n")),
            *((CLIENT, b"AUTH TLS\r\n"), (SERVER, b"500 what\r\n")),
            *((CLIENT, b"QUIT\r\n"), (SERVER, b"221 bye\r\n")),
        ],
        False,
        id="ftp whose client takes leave",
    ),
    pytest.param(
        [(CLIENT, LDAP_ASK), (SERVER, LDAP_NO), (CLIENT, LDAP_BIND), (SERVER, LDAP_BOUND)],
        True,
        id="ldap",
    ),
    pytest.param(
        [
            (CLIENT, LDAP_ASK),
            (SERVER, LDAP_NO),
            (CLIENT, LDAP_BIND),
            (SERVER, LDAP_BOUND.replace(b"\x0a\x01\0", b"\x0a\x01\x0d")),
        ],
        False,
        id="ldap that insists",
    ),
]


@pytest.mark.parametrize(("exchange", "well"), AFTER_NO)
def test_a_session_that_goes_on_in_clear_did_not_fail(
    exchange: list[tuple[Any, bytes]], *, well: bool
) -> None:
    greeted = talk(GREETING, b"EHLO client.example\r\n", LIST)
    scene = greeted if exchange[0] is TO_MAIL[0] else connected()
    for side, data in exchange:
        scene.say(side, data)
    story = ended(scene, "fin", CLIENT)
    (finding,) = said("TLS-UPG-002", story)

    assert finding.failure is not well
    assert finding.title.count("goes on in clear") == well
    assert (finding.failing_side is FailingSide.NONE) is well
    assert outcome(story, diagnose(story, rules.modules()).headline) == (
        "not_tls" if well else "failed"
    )


def test_a_session_that_goes_on_where_tls_was_not_on_the_list_did_not_fail() -> None:
    """curl and Postfix ask only for what is listed; some agents try it anyway."""
    scene = talk(GREETING, b"EHLO client.example\r\n", BARE_LIST, b"STARTTLS\r\n", b"502 what\r\n")
    scene.client(b"MAIL FROM:<a@b.example>\r\n").server(b"250 ok\r\n")
    (finding,) = said("TLS-UPG-001", ended(scene, "fin", CLIENT))

    assert not finding.failure
    assert finding.failing_side is FailingSide.NONE


def test_a_proxy_that_first_wants_a_password_agreed_in_the_end() -> None:
    scene = proxied(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
    scene.client(CONNECT).server(b"HTTP/1.1 200 Connection established\r\n\r\n")
    scene.client(m.client_hello()).ack(SERVER)
    headline = diagnose(ended(scene, "rst", SERVER), rules.modules()).headline

    assert headline is not None
    assert headline.cause == "rst_after_client_hello"


@pytest.mark.parametrize(
    ("scene", "alternative"),
    [
        (connected().client(CONNECT).ack(SERVER), "proxy_refused"),
        (
            talk(GREETING, b"EHLO client.example\r\n", LIST, b"STARTTLS\r\n").ack(SERVER),
            "starttls_refused",
        ),
    ],
    ids=["proxy", "mail"],
)
def test_a_request_for_tls_without_an_answer_is_a_timeout(scene: Scene, alternative: str) -> None:
    headline = diagnose(ended(scene, "fin", CLIENT, after=5), rules.modules()).headline

    assert headline is not None
    assert (headline.cause, headline.failing_side) == ("handshake_timeout", FailingSide.SERVER)
    assert [other.cause for other in headline.alternatives] == [alternative]


def test_a_proxy_that_closes_said_nothing() -> None:
    (finding,) = said("TLS-UPG-003", ended(connected().client(CONNECT).ack(SERVER), "fin", SERVER))

    assert "closes instead of an answer" in finding.title
    assert "HTTP/1" not in finding.title


def test_a_client_that_does_not_wait_for_the_proxy_says_nothing_of_it() -> None:
    story = ended(connected().client(CONNECT).ack(SERVER), "fin", CLIENT)

    assert said("TLS-TCP-008", story) == []


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (b"HTTP/1.1 403 Blocked\r\n\r\n", "tls_to_plaintext"),
        (b"", "server_closed_silently"),
    ],
)
def test_what_answers_behind_the_proxy_is_told_from_its_consent(answer: bytes, cause: str) -> None:
    scene = proxied(b"HTTP/1.1 200 Connection established\r\n\r\n").client(m.client_hello())
    story = ended(scene.server(answer) if answer else scene.ack(SERVER), "fin", SERVER)
    headline = diagnose(story, rules.modules()).headline

    assert headline is not None
    assert headline.cause == cause


def aimed(prelude: list[tuple[Any, bytes]], sni: str | None = m.HOST) -> Finding:
    """What is said of a certificate that expired, behind what was said before TLS."""
    scene = connected()
    for side, data in prelude:
        scene.say(side, data)
    scene.client(m.client_hello(sni=sni)).server(m.server_flight()).ack(CLIENT)
    headline = diagnose(alerted(scene, CLIENT, 45), rules.modules()).headline
    assert headline is not None
    return headline


TUNNEL = [(CLIENT, CONNECT), (SERVER, b"HTTP/1.1 200 OK\r\n\r\n")]
HOSTILE = CONNECT.replace(b"partner.example:443 HTTP", b"$(reboot):443;x HTTP")


@pytest.mark.parametrize(
    ("prelude", "server", "command"),
    [
        pytest.param([], "198.51.100.20:443", "-connect 198.51.100.20:443 ", id="TLS at once"),
        pytest.param(
            TUNNEL,
            "partner.example:443 (behind the proxy 198.51.100.20:443)",
            "-connect partner.example:443 -proxy 198.51.100.20:443 ",
            id="CONNECT",
        ),
        pytest.param(
            [(CLIENT, HOSTILE), TUNNEL[1]],
            "198.51.100.20:443",
            "-connect 198.51.100.20:443 ",
            id="a target for a shell",
        ),
        pytest.param(
            [
                (SERVER, GREETING),
                (CLIENT, b"EHLO me\r\n"),
                (SERVER, LIST),
                (CLIENT, b"STARTTLS\r\n"),
                (SERVER, b"220 go ahead\r\n"),
            ],
            "198.51.100.20:443",
            "-connect 198.51.100.20:443 -starttls smtp ",
            id="STARTTLS",
        ),
    ],
)
def test_titles_name_the_target_and_commands_lead_there(
    prelude: list[tuple[Any, bytes]], server: str, command: str
) -> None:
    headline = aimed(prelude)

    assert server in headline.title
    assert any(command in step for step in headline.remedy)


@pytest.mark.parametrize(
    ("sni", "prelude", "command"),
    [
        pytest.param("a.example", [], "198.51.100.20:443 -servername a.example -show", id="a name"),
        pytest.param("$(reboot)", [], "198.51.100.20:443 -servername NAME -show", id="for a shell"),
        pytest.param("-help", [], "198.51.100.20:443 -servername NAME -show", id="for openssl"),
        pytest.param(None, [], "198.51.100.20:443 -show", id="none, to an address"),
        pytest.param(
            None,
            TUNNEL,
            "partner.example:443 -proxy 198.51.100.20:443 -noservername -show",
            id="none, to a host",
        ),
    ],
)
def test_commands_ask_by_the_name_that_the_client_asked_for(
    sni: str | None, prelude: list[tuple[Any, bytes]], command: str
) -> None:
    """Another name, or none, may be answered by another certificate."""
    assert any(f"-connect {command}" in step for step in aimed(prelude, sni).remedy)


def test_a_wrong_name_is_no_command() -> None:
    hostile = "$(reboot).example"
    scene = connected().client(m.client_hello(sni=hostile)).server(m.server_flight()).ack(CLIENT)
    headline = diagnose(alerted(scene, CLIENT, 42), rules.modules()).headline

    assert headline is not None
    assert headline.cause == "hostname_mismatch"
    assert not any("s_client" in step and hostile in step for step in headline.remedy)


MYSQL_HELLO = b"\x1e\0\0\0\x0a8.0.36\0" + b"\1\0\0\0abcdefgh\0\xff\xff" + b"\0" * 4
MYSQL_NO = b"\x10\0\0\x02\xff\x57\x0c#HY000Connections using insecure transport are prohibited"
PG_REASON = b'no pg_hba.conf entry for host "192.0.2.10", user "app", database "app", no encryption'
PG_NO = b"E\0\0\x80\0SFATAL\0VFATAL\0C28000\0M" + PG_REASON + b"\0Fauth.c\0\0"
LDAP_INSISTS = LDAP_BOUND.replace(b"\x0a\x01\0", b"\x0a\x01\x0d")
DEMANDS = [
    (
        "smtp",
        "Exchange",
        (GREETING, b"EHLO me\r\n", LIST, b"MAIL FROM:<a@b>\r\n"),
        b"451 5.7.3 STARTTLS is required to send mail\r\n",
    ),
    (
        "smtp",
        "authentication",
        (GREETING, b"EHLO me\r\n", LIST, b"AUTH PLAIN AHUAcHc=\r\n"),
        b"538 5.7.11 Encryption required for requested authentication mechanism\r\n",
    ),
    (
        "imap",
        "Dovecot",
        (b"* OK ready\r\n", b"a LOGIN u pw\r\n"),
        b"* BAD [ALERT] not allowed without TLS\r\na NO [PRIVACYREQUIRED] disallowed\r\n",
    ),
    (
        "pop3",
        "Dovecot",
        (b"+OK ready\r\n", b"USER u\r\n"),
        b"-ERR [AUTH] Plaintext authentication disallowed on non-secure (SSL/TLS) connections.\r\n",
    ),
    (
        "ftp",
        "vsftpd",
        (b"220 ready\r\n", b"USER u\r\n"),
        b"530 Non-anonymous sessions must use encryption.\r\n",
    ),
    (
        "ftp",
        "ProFTPD",
        (b"220 ready\r\n", b"USER u\r\n"),
        b"550 SSL/TLS required on the control channel\r\n",
    ),
    ("ldap", "OpenLDAP", (b"", LDAP_BIND), LDAP_INSISTS),
    ("postgresql", "", (b"", PG_START), PG_NO),
    ("mysql", "", (MYSQL_HELLO, b"\x05\0\0\x01\x85\xa6\xff\1\0"), MYSQL_NO),
    (
        "xmpp",
        "",
        (b"<?xml version='1.0'?><stream:stream>", b"<auth mechanism='PLAIN'>AHU=</auth>"),
        b"<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><encryption-required/></failure>",
    ),
]


@pytest.mark.parametrize(
    ("protocol", "lines", "answer"),
    [pytest.param(*case[:1], *case[2:], id=" ".join(case[:2])) for case in DEMANDS],
)
def test_a_server_that_insists_on_tls_is_told_in_its_words(
    protocol: str, lines: tuple[bytes, ...], answer: bytes
) -> None:
    scene = connected()
    for index, line in enumerate(lines):
        if line:
            scene.say(CLIENT if index % 2 else SERVER, line)
    story = ended(scene.server(answer).ack(CLIENT), "fin", CLIENT)
    headline = diagnose(story, rules.modules()).headline

    assert headline is not None
    assert (headline.cause, headline.confidence) == ("tls_required", _C.SEEN)
    assert (headline.failing_side, headline.remedy_side) == (_F.SERVER, _R.CLIENT)
    assert f"({protocol})" in headline.title


@pytest.mark.parametrize(
    "lines",
    [
        (GREETING, b"EHLO me\r\n", LIST, b"MAIL FROM:<a@b>\r\n", b"550 5.1.1 no such user\r\n"),
        (b"+OK ready\r\n", b"USER u\r\n", b"-ERR [AUTH] Authentication failed.\r\n"),
        (b"220 ready\r\n", b"USER u\r\n", b"530 Login incorrect.\r\n"),
        (b"220 ready\r\n", b"USER u\r\n", b"220 TLS is required for some users\r\n"),
    ],
)
def test_other_refusals_are_no_demand_for_tls(lines: tuple[bytes, ...]) -> None:
    assert said("TLS-UPG-004", ended(talk(*lines), "fin", CLIENT)) == []


def test_who_is_told_to_use_tls_and_goes_on_in_clear_did_not_fail() -> None:
    scene = talk(b"220 ready\r\n", b"USER u\r\n", b"530 u must use encryption.\r\n")
    scene.client(b"USER anonymous\r\n").server(b"331 Please specify the password.\r\n")
    (finding,) = said("TLS-UPG-004", ended(scene, "fin", CLIENT))

    assert not finding.failure
    assert finding.failing_side is _F.NONE
