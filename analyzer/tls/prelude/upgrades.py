"""How protocols come to TLS: one table says for each how a client asks for it and how a server answers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from analyzer.tls.prelude import socks


@dataclass(frozen=True, slots=True)
class Upgrade:
    """How one protocol comes to TLS.

    ``ask`` is looked for in the client's clear bytes, ``answer`` in what the server sends after it;
    an answer that ``accepts`` does not match is a refusal. ``listing`` matches the server's list of
    capabilities, in which ``offer`` is to be found. ``seeks`` matches all that a client says before
    TLS who asks for that list and then says at most goodbye, ``waits`` the same of a client whom the
    server gives its list unasked.
    """

    protocol: str
    ask: re.Pattern[bytes]
    answer: re.Pattern[bytes]
    accepts: re.Pattern[bytes]
    listing: re.Pattern[bytes] | None = None
    offer: re.Pattern[bytes] | None = None
    seeks: re.Pattern[bytes] | None = None
    waits: re.Pattern[bytes] | None = None


_FLAGS: Final = re.IGNORECASE | re.MULTILINE


def _upgrade(
    protocol: str,
    ask: bytes,
    answer: bytes,
    accepts: bytes,
    listing: bytes | None = None,
    offer: bytes | None = b"STARTTLS",
    seeks: bytes | None = None,
    waits: bytes | None = None,
) -> Upgrade:
    return Upgrade(
        protocol,
        *(re.compile(pattern, _FLAGS) for pattern in (ask, answer, accepts)),
        *(
            None if pattern is None else re.compile(pattern, _FLAGS)
            for pattern in (listing, offer, seeks, waits)
        ),
    )


def _with_bit(bit: int) -> bytes:
    """For a class of a regular expression: all bytes in which a bit is set."""
    return b"".join(re.escape(bytes((byte,))) for byte in range(256) if byte >> bit & 1)


# RFC 3207, 9051 section 6.2.1, 2595 section 4, 4217, 4642, 6120 section 5, 5804, 4511 section
# 4.14, 9110 section 9.3.6, 2817, 1928; PostgreSQL chapter 55.2.10; the MySQL protocol's SSLRequest;
# MS-RDPBCGR 2.2.1.2; AMQP 1.0 part 5 section 2. LMTP (RFC 2033) differs from SMTP in its greeting alone.
UPGRADES: Final[tuple[Upgrade, ...]] = (
    _upgrade(
        "lmtp", rb"^LHLO\b[\s\S]*^STARTTLS\s*$", rb"^\d{3}[ -][^\r\n]*", rb"220", rb"^250[ -][^\r\n]*",
        seeks=rb"\A(?:LHLO [^\r\n]*\r\n)+(?:RSET\r\n)*(?P<farewell>QUIT\r\n)?\Z",
    ),
    _upgrade(
        "smtp", rb"^(?:EHLO|HELO)\b[\s\S]*^STARTTLS\s*$", rb"^\d{3}[ -][^\r\n]*", rb"220",
        rb"^250[ -][^\r\n]*",
        seeks=rb"\A(?:HELO [^\r\n]*\r\n)*EHLO [^\r\n]*\r\n(?:(?:EHLO|HELO) [^\r\n]*\r\n)*(?:RSET\r\n)*"
        rb"(?P<farewell>QUIT\r\n)?\Z",
    ),
    _upgrade(
        "imap", rb"^\S+ STARTTLS\s*$", rb"^\S+ (?:OK|NO|BAD)[^\r\n]*", rb"\S+ OK",
        rb"^\* (?:CAPABILITY|OK \[CAPABILITY)[^\r\n]*",
        seeks=rb"\A(?:\S+ (?:NOOP|ID [^\r\n]*)\r\n)*\S+ CAPABILITY\r\n"
        rb"(?:\S+ (?:CAPABILITY|NOOP|ID [^\r\n]*)\r\n)*(?P<farewell>\S+ LOGOUT\r\n)?\Z",
        waits=rb"\A(?:\S+ (?:NOOP|ID [^\r\n]*)\r\n)*(?P<farewell>\S+ LOGOUT\r\n)?\Z",
    ),
    _upgrade(
        "pop3", rb"^STLS\s*$", rb"^(?:\+OK|-ERR)[^\r\n]*", rb"\+OK",
        rb"^\+OK[^\r\n]*\r\n(?:[A-Z][^\r\n]*\r\n)+\.\r$", b"STLS",
        seeks=rb"\A(?:CAPA\r\n)+(?P<farewell>QUIT\r\n)?\Z",
    ),
    _upgrade(
        "ftp", rb"^AUTH (?:TLS|SSL|TLS-C|TLS-P)\s*$", rb"^\d{3}[ -][^\r\n]*", rb"[23]34",
        rb"^211-[^\r\n]*\r\n(?: [^\r\n]*\r\n)+211 ", b"AUTH",
        seeks=rb"\A(?:FEAT\r\n)+(?P<farewell>QUIT\r\n)?\Z",
    ),
    _upgrade(
        "nntp", rb"^STARTTLS\s*$", rb"^(?:382|[45]\d\d)[^\r\n]*", rb"382",
        rb"^101 [^\r\n]*\r\n(?:[A-Z][^\r\n]*\r\n)+\.\r$",
        seeks=rb"\A(?:MODE READER\r\n)*CAPABILITIES\r\n(?:(?:MODE READER|CAPABILITIES)\r\n)*"
        rb"(?P<farewell>QUIT\r\n)?\Z",
    ),
    _upgrade(
        "xmpp", rb"<starttls\b[^<>]*>?",
        rb"<(?:\w+:)?(?:proceed|failure)[^>]*>|<(?:\w+:)?error>[\s\S]{1,400}?</(?:\w+:)?error>", rb"<(?:\w+:)?proceed",
        rb"<(?:\w+:)?features(?:\s[^<>]*)?(?:/>|>[\s\S]*?</(?:\w+:)?features>)", rb"<starttls\b",
        waits=rb"\A\s*(?:<\?xml[^<>]*>\s*)?<(?:\w+:)?stream\s[^<>]*>\s*"
        rb"(?P<farewell></(?:\w+:)?stream>\s*)?\Z",
    ),
    _upgrade(
        "sieve", rb"^STARTTLS\s*$", rb"^(?:OK|NO|BYE)[^\r\n]*", rb"OK",
        rb"\A(?:\"[^\r\n]*\r\n)*\"IMPLEMENTATION\"[^\r\n]*\r\n(?:\"[^\r\n]*\r\n)*OK\b",
        seeks=rb"\A(?:CAPABILITY\r\n)+(?P<farewell>LOGOUT\r\n)?\Z",
        waits=rb"\A(?P<farewell>LOGOUT\r\n)?\Z",
    ),
    _upgrade("irc", rb"^STARTTLS\s*$", rb"^:\S+ (?:670|691|421|451)[^\r\n]*", rb":\S+ 670"),
    _upgrade("http connect", rb"\ACONNECT (\S+) HTTP/1", rb"^HTTP/1\.[01] \d{3}[^\r\n]*", rb"HTTP/1\.[01] 2"),
    _upgrade("http upgrade", rb"^Upgrade: *TLS/", rb"^HTTP/1\.[01] \d{3}[^\r\n]*", rb"HTTP/1\.[01] 101"),
    # Before it a client may have asked for encryption by GSSAPI, and been told N or an error.
    _upgrade(
        "postgresql", rb"\A(?:\0\0\0\x08\x04\xd2\x16\x30)?\0\0\0\x08\x04\xd2\x16\x2f",
        rb"\AN?[SNE][^\r\n]*", rb"N?S",
    ),
    _upgrade("ldap", rb"1\.3\.6\.1\.4\.1\.1466\.20037", rb"[\x78][\s\S]{1,5}?\x0a\x01[\s\S]+", rb"[\x78][\s\S]{1,5}?\x0a\x01\0"),
    _upgrade("socks", socks.ASK_5, rb"\A\x05[\0-\x02\xff][\s\S]*", rb"\x05\0\x05\0|\x05\x02\x01\0\x05\0"),
    _upgrade("socks", socks.ASK_4, rb"\A\0[\x5a-\x5d]", rb"\0\x5a"),
    # Protocol::HandshakeV10: up to the lower two bytes of what the server can, CLIENT_SSL (0x800) among it.
    _upgrade(
        "mysql", rb"\A\x20\0\0\x01[\s\S]{32}", rb"[\s\S]{3}\x02\xff[\s\S]*", rb"(?!)",
        rb"\A[\s\S]{2}\0\0\x0a[\x20-\x7e]{1,80}\0[\s\S]{12}\0[\s\S]{2}", b"[" + _with_bit(3) + rb"]\Z",
        waits=rb"\A(?P<farewell>)\Z",
    ),
    _upgrade("amqp", rb"\AAMQP\x02\x01\0\0", rb"\AAMQP[\s\S]{4}", rb"AMQP\x02"),
    # X.224 carries other protocols, too: only a negotiation that offers more than RDP's own is a request.
    _upgrade(
        "rdp", rb"\A\x03\0[\s\S]{3}\xe0[\s\S]{5}(?:[^\r\n]*\r\n)?\x01[\s\S]\x08\0[\x01-\xff]\0{3}",
        rb"\A\x03\0[\s\S]{3}\xd0[\s\S]*", rb"\x03\0[\s\S]{3}\xd0[\s\S]{5}\x02[\s\S]\x08\0[^\0]",
    ),
)  # fmt: skip
