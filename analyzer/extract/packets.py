"""Clear speech of binary protocols with all blotted out that may be a secret: same length.

What a protocol says up to its agreement on TLS is kept, without users and passwords; the rest, and
what nobody knows, becomes zeros behind the few bytes that tell a protocol.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from analyzer.tls.prelude.openings import classify
from analyzer.tls.story import Opening

_OPENING: Final = 12  # bytes by which a protocol is known
_AGREEMENT_MOST: Final = 600  # bytes; none is longer
_SSL_REQUEST: Final = re.compile(rb"\x20\0\0\x01[\s\S]{32}")  # of MySQL
_RDP_COOKIE: Final = re.compile(rb"(mstshash=|msts=)([^\r\n]+)")
# LDAP: ExtendedRequest and ExtendedResponse (RFC 4511 section 4.12).
_EXTENDED: Final = (0x77, 0x78)


def blotted_packets(data: bytes) -> bytes:
    """What may be shown of clear binary speech of one side, of the same length."""
    shown = _SHOWING.get(classify(data), _unknown)(data)[: min(_AGREEMENT_MOST, len(data))]
    return shown + bytes(len(data) - len(shown))


def _unknown(data: bytes) -> bytes:
    return data[:36] if _SSL_REQUEST.match(data) else data[:_OPENING]


def _counted(data: bytes) -> bytes:
    """A packet whose length stands in its third and fourth byte (MS-TDS 2.2.3.1, RFC 1006)."""
    return data[: int.from_bytes(data[2:4])]


def _rdp(data: bytes) -> bytes:
    packet = _counted(data)  # MS-RDPBCGR 2.2.1.1
    return _RDP_COOKIE.sub(lambda found: found[1] + b"x" * len(found[2]), packet)


def _postgresql(data: bytes) -> bytes:
    return data[:8]


def _mysql(data: bytes) -> bytes:
    return data[: 4 + int.from_bytes(data[:3], "little")]


def _proxy(data: bytes) -> bytes:
    return data[: 16 + int.from_bytes(data[14:16])]  # version 2


def _ldap(data: bytes) -> bytes:
    """Extended operations as they are, of others nothing but what they are."""
    shown, at = b"", 0
    while at + 2 <= len(data) and data[at] == 0x30 and at < _AGREEMENT_MOST:
        wide = data[at + 1] & 0x7F if data[at + 1] & 0x80 else 0
        length = int.from_bytes(data[at + 2 : at + 2 + wide]) if wide else data[at + 1]
        body = at + 2 + wide
        operation = body + 2 + (data[body + 1] if body + 1 < len(data) else 0)
        end = min(body + length, len(data))
        stop = end if data[operation : operation + 1] in map(_byte, _EXTENDED) else operation + 1
        shown += data[at : min(stop, end)] + bytes(max(0, end - stop))
        at = end
    return shown


def _byte(number: int) -> bytes:
    return bytes((number,))


def _socks(data: bytes) -> bytes:
    """Greeting and request; a user's name and password are x (RFC 1928, RFC 1929, SOCKS 4)."""
    if data[0] == 4:
        end = data.find(b"\0", 8)
        end = len(data) if end < 0 else end
        return data[:8] + b"x" * (end - 8) + b"\0"
    said = bytearray(data)
    at = 2 + data[1]  # behind the methods
    if data[at : at + 1] == b"\x01":
        for _ in ("user", "password"):
            size = data[at + 1] if at + 1 < len(data) else 0
            first = at + 2
            said[first : first + size] = b"x" * len(said[first : first + size])
            at += 1 + size
        at += 1
    return bytes(said[: at + _socks_request(data[at:])])


def _socks_request(data: bytes) -> int:
    """The length of a request, by the type of its address (RFC 1928 section 4)."""
    kind = data[3:4]
    address = {b"\x01": 4, b"\x04": 16, b"\x03": 1 + (data[4] if len(data) > 4 else 0)}
    return 4 + address.get(kind, 0) + 2


_SHOWING: Final[Mapping[Opening, Callable[[bytes], bytes]]] = {
    Opening.TDS: _counted,
    Opening.RDP: _rdp,
    Opening.POSTGRESQL: _postgresql,
    Opening.MYSQL: _mysql,
    Opening.PROXY_PROTOCOL: _proxy,
    Opening.LDAP: _ldap,
    Opening.SOCKS: _socks,
}
