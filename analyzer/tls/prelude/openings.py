"""What a direction's first bytes are, when they are not TLS.

Judged by the bytes alone: a port says what somebody hoped for, the bytes what was spoken.
"""

from __future__ import annotations

import re
from typing import Final

from analyzer.tls.story import Opening

# What servers say to those who speak HTTP where TLS is expected (nginx, Apache, Go, Tomcat).
TLS_EXPECTED: Final = re.compile(
    rb"plain HTTP request was sent to HTTPS port"
    rb"|HTTP request to an HTTPS server|speaking plain HTTP to an SSL-enabled"
    rb"|requires TLS|This combination of host and port requires TLS",
    re.IGNORECASE,
)

# First match wins; each pattern is anchored at the first byte. Sources: RFC 9112 (HTTP), RFC 4253
# section 4.2 (SSH), RFC 5321 (SMTP), RFC 959 (FTP), RFC 9051 (IMAP), RFC 1939 (POP3), RFC 3977
# (NNTP), RFC 6120 (XMPP), RFC 1459 (IRC), RFC 1928 (SOCKS 5), the PROXY protocol's own document,
# PostgreSQL's and MySQL's protocol chapters, MS-TDS 2.2, MS-RDPBCGR 2.2.1, RFC 4511 (LDAP).
# RFC 3261 and RFC 7826 have requests of the same form, and some methods of the same name.
_METHODS: Final = rb"(?:GET|POST|HEAD|PUT|DELETE|OPTIONS|CONNECT|PATCH|TRACE|PROPFIND|PRI) "
_PATTERNS: Final[tuple[tuple[Opening, re.Pattern[bytes]], ...]] = (
    (Opening.HTTP_REQUEST, re.compile(_METHODS + rb"(?![^\r\n]{0,1000} (?:SIP|RTSP)/\d)")),
    (
        Opening.HTTP_TLS_EXPECTED,
        re.compile(
            rb"HTTP/1\.[01] 4\d\d .*?(?:" + TLS_EXPECTED.pattern + rb")", re.DOTALL | re.IGNORECASE
        ),
    ),
    (Opening.HTTP_RESPONSE, re.compile(rb"HTTP/\d")),
    (Opening.HTTP_RESPONSE, re.compile(rb"<(?:!DOCTYPE |html)", re.IGNORECASE)),
    (Opening.SSH, re.compile(rb"SSH-\d")),
    (Opening.PROXY_PROTOCOL, re.compile(rb"PROXY (?:TCP|UNKNOWN)|\r\n\r\n\0\r\nQUIT\n")),
    (Opening.XMPP, re.compile(rb"\s*<(?:\?xml|stream:stream)")),
    (
        Opening.NNTP,
        re.compile(rb"20[01] [^\r\n]*(?:NNTP|news|InterNetNews|posting)", re.IGNORECASE),
    ),
    (Opening.FTP, re.compile(rb"220[ -][^\r\n]*FTP", re.IGNORECASE)),
    (Opening.SMTP, re.compile(rb"(?:220|554)[ -]")),
    (Opening.SMTP, re.compile(rb"(?:EHLO|HELO|LHLO) ", re.IGNORECASE)),
    (Opening.FTP, re.compile(rb"(?:USER |AUTH (?:TLS|SSL))", re.IGNORECASE)),
    (Opening.IMAP, re.compile(rb"\* (?:OK|PREAUTH|BYE)|\w{1,8} (?:CAPABILITY|STARTTLS|LOGIN)\b")),
    (Opening.POP3, re.compile(rb"\+OK|(?:CAPA|STLS)\r\n")),
    (Opening.IRC, re.compile(rb"(?:NICK |CAP LS|:[\w.-]+ NOTICE )")),
    (Opening.SOCKS, re.compile(rb"\x05[\x01-\x0a][\x00-\x0a]|\x04[\x01\x02]..", re.DOTALL)),
    (
        Opening.POSTGRESQL,
        re.compile(rb"\0\0\0\x08\x04\xd2\x16[\x2e\x2f\x30]|\0\0..\0\x03\0\0", re.DOTALL),
    ),
    (Opening.MYSQL, re.compile(rb"[\s\S]{3}\0\x0a\d+\.\d+[^\0]{0,60}\0")),
    (Opening.TDS, re.compile(rb"[\x12\x04]\x01\0[\s\S]\0\0")),
    (Opening.RDP, re.compile(rb"\x03\0[\s\S]{2}[\s\S][\xe0\xd0]")),
    (
        Opening.LDAP,
        re.compile(rb"\x30[\s\S]{1,5}?\x02[\x01-\x04][\s\S]{1,4}?[\x60\x61\x63\x77\x78]"),
    ),
    (Opening.MQ, re.compile(rb"TSH[ LM]")),
)

_TLS_RECORD: Final = re.compile(rb"[\x14-\x18](?:\x03[\x00-\x04]|\x7f[\s\S]|\x01\x01|\xfb\x1a)")
_V2_HELLO: Final = re.compile(
    rb"[\x80-\xbf][\s\S](?:\x01(?:\x00\x02|\x03[\x00-\x04])|\x04[\0\x01][\0\x01]\0\x02)"
)
_TEXT: Final = re.compile(rb"[\t\r\n\x20-\x7e]{4,}")


def looks_like_tls(data: bytes) -> bool:
    """Whether the bytes can begin a TLS record or a hello in the framing of SSL 2.0."""
    return bool(_TLS_RECORD.match(data) or _V2_HELLO.match(data))


def classify(data: bytes) -> Opening:
    """Name the protocol that begins with ``data`` (a few hundred bytes are enough)."""
    if not data:
        return Opening.NOTHING
    if looks_like_tls(data):
        return Opening.TLS
    for opening, pattern in _PATTERNS:
        if pattern.match(data):
            return opening
    return Opening.TEXT if _TEXT.match(data) else Opening.BINARY
