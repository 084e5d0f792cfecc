"""HTML: one page that holds everything, asks nobody for anything, and opens from a mail.

The overview is read when the page opens, a connection's details when it is opened there. Text from
a capture only ever becomes text: it travels as JSON that no ``</script>`` can end, and the scripts
make elements of it without parsing it (``web/dom.js``). A content security policy that allows just
this style and this script forbids the rest.
"""

from __future__ import annotations

import base64
import hashlib
import html
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib import resources
from io import TextIOWrapper
from string import Template
from typing import Any, Final

import msgspec

from analyzer.report.console import render_console
from analyzer.report.detail import few, to_do
from analyzer.report.escape import printable
from analyzer.report.formats import Style
from analyzer.report.ladder import endpoint_text, ladder, seconds_of, spread
from analyzer.report.machine import harmless
from analyzer.report.schema import Capture, Connection, Group, Report
from analyzer.report.sink import write_all
from analyzer.report.times import clock
from analyzer.report.words import CHANGE, GAVE_UP, NEXT, OUTCOME, SHORT, STEP, SURE

_FULL_OF_A_GROUP: Final = 40  # failures alike whose details are in the page; --verbose: all
_FULL_MOST: Final = 1_000
_WORDS_ON_A_RUNG: Final = 88  # letters that fit between the two ends of the drawn ladder
_SCRIPTS: Final = ("dom.js", "drawing.js", "detail.js", "page.js")


def write_html(report: Report, sink: TextIOWrapper, style: Style) -> None:
    """Write the report as a page."""
    write_all(sink, page(report, style).encode())


def page(report: Report, style: Style) -> str:
    """Make the page."""
    css, script = _file("style.css"), "".join(map(_file, _SCRIPTS))
    answer = answer_of(report)
    return Template(_file("page.html")).substitute(
        title=html.escape(f"{answer} {_names(report.captures)}"),
        answer=html.escape(answer),
        tool=html.escape(f"{report.tool.name} {report.tool.version}"),
        style=css,
        style_hash=_hash(css),
        script=script,
        script_hash=_hash(script),
        overview=_json(overview(report, style)),
        details=_json(details(report, style)),
        text=html.escape(_text(report, style)),
    )


def answer_of(report: Report) -> str:
    """What the reader wants to know first."""
    counts = report.summary
    tls = counts.connections - counts.not_tls
    if not counts.connections:
        return "No TCP connection was found; TLS over UDP (DTLS, QUIC) is not read."
    if tls == counts.incomplete == 1:
        return "The capture does not show how the one TLS connection ended."
    if tls == 1:
        return f"The one TLS connection {'failed' if counts.failed else 'did not fail'}."
    if counts.incomplete and not counts.failed:
        unknown = f"how {counts.incomplete:,} ended is not shown"
        return f"None of {tls:,} TLS connections is seen to fail; {unknown}."
    if not counts.failed:
        return f"None of {tls:,} TLS connections failed." if tls else "No TLS was spoken."
    return f"{counts.failed:,} of {tls:,} TLS connections failed."


def overview(report: Report, style: Style) -> dict[str, Any]:
    """What the page shows before anything is opened: a row for each connection."""
    starts = [seconds_of(connection.start) for connection in report.connections]
    first, last = min(starts, default=0.0), max(starts, default=0.0)
    by_stream = {connection.stream: connection for connection in report.connections}
    groups = _Groups(report.groups)
    times = [clock(c.start, local=style.local) for c in report.connections]
    days, zones = {time[:10] for time in times}, {time[23:].strip() for time in times}
    short = len(days) == len(zones) == 1  # what is the same for all is told once
    return {
        "captures": [_capture(capture, style) for capture in report.captures],
        "summary": report.summary,
        "first": first,
        "seconds": last - first,
        "zone": zones.pop() if short else "",
        "span": (min(times), max(times)) if times else (),
        "groups": [
            _group(group, by_stream.get(group.example_stream), style) for group in report.groups
        ],
        "rows": [
            (
                connection.stream,
                round(start - first, 3),
                time[11:23] if short else time,
                endpoint_text(connection.client),
                endpoint_text(connection.server),
                connection.tls.sni or "",
                connection.outcome,
                groups.find(connection),
                groups.said(connection),
            )
            for connection, start, time in zip(report.connections, starts, times, strict=True)
        ],
        "words": {
            "step": STEP,
            "gave_up": GAVE_UP,
            "sure": SURE,
            "change": CHANGE,
            "next": NEXT,
            "outcome": OUTCOME,
            "short": SHORT,
        },
    }


