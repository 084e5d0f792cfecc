"""CSV for spreadsheets: a row per connection; no cell is ever taken for a formula.

RFC 4180 with line feeds. A cell that a spreadsheet would calculate begins with an apostrophe, which
spreadsheets take for "this is text".
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from io import TextIOWrapper
from typing import Final

from analyzer.report.escape import printable
from analyzer.report.formats import Style
from analyzer.report.ladder import frame_text
from analyzer.report.schema import Connection, Finding, Report

# Excel, LibreOffice and Google Sheets begin formulas so, also in full width and after spaces.
_FORMULA: Final = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\t", "\r")


def write_csv(report: Report, sink: TextIOWrapper, _: Style) -> None:
    """Write a header and a row per connection."""
    rows = csv.writer(sink, lineterminator="\n")
    rows.writerow(_COLUMNS)
    for connection in report.connections:
        rows.writerow([cell(value(connection)) for value in _COLUMNS.values()])


def cell(value: object) -> str:
    r"""Write a value as a cell.

    >>> cell("=1+1"), cell(None), cell(443)
    ("'=1+1", '', '443')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value)
    risky = isinstance(value, str) and text.lstrip(" ").startswith(_FORMULA)
    return f"'{printable(text)}" if risky else printable(text)


def _of(key: str) -> Callable[[Connection], object]:
    """A column of the diagnosis."""
    return lambda c: getattr(c.diagnosis, key) if c.diagnosis else None


def _frames(finding: Finding | None) -> str:
    return " ".join(frame_text(e.frame) for e in finding.evidence) if finding else ""


def _alerts(connection: Connection) -> str:
    return " ".join(
        f"{a.sender}:{a.description if a.visible else 'encrypted'}"
        for a in connection.handshake.alerts
    )


_COLUMNS: Final[Mapping[str, Callable[[Connection], object]]] = {
    "stream": lambda c: c.stream,
    "start": lambda c: c.start,
    "end": lambda c: c.end,
    "client_ip": lambda c: c.client.ip,
    "client_port": lambda c: c.client.port,
    "server_ip": lambda c: c.server.ip,
    "server_port": lambda c: c.server.port,
    "sni": lambda c: c.tls.sni,
    "outcome": lambda c: c.outcome,
    "cause": _of("cause"),
    "phase": _of("phase"),
    "failing_side": _of("failing_side"),
    "remedy_side": _of("remedy_side"),
    "confidence": _of("confidence"),
    "rule": _of("rule"),
    "title": _of("title"),
    "frames": lambda c: _frames(c.diagnosis),
    "version": lambda c: c.tls.version,
    "cipher_suite": lambda c: c.tls.cipher_suite,
    "group": lambda c: c.tls.group,
    "alpn": lambda c: c.tls.alpn,
    "resumed": lambda c: c.tls.resumed,
    "signature": lambda c: c.handshake.signature,
    "alerts": _alerts,
    "server_certificate": lambda c: next((x.subject for x in c.certificates.server), None),
    "tcp_end": lambda c: c.tcp.end,
    "tcp_end_by": lambda c: c.tcp.end_by,
    "rtt": lambda c: c.tcp.rtt,
    "retransmissions": lambda c: c.tcp.retransmissions,
}
