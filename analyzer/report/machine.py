"""JSON for machines: one document, or one connection per line. Equal reports give equal bytes."""

from __future__ import annotations

import re

import msgspec

from analyzer.report.schema import Connection, Data, json_schema

# JSON leaves these as they are, but a terminal that shows the bytes would act on them: DEL, C1
# controls, and what turns the direction of text round. In JSON they can only stand inside strings.
_HARMFUL = re.compile(
    rb"\x7f|\xc2[\x80-\x9f]|\xd8\x9c|\xe2\x80[\x8e\x8f\xa8-\xae]|\xe2\x81[\xa6-\xa9]|\xef\xbb\xbf"
)


def render_json(report: Data) -> bytes:
    """Write a whole report, indented, with a line break at the end."""
    return _harmless(msgspec.json.format(msgspec.json.encode(report), indent=2)) + b"\n"


def render_line(connection: Connection) -> bytes:
    """Write one connection as a line of ndjson."""
    return _harmless(msgspec.json.encode(connection)) + b"\n"


def render_schema() -> bytes:
    """Write the JSON Schema of the report."""
    return msgspec.json.format(msgspec.json.encode(json_schema()), indent=2) + b"\n"


def _harmless(data: bytes) -> bytes:
    return _HARMFUL.sub(lambda match: b"\\u%04x" % ord(match[0].decode()), data)