def details(report: Report, style: Style) -> dict[str, Any]:
    """The connections that can be opened in the page, with their ladders, by stream number.

    Of very many equal failures only the first ones; the report in JSON has them all.
    """
    groups, told = _Groups(report.groups), Counter[int | None]()
    found: dict[str, Any] = {}
    for connection in report.connections:
        group = groups.find(connection)
        told[group] += 1
        most = _FULL_OF_A_GROUP if group is not None else _FULL_MOST
        if style.verbose or (told[group] <= most and len(found) < _FULL_MOST):
            rungs = spread(ladder(connection), _WORDS_ON_A_RUNG)
            when = clock(connection.start, local=style.local)
            one = {"connection": connection, "rungs": rungs, "when": when}
            found[str(connection.stream)] = one
    return found


class _Groups:
    """Finds the group of a failed connection."""

    def __init__(self, groups: Sequence[Group]) -> None:
        self._groups = groups
        self._by_server = {(g.rule, g.cause, s): i for i, g in enumerate(groups) for s in g.servers}
        self._by_rule = {(g.rule, g.cause): i for i, g in reversed(list(enumerate(groups)))}

    def find(self, connection: Connection) -> int | None:
        finding = connection.diagnosis
        if connection.outcome != "failed" or finding is None:
            return None
        kind = finding.rule, finding.cause
        server = endpoint_text(connection.server)
        return self._by_server.get((*kind, server), self._by_rule.get(kind))

    def said(self, connection: Connection) -> str | None:
        """The title of a connection's finding, where it is not that of its group."""
        group = self.find(connection)
        if connection.diagnosis is None:
            return None
        title = connection.diagnosis.title
        return None if group is not None and self._groups[group].title == title else title


def _group(group: Group, example: Connection | None, style: Style) -> dict[str, Any]:
    finding = example.diagnosis if example is not None else None
    side, step = (finding.failing_side, STEP[finding.phase]) if finding else ("none", "")
    first, last = (clock(time, local=style.local) for time in (group.first, group.last))
    clients = few(group.clients, group.clients_total)
    servers = few(group.servers, group.servers_total)
    names = f" ({few(group.sni, group.sni_total)})" if group.sni else ""
    return {
        "title": group.title,
        "cause": group.cause,
        "count": group.count,
        "side": side,
        "gave_up": f"{GAVE_UP[side]} gave up {step}".strip(),
        "to_do": to_do(example),
        "who": f"{clients} to {servers}{names}",
        "when": first if group.count == 1 else f"{first} to {last}",
        "example": group.example_stream,
    }


def _capture(capture: Capture, style: Style) -> dict[str, Any]:
    parts = [f"{capture.packets:,} packets"]
    if capture.first_packet and capture.last_packet:
        first, last = (
            clock(time, local=style.local) for time in (capture.first_packet, capture.last_packet)
        )
        parts.append(f"{first} to {last}")
    return {"path": capture.path, "about": " · ".join(parts), "caveats": capture.caveats}


def _names(captures: Sequence[Capture]) -> str:
    return printable(", ".join(capture.path for capture in captures[:3]))


def _text(report: Report, style: Style) -> str:
    """The report as text, for readers that run no scripts."""
    sink = io.StringIO()
    render_console(report, sink, colour=False, width=100, local=style.local)
    return sink.getvalue()


def _json(data: Mapping[str, Any]) -> str:
    """JSON that cannot end the element it stands in."""
    return harmless(msgspec.json.encode(data)).decode().replace("<", "\\u003c")


def _hash(text: str) -> str:
    """The source of a content security policy that allows this text (CSP 3 section 2.3.1)."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _file(name: str) -> str:
    return (resources.files("analyzer.report") / "web" / name).read_text(encoding="utf-8")
