"""What was said in clear goes out without what may be a secret, at its old length."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.extract.blot import blotted
from analyzer.tls.prelude.openings import classify

PASSWORD = b"Passw0rd-of-0perations"
CODED = base64.b64encode(b"\0operator\0" + PASSWORD)
_LDAP_STARTTLS = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037"
_LDAP_BIND = b"\x30\x25\x02\x01\x02\x60\x20\x02\x01\x03\x04\x03\x63\x6e\x3d\x80\x16" + PASSWORD


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(
            b"GET /a?token=%s HTTP/1.1\r\nHost: a.example\r\n\r\n" % PASSWORD, id="target"
        ),
        pytest.param(b"GET / HTTP/1.1\r\nCookie: sid=%s\r\n\r\n" % PASSWORD, id="cookie"),
        pytest.param(b"GET / HTTP/1.1\r\nAuthorization: Basic %s\r\n\r\n" % CODED, id="basic"),
        pytest.param(
            b"CONNECT a.example:443 HTTP/1.1\r\nProxy-Authorization: Basic %s\r\n\r\n" % CODED,
            id="proxy's password",
        ),
        pytest.param(b"POST / HTTP/1.1\r\n\r\npassword=%s" % PASSWORD, id="body"),
        pytest.param(b"EHLO me\r\nAUTH PLAIN %s\r\n" % CODED, id="SMTP AUTH PLAIN"),
        pytest.param(b"EHLO me\r\nAUTH LOGIN\r\n%s\r\n" % CODED, id="SMTP AUTH LOGIN"),
        pytest.param(b"EHLO me\r\nDATA\r\nsecret: %s\r\n.\r\n" % PASSWORD, id="SMTP mail"),
        pytest.param(b'a1 LOGIN operator "%s"\r\n' % PASSWORD, id="IMAP LOGIN"),
        pytest.param(b"USER operator\r\nPASS %s\r\n" % PASSWORD, id="FTP, POP3"),
        pytest.param(b"AUTHINFO PASS %s\r\n" % PASSWORD, id="NNTP"),
        pytest.param(b"NICK me\r\nPASS %s\r\n" % PASSWORD, id="IRC"),
        pytest.param(b"%s\r\n" % PASSWORD, id="a line alone"),
        pytest.param(b"<stream:stream to='a'><auth mechanism='PLAIN'>%s</auth>" % CODED, id="XMPP"),
        pytest.param(
            b"\x05\x01\x02\x01\x08operator\x16" + PASSWORD + b"\x05\x01\0\x03\x01a\x01\xbb",
            id="SOCKS 5",
        ),
        pytest.param(b"\x04\x01\x01\xbb\xc6\x33\x64\x02" + PASSWORD + b"\0", id="SOCKS 4"),
        pytest.param(_LDAP_BIND, id="LDAP bind"),
        pytest.param(_LDAP_STARTTLS + _LDAP_BIND, id="LDAP bind after StartTLS was refused"),
        pytest.param(b"\0\0\0\x3c\0\x03\0\0user\0" + PASSWORD + b"\0", id="PostgreSQL"),
        pytest.param(b"\x3c\0\0\x01\x85\xa6\3\0" + bytes(28) + PASSWORD + b"\0", id="MySQL login"),
        pytest.param(b"\x12\1\0\x08\0\0\1\0\x10\1\0\x30\0\0\1\0" + PASSWORD, id="TDS login"),
        pytest.param(
            b"\x03\0\0\x2f\x2a\xe0\0\0\0\0\0Cookie: mstshash=" + PASSWORD, id="RDP cookie"
        ),
        pytest.param(bytes(range(12)) + PASSWORD, id="unknown"),
    ],
)
def test_a_password_never_goes_out(said: bytes) -> None:
    shown = blotted(said, client=True)

    assert len(shown) == len(said)
    assert PASSWORD not in shown
    assert CODED not in shown
    assert PASSWORD[:6] not in shown


@pytest.mark.parametrize(
    ("said", "client"),
    [
        pytest.param(
            b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n", True, id="CONNECT"
        ),
        pytest.param(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", False, id="407"),
        pytest.param(b"EHLO mail.example\r\nSTARTTLS\r\nQUIT\r\n", True, id="SMTP"),
        pytest.param(
            b"250-mail.example\r\n250 STARTTLS\r\n454 TLS not available\r\n", False, id="454"
        ),
        pytest.param(b"a1 CAPABILITY\r\na2 STARTTLS\r\n", True, id="IMAP"),
        pytest.param(
            b"* OK ready\r\n* CAPABILITY IMAP4rev1\r\na2 BAD no\r\n", False, id="IMAP's answer"
        ),
        pytest.param(b"+OK\r\nTOP\r\nSTLS\r\n.\r\n-ERR no\r\n", False, id="POP3's answer"),
        pytest.param(b"AUTH TLS\r\nFEAT\r\n", True, id="FTP"),
        pytest.param(
            b"211-Features:\r\n AUTH TLS\r\n PBSZ\r\n211 End\r\n", False, id="FTP's answer"
        ),
        pytest.param(b"\0\0\0\x08\x04\xd2\x16\x2f", True, id="PostgreSQL"),
        pytest.param(b"S", False, id="PostgreSQL's consent"),
        pytest.param(b"N", False, id="PostgreSQL's refusal"),
        pytest.param(_LDAP_STARTTLS, True, id="LDAP"),
        pytest.param(b"\x20\0\0\x01\x05\xae\x03\0" + bytes(28), True, id="MySQL"),
        pytest.param(b"PROXY TCP4 192.0.2.1 192.0.2.2 1 443\r\n", True, id="PROXY"),
        pytest.param(b"SSH-2.0-OpenSSH_9.6\r\n", False, id="SSH"),
    ],
)
def test_what_leads_to_tls_stays(said: bytes, *, client: bool) -> None:
    assert blotted(said, client=client) == said


def test_that_http_met_tls_stays_in_a_body() -> None:
    said = (
        b"HTTP/1.1 400 Bad Request\r\n\r\n<p>The plain HTTP request was sent to HTTPS port</p> x1"
    )
    shown = blotted(said, client=False)

    assert classify(shown) is classify(said)
    assert not shown.endswith(b"1")


@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_keep_their_length(data: bytes, client: bool) -> None:
    assert len(blotted(data, client=client)) == len(data)
