"""A comparison as text and as a document."""

from __future__ import annotations

from typing import Any, Final, TextIO

from analyzer.compare.difference import Difference
from analyzer.compare.ranking import Comparison
from analyzer.compare.sides import rows
from analyzer.judging import Judged
from analyzer.report.page import Page

_RANKED_MOST: Final = 12


def render_comparison(
    found: Comparison, stream: TextIO, *, colour: bool | None = None, verbose: bool = False
) -> None:
    """Write what differs, the best explanation first, and both sides below."""
    page = Page(stream, colour=colour)
    bad, good = found.bad, found.good
    headline = bad.diagnosis.headline
    title = headline.title if headline else f"The handshake was {bad.outcome}"
    page.say(title, lead=page.text(f"{page.glyphs.bad} ", "bold red"), style="bold")
    page.say(f"failing: {_place(bad)}", indent=2)
    page.say(f"good:    {_place(good)}", indent=2)
    page.blank()
    page.say(found.departure)
    page.heading("What differs, the best explanation first", indent=0)
    if not found.differences:
        page.say("Nothing that the two captures show.", indent=2)
    shown = found.differences if verbose else found.differences[:_RANKED_MOST]
    for number, difference in enumerate(shown, start=1):
        _tell(page, number, difference)
    if len(shown) < len(found.differences):
        page.say(
            f"and {len(found.differences) - len(shown)} more with --verbose", indent=2, style="dim"
        )
    _sides(page, found)


def _place(judged: Judged) -> str:
    story = judged.story
    name = story.offer.server_name if story.offer else None
    return f"stream {story.stream}, {story.client} to {story.server}{f' ({name})' if name else ''}"


def _tell(page: Page, number: int, difference: Difference) -> None:
    style = "bold" if number == 1 else ""
    page.say(difference.text, lead=page.text(f"{number:>2}. "), style=style)


def _sides(page: Page, found: Comparison) -> None:
    page.heading("Side by side", indent=0)
    table = rows(found.good, found.bad)
    width = max(len(row.name) for row in table) + 2
    for row in table:
        lead = row.name.ljust(width)
        if row.good == row.bad:
            page.say(row.good, lead=page.text(f"{lead}both  ", "dim"), indent=2)
            continue
        page.say(row.good, lead=page.text(f"{lead}good  "), indent=2)
        page.say(row.bad, lead=page.text(f"{'':{width}}bad   "), indent=2)


def comparison_document(found: Comparison) -> dict[str, Any]:
    """The same for programs."""
    return {
        "good": _connection(found.good),
        "bad": _connection(found.bad),
        "departure": found.departure,
        "differences": [
            {
                "part": difference.part,
                "side": difference.side,
                "good": difference.good or None,
                "bad": difference.bad or None,
                "text": difference.text,
                "visible": difference.shown,
            }
            for difference in found.differences
        ],
        "sides": [
            {"name": row.name, "good": row.good, "bad": row.bad, "equal": row.good == row.bad}
            for row in rows(found.good, found.bad)
        ],
    }


def _connection(judged: Judged) -> dict[str, Any]:
    headline = judged.diagnosis.headline
    return {
        "stream": judged.story.stream,
        "client": str(judged.story.client),
        "server": str(judged.story.server),
        "outcome": judged.outcome,
        "cause": headline.cause if headline else None,
        "rule": headline.rule if headline else None,
        "title": headline.title if headline else None,
    }
