"""SARIF 2.1.0, as code scanning services read it: a result per finding, a rule per diagnosis.

OASIS Standard, sections 3.13 (log), 3.14 (run), 3.19 (toolComponent), 3.27 (result) and 3.49
(reportingDescriptor). A capture has no lines: the frame and the stream are properties of the
location, and the stream is its logical location.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from io import TextIOWrapper
from pathlib import PurePath
from typing import Any, Final
from urllib.parse import quote

from analyzer import rules
from analyzer.diagnosis.model import RuleModule
from analyzer.report.escape import printable
from analyzer.report.formats import Style
from analyzer.report.ladder import endpoint_text, frame_text
from analyzer.report.machine import harmless
from analyzer.report.schema import Capture, Connection, FileFrame, Finding, Frame, Report
from analyzer.report.words import CHANGE

_SCHEMA: Final = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)


def write_sarif(report: Report, sink: TextIOWrapper, _: Style) -> None:
    """Write the report as a SARIF log of one run."""
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [_run(report)]}
    text = json.dumps(log, ensure_ascii=False, indent=2)
    sink.write(harmless(text.encode("utf-8", "backslashreplace")).decode() + "\n")


def _run(report: Report) -> dict[str, Any]:
    told = list(_told(report))
    named = {finding.rule: finding for _, finding, _ in told}
    order = {rule: index for index, rule in enumerate(sorted(named))}
    catalogue = rules.modules()
    return {
        "tool": {
            "driver": {
                "name": report.tool.name,
                "version": report.tool.version,
                "rules": [_rule(rule, catalogue, named[rule]) for rule in order],
            }
        },
        "invocations": [{"executionSuccessful": True}],
        "columnKind": "unicodeCodePoints",
        "artifacts": [_artifact(capture) for capture in report.captures],
        "results": [
            _result(report, connection, finding, level, order[finding.rule])
            for connection, finding, level in told
        ],
    }


def _told(report: Report) -> Iterator[tuple[Connection, Finding, str]]:
    """The headlines of what failed are errors; what else was found are notes."""
    for connection in report.connections:
        if connection.diagnosis:
            level = "error" if connection.outcome == "failed" else "note"
            yield connection, connection.diagnosis, level
        for finding in connection.findings:
            yield connection, finding, "note"


def _rule(rule: str, catalogue: Mapping[str, RuleModule], finding: Finding) -> dict[str, Any]:
    """A reportingDescriptor; rules that are not of the catalogue are known by their finding."""
    module = catalogue.get(rule)
    title = module.RULE.title if module else finding.title
    name = module.RULE.name if module else finding.cause
    page = inspect.cleandoc(module.__doc__ or "") if module else finding.explanation
    return {
        "id": rule,
        "name": "".join(part.capitalize() for part in re.split("[-_]", name)),
        "shortDescription": {"text": printable(title)},
        "fullDescription": {"text": _plain(page.partition("\n\n")[0])},
        "help": {"text": _block(page), "markdown": _block(page)},
        "properties": {"tags": ["tls", finding.cause]},
    }


def _result(
    report: Report, connection: Connection, finding: Finding, level: str, index: int
) -> dict[str, Any]:
    evidence = finding.evidence
    first = evidence[-1].frame if evidence else None
    return {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": level,
        "message": {"text": _message(finding)},
        "locations": [_location(report, connection, first)],
        "relatedLocations": [
            {
                "id": number,
                **_location(report, connection, e.frame),
                "message": {"text": printable(e.text)},
            }
            for number, e in enumerate(evidence)
        ],
        "partialFingerprints": {"failure/v1": _fingerprint(connection, finding)},
        "properties": {
            key: getattr(finding, key)
            for key in ("cause", "phase", "failing_side", "remedy_side", "confidence")
        },
    }


def _message(finding: Finding) -> str:
    """Plain text; brackets would be links (section 3.11.6), so they are escaped."""
    parts = [finding.title, finding.explanation]
    if finding.remedy:
        parts.append(f"{CHANGE[finding.remedy_side]}: {' '.join(finding.remedy)}")
    text = "\n".join(printable(part) for part in parts)
    return re.sub(r"([\\\[\]])", r"\\\1", text)


def _location(report: Report, connection: Connection, frame: Frame | None) -> dict[str, Any]:
    file = frame.file if isinstance(frame, FileFrame) else 0
    number = frame.frame if isinstance(frame, FileFrame) else frame
    where: dict[str, Any] = {"stream": connection.stream, "frame": number}
    if frame is not None:
        where["wireshark"] = f"frame.number == {number}"
    ends = f"{endpoint_text(connection.client)} to {endpoint_text(connection.server)}"
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": _uri(report.captures[file].path), "index": file}
        },
        "logicalLocations": [
            {
                "name": f"frame {frame_text(frame)}" if frame is not None else ends,
                "fullyQualifiedName": f"tcp.stream {connection.stream}: {ends}",
            }
        ],
        "properties": where,
    }


def _artifact(capture: Capture) -> dict[str, Any]:
    return {
        "location": {"uri": _uri(capture.path)},
        "length": capture.bytes,
        "mimeType": "application/vnd.tcpdump.pcap",
        "roles": ["analysisTarget"],
        "properties": {
            "format": capture.format,
            "packets": capture.packets,
            "caveats": [printable(caveat) for caveat in capture.caveats],
        },
    }


def _uri(path: str) -> str:
    """A relative or absolute URI of a path (RFC 3986); standard input has a name of its own."""
    if path == "-":
        return "standard-input"
    pure = PurePath(path)
    written = quote(pure.as_posix(), errors="backslashreplace")
    return f"file://{written}" if pure.is_absolute() else written


def _fingerprint(connection: Connection, finding: Finding) -> str:
    """What stays the same when the same thing fails again: no port of a client, no time."""
    stable: Iterable[str] = (
        finding.rule,
        finding.cause,
        connection.client.ip,
        endpoint_text(connection.server),
        connection.tls.sni or "",
    )
    return hashlib.sha256("\0".join(stable).encode("utf-8", "backslashreplace")).hexdigest()[:32]


def _block(page: str) -> str:
    return "\n".join(printable(line) for line in page.splitlines())


def _plain(paragraph: str) -> str:
    return printable(" ".join(paragraph.split()))
