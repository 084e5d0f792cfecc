"""JUnit XML, as CI servers read it: a capture is a suite, a connection a case.

The form is that of the Jenkins xUnit plugin's schema, which GitLab and others read too. A
connection whose end the capture does not show, or that is not TLS, counts as skipped.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from dataclasses import dataclass
from io import TextIOWrapper
from typing import Final, Literal, TypeAlias

from analyzer.report.escape import printable
from analyzer.report.formats import Style
from analyzer.report.ladder import endpoint_text, frame_text, seconds_of
from analyzer.report.schema import Connection, Finding, Report
from analyzer.report.words import CHANGE, OUTCOME

Verdict: TypeAlias = Literal["passed", "failure", "error", "skipped"]

# What XML 1.0 section 2.2 forbids beyond the controls that printable() shows as escapes.
_FORBIDDEN: Final = re.compile("[\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Case:
    """One line of a test report."""

    name: str
    verdict: Verdict
    message: str = ""
    kind: str = ""
    text: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Suite:
    """Cases that belong together."""

    name: str
    cases: tuple[Case, ...]
    timestamp: str = ""  # RFC 3339
    notes: str = ""


def write_junit(report: Report, sink: TextIOWrapper, _: Style) -> None:
    """Write the report as a test report."""
    firsts = [c.first_packet for c in report.captures if c.first_packet]
    suite = Suite(
        name=", ".join(capture.path for capture in report.captures),
        cases=tuple(_case(connection) for connection in report.connections),
        timestamp=min(firsts, default=""),
        notes="\n".join(caveat for capture in report.captures for caveat in capture.caveats),
    )
    sink.write(render_suites([suite], report.tool.name))


def render_suites(suites: Iterable[Suite], name: str) -> str:
    """Write suites as a document."""
    told = [_suite(suite) for suite in suites]
    root = ET.Element("testsuites", {"name": name, **_sums(told)})
    root.extend(told)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _suite(suite: Suite) -> ET.Element:
    verdicts = [case.verdict for case in suite.cases]
    element = ET.Element(
        "testsuite",
        name=_plain(suite.name),
        tests=str(len(verdicts)),
        failures=str(verdicts.count("failure")),
        errors=str(verdicts.count("error")),
        skipped=str(verdicts.count("skipped")),
        time=f"{sum(case.seconds for case in suite.cases):.6f}",
    )
    if suite.timestamp:
        element.set("timestamp", suite.timestamp[:19])  # xs:dateTime without a zone, as the schema
    element.extend(_testcase(suite.name, case) for case in suite.cases)
    if suite.notes:
        ET.SubElement(element, "system-out").text = _lines(suite.notes)
    return element


def _testcase(suite: str, case: Case) -> ET.Element:
    element = ET.Element(
        "testcase", classname=_plain(suite), name=_plain(case.name), time=f"{case.seconds:.6f}"
    )
    if case.verdict != "passed":
        verdict = ET.SubElement(element, case.verdict, message=_plain(case.message))
        if case.verdict != "skipped":
            verdict.set("type", _plain(case.kind))
            verdict.text = _lines(case.text)
    return element


def _sums(suites: Iterable[ET.Element]) -> dict[str, str]:
    keys = ("tests", "failures", "errors", "skipped")
    told = list(suites)
    return {key: str(sum(int(suite.get(key, "0")) for suite in told)) for key in keys}


_VERDICTS: Final[dict[str, Verdict]] = {"established": "passed", "failed": "failure"}


def _case(connection: Connection) -> Case:
    finding = connection.diagnosis
    ends = f"{endpoint_text(connection.client)} to {endpoint_text(connection.server)}"
    name = f" ({connection.tls.sni})" if connection.tls.sni else ""
    return Case(
        name=f"stream {connection.stream}: {ends}{name}",
        verdict=_VERDICTS.get(connection.outcome, "skipped"),
        message=finding.title if finding else OUTCOME[connection.outcome],
        kind=finding.cause if finding else connection.outcome,
        text=_told(finding) if finding else "",
        seconds=max(0.0, seconds_of(connection.end) - seconds_of(connection.start)),
    )


def _told(finding: Finding) -> str:
    """Explanation, evidence and remedy as plain lines."""
    lines = [finding.explanation, ""]
    lines += [f"frame {frame_text(e.frame)}: {e.text}" for e in finding.evidence]
    if finding.remedy:
        lines += ["", f"{CHANGE[finding.remedy_side]}:"]
        lines += [f"{number}. {step}" for number, step in enumerate(finding.remedy, start=1)]
    lines += ["", f"cause {finding.cause}, rule {finding.rule}, {finding.confidence}"]
    return "\n".join(_plain(line) for line in lines)


def _lines(text: str) -> str:
    return "\n".join(_plain(line) for line in text.split("\n"))


def _plain(text: str) -> str:
    """Text that XML can carry."""
    return _FORBIDDEN.sub(lambda sign: f"\\u{ord(sign[0]):04x}", printable(text))
