"""Papers of a case that were given where captures are wanted: which option takes them."""

from __future__ import annotations

import contextlib
import io
import re
from itertools import islice
from pathlib import Path
from typing import Final

from analyzer.capture.unpack import UNPACK_ERRORS
from analyzer.datapower.beginnings import CAPTURES
from analyzer.datapower.export.cli import looks_like_cli
from analyzer.datapower.log.entries import Tally, read_entries
from analyzer.datapower.log.source import numbered, open_streams
from analyzer.errors import CaptureError
from analyzer.limits import DEFAULT, Limits

_HEAD: Final = 1 << 14  # bytes by which forms are told
_MEMBERS: Final = 16  # of an archive; an export begins with what tells it
_EXPORT: Final = re.compile(rb"<(?:\w+:)?datapower-configuration\b")
_OPENSSL: Final = re.compile(rb"(?m)^(?:CONNECTED\(\w+\)|ACCEPT)\r?$")

_HINTS: Final = {
    "a DataPower export": "give it beside the capture, with --dp-export",
    "a DataPower log": "give it beside the capture, with --dp-log",
    "output of openssl": "'handshake-analyzer mustgather --openssl' takes it into a case",
}


def refuse_papers(path: Path, limits: Limits = DEFAULT) -> None:
    """Refuse a file that is known to be no capture; all else is for the reader of captures.

    Raises:
        CaptureError: It is a log or an export of the gateway, or what openssl printed.
    """
    kind = None
    with contextlib.suppress(OSError, CaptureError, *UNPACK_ERRORS):
        kind = _kind(path, limits)
    if kind is not None:
        raise CaptureError(f"is {kind}", path=str(path), hint=_HINTS[kind])


def _kind(path: Path, limits: Limits) -> str | None:
    """What a file is, or the first member of an archive that tells; none beside a capture."""
    kind = None
    with contextlib.closing(open_streams(path, limits)) as streams:
        for _, stream in islice(streams, _MEMBERS):
            head = stream.read(_HEAD)
            if head.startswith(CAPTURES):
                return None
            kind = kind or _kind_by(head)
    return kind


def _kind_by(head: bytes) -> str | None:
    if _EXPORT.search(head) or looks_like_cli(head):
        return "a DataPower export"
    if _OPENSSL.search(head):
        return "output of openssl"
    tally = Tally()
    for _ in read_entries(numbered(iter(io.BytesIO(head).readlines())), "", tally):
        pass
    return "a DataPower log" if tally.entries > tally.foreign else None
