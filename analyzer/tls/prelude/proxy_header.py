"""The header of the PROXY protocol, by which a load balancer tells whom it speaks for."""

from __future__ import annotations

import re
from typing import Final

PROXY_PROTOCOL: Final = "proxy protocol"
_PROXY_HEADER: Final = re.compile(
    rb"PROXY [^\r\n]{1,100}\r\n|\r\n\r\n\0\r\nQUIT\n[\x20\x21][\s\S]{3}"
)
_PROXY_2: Final = 16  # bytes of version 2 before what its last two give the length of


def proxy_header(asked: bytes) -> int:
    """The length of the header of the PROXY protocol at a client's beginning; 0 without."""
    found = _PROXY_HEADER.match(asked)
    if found is None:
        return 0
    return found.end() + (int.from_bytes(asked[14:_PROXY_2]) if found.end() == _PROXY_2 else 0)
