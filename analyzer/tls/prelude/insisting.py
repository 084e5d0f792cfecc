"""Servers that insist on TLS toward a client that asks for none.

RFC 3207 section 4 and RFC 4954 section 6 (530 and 538 of SMTP), RFC 5530 (PRIVACYREQUIRED), RFC 4511
appendix A.2 (confidentialityRequired), RFC 4642 section 2.2.2 (483), RFC 5804 section 1.3
(ENCRYPT-NEEDED), RFC 6120 section 6.5.4 (encryption-required), MySQL's error 3159, and what
PostgreSQL says of a connection without encryption. POP3 and FTP have no word of their own for it:
there the text tells.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, NamedTuple

from analyzer.tls.prelude import replies


@dataclass(frozen=True, slots=True)
class Demand:
    """How the servers of one protocol say that they want TLS first.

    ``spoken`` matches what its clients say and ``greeting`` how its servers begin, ``refusal`` the
    answer, whose group ``text`` is what it says in words, if it has one.
    """

    protocol: str
    spoken: re.Pattern[bytes]
    greeting: re.Pattern[bytes]
    refusal: re.Pattern[bytes]


class Insistence(NamedTuple):
    """A demand for TLS: where it begins among the server's bytes, and what it says."""

    protocol: str
    at: int
    text: bytes | str


_FLAGS: Final = re.IGNORECASE | re.MULTILINE

# A line that speaks of TLS and of what has to be.
_TLS_FIRST: Final = (
    rb"(?=[^\r\n]*\b(?:START)?(?:TLS|SSL|encrypt\w*|cleartext)\b)"
    rb"(?=[^\r\n]*\b(?:must|required?s?|needs?|needed|first|only|not allowed|not accepted|disallowed)\b)[^\r\n]*"
)


def _demand(protocol: str, spoken: bytes, greeting: bytes, refusal: bytes) -> Demand:
    patterns = (re.compile(pattern, _FLAGS) for pattern in (spoken, greeting, refusal))
    return Demand(protocol, *patterns)


_DEMANDS: Final = (
    _demand("smtp", rb"^(?:EHLO|HELO|LHLO)\b", rb"\A220[ -]", rb"^(?:538[ -][^\r\n]*|[45][35][0-4][ -]" + _TLS_FIRST + rb")"),
    _demand("imap", rb"\A\S+ [A-Z]", rb"\A\* OK\b", rb"^\S+ NO \[PRIVACYREQUIRED\][^\r\n]*"),
    _demand("pop3", rb"^(?:USER|APOP|AUTH|CAPA|PASS)\b", rb"\A\+OK\b", rb"^-ERR " + _TLS_FIRST),
    _demand("ftp", rb"^(?:USER|FEAT|SYST)\b", rb"\A220[ -]", rb"^(?:421|5\d\d)[ -]" + _TLS_FIRST),
    _demand("nntp", rb"\A[A-Z]", rb"\A20[01]\b", rb"^483[ -][^\r\n]*"),
    _demand("sieve", rb"\A[A-Z]", rb"\A\"", rb"^NO \(\"?ENCRYPT-NEEDED\"?\)[^\r\n]*"),
    _demand("xmpp", rb"\A\s*<", rb"\A\s*<", rb"<(?:\w+:)?encryption-required\b[^>]*>"),
    # A response to any operation: its message's sequence, number and type, then the result.
    _demand(
        "ldap", rb"\A0", rb"\A0",
        rb"0[\s\S]{1,5}?\x02[\x01-\x04][\s\S]{1,4}?[\x61\x65\x67\x69\x6b\x6d\x6f\x73\x78][\s\S]{1,5}?\x0a\x01\x0d",
    ),
    _demand(
        "postgresql", rb"\A\0\0[\s\S]{2}\0\x03\0", rb"\AE\0\0",
        rb"C28000\0(?:[^\0M][^\0]*\0){0,8}M(?P<text>[^\0]*(?:no encryption|SSL off)[^\0]*)\0",
    ),
    _demand("mysql", rb"\A[\s\S]{3}\x01", rb"\A[\s\S]{3}\0\x0a", rb"[\s\S]{3}[\x02-\x0f]\xff\x57\x0c[\s\S]*"),
)  # fmt: skip


def insisted(asked: bytes, answered: bytes) -> Insistence | None:
    """What a server says that wants TLS first, to a client that has not asked for it."""
    for demand in _DEMANDS:
        if demand.greeting.match(answered) and demand.spoken.search(asked):
            found = demand.refusal.search(answered)
            if found is not None:
                return Insistence(demand.protocol, found.start(), _words(demand.protocol, found))
    return None


def _words(protocol: str, found: re.Match[bytes]) -> bytes | str:
    if protocol == "ldap":
        return "resultCode 13 (confidentialityRequired)"
    if "text" in found.re.groupindex:
        return found["text"]
    return replies.told(protocol, found.group()) or found.group()
