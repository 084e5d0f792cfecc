"""Talk in clear before TLS, protocol by protocol: agreed, refused, not offered; TLS in carriers."""

from __future__ import annotations

import pytest

from analyzer import rules
from analyzer.diagnosis.causes import Confidence, FailingSide, RemedySide
from analyzer.diagnosis.engine import diagnose, outcome
from analyzer.tcp.timeline import Side
from analyzer.tls.story import PreludeEnd, Sought
from tests.support import messages as m
from tests.support.stories import CLIENT, SERVER, Scene, alerted, connected

Line = tuple[Side, bytes]


def lines(*texts: str) -> list[Line]:
    """Lines that begin with C: or S:, as a talk is written down."""
    sides = {"C": CLIENT, "S": SERVER}
    return [(sides[text[0]], text[3:].encode() + b"\r\n") for text in texts]


def scene(talk: list[Line]) -> Scene:
    told = Scene().connect()
    for side, data in talk:
        told.say(side, data)
    return told


TDS_PRELOGIN = bytes((0, 0, 6, 0, 1, 255, 1))  # ENCRYPTION: on
MYSQL_GREETING = b"\x4a\0\0\0\x0a8.0.36\0" + bytes(12) + b"\0\xff\xff" + bytes(51)
MYSQL_SSL_REQUEST = b"\x20\0\0\x01\x05\xae\xff\x19" + bytes(28)
LDAP_ASK = b"0\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037"
LDAP_YES = b"0\x0c\x02\x01\x01\x78\x07\x0a\x01\0\x04\0\x04\0"
RDP_ASK = b"\x03\0\0\x13\x0e\xe0\0\0\0\0\0\x01\0\x08\0\x03\0\0\0"
RDP_YES = b"\x03\0\0\x13\x0e\xd0\0\0\x12\x34\0\x02\x1f\x08\0\x02\0\0\0"

AGREED = {
    "smtp": lines(
        "S: 220 mx ESMTP",
        "C: EHLO me",
        "S: 250-mx\r\n250 STARTTLS",
        "C: STARTTLS",
        "S: 220 go ahead",
    ),
    "lmtp": lines(
        "S: 220 mx LMTP", "C: LHLO me", "S: 250 STARTTLS", "C: STARTTLS", "S: 220 go ahead"
    ),
    "imap": lines("S: * OK ready", "C: a1 STARTTLS", "S: a1 OK begin"),
    "pop3": lines("S: +OK ready", "C: STLS", "S: +OK begin"),
    "ftp": lines("S: 220 FTP ready", "C: AUTH TLS", "S: 234 go on"),
    "nntp": lines("S: 200 news ready", "C: STARTTLS", "S: 382 go on"),
    "irc": lines("C: CAP LS", "C: STARTTLS", "S: :irc.example 670 me :go on"),
    "sieve": lines('S: "STARTTLS"', "S: OK", "C: STARTTLS", "S: OK"),
    "xmpp": lines(
        "C: <stream:stream to='a'>",
        "S: <stream:features><starttls/></stream:features>",
        "C: <starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
        "S: <proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
    ),
    "http connect": lines(
        "C: CONNECT server.example:443 HTTP/1.1\r\nHost: a\r\n", "S: HTTP/1.1 200 OK\r\n"
    ),
    "http upgrade": lines(
        "C: OPTIONS * HTTP/1.1\r\nUpgrade: TLS/1.2\r\n", "S: HTTP/1.1 101 Switching\r\n"
    ),
    "postgresql": [(CLIENT, b"\0\0\0\x08\x04\xd2\x16\x2f"), (SERVER, b"S")],
    "mysql": [(SERVER, MYSQL_GREETING), (CLIENT, MYSQL_SSL_REQUEST)],
    "amqp": [(CLIENT, b"AMQP\x02\x01\0\0"), (SERVER, b"AMQP\x02\x01\0\0")],
    "ldap": [(CLIENT, LDAP_ASK), (SERVER, LDAP_YES)],
    "rdp": [(CLIENT, RDP_ASK), (SERVER, RDP_YES)],
    "socks": [
        (CLIENT, b"\x05\x01\0"),
        (SERVER, b"\x05\0"),
        (CLIENT, b"\x05\x01\0\x01\xc0\0\2\7\1\xbb"),
        (SERVER, b"\x05\0\0\x01\0\0\0\0\0\0"),
    ],
    "socks 4": [(CLIENT, b"\x04\x01\1\xbb\xc0\0\2\7me\0"), (SERVER, b"\0\x5a\0\0\0\0\0\0")],
    "proxy protocol": lines("C: PROXY TCP4 192.0.2.1 192.0.2.2 1 443"),
    "proxy protocol 2": [
        (CLIENT, b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes((192, 0, 2, 1)) * 2 + bytes(4))
    ],
}


