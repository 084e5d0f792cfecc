"""What the two sides of TDS say of encryption before TLS (MS-TDS 2.2.6.5, Microsoft's SQL Server).

Both PRELOGIN packets have a list of options behind the packet's header::

    BYTE PL_OPTION_TOKEN; USHORT PL_OFFSET; USHORT PL_OPTION_LENGTH;  // … and 0xFF behind the last
"""

from __future__ import annotations

import enum
from typing import Final

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


def refused(asked: bytes, answered: bytes) -> bool:
    """Whether a client wants all encrypted, and the server cannot; the client then has to leave."""
    if asked[:1] != b"\x12" or answered[:1] != b"\x04":
        return False
    wanted = {Encryption.ON, Encryption.REQUIRED}
    return encryption(asked) in wanted and encryption(answered) is Encryption.NOT_SUPPORTED
