"""What OpenSSL's error queue says in a line: ``error:14094418:SSL routines:ssl3_read_bytes:…``.

``ERR_PACK`` of OpenSSL up to 1.1.1 is ``lib << 24 | func << 12 | reason``; of 3.0 and later
``lib << 23 | reason``, with an empty function. The library of TLS is 20 in both, so that
``0x14000000`` and ``0x0A000000`` tell the eras apart. ``SSL_AD_REASON_OFFSET`` is 1000.
"""

from __future__ import annotations

import re
from typing import Final

from analyzer.tls.loglines import LogLine, Reason, Refuser

_ERROR: Final = re.compile(
    r"error:(?P<packed>[0-9A-Fa-f]{6,8}):(?P<library>[^:]{0,80}):(?P<function>[^:]{0,80}):(?P<text>[^:]{0,200})"
)
_ERROR_2: Final = re.compile(
    r"error:(?P<packed>[0-9A-Fa-f]{6,8}):?(?P<library>)(?P<function>)(?P<text>)"
)
_SSL: Final = 20
ALERT_OFFSET: Final = 1000  # SSL_AD_REASON_OFFSET
_ALERT_MOST: Final = 255

# Reasons that only say that the connection broke (include/openssl/sslerr.h).
BROKEN: Final = frozenset(
    {
        229,  # ssl handshake failure
        294,  # unexpected eof while reading
        207,  # protocol is shutdown
    }
)


def reason_of(line: LogLine) -> Reason | None:
    """The first error that a line quotes; None where it quotes none."""
    return decode_reason(line.text)


def decode_reason(text: str) -> Reason | None:
    """Decode an error string of either era.

    >>> decode_reason("error:0A000418:SSL routines::tlsv1 alert unknown ca").alert
    48
    """
    found = _ERROR.search(text) or _ERROR_2.search(text)
    if found is None:
        return None
    packed = int(found["packed"], 16)
    function: int | None = None
    if _is_new(packed, found["library"], found["function"]):
        library, reason = packed >> 23, packed & 0x7F_FFFF
    else:
        library, function, reason = packed >> 24, packed >> 12 & 0xFFF, packed & 0xFFF
    alert = _alert(library, reason)
    return Reason(
        packed=packed,
        library=library,
        function=function,
        reason=reason,
        function_name=found["function"].strip(),
        text=" ".join(found["text"].split()),
        alert=alert,
        refuser=_refuser(library, reason, alert),
    )


def _is_new(packed: int, library: str, function: str) -> bool:
    """Whether OpenSSL 3 packed it: TLS tells by its number, other libraries by the empty function."""
    if _SSL in {packed >> 23, packed >> 24}:
        return packed >> 23 == _SSL
    return bool(library) and not function.strip()


def _alert(library: int, reason: int) -> int | None:
    number = reason - ALERT_OFFSET
    return number if library == _SSL and 0 <= number <= _ALERT_MOST else None


def _refuser(library: int, reason: int, alert: int | None) -> Refuser:
    if alert is not None:
        return Refuser.PEER
    return Refuser.NOBODY if library == _SSL and reason in BROKEN else Refuser.GATEWAY
