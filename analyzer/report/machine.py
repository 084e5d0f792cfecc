"""JSON for machines: one document, or one connection per line. Equal reports give equal bytes."""

from __future__ import annotations

import re
from io import TextIOWrapper
from typing import NamedTuple

import msgspec

from analyzer.judging import Told
from analyzer.reading import Frames
from analyzer.report.assemble.report import described
from analyzer.report.formats import Style
from analyzer.report.schema import Connection, Data, Report, json_schema
from analyzer.report.short import json_in_short
from analyzer.report.sink import write_all
from analyzer.tls.outline import Outline

# JSON leaves these as they are, but a terminal that shows the bytes would act on them: DEL, C1
# controls, and what turns the direction of text round. In JSON they can only stand inside strings.
_HARMFUL = re.compile(
    rb"\x7f|\xc2[\x80-\x9f]|\xd8\x9c|\xe2\x80[\x8e\x8f\xa8-\xae]|\xe2\x81[\xa6-\xa9]|\xef\xbb\xbf"
)


class Line(NamedTuple):
    """A connection as a line of ndjson, and what it is chosen and counted by."""

    stream: int
    outcome: str
    text: bytes


def write_json(report: Report, sink: TextIOWrapper, _: Style) -> None:
    """Write the whole report as one document."""
    write_all(sink, render_json(report))


def write_ndjson(report: Report, sink: TextIOWrapper, _: Style) -> None:
    """Write a line for each connection."""
    for connection in report.connections:
        write_all(sink, render_line(connection))


def render_json(report: Data) -> bytes:
    """Write the whole report, indented, with a line break at the end."""
    return harmless(msgspec.json.format(msgspec.json.encode(report), indent=2)) + b"\n"


def render_line(connection: Connection) -> bytes:
    """Write one connection as a line of ndjson."""
    return harmless(msgspec.json.encode(connection)) + b"\n"


def line_of(told: Told, frames: Frames) -> Line:
    """Describe a connection and write it, where it was told: bytes go to another process at no cost."""
    if isinstance(told, Outline):
        return Line(told.stream, told.outcome, harmless(json_in_short(told, frames)) + b"\n")
    connection = described(told, frames)
    return Line(connection.stream, connection.outcome, render_line(connection))


def render_schema() -> bytes:
    """Write the JSON Schema of the report."""
    return msgspec.json.format(msgspec.json.encode(json_schema()), indent=2) + b"\n"


def harmless(data: bytes) -> bytes:
    """Escape what a terminal would act on, in JSON that is written already."""
    if b"\x7f" not in data and _without_section(data).isascii():
        return data  # nearly always, and found out at a tenth of the price
    return _HARMFUL.sub(lambda match: b"\\u%04x" % ord(match[0].decode()), data)


def _without_section(data: bytes) -> bytes:
    """What is left without the sign § of references, as a rule the only one beyond ASCII.

    Of valid UTF-8 that has nothing beyond ASCII but these two bytes; single ones are found fastest.
    """
    return data.replace(b"\xc2", b"").replace(b"\xa7", b"")