@pytest.mark.parametrize("protocol", AGREED)
def test_tls_is_found_behind_the_talk_that_agrees_on_it(protocol: str) -> None:
    story = scene(AGREED[protocol]).client(m.client_hello()).server(m.server_flight()).story()

    assert story.signature == "Csxkn"
    assert story.prelude is not None
    assert story.prelude.protocol == protocol.rstrip(" 24")
    assert story.prelude.end is PreludeEnd.AGREED


def test_a_greeting_may_be_answered_by_a_hello() -> None:
    """A server of NATS says INFO, and a client that reads there that TLS is required begins it."""
    info = b'INFO {"server_id":"NA","tls_required":true}\r\n'
    scene = connected().server(info).client(m.client_hello()).server(m.server_flight())
    story = scene.client(m.client_flight()).server(m.finished()).story()

    assert (story.signature, story.completed) == ("CsxknGIi", True)
    assert story.prelude is not None
    assert (story.prelude.end, story.prelude.text) == (PreludeEnd.AGREED, info.decode().strip())


def test_a_client_that_takes_the_greeting_for_the_answer_is_gone_before_tls_begins() -> None:
    scene = connected().server(b"INFO {}\r\n").client(m.client_hello()).fin(CLIENT)
    headline = diagnose(scene.server(m.server_flight()).story(), rules.modules()).headline

    assert headline is not None
    assert (headline.cause, headline.failing_side) == ("tls_to_plaintext", FailingSide.CLIENT)


def test_a_greeting_that_no_tls_follows_stays_an_answer_in_clear() -> None:
    scene = connected().server(b"SSH-2.0-x\r\n").client(m.client_hello()).fin(CLIENT)
    headline = diagnose(scene.story(), rules.modules()).headline

    assert headline is not None
    assert headline.cause == "tls_to_plaintext"


@pytest.mark.parametrize("protocol", ["smtp", "rdp", "postgresql", "ldap"])
@pytest.mark.parametrize("alert", [b"", m.alert(50)], ids=["closed", "alerted"])
def test_who_agrees_on_tls_and_leaves_never_said_hello(protocol: str, alert: bytes) -> None:
    """FreeRDP wants NLA and leaves where it is granted TLS alone; the server says what it misses."""
    told = scene(AGREED[protocol]).ack(CLIENT).fin(CLIENT)
    story = (told.server(alert) if alert else told).fin(SERVER).story()
    headline = diagnose(story, rules.modules()).headline

    assert headline is not None
    assert (headline.cause, headline.failing_side) == ("client_never_hello", FailingSide.CLIENT)
    assert headline.confidence is not Confidence.SEEN


def test_a_tunnel_that_nobody_uses_says_nothing_of_tls() -> None:
    story = scene(AGREED["http connect"]).ack(CLIENT).fin(CLIENT).fin(SERVER).story()

    assert outcome(story, diagnose(story, rules.modules()).headline) == "not_tls"


def test_who_agrees_on_tls_and_goes_on_in_clear_speaks_something_else() -> None:
    told = scene(AGREED["smtp"]).client(b"MAIL FROM:<a@b.example>\r\n").ack(SERVER)
    headline = diagnose(alerted(told, SERVER, 10), rules.modules()).headline

    assert headline is not None
    assert headline.cause == "plaintext_other_to_tls"


REFUSED = {
    "smtp": lines("S: 220 mx", "C: EHLO me", "S: 250 STARTTLS", "C: STARTTLS", "S: 454 not now"),
    "lmtp": lines("S: 220 mx", "C: LHLO me", "S: 250 STARTTLS", "C: STARTTLS", "S: 454 not now"),
    "imap": lines("S: * OK ready", "C: a1 STARTTLS", "S: a1 BAD what"),
    "pop3": lines("S: +OK ready", "C: STLS", "S: -ERR what"),
    "ftp": lines("S: 220 FTP ready", "C: AUTH TLS", "S: 534 no"),
    "nntp": lines("S: 200 news ready", "C: STARTTLS", "S: 580 no"),
    "irc": lines("C: STARTTLS", "S: :irc.example 691 me :no"),
    "sieve": lines("S: OK", "C: STARTTLS", "S: NO"),
    "http connect": lines("C: CONNECT a:443 HTTP/1.1\r\n", "S: HTTP/1.1 403 Forbidden\r\n"),
    "postgresql": [(CLIENT, b"\0\0\0\x08\x04\xd2\x16\x2f"), (SERVER, b"N")],
    "mysql": [
        (SERVER, MYSQL_GREETING),
        (CLIENT, MYSQL_SSL_REQUEST),
        (SERVER, b"\x09\0\0\x02\xff\x15\x04#08S01no"),
    ],
    "amqp": [(CLIENT, b"AMQP\x02\x01\0\0"), (SERVER, b"AMQP\x00\x01\0\0")],
    "socks": [
        (CLIENT, b"\x05\x01\0"),
        (SERVER, b"\x05\0"),
        (CLIENT, b"\x05\x01\0\x01\xc0\0\2\7\1\xbb"),
        (SERVER, b"\x05\x05\0\x01\0\0\0\0\0\0"),
    ],
}


