"""Where a connection tells names and addresses in clear, others are put in their place."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from analyzer.extract.blot import Voice, outside
from analyzer.extract.disguise import Disguise
from analyzer.tls.record.records import HEADER
from analyzer.tls.registry.code_points import ContentType

_ADDRESS: Final = re.compile(rb"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])")
_BRACKETED: Final = re.compile(rb"\[[0-9A-Fa-f:.]+\]")  # an IPv6 address (RFC 3986 section 3.2.2)
# A name of several labels, or the single word where a host is named (RFC 9110 section 7.2, RFC 5321
# section 4.1.1.1).
_HOST: Final = re.compile(
    rb"((?:^|\n)(?:CONNECT |Host: ?|EHLO |HELO |LHLO ))([\w.-]+)"
    rb"|(?<![\w.-])(?:[\w-]{1,63}\.)+[A-Za-z][\w-]{1,62}(?![\w-])",
    re.IGNORECASE,
)
_PROXY_V2: Final = b"\r\n\r\n\0\r\nQUIT\n"
_PROXY_HEAD: Final = 16
_SOCKS_REQUEST: Final = re.compile(rb"(\x05[\0-\x03]\0)(?:(\x01)[\s\S]{4}|(\x04)[\s\S]{16})")
_DIGIT: Final = re.compile(rb"[0-9A-Fa-f]")


def rename(voice: Voice, names: Iterable[str], disguise: Disguise) -> None:
    """Rename what one half of a connection said; ``names`` are the hosts that it asked for."""
    said = voice.said
    for begin, end in outside(voice.records, said.end_inside):
        said.write_inside(begin, renamed(said.read_inside(begin, end), disguise))
    if voice.head:
        said.write(0, renamed(said.read(0, voice.head), disguise))
    _rename_hellos(voice, names, disguise)


def renamed(data: bytes, disguise: Disguise) -> bytes:
    """Clear bytes of one side with other names in them, of the same length."""

    def other(found: re.Match[bytes]) -> bytes:
        lead, word = (found[1], found[2]) if found[1] else (b"", found[0])
        return lead + disguise.name(word.decode("latin-1")).encode("latin-1")

    if data.startswith(_PROXY_V2):
        return data[:_PROXY_HEAD] + bytes(len(data) - _PROXY_HEAD)
    if data[:1] == b"\x05":
        data = _SOCKS_REQUEST.sub(_nowhere, data)
    data = _ADDRESS.sub(lambda found: _DIGIT.sub(b"0", found[0]), data)
    data = _BRACKETED.sub(lambda found: _DIGIT.sub(b"0", found[0]), data)
    return _HOST.sub(other, data)


def _nowhere(found: re.Match[bytes]) -> bytes:
    """A request for an address, without it (RFC 1928 section 4)."""
    head = found[1] + (found[2] or found[3])
    return head + bytes(len(found[0]) - len(head))


def _rename_hellos(voice: Voice, names: Iterable[str], disguise: Disguise) -> None:
    """Names in ClientHellos, however records cut these."""
    pieces = [r for r in voice.records if r.content_type == ContentType.HANDSHAKE and not r.v2]
    whole = before = b"".join(record.fragment for record in pieces)
    for name in sorted(names, key=len, reverse=True):
        new = disguise.name(name).encode("latin-1", "replace")
        old = name.encode("latin-1", "replace")
        for found in re.finditer(re.escape(old), whole, re.IGNORECASE):
            whole = whole[: found.start()] + new + whole[found.end() :]
    at = 0
    for record in pieces:
        size = len(record.fragment)
        if whole[at : at + size] != before[at : at + size]:
            voice.said.write_inside(record.offset + HEADER, whole[at : at + size])
        at += size
