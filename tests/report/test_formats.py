"""Every format says the same of a report, and no name in it can harm whoever reads it."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from markdown_it import MarkdownIt
from msgspec.structs import replace

from analyzer.errors import UsageError
from analyzer.report.escape import encodable, printable
from analyzer.report.formats import Format, Style, renderer
from analyzer.report.schema import Alternative, Evidence, FileFrame, Report
from analyzer.report.template import Template, shipped
from analyzer.report.times import clock
from tests.report.reports import connection, failing, finding, good, group, report

NAMES = {
    "terminal": "\x1b[2J\x1b]0;owned\x07\x9b31m\x7f",
    "html": "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&amp;",
    "markdown": "[click](javascript:alert(1)) ![x](http://e.example/x) *a* `b` | c\n# d @root #1",
    "formula": "=cmd|' /C calc'!A0",
    "plus": "+1+1",
    "minus": "-2+3",
    "at": "@SUM(1)",
    "tab": "\t=1+1",
    "return": "\r=1+1",
    "full width": "\uff1d1+1",
    "spaces": "  =1+1",
    "xml": "]]>\x00\x01\x0b\ufffe\uffff<!ENTITY x>",
    "json": '\u2028\u2029"\\}],"x":1',
    "bidi": "\u202egro.elpmaxe\u202c\u2066\u200f\ufeff",
    "surrogate": "tr\udce4ce",
    "template": "{{ 7*7 }}{% raw %}{#",
    "servicenow": "[code]<b>[/code]",
}
HARMLESS_WHITE = {"\n"}
TEMPLATES = shipped()


def hostile(name: str) -> Report:
    """A report in which a peer has named everything that it can name."""
    name = encodable(name)  # as in every report that is made from a capture
    base = failing()
    found = finding(
        title=f"{name} refused",
        explanation=name,
        evidence=(Evidence(frame=6, text=name), Evidence(frame=8, text=f"x {name}")),
        remedy=(name,),
        alternatives=(Alternative(cause="incomplete_chain", would_decide=name),),
    )
    bad = connection(
        diagnosis=found,
        tls=replace(connection().tls, sni=name, alpn=name),
        caveats=(name,),
    )
    titled = group(title=found.title, sni=(name,), servers=(name,), clients=(name,), count=2)
    (capture,) = base.captures
    told = report(bad, good(1), groups=(titled,))
    return replace(told, captures=(replace(capture, path=name, caveats=(name,)),))


def written(told: Report, form: Format, **style: bool) -> str:
    buffer = io.BytesIO()
    sink = io.TextIOWrapper(buffer, encoding="utf-8", newline="\n", errors="backslashreplace")
    renderer(form)(told, sink, Style(**style))
    sink.flush()
    return buffer.getvalue().decode()


def templated(told: Report, name: str, style: Style | None = None, **given: str) -> str:
    sink = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="\n")
    Template.read(name, [f"{key}={value}" for key, value in given.items()]).write(
        told, sink, style or Style()
    )
    sink.seek(0)
    return sink.read()


def is_inert(text: str) -> bool:
    """No sign in it moves a cursor, turns text round or cannot be seen."""
    return all(
        unicodedata.category(sign) not in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
        for sign in text
        if sign not in HARMLESS_WHITE
    )


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("form", Format)
def test_no_name_reaches_the_reader_as_controls(form: Format, name: str) -> None:
    for style in ({}, {"verbose": True}, {"chosen": True}):
        assert is_inert(written(hostile(NAMES[name]), form, **style))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("template", TEMPLATES)
def test_a_template_gives_the_same_json_shape_for_any_name(template: str, name: str) -> None:
    payload = templated(hostile(NAMES[name]), template, project="OPS")

    assert payload.isascii()
    assert is_inert(payload)
    assert shape(json.loads(payload)) == shape(
        json.loads(templated(hostile("plain"), template, project="OPS"))
    )


def shape(value: Any) -> Any:
    """The keys and types of a document, without its text."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [shape(inner) for inner in value]
    return type(value).__name__


