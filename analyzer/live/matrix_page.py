"""What a server takes, as text and as a document."""

from __future__ import annotations

from typing import Any, TextIO

from analyzer.live.matrix import Matrix
from analyzer.report.page import Page
from analyzer.tls.registry.suite_facts import facts_of


def render_matrix(found: Matrix, name: str, stream: TextIO, *, colour: bool | None = None) -> None:
    """Write the lists of a server."""
    page = Page(stream, colour=colour)
    page.say(f"{name}, asked {found.asked} times", style="bold")
    page.heading("Versions", indent=0)
    for version, answer in found.versions.items():
        sign = page.glyphs.good if answer.taken else page.glyphs.bad
        page.say(f"{sign} {version.label:<8} {answer.words}", indent=2)
    for version, suites in found.suites.items():
        page.heading(f"Suites of {version.label}{_order(found)}", indent=0)
        for suite in suites:
            weak = "  (weak)" if facts_of(suite).weak else ""
            page.say(f"{suite.label}{weak}", indent=2)
    for version, groups in found.groups.items():
        if groups:
            page.heading(f"Groups of {version.label}", indent=0)
            page.say(", ".join(group.label for group in groups), indent=2)
    if found.stopped:
        page.blank()
        page.say(f"Not everything was asked: {found.stopped}")


def _order(found: Matrix) -> str:
    if found.own_order is None:
        return ""
    return ", in the server's order" if found.own_order else ", chosen by the client's order"


def matrix_document(found: Matrix, name: str) -> dict[str, Any]:
    """The same for programs."""
    return {
        "server": name,
        "connections": found.asked,
        "versions": {
            version.label: {"taken": answer.taken, "answer": answer.words}
            for version, answer in found.versions.items()
        },
        "cipher_suites": {
            version.label: [suite.label for suite in suites]
            for version, suites in found.suites.items()
        },
        "groups": {
            version.label: [group.label for group in groups]
            for version, groups in found.groups.items()
        },
        "own_order": found.own_order,
        "stopped": found.stopped or None,
    }