@pytest.mark.parametrize("protocol", REFUSED)
def test_a_refusal_is_told(protocol: str) -> None:
    story = scene(REFUSED[protocol]).fin(CLIENT).story()

    assert story.prelude is not None
    assert (story.prelude.protocol, story.prelude.end) == (protocol, PreludeEnd.REFUSED)


@pytest.mark.parametrize(
    ("talk", "protocol"),
    [
        pytest.param(lines("C: STARTTLS"), "irc", id="no greeting"),
        pytest.param(lines("S: 220 mx", "C: EHLO", "C: STARTTLS"), "smtp", id="a nameless EHLO"),
        pytest.param(lines("S: 200 news ready", "C: STARTTLS"), "nntp", id="nntp"),
        pytest.param(lines('S: "SIEVE" "fileinto"', "S: OK", "C: STARTTLS"), "sieve", id="sieve"),
    ],
)
def test_a_word_of_several_protocols_is_told_apart_by_the_greeting(
    talk: list[Line], protocol: str
) -> None:
    """ngircd without TLS never answers it."""
    story = scene(talk).ack(SERVER).wait(20).fin(CLIENT).story()

    assert story.prelude is not None
    assert (story.prelude.protocol, story.prelude.end) == (protocol, PreludeEnd.OPEN)


PG_GSS, PG_SSL = b"\0\0\0\x08\x04\xd2\x16\x30", b"\0\0\0\x08\x04\xd2\x16\x2f"
SOCKS_ASK = b"\x05\x01\0\x03\x0eserver.example\x01\xbb"
PROXY = b"PROXY TCP4 192.0.2.1 192.0.2.2 1 25\r\n"
SAID_NO = [
    pytest.param(
        "postgresql",
        [(CLIENT, PG_GSS), (SERVER, b"N"), (CLIENT, PG_SSL), (SERVER, b"N")],
        "N (it does no TLS)",
        id="postgresql, which did no GSSAPI either",
    ),
    pytest.param(
        "ldap",
        [(CLIENT, LDAP_ASK), (SERVER, LDAP_YES[:9] + b"\x34\x04\0\x04\0")],
        "resultCode 52 (unavailable)",
        id="ldap",
    ),
    pytest.param(
        "rdp",
        [(CLIENT, RDP_ASK), (SERVER, RDP_YES[:11] + b"\x03\0\x08\0\x02\0\0\0")],
        "failure 2 (SSL_NOT_ALLOWED_BY_SERVER)",
        id="rdp",
    ),
    pytest.param(
        "rdp",
        [(CLIENT, RDP_ASK), (SERVER, RDP_YES[:15] + bytes(4))],
        "it chose RDP's own encryption",
        id="rdp in its own way",
    ),
    pytest.param(
        "rdp",
        [(CLIENT, RDP_ASK), (SERVER, b"\x03\0\0\x0b\x06\xd0\0\0\x12\x34\0")],
        "it knows no negotiation, hence no TLS",
        id="rdp of old",
    ),
    pytest.param(
        "mysql",
        REFUSED["mysql"],
        "ERROR 1045 (08S01): no",
        id="mysql",
    ),
    pytest.param(
        "socks",
        [
            (CLIENT, b"\x05\x02\0\x02"),
            (SERVER, b"\x05\x02"),
            (CLIENT, b"\x01\x05alice\x06secret"),
            (SERVER, b"\x01\0"),
            (CLIENT, SOCKS_ASK),
            (SERVER, b"\x05\x04\0\x01" + bytes(6)),
        ],
        "SOCKS 5 reply 4 (host unreachable)",
        id="socks after a login",
    ),
    pytest.param(
        "socks",
        [(CLIENT, b"\x05\x01\0"), (SERVER, b"\x05\xff")],
        "SOCKS 5: no acceptable way to log in",
        id="socks without a method",
    ),
    pytest.param(
        "socks",
        [
            (CLIENT, b"\x05\x01\x02"),
            (SERVER, b"\x05\x02"),
            (CLIENT, b"\x01\x05alice\x06secret"),
            (SERVER, b"\x01\x01"),
        ],
        "SOCKS 5: user name or password refused",
        id="socks with a wrong password",
    ),
    pytest.param(
        "socks",
        [(CLIENT, b"\x04\x01\1\xbb\0\0\0\1me\0server.example\0"), (SERVER, b"\0\x5b" + bytes(6))],
        "SOCKS 4 reply 91 (rejected or failed)",
        id="socks 4",
    ),
    pytest.param(
        "xmpp",
        lines(
            "C: <stream:stream to='a'>",
            "S: <stream:stream><stream:features><starttls/></stream:features>",
            "C: <starttls/>",
            "S: <stream:error><policy-violation/></stream:error></stream:stream>",
        ),
        "<stream:error><policy-violation/></stream:error>",
        id="xmpp by an error of the stream",
    ),
    pytest.param(
        "smtp",
        [(CLIENT, PROXY), *REFUSED["smtp"]],
        "454 not now",
        id="smtp behind a PROXY header",
    ),
]


