"""Whether a session goes on in clear after its server refused TLS, as whoever merely prefers TLS does.

PostgreSQL's clients prefer it by default (``sslmode=prefer``), and so does mail between servers
(RFC 7435): such a session did not fail by the refusal.
"""

from __future__ import annotations

import re
from typing import Final

from analyzer.tcp.reassembly import Stream

_FLAGS: Final = re.IGNORECASE | re.MULTILINE

# Who says no more than this asks once more what there is, or for TLS (of FTP), or takes leave.
_PARTING: Final = re.compile(
    rb"(?:(?:EHLO|HELO|LHLO) [^\r\n]*\r\n|(?:RSET|NOOP|CAPA|FEAT|CAPABILITY|QUIT|LOGOUT)\r\n"
    rb"|AUTH (?:TLS|SSL|TLS-C|TLS-P)\r\n|\S+ (?:NOOP|CAPABILITY|LOGOUT)\r\n|</(?:\w+:)?stream>\s*)*",
    _FLAGS,
)

# Replies of text protocols; ErrorResponse of PostgreSQL; results of LDAP but success (0) and
# saslBindInProgress (14); Disconnect Provider Ultimatum behind TPKT and X.224 (RDP); the
# ERROR token in a response of TDS.
_REFUSAL: Final = re.compile(
    rb"[45]\d\d[ -]|-ERR\b|NO\b|BYE\b|\S+ (?:NO|BAD|BYE)\b|E\0\0|0[\s\S]{1,12}?\x0a\x01[^\0\x0e]"
    rb"|\x03\0\0\x09\x02\xf0\x80\x21|\x04[\s\S]{7}\xaa",
    _FLAGS,
)


def goes_on(client: Stream, asked: bytes, server: Stream, answered: bytes, refused: int) -> bool:
    """Whether a client spoke on behind the refusal in frame ``refused``, and got no second one."""
    at = _behind(client, refused)
    parting = _PARTING.match(asked, at)
    at = parting.end() if parting is not None else at
    if at >= len(asked):
        return False
    reply = answered[_behind(server, client.locate(at).frame) :]
    return bool(reply) and not _REFUSAL.match(reply)


def _behind(stream: Stream, frame: int) -> int:
    """The offset of the first byte that came after a frame; past the end where none did."""
    later = (at for at, mark in zip(stream.starts, stream.marks, strict=True) if mark.frame > frame)
    return next(later, 1 << 32)
