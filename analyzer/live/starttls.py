"""The talk before TLS, as a client: ask for the upgrade and stop where the server says no.

A server's refusal is no error here: it is recorded, and the story tells it.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import Final

from analyzer.live.link import Link

_CLEAR_MOST: Final = 64 << 10  # bytes of a server's talk that are waited through


@dataclass(frozen=True, slots=True)
class Step:
    """Say something, then wait until ``expect`` is found in what the server answers."""

    say: bytes
    expect: re.Pattern[bytes]
    refuse: re.Pattern[bytes] | None = None


def _step(say: bytes, expect: bytes, refuse: bytes | None = None) -> Step:
    flags = re.MULTILINE
    return Step(say, re.compile(expect, flags), re.compile(refuse, flags) if refuse else None)


_NO: Final = rb"^[45]\d\d [^\n]*\n"
_XMPP: Final = (
    b"<?xml version='1.0'?><stream:stream xmlns='jabber:%s' "
    b"xmlns:stream='http://etherx.jabber.org/streams' to='NAME' version='1.0'>"
)
_XMPP_TLS: Final = b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
# LDAP: ExtendedRequest 1.3.6.1.4.1.1466.20037, RFC 4511 section 4.14.
_LDAP: Final = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x16" + b"1.3.6.1.4.1.1466.20037"
# RFC 3207, 2033, 9051, 2595, 4217, 4642, 5804, 6120, 4511; PostgreSQL chapter 55.2.10. In SMTP a
# greeting or answer may have several lines, of which the last has a space after the number.
STEPS: Final[dict[str, tuple[Step, ...]]] = {
    "smtp": (
        _step(b"", rb"^220 [^\n]*\n", _NO),
        _step(b"EHLO handshake-analyzer.invalid\r\n", rb"^250 [^\n]*\n", _NO),
        _step(b"STARTTLS\r\n", rb"^220 [^\n]*\n", _NO),
    ),
    "lmtp": (
        _step(b"", rb"^220 [^\n]*\n", _NO),
        _step(b"LHLO handshake-analyzer.invalid\r\n", rb"^250 [^\n]*\n", _NO),
        _step(b"STARTTLS\r\n", rb"^220 [^\n]*\n", _NO),
    ),
    "imap": (
        _step(b"", rb"^\* (?:OK|PREAUTH)[^\n]*\n", rb"^\* BYE"),
        _step(b"a1 STARTTLS\r\n", rb"^a1 OK[^\n]*\n", rb"^a1 (?:NO|BAD)"),
    ),
    "pop3": (
        _step(b"", rb"^\+OK[^\n]*\n", rb"^-ERR"),
        _step(b"STLS\r\n", rb"^\+OK[^\n]*\n", rb"^-ERR"),
    ),
    "ftp": (
        _step(b"", rb"^220 [^\n]*\n", _NO),
        _step(b"AUTH TLS\r\n", rb"^[23]34 [^\n]*\n", _NO),
    ),
    "nntp": (
        _step(b"", rb"^20[01] [^\n]*\n", _NO),
        _step(b"STARTTLS\r\n", rb"^382[^\n]*\n", _NO),
    ),
    "sieve": (
        _step(b"", rb"^OK[^\n]*\n", rb"^(?:NO|BYE)"),
        _step(b"STARTTLS\r\n", rb"^OK[^\n]*\n", rb"^(?:NO|BYE)"),
    ),
    "irc": (_step(b"STARTTLS\r\n", rb"^:\S+ 670 [^\n]*\n", rb"^:\S+ (?:691|421|451) "),),
    "xmpp": (
        _step(_XMPP % b"client", rb"</stream:features>|</features>"),
        _step(_XMPP_TLS, rb"<proceed[^>]*>", rb"<failure"),
    ),
    "xmpp-server": (
        _step(_XMPP % b"server", rb"</stream:features>|</features>"),
        _step(_XMPP_TLS, rb"<proceed[^>]*>", rb"<failure"),
    ),
    "ldap": (_step(_LDAP, rb"\x78[\s\S]{1,5}?\x0a\x01\0", rb"\x78[\s\S]{1,5}?\x0a\x01[^\0]"),),
    "postgresql": (_step(b"\0\0\0\x08\x04\xd2\x16\x2f", rb"\AS", rb"\A[NE]"),),
}
PROTOCOLS: Final = tuple(STEPS)


def upgrade(link: Link, protocol: str, name: str, deadline: float) -> bool:
    """Ask the server for TLS; whether it agreed in time (``deadline`` is a monotonic time)."""
    for step in STEPS[protocol]:
        if step.say and not link.send(step.say.replace(b"NAME", name.encode("idna"))):
            return False
        if not _answered(link, step, deadline):
            return False
    return True


def tunnel(link: Link, host: str, port: int, deadline: float) -> bool:
    """Ask a proxy for a tunnel (RFC 9110 section 9.3.6); whether it agreed in time."""
    place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    request = f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n\r\n".encode("ascii", "replace")
    step = _step(request, rb"\AHTTP/1\.[01] 2\d\d[\s\S]*?\r?\n\r?\n", rb"\AHTTP/1\.[01] [13-5]")
    return link.send(step.say) and _answered(link, step, deadline)


def _answered(link: Link, step: Step, deadline: float) -> bool:
    heard = b""
    while len(heard) < _CLEAR_MOST:
        data = link.receive(deadline - time.monotonic())
        if not data:
            return False
        heard += data
        if step.expect.search(heard):
            return True
        if step.refuse is not None and step.refuse.search(heard):
            return False
    return False
