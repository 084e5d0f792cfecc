"""What ``check`` found, for people, JUnit readers and GitHub's annotations."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from analyzer.gate.verdict import Checked, CheckReport, Difference
from analyzer.report.escape import printable
from analyzer.report.junit import Case, Suite, render_suites
from analyzer.report.page import Page

_TOLD: Final = 40  # differences of one capture


def tell(page: Page, report: CheckReport, *, verbose: bool = False) -> None:
    """Print what differs, expected and found side by side, then a line that counts."""
    for entry in report.captures:
        if entry.verdict == "as_expected":
            if verbose:
                page.say(entry.capture, lead=page.text(f"{page.glyphs.good} ", "bold green"))
            continue
        page.say(entry.capture, lead=page.text(f"{page.glyphs.bad} ", "bold red"), style="bold")
        if entry.problem:
            page.say(entry.problem, indent=4)
        _differences(page, entry.differences)
        page.blank()
    counts = report.summary
    parts = [f"{counts.as_expected} of {counts.captures} captures as expected"]
    parts += [f"{counts.differs} differ"] if counts.differs else []
    parts += [f"{counts.unusable} unusable"] if counts.unusable else []
    good = counts.as_expected == counts.captures
    mark = page.text(f"{page.glyphs.good} ", "bold green") if good else ""
    page.say(", ".join(parts), lead=mark)


def _differences(page: Page, differences: Sequence[Difference]) -> None:
    shown = differences[:_TOLD]
    if not shown:
        return
    rows = [(d.what, shown_value(d.expected), shown_value(d.found)) for d in shown]
    label = max(len("expected"), *(len(what) for what, _, _ in rows)) + 2
    middle = max(len("expected"), *(len(expected) for _, expected, _ in rows)) + 2
    widest = max(len("found"), *(len(found) for _, _, found in rows))
    aside = 4 + label + middle + widest <= page.width
    where = ""
    for difference, (what, expected, found) in zip(shown, rows, strict=True):
        if difference.where != where:
            where = difference.where
            head = f"{where:<{label + 2}}{'expected':<{middle}}found" if aside else where
            page.say(page.text(head, "dim"), indent=2)
        if aside:
            lead = page.text(f"{what:<{label}}{expected:<{middle}}")
            page.say(page.text(found, "bold"), lead=lead, indent=4)
        else:
            page.say(f"{what}: expected {expected}", indent=4)
            page.say(page.text(f"found {found}", "bold"), indent=4 + len(what) + 2)
    if len(differences) > len(shown):
        page.say(f"and {len(differences) - len(shown)} more", indent=4)


def shown_value(value: str | int | tuple[str, ...] | None) -> str:
    """Write a value of an expectation for people."""
    if value is None:
        return "none"
    if isinstance(value, tuple):
        return " or ".join(value) or "none"
    return str(value)


def render_junit(report: CheckReport) -> str:
    """A capture is a suite; what it differs in are its cases, else there is one that passes."""
    return render_suites([_suite(entry) for entry in report.captures], report.tool.name)


def _suite(entry: Checked) -> Suite:
    places: dict[str, list[str]] = {}
    for difference in entry.differences:
        places.setdefault(difference.where, []).append(_sentence(difference))
    cases = [
        Case(where, "failure", message=lines[0], kind="differs", text="\n".join(lines))
        for where, lines in places.items()
    ]
    if entry.problem:
        cases = [Case("usable", "error", entry.problem, kind="unusable", text=entry.problem)]
    return Suite(name=entry.capture, cases=tuple(cases) or (Case("as expected", "passed"),))


def _sentence(difference: Difference) -> str:
    expected, found = shown_value(difference.expected), shown_value(difference.found)
    return printable(f"{difference.where}: {difference.what}: expected {expected}, found {found}")


def github_lines(report: CheckReport) -> Iterator[str]:
    """Workflow commands: an annotation at the expectation of each capture that differs."""
    for entry in report.captures:
        lines = [_sentence(difference) for difference in entry.differences[:_TOLD]]
        if entry.verdict != "as_expected":
            yield annotation(
                "error",
                file=entry.expectation or entry.capture,
                title=f"{entry.capture}: {entry.verdict.replace('_', ' ')}",
                message="\n".join(lines) or (entry.problem or ""),
            )
    counts = report.summary
    text = f"{counts.as_expected} of {counts.captures} captures as expected"
    yield annotation("notice", title="handshake-analyzer check", message=text)


def annotation(level: str, *, title: str, message: str, file: str | None = None) -> str:
    r"""Write a workflow command; what would end it or begin another is escaped.

    >>> annotation("error", title="a,b", message="x\n::warning::y%")
    '::error title=a%2Cb::x%0A::warning::y%25'
    """
    named = {"file": file, "title": title}
    settings = ",".join(f"{key}={_property(text)}" for key, text in named.items() if text)
    return f"::{level} {settings}::{_data(message)}"


def _data(text: str) -> str:
    plain = "\n".join(printable(line) for line in text.split("\n"))
    return plain.replace("%", "%25").replace("\n", "%0A")


def _property(text: str) -> str:
    return re.sub("[:,]", lambda sign: f"%{ord(sign[0]):02X}", _data(printable(text)))
