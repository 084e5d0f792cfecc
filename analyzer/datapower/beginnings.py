"""What a file begins with, as far as it tells captures from a gateway's papers."""

from __future__ import annotations

from pathlib import Path
from typing import Final

# pcap in both byte orders and with nanoseconds, pcapng.
CAPTURES: Final = (
    *(b"\xa1\xb2\xc3\xd4", b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\x3c\x4d", b"\x4d\x3c\xb2\xa1"),
    b"\n\r\r\n",
)


def may_be_report(name: str) -> bool:
    """Whether a file may be an error report: it does not begin as a capture does.

    A pipe is none: what is read of it to find out would be lost to whoever reads it next.
    """
    if not Path(name).is_file():
        return False
    try:
        with Path(name).open("rb") as file:
            return not file.read(4).startswith(CAPTURES)
    except OSError:
        return False
