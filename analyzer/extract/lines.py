"""Clear text with all blotted out that may be a secret: same length, same shape.

Kept are the words by which protocols of lines agree on TLS, or by which one sees that none was
spoken. A line that is not known to be harmless becomes a row of x.
"""

from __future__ import annotations

import re
from typing import Final

from analyzer.tls.prelude.openings import TLS_EXPECTED

_LINE: Final = re.compile(rb"[^\n]*\n|[^\n]+")
_REQUEST: Final = re.compile(rb"([A-Z]{3,12} )(\S+)( HTTP/\d\.\d)")
_STATUS: Final = re.compile(rb"HTTP/\d(?:\.\d)? \d{3}")
_HEADER: Final = re.compile(rb"[A-Za-z0-9-]+: ?")
_TELLING: Final = re.compile(
    rb"(?:Host|Upgrade|Connection|Proxy-Connection|Server):", re.IGNORECASE
)
_XML: Final = (b"<?xml", b"<stream:", b"<starttls", b"<auth", b"</stream")

# What servers say that is no secret (RFC 5321, 9051, 1939, 959, 3977, 5804, 1459; RFC 4253 section
# 4.2), and their lists of capabilities: a word in capitals, and FTP's indented ones.
_SERVER: Final = re.compile(
    rb"\d{3}[ -]|\* (?:OK|NO|BAD|BYE|PREAUTH|CAPABILITY)\b|\+OK|-ERR|SSH-|:\S+ (?:\d{3}|NOTICE|CAP) "
    rb"|(?:OK|NO|BYE)\b|\S{1,16} (?:OK|NO|BAD)\b|\.\r?\n| ?[A-Z][A-Z0-9-]{1,15}(?: [A-Z0-9-]+)*\r?\n"
    rb"|\"(?:STARTTLS|IMPLEMENTATION|SASL|SIEVE|VERSION)\""
)
# What clients say that is none (the same, and RFC 3207, 2595, 4217, 4642, the PROXY protocol).
_CLIENT: Final = re.compile(
    rb"SSH-|PROXY |CAP LS|(?:EHLO|HELO|LHLO|STARTTLS|STLS|CAPA|CAPABILITIES|FEAT|AUTH (?:TLS|SSL)"
    rb"|PBSZ|PROT|QUIT|LOGOUT|NOOP|RSET|MODE READER)\b|\S{1,16} (?:STARTTLS|CAPABILITY|LOGOUT|NOOP)\b",
    re.IGNORECASE,
)
# Of these only the name is kept.
_COMMAND: Final = re.compile(
    rb"(?:USER|PASS|NICK|JOIN|MAIL FROM:|RCPT TO:|AUTH [A-Z0-9-]+|APOP|AUTHENTICATE|AUTHINFO \w+"
    rb"|\S{1,16} (?:LOGIN|AUTHENTICATE|ID)|<!DOCTYPE|<html)(?=\s|>|$)",
    re.IGNORECASE,
)
_LONG: Final = re.compile(rb"[A-Za-z0-9+/=_-]{20,}")  # may be a credential in some encoding
_WORD: Final = re.compile(rb"[A-Z_-]+|[a-z_-]+")
_ELEMENT_TEXT: Final = re.compile(rb">[^<>]+(?=<|\Z)")


def blotted_text(data: bytes, *, client: bool) -> bytes:
    """What may be shown of clear text that one side sent, of the same length."""
    if data.lstrip().startswith(_XML):
        return _ELEMENT_TEXT.sub(lambda found: b">" + _crossed(found[0][1:]), data)
    http = bool(_REQUEST.match(data) or _STATUS.match(data))
    harmless = _CLIENT if client else _SERVER
    said, body = [], False
    for line in _LINE.findall(data):
        said.append(_crossed(line) if body else _head(line) if http else _talk(line, harmless))
        body = body or (http and not line.strip())
    return b"".join(said)


def _head(line: bytes) -> bytes:
    """A line of an HTTP head: methods, the target of CONNECT, and names of headers stay."""
    if request := _REQUEST.match(line):
        method, target, version = request.groups()
        shown = target if method == b"CONNECT " else b"/" + b"x" * (len(target) - 1)
        return method + shown + version + line[request.end() :]
    if _STATUS.match(line) or _TELLING.match(line):
        return _LONG.sub(_unless_word, line)
    header = _HEADER.match(line)
    at = header.end() if header else 0
    return line[:at] + _crossed(line[at:])


def _talk(line: bytes, harmless: re.Pattern[bytes]) -> bytes:
    """A line of another protocol."""
    if harmless.match(line):
        return _LONG.sub(_unless_word, line)
    command = _COMMAND.match(line)
    at = command.end() if command else 0
    return line[:at] + _crossed(line[at:])


def _unless_word(found: re.Match[bytes]) -> bytes:
    return found[0] if _WORD.fullmatch(found[0]) else b"x" * len(found[0])


def _crossed(text: bytes) -> bytes:
    """A row of x, with blanks and ends of lines where they were; what says "TLS expected" stays."""
    row = bytearray(re.sub(rb"\S", b"x", text))
    for found in TLS_EXPECTED.finditer(text):
        row[found.start() : found.end()] = found[0]
    return bytes(row)
