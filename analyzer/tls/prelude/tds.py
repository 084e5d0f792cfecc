"""What the two sides of TDS say of encryption before TLS (MS-TDS 2.2.6.5, Microsoft's SQL Server).

Both PRELOGIN packets have a list of options behind the packet's header::

    BYTE PL_OPTION_TOKEN; USHORT PL_OFFSET; USHORT PL_OPTION_LENGTH;  // … and 0xFF behind the last
"""

from __future__ import annotations

import enum
from typing import Final, NamedTuple

from analyzer.tls.story import PreludeEnd, Sought

_HEADER: Final = 8
_OPTION: Final = 5
_OPTIONS_MOST: Final = 16
_ENCRYPTION: Final = 1
_TERMINATOR: Final = 0xFF


class Encryption(enum.IntEnum):
    """What a side says; above these bits stands whether certificates are to authenticate clients."""

    OFF = 0  # for the login alone
    ON = 1
    NOT_SUPPORTED = 2
    REQUIRED = 3


def encryption(data: bytes) -> Encryption | None:
    """What a side's first packet says of encryption; None where it does not, or is cut."""
    for number in range(_OPTIONS_MOST):
        option = data[_HEADER + number * _OPTION :][:_OPTION]
        if len(option) < _OPTION or option[0] == _TERMINATOR:
            return None
        if option[0] == _ENCRYPTION:
            at = _HEADER + int.from_bytes(option[1:3])
            return Encryption(data[at] & 3) if at < len(data) else None
    return None


class Said(NamedTuple):
    """What the PRELOGIN packets say of TLS; ``farewell``: the client gave up waiting for an answer."""

    end: PreludeEnd
    sought: Sought
    text: str
    farewell: bool = False


def read(asked: bytes, answered: bytes) -> Said | None:
    """A client that is not answered, or one of whom the server says what it cannot agree to.

    ::

        client, server     NOT_SUP                  ON, REQ
        ON, REQ            the client has to leave  TLS
        OFF                all in clear             TLS
        NOT_SUP            all in clear             the client has to leave
    """
    wanted = encryption(asked) if asked[:1] == _PRELOGIN else None
    if wanted is None:
        return None
    cannot = wanted is Encryption.NOT_SUPPORTED
    if not answered and not cannot:
        rest = asked[int.from_bytes(asked[2:4]) :]
        return Said(PreludeEnd.OPEN, Sought.TLS, "PRELOGIN", _is_attention(rest))
    says = encryption(answered) if answered[:1] == _RESPONSE else None
    if cannot and says in _ALL:
        return Said(PreludeEnd.REFUSED, Sought.NOTHING, "PRELOGIN: encryption required")
    if wanted in _ALL and says is Encryption.NOT_SUPPORTED:
        return Said(PreludeEnd.REFUSED, Sought.TLS, "PRELOGIN: encryption not supported")
    return None


def _is_attention(packet: bytes) -> bool:
    """Whether a client asks for an end of what it waits for (MS-TDS 2.2.1.7)."""
    return packet[:1] == b"\x06" and len(packet) == _HEADER


_PRELOGIN: Final = b"\x12"
_RESPONSE: Final = b"\x04"
_ALL: Final = frozenset({Encryption.ON, Encryption.REQUIRED})  # not the login alone
