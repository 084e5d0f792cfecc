"""Lines of a file become entries: each form told by how it begins, what was wrapped joined again.

Forms may follow each other in one file, as they do in what people paste. A line that begins no entry
goes on with the one before where that is indented, or was cut in the middle of its head or of an
error string; anything else belongs to somebody else and is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from analyzer.datapower.export.secrets import without_named_secrets
from analyzer.datapower.log import fields
from analyzer.datapower.log.text import begins_line, read_line
from analyzer.limits import DEFAULT, Limits
from analyzer.tls.loglines import LogLine

_WRAPPED: Final = re.compile(r"error:[0-9A-Fa-f]{0,8}(?::[^:]*){0,2}\Z")

_HEAD_MOST: Final = 512
_HEAD_DONE: Final = re.compile(r"[)\]]\s?: ")
_OPEN: Final = re.compile(r"[(\[][^()\[\]]{0,128}\Z")
_MARKUP: Final = re.compile("|".join((*fields.OPENINGS, *fields.CLOSINGS)))


@dataclass(slots=True)
class Tally:
    """What was read, what was not understood, and what a limit left out."""

    lines: int = 0
    entries: int = 0
    foreign: int = 0  # lines that belong to no entry
    cut: int = 0  # lines longer than the limit


def read_entries(
    lines: Iterable[tuple[int, str]], file: str, tally: Tally, limits: Limits = DEFAULT
) -> Iterator[LogLine]:
    """Give the entries of numbered lines, in their order."""
    for number, text in _whole(lines, tally, limits):
        if text.startswith(fields.OPENINGS):
            found = fields.read_xml(text, file, number)
        elif fields.is_csv(text):
            found = fields.read_csv(text, file, number)
        else:
            found = read_line(text, file, number)
        if found is None:
            tally.foreign += 1
        else:
            tally.entries += 1
            said = without_named_secrets(found.text)
            yield found if said == found.text else replace(found, text=said)


def _whole(
    lines: Iterable[tuple[int, str]], tally: Tally, limits: Limits
) -> Iterator[tuple[int, str]]:
    """Put together what makes one entry, with the number of its first line."""
    held, first = "", 0
    for number, line in lines:
        tally.lines += 1
        for part in _elements(line):
            if not part.strip():
                continue
            joined = _continued(held, part) if held and len(held) < limits.log_line_bytes else None
            if joined is not None:
                held = joined
                continue
            if held:
                yield first, held
            held, first = part, number
    if held:
        yield first, held


def _elements(line: str) -> Iterator[str]:
    """XML entries may share a line with others."""
    if "<" not in line:
        yield line
        return
    at = 0
    for found in _MARKUP.finditer(line):
        end = found.start() if found[0] in fields.OPENINGS else found.end()
        yield line[at:end]
        at = end
    yield line[at:]


def _continued(held: str, line: str) -> str | None:
    """The entry with one more line; None where the line is not its own."""
    if held.startswith(fields.OPENINGS):
        return None if held.rstrip().endswith(fields.CLOSINGS) else f"{held}\n{line}"
    if line.startswith(fields.OPENINGS):
        return None
    if fields.is_csv(held):
        if fields.is_csv(line):
            return None
        return f"{held}\n{line}" if fields.is_open_csv(held) else None
    if fields.is_csv(line) or begins_line(line):
        return None
    if line[0].isspace():
        return f"{held.rstrip()}{_gap(held)}{line.strip()}"
    return f"{held.rstrip()}{_gap(held)}{line}" if _is_cut(held) else None


def _gap(held: str) -> str:
    """A blank was lost with the break, unless that is within the brackets of the head."""
    return "" if _within_brackets(held) else " "


def _is_cut(held: str) -> bool:
    """Whether an entry was broken in the middle of its head or of an error string."""
    return _within_brackets(held) or _WRAPPED.search(held[-256:]) is not None


def _within_brackets(held: str) -> bool:
    """Whether the head of an entry, before the colon that ends it, breaks off within brackets."""
    return len(held) < _HEAD_MOST and not _HEAD_DONE.search(held) and bool(_OPEN.search(held))
