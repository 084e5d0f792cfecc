"""What servers of binary protocols answer to a request for TLS, in words.

Text protocols say it themselves. RFC 4511 section 4.1.9 and appendix A, MS-RDPBCGR 2.2.1.2,
PostgreSQL chapter 55.2.10, and the ERR_Packet and HandshakeV10 of the MySQL protocol.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from analyzer.tls.prelude import socks

# RFC 4511 appendix A.2: those that an answer to an extended request can have.
_LDAP: Final = {
    1: "operationsError",
    2: "protocolError",
    3: "timeLimitExceeded",
    8: "strongerAuthRequired",
    10: "referral",
    11: "adminLimitExceeded",
    13: "confidentialityRequired",
    50: "insufficientAccessRights",
    51: "busy",
    52: "unavailable",
    53: "unwillingToPerform",
    80: "other",
}
_LDAP_RESULT: Final = re.compile(rb"\x78[\s\S]{1,5}?\x0a\x01([\s\S])")

# MS-RDPBCGR 2.2.1.2.2.
_RDP: Final = {
    1: "SSL_REQUIRED_BY_SERVER",
    2: "SSL_NOT_ALLOWED_BY_SERVER",
    3: "SSL_CERT_NOT_ON_SERVER",
    4: "INCONSISTENT_FLAGS",
    5: "HYBRID_REQUIRED_BY_SERVER",
    6: "SSL_WITH_USER_AUTH_REQUIRED_BY_SERVER",
}
_RDP_NEGOTIATION: Final = 11  # bytes of TPKT and of X.224's Connection Confirm
_RDP_RESPONSE, _RDP_FAILURE = 2, 3


def told(protocol: str, answer: bytes) -> str | None:
    """Say in words what an answer of a binary protocol means; None for all others."""
    reader = _READERS.get(protocol)
    return None if reader is None else reader(answer)


def _ldap(answer: bytes) -> str | None:
    found = _LDAP_RESULT.match(answer)
    if found is None:
        return None
    code = found.group(1)[0]
    return f"resultCode {code} ({_LDAP.get(code, 'not registered')})"


def _rdp(answer: bytes) -> str | None:
    negotiation = answer[_RDP_NEGOTIATION:]
    number = int.from_bytes(negotiation[4:5], "little")  # the low byte: no flag or code is above
    if negotiation[:1] == bytes((_RDP_FAILURE,)):
        return f"failure {number} ({_RDP.get(number, 'not registered')})"
    if negotiation[:1] == bytes((_RDP_RESPONSE,)):
        return "it chose RDP's own encryption" if not number else f"it chose protocol {number}"
    return "it knows no negotiation, hence no TLS"


def _postgresql(answer: bytes) -> str | None:
    return "N (it does no TLS)" if answer[:1] == b"N" else None


def _mysql(answer: bytes) -> str | None:
    """``FF``, u16 code, and from protocol 4.1 on ``#`` with five digits before the text.

    The server's greeting begins with ``0A`` and its version up to a zero byte.
    """
    if answer[4:5] == b"\x0a":
        version = answer[5:].split(b"\0")[0].decode("ascii", "replace")
        return f"HandshakeV10 of {version} without CLIENT_SSL"
    code = int.from_bytes(answer[5:7], "little")
    text = answer[7:]
    state, text = (text[1:6], text[6:]) if text[:1] == b"#" else (b"", text)
    words = f"ERROR {code}" + (f" ({state.decode('ascii', 'replace')})" if state else "")
    return f"{words}: {text.decode('utf-8', 'replace')}" if text else words


_READERS: Final[Mapping[str, Callable[[bytes], str | None]]] = {
    "ldap": _ldap,
    "rdp": _rdp,
    "postgresql": _postgresql,
    "mysql": _mysql,
    "socks": socks.reply,
}