@pytest.mark.parametrize("name", NAMES)
def test_json_gives_the_name_back(name: str) -> None:
    told = json.loads(written(hostile(NAMES[name]), Format.JSON))

    assert told["connections"][0]["tls"]["sni"] == encodable(NAMES[name])


@pytest.mark.parametrize("name", NAMES)
def test_junit_is_one_tree_of_known_elements(name: str) -> None:
    root = ET.fromstring(written(hostile(NAMES[name]), Format.JUNIT))
    known = {"testsuites", "testsuite", "testcase", "failure", "skipped", "system-out"}

    assert {element.tag for element in root.iter()} <= known
    assert [case.get("name", "")[:8] for case in root.iter("testcase")] == ["stream 0", "stream 1"]


@pytest.mark.parametrize("name", NAMES)
def test_no_cell_of_a_table_is_a_formula(name: str) -> None:
    rows = list(csv.reader(io.StringIO(written(hostile(NAMES[name]), Format.CSV))))

    assert [len(row) for row in rows] == [len(rows[0])] * 3
    for cell in rows[1]:
        assert not re.match(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]", cell), cell


@pytest.mark.parametrize("name", NAMES)
def test_markdown_holds_no_link_image_or_html_of_a_name(name: str) -> None:
    tokens = (
        MarkdownIt("commonmark")
        .enable("table")
        .parse(written(hostile(NAMES[name]), Format.MARKDOWN))
    )
    kinds = {t.type for t in tokens} | {c.type for t in tokens for c in t.children or ()}

    assert not kinds & {"link_open", "image", "html_block", "html_inline", "em_open"}
    assert [t.tag for t in tokens if t.type == "heading_open"] == ["h3"]


@pytest.mark.parametrize("form", [form for form in Format if form is not Format.CSV])
def test_every_format_tells_the_headline(form: Format) -> None:
    text = written(failing(), form)
    plain = " ".join(text.replace("\\_", "_").split())

    assert "does not trust CN=Corp Issuing CA" in plain


def test_a_suite_counts_what_it_holds() -> None:
    unknown = connection(3, outcome="incomplete", diagnosis=None)
    root = ET.fromstring(written(report(connection(), good(1), unknown), Format.JUNIT))
    (suite,) = root

    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("3", "1", "1")
    assert root.get("tests") == "3"


def test_sarif_has_what_the_standard_requires() -> None:
    log = json.loads(written(failing(), Format.SARIF))
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    (result,) = run["results"]

    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("sarif-schema-2.1.0.json")
    assert run["tool"]["driver"]["name"] == "handshake-analyzer"
    assert result["message"]["text"]
    assert result["level"] == "error"
    assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    assert all(rule["help"]["text"] and rule["shortDescription"]["text"] for rule in rules)
    (location,) = result["locations"]
    assert location["properties"]["frame"] == 8
    assert location["physicalLocation"]["artifactLocation"] == {"uri": "trace.pcap", "index": 0}


def test_sarif_names_the_file_of_a_frame() -> None:
    (capture,) = failing().captures
    found = finding(evidence=(Evidence(frame=FileFrame(file=1, frame=3), text="there"),))
    told = replace(
        report(connection(diagnosis=found)),
        captures=(capture, replace(capture, path="/var/b c.pcap")),
    )
    (result,) = json.loads(written(told, Format.SARIF))["runs"][0]["results"]
    place = result["locations"][0]

    assert place["physicalLocation"]["artifactLocation"]["uri"] == "file:///var/b%20c.pcap"
    assert place["properties"]["frame"] == 3


def test_a_failure_that_comes_again_has_the_same_fingerprint() -> None:
    def print_of(told: Report) -> str:
        (result,) = json.loads(written(told, Format.SARIF))["runs"][0]["results"]
        return str(result["partialFingerprints"]["failure/v1"])

    again = connection(7, start="2026-03-02T14:03:00.000000Z")

    assert print_of(report(connection())) == print_of(report(again))
    other = connection(tls=replace(connection().tls, sni="other.example.com"))
    assert print_of(report(connection())) != print_of(report(other))


