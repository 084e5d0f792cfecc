"""The catalogue for people: a list of all rules, and the page of one."""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TextIO

from analyzer.diagnosis.model import Rank, RuleModule
from analyzer.diagnosis.trace import Condition, Trace
from analyzer.report.page import Page
from analyzer.tls.story import Story


def find_rule(modules: Mapping[str, RuleModule], wanted: str) -> str | None:
    """Find a rule by its id, its name or a cause that only it has; None if there is none."""
    if wanted.upper() in modules:
        return wanted.upper()
    plain = wanted.lower().replace("_", "-")
    named = [id_ for id_, module in modules.items() if module.RULE.name == plain]
    caused = [
        id_ for id_, module in modules.items() if module.RULE.cause.replace("_", "-") == plain
    ]
    return next((found[0] for found in (named, caused) if len(found) == 1), None)


def suggest(modules: Mapping[str, RuleModule], wanted: str) -> list[str]:
    """List the ids whose id, name or cause looks like what was asked for."""
    known: dict[str, list[str]] = {}
    for id_, module in modules.items():
        for key in (id_.lower(), module.RULE.name, module.RULE.cause.replace("_", "-")):
            known.setdefault(key, []).append(id_)
    plain = wanted.lower().replace("_", "-")
    begun = sorted(key for key in known if plain and key.startswith(plain))
    close = begun or difflib.get_close_matches(plain, known, n=4)
    found = {id_ for key in close for id_ in known[key]}
    # What the wire says comes before what a gateway's papers add to it.
    return sorted(found, key=lambda id_: (id_.startswith("TLS-DP"), id_))[:4]


def render_rule(module: RuleModule, stream: TextIO, *, colour: bool | None = None) -> None:
    """Print the page of a rule: its facts, then the docstring of its module."""
    page = Page(stream, colour=colour)
    rule = module.RULE
    page.say(f"{rule.id}: {rule.title}", style="bold")
    page.blank()
    for label, words in (
        ("name", rule.name),
        ("cause", rule.cause),
        ("phase", rule.phase.value),
        ("weight", f"{rule.rank.name.lower()} ({int(rule.rank)})"),
        ("cites", "; ".join(rule.references)),
    ):
        if words:
            page.say(words, lead=page.text(f"{label:<8}", "dim"))
    page.blank()
    for lead, words in _paragraphs(inspect.cleandoc(module.__doc__ or "")):
        if lead == "#":
            page.say(words, style="bold")
        else:
            page.say(words, lead=lead)


_BLOCK = re.compile(r"(#+) +(.*)|(\s*(?:[*-]|\d+\.) +)(.*)|(\s{4,}|\|)(.*)")


def _paragraphs(text: str) -> Iterator[tuple[str, str]]:
    """Join the lines of a paragraph: (lead, words) with "#" for headings, a bullet for items.

    Indented lines and rows of tables stay as they are.
    """
    lead, words = "", ""
    for line in [*text.splitlines(), ""]:
        match = _BLOCK.fullmatch(line)
        hanging = bool(words) and lead.strip() and len(line) - len(line.lstrip()) >= len(lead)
        if line.strip() and (match is None or hanging):
            words = f"{words} {line.strip()}" if words else line.strip()
            continue
        if words:
            yield lead, words
        lead, words = "", ""
        if match is None:
            yield "", ""
        elif match[1]:
            yield "#", match[2]
        elif match[3]:
            lead, words = match[3], match[4]
        else:
            yield match[5], match[6]


def render_trace(
    module: RuleModule, story: Story, told: Trace, stream: TextIO, *, colour: bool | None = None
) -> None:
    """Print what became of a rule on a connection, and the conditions that decided."""
    page = Page(stream, colour=colour)
    rule = module.RULE
    ends = f"{story.client} with {story.server}"
    page.say(f"{rule.id} ({rule.name}) on connection {story.stream}, {ends}", style="bold")
    page.blank()
    if told.missing:
        page.say("could not tell: " + "; ".join(told.missing), lead=f"{page.glyphs.open} ")
        return
    for finding in told.findings:
        how = "noted" if finding.rank is Rank.NOTE else f"fired, {finding.confidence.value}"
        page.say(f"{how}: {finding.title}", lead=f"{page.glyphs.bad} ")
    if not told.findings:
        page.say("did not fire", lead=f"{page.glyphs.good} ")
    if told.conditions:
        page.heading("What it asked, in order", indent=0)
        _render_conditions(page, told.conditions)


def _render_conditions(page: Page, conditions: Sequence[Condition]) -> None:
    """A line for each, with its answer; those of what is called stand further in."""
    asker: tuple[int, str] | None = None
    within: list[int] = []  # depths of those that are being asked; some in between ask nothing
    for condition in conditions:
        while within and within[-1] >= condition.depth:
            within.pop()
        within.append(condition.depth)
        inner = 2 * (len(within) - 1)
        if (condition.depth, condition.asked_by) != asker:
            asker = condition.depth, condition.asked_by
            page.say(condition.asked_by, indent=inner, style="dim")
        value = f"   ({condition.value})" if condition.value else ""
        answer = page.text("yes  ", "green") if condition.holds else page.text("no   ", "red")
        page.say(f"{condition.text}{value}", lead=answer, indent=inner + 2)


def render_rules(
    modules: Mapping[str, RuleModule], stream: TextIO, *, colour: bool | None = None
) -> None:
    """Print a line per rule, in order of ids: id, cause, title."""
    page = Page(stream, colour=colour)
    ordered = [modules[id_].RULE for id_ in sorted(modules)]
    widest = max((len(rule.cause) for rule in ordered), default=0)
    for rule in ordered:
        lead = page.text(f"{rule.id:<13} {rule.cause:<{widest}}  ", "cyan")
        page.say(rule.title, lead=lead)