@pytest.mark.parametrize(("protocol", "talk", "text"), SAID_NO)
def test_a_refusal_is_told_in_words(protocol: str, talk: list[Line], text: str) -> None:
    story = scene(talk).fin(CLIENT).story()

    assert story.prelude is not None
    assert (story.prelude.protocol, story.prelude.end) == (protocol, PreludeEnd.REFUSED)
    assert story.prelude.text == text
    assert story.prelude.frame == story.timeline.last_frame - 1


@pytest.mark.parametrize(
    ("asked", "target"),
    [
        (b"\x05\x01\0" + SOCKS_ASK, "server.example:443"),
        (b"\x05\x01\0" + SOCKS_ASK[:3] + b"\x01\xc0\0\2\7\1\xbb", "192.0.2.7:443"),
        (
            b"\x05\x01\0" + SOCKS_ASK[:3] + b"\x04\x20\x01\x0d\xb8" + bytes(11) + b"\1\1\xbb",
            "[2001:db8::1]:443",
        ),
        (b"\x04\x01\1\xbb\xc0\0\2\7me\0", "192.0.2.7:443"),
        (b"\x04\x01\1\xbb\0\0\0\1me\0server.example\0", "server.example:443"),
        (b"\x05\x01\0" + SOCKS_ASK[:-1], None),
    ],
)
def test_a_proxy_by_socks_is_asked_for_a_target(asked: bytes, target: str | None) -> None:
    story = scene([(CLIENT, asked)]).story()

    assert story.prelude is not None
    assert story.prelude.target == target


MAIL = [
    *lines("S: 220 mx", "C: EHLO me", "S: 250-mx\r\n250 SIZE", "C: MAIL FROM:<a@b.example>"),
    *lines("S: 250 ok", "C: DATA", "S: 354 go on", "C: say\r\nSTARTTLS\r\nfirst\r\n.", "S: 250 ok"),
]


@pytest.mark.parametrize(
    "talk",
    [
        pytest.param(
            [
                (CLIENT, bytes.fromhex("0300001611e00000000100c0010ac1020100c2020102")),
                (SERVER, bytes.fromhex("0300001611d00001000100c0010ac1020100c2020102")),
            ],
            id="X.224 for an industrial control",
        ),
        pytest.param([(CLIENT, RDP_ASK[:15] + bytes(4)), (SERVER, RDP_YES)], id="RDP's own"),
        pytest.param([(CLIENT, b"\x04\x01\0\x20abcdefgh")], id="bytes like those of SOCKS 4"),
        pytest.param([(CLIENT, b"\x05\x01\0"), (SERVER, b"\x05\0")], id="a SOCKS greeting alone"),
        pytest.param(MAIL, id="a mail about STARTTLS"),
    ],
)
def test_what_only_resembles_a_request_for_tls_is_none(talk: list[Line]) -> None:
    assert scene(talk).fin(CLIENT).story().prelude is None


@pytest.mark.parametrize("rest", [b"", b"\x02\0\x36" + m.client_hello()[:54]])
def test_what_the_header_of_a_proxy_holds_begins_no_tls(rest: bytes) -> None:
    """Version 2 has room for anything behind the addresses."""
    head = b"\r\n\r\n\0\r\nQUIT\n\x21\x11" + (12 + len(rest)).to_bytes(2) + bytes(12) + rest
    story = scene([(CLIENT, head)]).client(m.client_hello()).server(m.server_flight()).story()

    assert story.signature == "Csxkn"
    assert story.messages[0].first_frame == 5


