from __future__ import annotations

import io
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from analyzer.gate.tell import annotation, github_lines, render_junit, tell
from analyzer.gate.verdict import SCHEMA_VERSION, Checked, CheckReport, Difference, summary_of
from analyzer.report.page import Page
from analyzer.report.schema import Tool
from tests.report.test_formats import NAMES, is_inert


def checked(capture: str = "a.pcap", **changed: Any) -> Checked:
    fields: dict[str, Any] = {
        "capture": capture,
        "expectation": f"{capture}.expect.json",
        "verdict": "as_expected",
        "connections": 1,
        "differences": (),
        "problem": None,
    }
    return Checked(**(fields | changed))


def told(*entries: Checked) -> CheckReport:
    return CheckReport(
        schema_version=SCHEMA_VERSION,
        tool=Tool(name="handshake-analyzer", version="0"),
        summary=summary_of(entries),
        captures=entries,
    )


def differing(name: str = "cert_expired") -> Checked:
    differences = (
        Difference(where="stream 0", what="cause", expected="untrusted_ca", found=name),
        Difference(where="stream 0", what="alerts", expected=(), found=(name, "x")),
        Difference(where="capture", what="failed", expected=0, found=1),
    )
    return checked("b.pcap", verdict="differs", differences=differences)


UNUSABLE = checked("c.pcap", verdict="unusable", problem="c.pcap: the file is empty; record again")


def shown(report: CheckReport, width: int = 80, **options: Any) -> str:
    sink = io.StringIO()
    tell(Page(sink, colour=False, width=width), report, **options)
    return sink.getvalue()


def test_expected_and_found_stand_side_by_side() -> None:
    lines = shown(told(checked(), differing(), UNUSABLE)).splitlines()

    assert lines[0] == "✗ b.pcap"
    assert lines[1].split() == ["stream", "0", "expected", "found"]
    assert lines[2].split() == ["cause", "untrusted_ca", "cert_expired"]
    assert lines[2].index("untrusted_ca") == lines[1].index("expected")
    assert lines[2].index("cert_expired") == lines[1].index("found")
    assert lines[-1] == "1 of 3 captures as expected, 1 differ, 1 unusable"
    assert "the file is empty" in "\n".join(lines)


def test_what_is_too_wide_stands_below_each_other() -> None:
    text = shown(told(differing("xxx " * 20)))

    assert "cause: expected untrusted_ca" in text
    assert "found xxx" in text


def test_what_is_as_expected_is_listed_on_request() -> None:
    assert "a.pcap" not in shown(told(checked()))
    assert "✓ a.pcap" in shown(told(checked()), verbose=True)


def test_junit_has_a_suite_for_each_capture() -> None:
    root = ET.fromstring(render_junit(told(checked(), differing(), UNUSABLE)))

    assert [suite.get("name") for suite in root] == ["a.pcap", "b.pcap", "c.pcap"]
    assert (root.get("failures"), root.get("errors"), root.get("tests")) == ("2", "1", "4")


def test_github_gets_an_annotation_for_each_capture_that_differs() -> None:
    lines = list(github_lines(told(checked(), differing(), UNUSABLE)))

    assert lines[0].startswith("::error file=b.pcap.expect.json,title=b.pcap%3A differs::stream 0")
    assert "%0Acapture: failed: expected 0, found 1" in lines[0]
    assert lines[-1].startswith("::notice ")
    assert len(lines) == 3


@pytest.mark.parametrize("name", NAMES)
def test_hostile_names_stay_what_they_are(name: str) -> None:
    report = told(differing(NAMES[name].encode("utf-8", "backslashreplace").decode()))
    lines = list(github_lines(report))

    assert is_inert(shown(report))
    assert is_inert(render_junit(report))
    assert all(is_inert(line) and "\n" not in line for line in lines)
    assert len(lines) == 2
    ET.fromstring(render_junit(report))


def test_a_message_cannot_end_its_command() -> None:
    line = annotation("error", title="t::x", message="a\r\n::set-output::b")

    assert "\n" not in line
    assert "\r" not in line
    assert line.startswith("::error title=t%3A%3Ax::a")
