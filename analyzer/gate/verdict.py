"""What ``check`` and ``baseline`` found, as data: the types of their JSON."""

from __future__ import annotations

from typing import Final, Literal

from analyzer.report.schema import Count, Data, FailingSide, RemedySide, Tool

SCHEMA_VERSION: Final = 1


class Difference(Data, frozen=True):
    """One thing that is not as expected; ``where`` is a stream, some endpoints or the capture."""

    where: str
    what: str
    expected: str | int | tuple[str, ...] | None
    found: str | int | tuple[str, ...] | None


class Checked(Data, frozen=True):
    """One capture; ``problem`` says why it is unusable."""

    capture: str
    expectation: str | None
    verdict: Literal["as_expected", "differs", "unusable"]
    connections: Count
    differences: tuple[Difference, ...]
    problem: str | None


class CheckSummary(Data, frozen=True):
    """Captures by verdict."""

    captures: Count
    as_expected: Count
    differs: Count
    unusable: Count


class CheckReport(Data, frozen=True):
    """What ``check --format json`` prints."""

    schema_version: Literal[1]
    tool: Tool
    summary: CheckSummary
    captures: tuple[Checked, ...]


class Failure(Data, frozen=True):
    """A failure by what stays the same from one capture to the next."""

    client: str
    server: str
    sni: str | None
    cause: str
    rule: str
    failing_side: FailingSide
    remedy_side: RemedySide
    title: str
    before: Count
    now: Count
    streams: tuple[Count, ...]


class BaselineReport(Data, frozen=True):
    """What ``baseline --format json`` prints."""

    schema_version: Literal[1]
    tool: Tool
    baseline: str
    captures: tuple[str, ...]
    new: tuple[Failure, ...]
    gone: tuple[Failure, ...]
    unchanged: tuple[Failure, ...]


def summary_of(checked: tuple[Checked, ...]) -> CheckSummary:
    """Count captures by verdict."""
    verdicts = [entry.verdict for entry in checked]
    return CheckSummary(
        captures=len(verdicts),
        as_expected=verdicts.count("as_expected"),
        differs=verdicts.count("differs"),
        unusable=verdicts.count("unusable"),
    )