MARIADB_BARE = bytes.fromhex(  # MariaDB 10.11 with neither certificate nor key
    "640000000a352e352e352d31302e31312e31392d4d6172696144422d302b6465623132753100030000004a4c7d515d"
    "60482a00fef7080200ff81150000000000001d000000387978714e716e56432d5443006d7973716c5f6e6174697665"
    "5f70617373776f726400"
)
XMPP_FEATURES = (
    "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms>"
)
SIEVE_LIST = (
    'S: "IMPLEMENTATION" "Pigeonhole"\r\n"SIEVE" "fileinto"\r\n"SASL" "PLAIN"\r\nOK "Ready."'
)
WAITING = {
    "mysql": [(SERVER, MARIADB_BARE)],
    "xmpp": lines(
        "C: <?xml version='1.0'?><stream:stream to='a' xmlns:stream='s' version='1.0'>",
        f"S: <stream:stream id='1'><stream:features>{XMPP_FEATURES}</stream:features>",
    ),
    "sieve": lines(SIEVE_LIST),
    "imap": lines("S: * OK [CAPABILITY IMAP4rev1 ID] ready"),
}
TAKES_LEAVE = {"xmpp": "C: </stream:stream>", "sieve": "C: LOGOUT", "imap": "C: a1 LOGOUT"}


@pytest.mark.parametrize("protocol", WAITING)
def test_a_client_that_leaves_a_server_which_told_unasked_that_it_has_no_tls(protocol: str) -> None:
    talk = WAITING[protocol] + lines(*[text for p, text in TAKES_LEAVE.items() if p == protocol])
    story = scene(talk).fin(CLIENT).story()

    assert story.prelude is not None
    assert (story.prelude.protocol, story.prelude.end) == (protocol, PreludeEnd.NOT_OFFERED)
    assert story.prelude.sought is Sought.NOTHING
    assert story.prelude.farewell is (protocol in TAKES_LEAVE)


def test_a_client_that_leaves_behind_a_proxy_header_is_told_as_well() -> None:
    prelude = scene([(CLIENT, PROXY), *WAITING["mysql"]]).fin(CLIENT).story().prelude

    assert prelude is not None
    assert (prelude.protocol, prelude.end) == ("mysql", PreludeEnd.NOT_OFFERED)


def test_a_mysql_server_without_tls_is_told_in_words() -> None:
    prelude = scene(WAITING["mysql"]).fin(CLIENT).story().prelude

    assert prelude is not None
    assert (prelude.frame, prelude.text) == (
        4,
        "HandshakeV10 of 5.5.5-10.11.19-MariaDB-0+deb12u1 without CLIENT_SSL",
    )


@pytest.mark.parametrize(
    ("protocol", "old", "new"),
    [
        ("mysql", b"\x00\xfe\xf7", b"\x00\xfe\xff"),
        (
            "xmpp",
            b"<mechanisms",
            b"<c/><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/><mechanisms",
        ),
        ("sieve", b'"SASL"', b'"STARTTLS"\r\n"SASL"'),
        ("imap", b" ID", b" STARTTLS"),
    ],
)
def test_a_client_that_leaves_although_it_was_told_of_tls_is_not(
    protocol: str, old: bytes, new: bytes
) -> None:
    talk = [(side, data.replace(old, new)) for side, data in WAITING[protocol]]

    assert talk != WAITING[protocol]
    assert scene(talk).fin(CLIENT).story().prelude is None


GOES_ON = {
    "mysql": [(CLIENT, b"\x54\0\0\x01" + bytes(84)), (SERVER, b"\x07\0\0\x02" + bytes(7))],
    "xmpp": lines("C: <auth mechanism='PLAIN'>AHUAcA==</auth>", "S: <success/>"),
    "sieve": lines('C: AUTHENTICATE "PLAIN" "AHUAcA=="', "S: OK", "C: LOGOUT"),
    "imap": lines("C: a1 LOGIN u p", "S: a1 OK", "C: a2 LOGOUT"),
}


@pytest.mark.parametrize("protocol", GOES_ON)
def test_a_client_that_goes_on_in_clear_needed_no_tls(protocol: str) -> None:
    assert scene(WAITING[protocol] + GOES_ON[protocol]).fin(CLIENT).story().prelude is None


@pytest.mark.parametrize("more", [True, False])
def test_what_the_capture_misses_is_no_silence_of_the_client(*, more: bool) -> None:
    told = scene([(SERVER, MARIADB_BARE)]).client(bytes(80), captured=False)

    told.server(b"\x07\0\0\x02" + bytes(7))
    if more:
        told.client(b"\1\0\0\0\1")

    assert diagnose(told.fin(CLIENT).story(), rules.modules()).headline is None


def test_features_of_xmpp_that_hold_starttls_behind_another_are_a_list_with_it() -> None:
    talk = lines(
        "C: <stream:stream to='a'>",
        "S: <stream:features><c/><starttls/></stream:features>",
        "C: <starttls/>",
        "S: <failure/>",
    )
    prelude = scene(talk).fin(CLIENT).story().prelude

    assert prelude is not None
    assert prelude.end is PreludeEnd.REFUSED


