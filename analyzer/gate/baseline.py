"""The failures of a capture against those of an earlier report: new, gone, unchanged.

Failures are the same if what stays the same says so: client host, server, name, cause and rule.
Stream numbers, client ports and times are different every time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, Literal, NamedTuple, TypeAlias

import msgspec

from analyzer.encodings import as_utf8
from analyzer.errors import UsageError
from analyzer.gate.tell import annotation
from analyzer.gate.verdict import SCHEMA_VERSION, BaselineReport, Failure
from analyzer.limits import DEFAULT
from analyzer.report.assemble.report import TOOL
from analyzer.report.escape import encodable, one_line
from analyzer.report.ladder import endpoint_text
from analyzer.report.page import Page
from analyzer.report.schema import Connection, Endpoint, FailingSide, RemedySide, Report

_TOLD: Final = 50


class _Finding(msgspec.Struct, frozen=True):
    rule: str
    cause: str
    failing_side: FailingSide
    remedy_side: RemedySide
    title: str


class _Named(msgspec.Struct, frozen=True):
    sni: str | None


class _Failed(msgspec.Struct, frozen=True):
    stream: int
    client: Endpoint
    server: Endpoint
    outcome: str
    diagnosis: _Finding | None
    tls: _Named


class _Earlier(msgspec.Struct, frozen=True):
    """As much of a report as is compared; reports of other versions have more or fewer keys."""

    schema_version: Literal[1]
    connections: tuple[_Failed, ...]


class _Key(NamedTuple):
    client: str
    server: str
    sni: str | None
    cause: str
    rule: str


_Alike: TypeAlias = dict[_Key, list[Connection | _Failed]]


def read_earlier(path: Path) -> _Earlier:
    """Read an earlier report.

    Raises:
        UsageError: It is none.
    """
    if path.stat().st_size > DEFAULT.report_bytes:
        raise UsageError(f"{path}: too long; write the report with --failed")
    try:
        return msgspec.json.decode(as_utf8(path.read_bytes()), type=_Earlier)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{path}: not a report: {one_line(str(error))}; make one with --format json"
        ) from None


def against(earlier: _Earlier, report: Report, name: str) -> BaselineReport:
    """Compare the failures of a report with those of an earlier one."""
    before, now = _alike(earlier.connections), _alike(report.connections)
    told = [_failure(key, before.get(key, []), now.get(key, [])) for key in [*now, *before]]
    unique = list({_key(failure): failure for failure in told}.values())
    return BaselineReport(
        schema_version=SCHEMA_VERSION,
        tool=TOOL,
        baseline=encodable(name),
        captures=tuple(capture.path for capture in report.captures),
        new=tuple(f for f in unique if not f.before),
        gone=tuple(f for f in unique if not f.now),
        unchanged=tuple(f for f in unique if f.before and f.now),
    )


def _alike(connections: Iterable[Connection | _Failed]) -> _Alike:
    found: _Alike = {}
    for connection in connections:
        finding = connection.diagnosis
        if connection.outcome == "failed" and finding is not None:
            server = endpoint_text(connection.server)
            name = connection.tls.sni
            key = _Key(connection.client.ip, server, name, finding.cause, finding.rule)
            found.setdefault(key, []).append(connection)
    return found


def _failure(
    key: _Key, before: list[Connection | _Failed], now: list[Connection | _Failed]
) -> Failure:
    finding = (now or before)[0].diagnosis
    assert finding is not None, "only failures with a diagnosis are gathered"
    return Failure(
        client=key.client,
        server=key.server,
        sni=key.sni,
        cause=key.cause,
        rule=key.rule,
        failing_side=finding.failing_side,
        remedy_side=finding.remedy_side,
        title=finding.title,
        before=len(before),
        now=len(now),
        streams=tuple(connection.stream for connection in now),
    )


def _key(failure: Failure) -> _Key:
    return _Key(failure.client, failure.server, failure.sni, failure.cause, failure.rule)


def tell(page: Page, report: BaselineReport) -> None:
    """Print what is new, gone and unchanged."""
    signs = page.glyphs
    sections = (
        ("new", report.new, signs.bad, "bold red"),
        ("gone", report.gone, signs.good, "bold green"),
        ("unchanged", report.unchanged, signs.dot, "dim"),
    )
    for name, failures, sign, style in sections:
        if not failures:
            continue
        page.say(f"{name} ({len(failures)})", style="bold")
        for failure in failures[:_TOLD]:
            lead = page.text(f"{sign} ", style)
            page.say(failure.title + _often(page, failure), lead=lead, indent=2)
            page.say(_facts(failure), indent=4, style="dim")
        if len(failures) > _TOLD:
            page.say(f"and {len(failures) - _TOLD} more", indent=4)
        page.blank()
    page.say(_summary(report))


def _often(page: Page, failure: Failure) -> str:
    times = page.glyphs.times
    if failure.before and failure.now:
        same = failure.before == failure.now
        return f" ({times}{failure.now}{'' if same else f', was {times}{failure.before}'})"
    count = failure.now or failure.before
    return f" ({times}{count})" if count > 1 else ""


def _facts(failure: Failure) -> str:
    name = f" ({failure.sni})" if failure.sni else ""
    where = f", stream {failure.streams[0]}" if failure.streams else ""
    ends = f"{failure.client} to {failure.server}{name}"
    return f"{ends}, {failure.cause}, {failure.rule}{where}"


def _summary(report: BaselineReport) -> str:
    counts = [len(part) for part in (report.new, report.gone, report.unchanged)]
    return "{} new, {} gone, {} unchanged since {}".format(*counts, report.baseline)


def github_lines(report: BaselineReport) -> Iterator[str]:
    """Workflow commands: an error for each new failure, notices for what is gone and the sum."""
    for failure in report.new[:_TOLD]:
        yield annotation("error", title=failure.title, message=_facts(failure))
    for failure in report.gone[:_TOLD]:
        yield annotation("notice", title=f"Gone: {failure.title}", message=_facts(failure))
    yield annotation("notice", title="handshake-analyzer baseline", message=_summary(report))
