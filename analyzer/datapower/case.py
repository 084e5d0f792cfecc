"""What was given of one case; a light module, since most captures come without any papers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, TypeAlias

if TYPE_CHECKING:
    from analyzer.datapower.graph import Graph
    from analyzer.datapower.log.load import Log

Source: TypeAlias = "str | BinaryIO"

# pcap in both byte orders and with nanoseconds, pcapng.
CAPTURES: Final = (
    *(b"\xa1\xb2\xc3\xd4", b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\x3c\x4d", b"\x4d\x3c\xb2\xa1"),
    b"\n\r\r\n",
)


@dataclass(frozen=True, slots=True)
class Case:
    """All that was given of one case: captures, configuration, log."""

    sources: Sequence[Source]
    graph: Graph | None = None
    log: Log | None = None


def may_be_report(name: str) -> bool:
    """Whether a file may be an error report: it does not begin as a capture does."""
    try:
        with Path(name).open("rb") as file:
            return not file.read(4).startswith(CAPTURES)
    except OSError:
        return False