def test_tls_that_mysql_was_asked_for_in_vain_was_not_offered() -> None:
    talk = [(SERVER, MARIADB_BARE), (CLIENT, MYSQL_SSL_REQUEST), REFUSED["mysql"][-1]]
    prelude = scene(talk).fin(SERVER).story().prelude

    assert prelude is not None
    assert (prelude.end, prelude.sought) == (PreludeEnd.NOT_OFFERED, Sought.TLS)
    assert prelude.text == "ERROR 1045 (08S01): no"


NOT_OFFERED = {
    "smtp": lines("S: 220 mx", "C: EHLO me", "S: 250-mx\r\n250 SIZE", "C: QUIT"),
    "lmtp": lines("S: 220 mx", "C: LHLO me", "S: 250-mx\r\n250 SIZE", "C: QUIT"),
    "imap": lines("S: * OK", "C: a CAPABILITY", "S: * CAPABILITY IMAP4rev1", "C: b LOGOUT"),
    "pop3": lines("S: +OK", "C: CAPA", "S: +OK list\r\nUIDL\r\nSASL\r\n.", "C: QUIT"),
    "ftp": lines("S: 220 FTP", "C: FEAT", "S: 211-Features:\r\n SIZE\r\n211 End", "C: QUIT"),
    "nntp": lines(
        "S: 200 news", "C: CAPABILITIES", "S: 101 list\r\nVERSION 2\r\nREADER\r\n.", "C: QUIT"
    ),
}


@pytest.mark.parametrize("protocol", NOT_OFFERED)
def test_a_client_that_leaves_without_finding_tls_listed_is_told(protocol: str) -> None:
    story = scene(NOT_OFFERED[protocol]).fin(CLIENT).story()

    assert story.prelude is not None
    assert (story.prelude.protocol, story.prelude.end) == (protocol, PreludeEnd.NOT_OFFERED)


@pytest.mark.parametrize("protocol", NOT_OFFERED)
def test_a_client_that_left_although_tls_was_listed_is_not(protocol: str) -> None:
    listed = {"pop3": b"STLS", "ftp": b"AUTH TLS"}.get(protocol, b"STARTTLS")
    for word in (b"SIZE", b"IMAP4rev1", b"UIDL", b"READER"):
        talk = [(side, data.replace(word, listed)) for side, data in NOT_OFFERED[protocol]]
        if talk != NOT_OFFERED[protocol]:
            assert scene(talk).fin(CLIENT).story().prelude is None
            break
    else:
        pytest.fail("nothing in the list to replace")


def tds(kind: int, body: bytes) -> bytes:
    """A TDS packet (MS-TDS 2.2.3.1)."""
    return bytes((kind, 1)) + (len(body) + 8).to_bytes(2) + bytes(4) + body


def prelogin(says: int) -> bytes:
    """A PRELOGIN with a version and what is said of encryption (MS-TDS 2.2.6.5)."""
    options = b"\0\0\x0b\0\6" + b"\1\0\x11\0\1" + b"\xff"
    return options + bytes(6) + bytes((says,))


@pytest.mark.parametrize(
    ("wants", "says", "refused"),
    [
        pytest.param(1, 2, True, id="on, not supported"),
        pytest.param(3, 2, True, id="required, not supported"),
        pytest.param(0x81, 2, True, id="on with a certificate, not supported"),
        pytest.param(0, 2, False, id="off, not supported"),
        pytest.param(2, 2, False, id="both without"),
        pytest.param(1, 1, False, id="on, on"),
        pytest.param(1, 3, False, id="on, required"),
    ],
)
def test_tds_refuses_encryption(wants: int, says: int, *, refused: bool) -> None:
    talk = [(CLIENT, tds(0x12, prelogin(wants))), (SERVER, tds(0x04, prelogin(says)))]
    story = scene(talk).fin(CLIENT).story()

    if not refused:
        assert story.prelude is None
        return
    assert story.prelude is not None
    assert (story.prelude.protocol, story.prelude.end) == ("tds", PreludeEnd.REFUSED)
    assert (story.prelude.frame, story.prelude.text) == (5, "PRELOGIN: encryption not supported")
    said = diagnose(story, rules.modules()).headline
    assert said is not None
    assert said.cause == "starttls_refused"


@pytest.mark.parametrize("says", [1, 3])
def test_tds_insists_on_encryption_that_the_client_does_not_do(says: int) -> None:
    talk = [(CLIENT, tds(0x12, prelogin(2))), (SERVER, tds(0x04, prelogin(says)))]
    story = scene(talk).fin(CLIENT).story()
    said = diagnose(story, rules.modules()).headline

    assert story.prelude is not None
    assert (story.prelude.end, story.prelude.sought) == (PreludeEnd.REFUSED, Sought.NOTHING)
    assert (story.prelude.frame, story.prelude.text) == (5, "PRELOGIN: encryption required")
    assert said is not None
    assert (said.cause, said.confidence) == ("tls_required", Confidence.SEEN)
    assert (said.failing_side, said.remedy_side) == (FailingSide.CLIENT, RemedySide.CLIENT)
    assert "does no TLS, which 198.51.100.20:443 requires" in said.title