def test_local_times_say_their_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", "XXX-05:30")
    time.tzset()
    try:
        assert clock("2026-03-01T14:03:00.010000Z", local=True) == "2026-03-01 19:33:00.010+05:30"
        for form in (Format.TEXT, Format.MARKDOWN):
            assert "2026-03-01 19:33:00.010+05:30" in written(failing(), form, local=True)
            assert "2026-03-01 14:03:00.010 UTC" in written(failing(), form)
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(
    ("source", "said"),
    [
        pytest.param("{{ report.nonsense }}", "nonsense", id="a key that is not there"),
        pytest.param("{% if %}", "line 1", id="syntax"),
        pytest.param("{{ ''.__class__.__mro__ }}", "unsafe", id="the way into Python"),
        pytest.param("{{ report.tool.__init__.__globals__ }}", "unsafe", id="globals"),
        pytest.param("{% include '/etc/hostname' %}", "", id="another file"),
        pytest.param("{{ failed.append(1) }}", "unsafe", id="a change of the report"),
        pytest.param("{{ 1 / 0 }}", "division", id="arithmetic"),
        pytest.param("{{ range(10000000) | list }}", "Range", id="a bomb"),
        pytest.param("{{ set.project }}", "--set project=VALUE", id="a value that was not given"),
    ],
)
def test_a_template_that_cannot_be_rendered_is_a_line(
    tmp_path: Path, source: str, said: str
) -> None:
    path = tmp_path / "own.j2"
    path.write_text(source, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        templated(failing(), str(path))

    assert str(path) in str(caught.value)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_template_sees_the_report_and_the_given_values(tmp_path: Path) -> None:
    path = tmp_path / "own.j2"
    path.write_text(
        "{{ set.team }}: {{ failed | length }} {{ failed[0].client | endpoint }} "
        "{{ failed[0].diagnosis.evidence[0].frame | frame }} {{ failed[0].tls.sni | tojson }}"
    )

    assert templated(failing(), str(path), team="edge") == (
        'edge: 1 10.1.1.5:51234 6 "api.example.com"\n'
    )


def test_a_template_that_is_absent_names_those_that_come_along() -> None:
    with pytest.raises(UsageError, match="github, jira, servicenow"):
        Template.read("absent.j2")


def test_nothing_failed_is_a_payload_too() -> None:
    for name in TEMPLATES:
        assert "No TLS connection failed" in templated(report(good()), name, project="OPS")


@pytest.mark.parametrize("template", TEMPLATES)
def test_what_is_incomplete_is_not_said_to_be_well(template: str) -> None:
    payload = templated(report(connection(outcome="incomplete")), template, project="OPS")

    assert "No TLS connection is seen to fail" in payload
    assert "No TLS connection failed" not in payload


def test_titles_fit_their_fields() -> None:
    told = hostile("x" * 500)

    assert len(json.loads(templated(told, "github"))["title"]) <= 256
    assert len(json.loads(templated(told, "servicenow"))["short_description"]) <= 160
    jira = json.loads(templated(told, "jira", project="OPS"))
    assert len(jira["fields"]["summary"]) <= 255


def test_a_name_is_told_as_its_escapes() -> None:
    assert printable(NAMES["terminal"]) in written(hostile(NAMES["terminal"]), Format.TEXT)


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_ticket_about_chosen_connections_is_about_them_alone(template: str) -> None:
    """Groups are of the whole capture: another kind stands first, the example was not chosen."""
    groups = (group(title="Something else", rule="X"), group(example_stream=8, count=70))
    told = report(connection(9), groups=groups)
    payload = templated(told, template, Style(chosen=True), project="OPS")

    assert "Something else" not in payload
    assert "No TLS connection failed" not in payload
    assert finding().title[:40] in payload


def test_a_title_counts_other_kinds() -> None:
    for more, words in ((1, "1 other kind of"), (2, "2 other kinds of")):
        told = report(connection(0), groups=tuple(group() for _ in range(more + 1)))
        assert words in templated(told, "github")
