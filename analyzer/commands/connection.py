"""How a command line names one connection of a capture: ``FILE:STREAM``, or a file alone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from analyzer.errors import UsageError, no_such_stream

if TYPE_CHECKING:
    from analyzer.judging import Judged

_NUMBERED: Final = re.compile(r"(?s)(.+):(\d{1,9})")
_LISTED_MOST: Final = 12


def parted(place: str, stream: int | None = None) -> tuple[str, int | None]:
    """Part ``FILE:STREAM``; a file whose own name ends so is taken as it is."""
    found = _NUMBERED.fullmatch(place)
    if stream is not None or found is None or Path(place).exists():
        return place, stream
    return found[1], int(found[2])


def connection(place: str, stream: int | None = None) -> Judged:
    """Read a capture and give the connection that is named.

    Without a number it is the only TLS connection, or the only one that failed.

    Raises:
        UsageError: There is no such connection, or there are several to choose from.
        CaptureError: The file cannot be read.
    """
    from analyzer.pipeline import Analysis  # noqa: PLC0415 - loads numpy and more

    path, number = parted(place, stream)
    judged = list(Analysis([path]).judged())
    if number is not None:
        for entry in judged:
            if entry.story.stream == number:
                return entry
        raise no_such_stream(path, number, len(judged))
    return _only(path, judged)


def _only(path: str, judged: list[Judged]) -> Judged:
    tls = [entry for entry in judged if entry.story.is_tls]
    failed = [entry for entry in tls if entry.outcome == "failed"]
    for choice in (tls, failed):
        if len(choice) == 1:
            return choice[0]
    if not tls:
        raise UsageError(f"{path}: no TLS in it; choose another capture")
    some = failed or tls
    listed = ", ".join(str(entry.story.stream) for entry in some[:_LISTED_MOST])
    more = " …" if len(some) > _LISTED_MOST else ""
    kind = "failed connections" if failed else "TLS connections"
    raise UsageError(
        f"{path}: {len(some)} {kind} (streams {listed}{more}); "
        f"name one, as in {path}:{some[0].story.stream}"
    )