@pytest.mark.parametrize(
    ("reply", "well"), [(b"\xad\x36\0", True), (b"\xaa\x36\0", False)], ids=["login", "error"]
)
@pytest.mark.parametrize(("wants", "says"), [(1, 2), (2, 3)])
def test_a_login_to_tds_in_clear_that_succeeds_did_not_fail(
    wants: int, says: int, reply: bytes, *, well: bool
) -> None:
    talk = [(CLIENT, tds(0x12, prelogin(wants))), (SERVER, tds(0x04, prelogin(says)))]
    talk += [(CLIENT, tds(0x10, bytes(90))), (SERVER, tds(0x04, reply))]
    headline = diagnose(scene(talk).fin(CLIENT).story(), rules.modules()).headline

    assert (headline is None) is well


@pytest.mark.parametrize("wants", [0, 1, 2, 3])
@pytest.mark.parametrize("gives_up", ["late", "in words"])
def test_a_prelogin_that_nobody_answers_is_told(wants: int, gives_up: str) -> None:
    """As python-tds leaves: with an Attention, after a third of a second."""
    told = scene([(CLIENT, tds(0x12, prelogin(wants)))]).ack(SERVER)
    if gives_up == "late":
        told.wait(15)
    else:
        told.wait(0.3).client(tds(0x06, b""))
    story = told.fin(CLIENT).story()
    said = diagnose(story, rules.modules()).headline

    if wants == 2:  # no TLS was to follow
        assert (story.prelude, said) == (None, None)
        return
    assert story.prelude is not None
    assert (story.prelude.protocol, story.prelude.end) == ("tds", PreludeEnd.OPEN)
    assert said is not None
    assert said.cause == "handshake_timeout"
    assert ("15.0 s" if gives_up == "late" else "360.0 ms") in said.explanation


def test_a_prelogin_whose_client_leaves_at_once_says_nothing_of_the_server() -> None:
    story = scene([(CLIENT, tds(0x12, prelogin(1)))]).fin(CLIENT).story()

    assert diagnose(story, rules.modules()).headline is None


@pytest.mark.parametrize("size", range(1, len(prelogin(2)) + 8))
def test_a_cut_answer_of_tds_refuses_nothing(size: int) -> None:
    talk = [(CLIENT, tds(0x12, prelogin(1))), (SERVER, tds(0x04, prelogin(2))[:size])]

    assert scene(talk).story().prelude is None


def frame(body: bytes, mask: bytes = b"") -> bytes:
    """A binary frame of a WebSocket (RFC 6455 section 5.2)."""
    flag = 0x80 if mask else 0
    size = len(body)
    head = (
        bytes((0x82, flag | size)) if size < 126 else bytes((0x82, flag | 126)) + size.to_bytes(2)
    )
    return head + mask + bytes(b ^ mask[i % 4] if mask else b for i, b in enumerate(body))


def test_a_handshake_inside_tds_packets_is_told_and_so_is_what_follows_without_them() -> None:
    """SQL Server: records in PRELOGIN packets, application data in records alone."""
    flight, middle = m.server_flight(), 700
    story = (
        scene([(CLIENT, tds(0x12, TDS_PRELOGIN)), (SERVER, tds(0x04, TDS_PRELOGIN))])
        .client(tds(0x12, m.client_hello()))
        .server(tds(0x04, flight[:middle]))
        .server(tds(0x04, flight[middle:]))
        .client(tds(0x12, m.client_flight()))
        .server(tds(0x04, m.finished()))
        .client(m.data())
        .server(m.data())
        .story()
    )

    assert story.signature == "CsxknGIi"
    assert story.completed
    assert story.prelude is not None
    assert (story.prelude.protocol, story.prelude.frame) == ("tds", 5)
    assert [message.frame for message in story.messages[:2]] == [6, 7]


def test_a_handshake_inside_a_websocket_is_told() -> None:
    upgrade = lines(
        "C: GET /tunnel HTTP/1.1\r\nUpgrade: websocket\r\n",
        "S: HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n",
    )
    ping = b"\x89\x00"
    story = (
        scene(upgrade)
        .client(frame(m.client_hello(), b"\1\2\3\xff"))
        .server(ping + frame(m.server_flight()))
        .client(b"\x8a\x80abcd" + frame(m.client_flight(), b"mask"))
        .server(frame(m.finished()))
        .story()
    )

    assert story.signature == "CsxknGIi"
    assert story.completed
    assert story.prelude is not None
    assert (story.prelude.protocol, story.prelude.frame) == ("websocket", 5)


