"""The terminal report: the answer first, then how we know, then what to change.

Long captures stay short: equal failures are one group, told once by an example. What went well is
one line, what the capture hides comes last.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from io import TextIOWrapper
from typing import Final, TextIO

from rich.text import Text

from analyzer.report.detail import (
    bullets,
    counted_in,
    tell_connection,
    tell_facts,
    to_do,
    unfinished,
)
from analyzer.report.formats import Style
from analyzer.report.ladder import endpoint_text
from analyzer.report.page import Page
from analyzer.report.schema import Capture, Connection, Group, Report
from analyzer.report.words import OUTCOME, counted

_GROUPS_LISTED: Final = 20
_GROUPS_TOLD: Final = 5
_NOTES_TOLD: Final = 5


def write_text(report: Report, sink: TextIOWrapper, style: Style) -> None:
    """Write the report as text, in the style that was asked for."""
    render_console(
        report,
        sink,
        verbose=style.verbose,
        chosen=style.chosen,
        colour=style.colour,
        local=style.local,
    )


def render_console(
    report: Report,
    stream: TextIO,
    *,
    verbose: bool = False,
    chosen: bool = False,
    colour: bool | None = None,
    width: int | None = None,
    local: bool = False,
) -> None:
    """Write the report as text.

    Args:
        report: What to tell.
        stream: Where to write; its encoding decides about the signs that are used.
        verbose: Tell every failed connection instead of an example, and list the others.
        chosen: The connections were asked for by number: tell each of them, whatever its outcome.
        colour: None means what suits the stream and the environment (NO_COLOR).
        width: Columns; None means those of the terminal, 80 without one.
        local: Times of this machine's zone instead of UTC.
    """
    page = Page(stream, colour=colour, width=width, local=local)
    if chosen:
        _tell_connections(page, report)
    else:
        _answers(page, report)
        _tell_groups(page, report, verbose=verbose)
        _others(page, report, verbose=verbose)
    _files(page, report)


def _answers(page: Page, report: Report) -> None:
    """One sentence per failing group, or that there is none."""
    counts = report.summary
    if not report.groups:
        _nothing_failed(page, report)
        return
    several = len(report.groups) > 1
    if several:
        total = counted(counts.connections - counts.not_tls, "connection")
        ways = len(report.groups)
        page.say(f"{counts.failed:,} of {total} failed, in {ways} ways:", style="bold")
    by_stream = {connection.stream: connection for connection in report.connections}
    for number, group in enumerate(report.groups[:_GROUPS_LISTED], start=1):
        mark = f"{page.glyphs.bad} {f'{number}. ' if several else ''}"
        often = f" ({page.glyphs.times}{counted_in(group)})" if group.count > 1 else ""
        style = "" if several else "bold"
        page.say(group.title + often, lead=page.text(mark, "bold red"), style=style)
        if several and (next_step := to_do(by_stream.get(group.example_stream))):
            page.say(f"{page.glyphs.right} {next_step}", indent=len(mark), style="cyan")
    if len(report.groups) > _GROUPS_LISTED:
        rest = report.groups[_GROUPS_LISTED:]
        failures = sum(group.count for group in rest)
        page.say(f"and {len(rest)} more kinds of failure in {counted(failures, 'connection')}")


def _nothing_failed(page: Page, report: Report) -> None:
    counts = report.summary
    if counts.established and not counts.incomplete:
        words = (
            "The one TLS connection completed its handshake."
            if counts.established == 1
            else f"All {counts.established:,} TLS connections completed their handshakes."
        )
        page.say(words, lead=page.text(f"{page.glyphs.good} ", "bold green"))
    elif counts.established or counts.incomplete:
        page.say("No TLS connection is seen to fail.", style="bold")
    elif counts.connections:
        page.say("The capture holds no TLS.", style="bold")
    elif any(capture.packets for capture in report.captures):
        page.say("The capture holds no TCP connection.", style="bold")
        page.say("TLS over UDP (DTLS, QUIC) is not read.", indent=2, style="dim")
    else:
        page.say("The capture holds no packets.", style="bold")


def _tell_groups(page: Page, report: Report, *, verbose: bool) -> None:
    by_stream = {connection.stream: connection for connection in report.connections}
    alike = _alike(report) if verbose else {}
    told = report.groups if verbose else report.groups[:_GROUPS_TOLD]
    several = len(report.groups) > 1
    for number, group in enumerate(told, start=1):
        if several:
            _rule(page, f"{number}. {group.title}")
        if verbose:
            for connection in _members(alike, group):
                page.blank()
                _headline(page, connection)
                tell_facts(page, connection, len(report.captures))
                tell_connection(page, connection)
        elif group.example_stream in by_stream:
            example = by_stream[group.example_stream]
            page.blank()
            tell_facts(page, example, len(report.captures), group)
            tell_connection(page, example)
    if len(told) < len(report.groups):
        page.blank()
        page.say("The other failures are told in full with --verbose, or one by one with --stream.")


def _alike(report: Report) -> dict[tuple[str, str], list[Connection]]:
    """Failed connections by rule and cause."""
    found: dict[tuple[str, str], list[Connection]] = {}
    for connection in report.failed:
        if connection.diagnosis:
            key = (connection.diagnosis.rule, connection.diagnosis.cause)
            found.setdefault(key, []).append(connection)
    return found


def _members(alike: dict[tuple[str, str], list[Connection]], group: Group) -> Iterator[Connection]:
    """The connections of a group: those of its servers, where it does not hold all servers."""
    everywhere = group.servers_total > len(group.servers)
    for connection in alike.get((group.rule, group.cause), ()):
        if everywhere or endpoint_text(connection.server) in group.servers:
            yield connection


def _tell_connections(page: Page, report: Report) -> None:
    for index, connection in enumerate(report.connections):
        if index:
            page.blank()
        _headline(page, connection)
        page.blank()
        tell_facts(page, connection, len(report.captures))
        tell_connection(page, connection, in_full=True)


def _headline(page: Page, connection: Connection) -> None:
    signs = page.glyphs
    finding = connection.diagnosis
    mark, style = {
        "failed": (signs.bad, "bold red"),
        "established": (signs.good, "bold green"),
    }.get(connection.outcome, (signs.open, "bold yellow"))
    words = finding.title if finding else OUTCOME[connection.outcome]
    page.say(words, lead=page.text(f"{mark} ", style), style="bold")


def _others(page: Page, report: Report, *, verbose: bool) -> None:
    """What did not fail: a line each for good, unknown and not TLS."""
    counts = report.summary
    if report.groups and (counts.established or counts.incomplete or counts.not_tls):
        _rule(page, "")
    established = [c for c in report.connections if c.outcome == "established"]
    if counts.established and report.groups:
        lead = page.text(f"{page.glyphs.good} ", "bold green")
        page.say(_went_well(page, counts.established, established), lead=lead)
    elif established:
        page.say(_versions(page, established), indent=2, style="dim")
    if counts.incomplete:
        _incomplete(page, report)
    if counts.not_tls:
        page.say(
            f"{counted(counts.not_tls, 'TCP connection')} without TLS.",
            lead=page.text(f"{page.glyphs.dot} ", "dim"),
        )
    _notes(page, established, verbose=verbose)
    if verbose:
        _list_all(page, report)


def _went_well(page: Page, count: int, established: Sequence[Connection]) -> str:
    versions = _versions(page, established)
    return f"{counted(count, 'connection')} went well{f': {versions}' if versions else ''}."


def _versions(page: Page, established: Iterable[Connection]) -> str:
    counts = Counter(c.tls.version or "version unknown" for c in established)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    if len(ordered) == 1:
        return ordered[0][0]
    return ", ".join(f"{version} {page.glyphs.times}{count}" for version, count in ordered)


def _incomplete(page: Page, report: Report) -> None:
    """Say of what is incomplete why nothing more can be said; equal reasons once."""
    lead = page.text(f"{page.glyphs.open} ", "bold yellow")
    words = "the capture does not show how the handshake ended."
    page.say(f"{counted(report.summary.incomplete, 'connection')}: {words}", lead=lead)
    for cause, words in unfinished(report):
        page.say(words, lead=page.text(f"{cause}: " if cause else ""), indent=4)


def _notes(page: Page, established: Iterable[Connection], *, verbose: bool) -> None:
    """What is worth knowing about connections that went well."""
    notes: dict[tuple[str, str], list[tuple[int, str]]] = {}
    for connection in established:
        found = ((connection.diagnosis,) if connection.diagnosis else ()) + connection.findings
        for finding in found:
            key = (finding.rule, finding.title if verbose else "")
            notes.setdefault(key, []).append((connection.stream, finding.title))
    if not notes:
        return
    page.heading("Worth knowing about those that went well", indent=0)
    ordered = sorted(notes.items(), key=lambda item: (-len(item[1]), item[1][0]))
    for (rule, _), noted in ordered if verbose else ordered[:_NOTES_TOLD]:
        stream, title = noted[0]
        often = f" and {len(noted) - 1} more like it" if len(noted) > 1 else ""
        words = f"{title} (stream {stream}, {rule}){often}"
        page.say(words, lead=f"{page.glyphs.dot} ", indent=2)
    if not verbose and len(ordered) > _NOTES_TOLD:
        page.say(f"and {len(ordered) - _NOTES_TOLD} more with --verbose", indent=4, style="dim")


def _list_all(page: Page, report: Report) -> None:
    page.heading("All connections", indent=0)
    for connection in report.connections:
        ends = f"{endpoint_text(connection.client)} {endpoint_text(connection.server)}"
        cause = connection.diagnosis.cause if connection.diagnosis else ""
        parts = (connection.outcome, cause, connection.tls.version, connection.tls.sni)
        words = " ".join([ends, *(part for part in parts if part)])
        page.say(words, lead=page.text(f"{connection.stream:>5}  ", "dim"))


def _files(page: Page, report: Report) -> None:
    """What was read, and what it hides."""
    page.blank()
    for number, capture in enumerate(report.captures):
        lead = f"{number}: " if len(report.captures) > 1 else ""  # frames are named by it
        page.say(_file(page, capture), lead=page.text(lead, "dim"), style="dim")
        bullets(page, capture.caveats)


def _file(page: Page, capture: Capture) -> str:
    dot = f" {page.glyphs.dot} "
    when = ""
    if capture.first_packet and capture.last_packet:
        when = f"{page.clock(capture.first_packet)} to {page.clock(capture.last_packet)}"
    link = ", ".join(capture.link_types)
    parts = (capture.path, capture.format, link, counted(capture.packets, "packet"), when)
    return dot.join(part for part in parts if part)


def _rule(page: Page, words: str) -> None:
    page.blank()
    page.say(Text(page.glyphs.line * page.width, style="dim"))
    if words:
        page.say(words, style="bold")
