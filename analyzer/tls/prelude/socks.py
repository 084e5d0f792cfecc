"""SOCKS before TLS: the target that a client asks for, and how a proxy says no.

RFC 1928 sections 3 to 6 and RFC 1929; version 4 as its authors describe it, with 4A's host names::

    5:  VER NMETHODS METHODS | VER CMD RSV ATYP DST.ADDR DST.PORT | VER REP …
    4:  VER CMD DSTPORT DSTIP USERID 00, in 4A the host name 00   | 00 CD …
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Final

_LOGIN: Final = rb"(?:\x01[\x01-\xff][\s\S]{2,510}?)?"  # user name and password, RFC 1929
_METHODS_MOST: Final = 9
_METHODS: Final = b"|".join(b"%c[\\s\\S]{%d}" % (n, n) for n in range(1, _METHODS_MOST + 1))
_GREETING: Final = rb"\A\x05(?:" + _METHODS + rb")" + _LOGIN

ASK_5: Final = _GREETING + rb"\x05\x01\0[\x01\x03\x04]"
ASK_4: Final = rb"\A\x04\x01[\s\S]{6}[\x20-\x7e]*\0"
_GREETED: Final = re.compile(_GREETING + rb"\Z")
_ASKED_5: Final = re.compile(ASK_5)
_ASKED_4: Final = re.compile(ASK_4)

# RFC 1928 section 6, and of version 4 the codes that its authors give.
_REPLIES: Final = {
    1: "general failure",
    2: "not allowed by its rules",
    3: "network unreachable",
    4: "host unreachable",
    5: "connection refused",
    6: "TTL expired",
    7: "command not supported",
    8: "address type not supported",
    91: "rejected or failed",
    92: "no identd of the client",
    93: "identd names another user",
}
_NO_METHOD: Final = 0xFF


def refused(asked: bytes, answered: bytes) -> str | None:
    """How a proxy refuses a client that has not come to asking for a target; None if it did not.

    ``asked`` and ``answered`` are all that both said.
    """
    if not _GREETED.match(asked) or answered[:1] != b"\x05":
        return None
    if answered[1:2] == bytes((_NO_METHOD,)):
        return "SOCKS 5: no acceptable way to log in"
    if answered[1:3] == b"\x02\x01" and answered[3:4] not in {b"", b"\0"}:
        return "SOCKS 5: user name or password refused"
    return None


def reply(answered: bytes) -> str | None:
    """What a proxy's answer to a request says, in words; None where it is cut."""
    version = 5 if answered[:1] == b"\x05" else 4
    if version == 5:
        answered = answered[4:] if answered[1:4] == b"\x02\x01\0" else answered[2:]
    if len(answered) < 2:
        return None
    code = answered[1]
    return f"SOCKS {version} reply {code} ({_REPLIES.get(code, 'not registered')})"


def target(asked: bytes) -> str | None:
    """``host:port`` that a client asks for; None where that is cut or no request."""
    five, four = _ASKED_5.match(asked), _ASKED_4.match(asked)
    if five is not None:
        return _target_5(asked[five.end() - 1 :])
    return _target_4(asked, four.end()) if four is not None else None


def _target_5(address: bytes) -> str | None:
    """ATYP 1 is IPv4, 4 IPv6, and 3 a name behind its length."""
    if address[0] == 3:
        begin, size = 2, address[1] if len(address) > 1 else 0
    else:
        begin, size = 1, 4 if address[0] == 1 else 16
    host, port = address[begin : begin + size], address[begin + size : begin + size + 2]
    if not host or len(port) < 2:
        return None
    name = host.decode("ascii", "replace") if begin > 1 else str(ip_address(host))
    return _joined(name, port)


def _target_4(asked: bytes, end: int) -> str | None:
    """Version 4A: the address is 0.0.0.x, and the name comes last."""
    address = asked[4:8]
    if address[:3] != b"\0\0\0":
        return _joined(str(ip_address(address)), asked[2:4])
    name, found, _ = asked[end:].partition(b"\0")
    return _joined(name.decode("ascii", "replace"), asked[2:4]) if found else None


def _joined(host: str, port: bytes) -> str:
    return f"[{host}]:{int.from_bytes(port)}" if ":" in host else f"{host}:{int.from_bytes(port)}"