@pytest.mark.parametrize("cut", range(0, 120, 7))
def test_a_carrier_that_is_cut_anywhere_is_survived(cut: int) -> None:
    upgrade = lines(
        "C: GET / HTTP/1.1\r\nUpgrade: websocket\r\n",
        "S: HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n",
    )
    prelogin = [(CLIENT, tds(0x12, TDS_PRELOGIN)), (SERVER, tds(0x04, TDS_PRELOGIN))]
    framed, packed = frame(m.client_hello(), b"mask"), tds(0x12, m.client_hello())

    for talk, hello in ((upgrade, framed), (prelogin, packed)):
        assert scene([*talk, (CLIENT, hello[:cut])]).story().signature == ""


@pytest.mark.parametrize("hmac", [0, 16, 20, 28, 32, 48, 64])
def test_tls_in_the_control_channel_of_openvpn_is_told(hmac: int) -> None:
    """In packets with or without tls-auth, acknowledged, and sent again until they are."""
    flight = m.server_flight()
    scene = connected().client(m.openvpn(7, 0, hmac=hmac)).ack(SERVER)
    scene.server(m.openvpn(8, 0, acks=1, hmac=hmac)).ack(CLIENT)
    hello = m.openvpn(4, 1, m.client_hello(), acks=1, hmac=hmac)
    scene.client(m.openvpn(5, None, acks=1, hmac=hmac) + hello).ack(SERVER)
    first = m.openvpn(4, 1, flight[:700], acks=2, hmac=hmac)
    scene.server(first).ack(CLIENT).client(hello)  # it comes twice, and so does the server's
    scene.server(first + m.openvpn(4, 2, flight[700:], hmac=hmac)).ack(CLIENT)
    scene.client(m.openvpn(4, 2, m.client_flight(), hmac=hmac))
    scene.server(m.openvpn(4, 3, m.finished(), hmac=hmac)).ack(CLIENT)
    scene.client(
        m.openvpn(6, None, bytes(200)) + m.openvpn(4, 1, m.client_hello(), hmac=hmac, key=1)
    )
    story = scene.server(m.openvpn(9, None, bytes(99))).fin(CLIENT).fin(SERVER).story()

    assert story.signature == "CsxknGIi"
    assert story.completed
    assert story.prelude is not None
    assert (story.prelude.protocol, story.prelude.end) == ("openvpn", PreludeEnd.AGREED)
    assert [message.frame for message in story.messages[:2]] == [8, 10]


@pytest.mark.parametrize(
    "sealed",
    [
        m.openvpn(7, None, b"tls-crypt", bytes(36)),
        m.openvpn(10, None, b"and with keys of a client", bytes(300)),
    ],
)
def test_tls_that_openvpn_encrypts_is_no_tls_in_sight(sealed: bytes) -> None:
    scene = (
        connected().client(sealed).ack(SERVER).server(m.openvpn(8, None, b"answer" * 8)).ack(CLIENT)
    )
    scene.client(m.openvpn(4, 1, m.client_hello_13())).ack(SERVER)
    flight = m.record(m.HANDSHAKE, m.server_hello_13()) + m.switch() + m.sealed(10, 900)
    story = scene.server(m.openvpn(4, 1, flight)).fin(CLIENT).fin(SERVER).story()

    assert not story.is_tls
    assert outcome(story, diagnose(story, rules.modules()).headline) == "not_tls"


@pytest.mark.parametrize("cut", range(40))
def test_a_reset_of_openvpn_that_is_cut_opens_nothing(cut: int) -> None:
    assert connected().client(m.openvpn(7, 0, hmac=20)[:cut]).story().signature == ""


@pytest.mark.parametrize("asking", [False, True])
def test_a_client_of_openvpn_that_leaves_lacks_no_certificate_and_minds_no_address(
    *, asking: bool
) -> None:
    """It sends an empty list where it has none, and compares names of its configuration.

    Up to version 2.6 it sends no alert over TCP.
    """
    scene = connected().client(m.openvpn(7, 0)).ack(SERVER)
    scene.server(m.openvpn(8, 0, acks=1)).ack(CLIENT)
    scene.client(m.openvpn(4, 1, m.client_hello(sni=None))).ack(SERVER)
    scene.server(m.openvpn(4, 1, m.server_flight(asking=asking))).ack(CLIENT)
    said = diagnose(scene.fin(CLIENT).fin(SERVER).story(), rules.modules()).headline

    assert said is not None
    assert (said.cause, said.confidence) == ("server_certificate_rejected", Confidence.SUSPECTED)
    assert {"untrusted_ca", "hostname_mismatch"} <= {other.cause for other in said.alternatives}
