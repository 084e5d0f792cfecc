"""Expectations written anew from what was found; what their author cared for stays the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import UNSET

from analyzer.errors import UsageError
from analyzer.gate.compare import choose, counts, fact, fits
from analyzer.gate.expectation import FACTS, Counts, Expectation, Folder, Row, read_folder
from analyzer.report.machine import harmless
from analyzer.report.schema import Connection, Report
from analyzer.report.sink import write_all, written_beside

_ROWS_MOST: Final = 50  # a new expectation of more connections keeps the failures and the counts
_TOLD: Final = ("outcome", "cause", "phase", "failing_side", "remedy_side", "confidence")


def updated(expectation: Expectation | None, report: Report) -> Expectation:
    """Give the expectation that holds for a report."""
    if expectation is None:
        return _first(report)
    streams = {connection.stream for connection in report.connections}
    rows = [row for row in expectation.connections if row.stream is UNSET or row.stream in streams]
    kept = tuple(_row(row, choose(row, report.connections)) for row in rows)
    named = {c.stream for row in kept for c in choose(row, report.connections)}
    left = [c for c in report.connections if c.stream not in named]
    if expectation.others == "healthy":
        left = [connection for connection in left if connection.outcome == "failed"]
    added = () if expectation.others == "any" else tuple(_new_row(c) for c in left)
    return msgspec.structs.replace(
        expectation,
        counts=_counts(expectation.counts, report.connections),
        connections=kept + added,
    )


def _first(report: Report) -> Expectation:
    """An expectation where there was none: every connection, or every failure among many."""
    told = report.connections if len(report.connections) <= _ROWS_MOST else report.failed
    return Expectation(
        counts=counts(report.connections),
        connections=tuple(_new_row(connection) for connection in told[:_ROWS_MOST]),
    )


def _new_row(connection: Connection) -> Row:
    facts: dict[str, Any] = {name: fact(name, connection) for name in _TOLD}
    return Row(stream=connection.stream, **facts)


def _row(row: Row, chosen: Sequence[Connection]) -> Row:
    """Put what was found in place of what does not fit; leave the rest as it is."""
    changed: dict[str, Any] = {"counts": _counts(row.counts, chosen)}
    if not chosen and row.counts is UNSET:
        changed["counts"] = Counts(connections=0)
    for name in FACTS:
        found = list(dict.fromkeys(fact(name, connection) for connection in chosen))
        if all(fits(name, getattr(row, name), value) for value in found):
            continue
        changed[name] = _joined(name, found)
    return msgspec.structs.replace(row, **changed)


def _joined(name: str, found: list[Any]) -> Any:
    """One value for several connections: the floor, the only one, or the list of them."""
    if len(found) == 1:
        return found[0]
    if name == "alerts" or None in found:
        return UNSET  # no one value can be expected of all of them
    if name == "confidence":
        return next(word for word in ("suspected", "inferred", "seen") if word in found)
    return tuple(found)


def _counts(expected: Any, connections: Sequence[Connection]) -> Any:
    """The numbers that the author named, as they are now."""
    if expected is UNSET:
        return UNSET
    found = counts(connections)
    named = [name for name in Counts.__struct_fields__ if getattr(expected, name) is not UNSET]
    return Counts(**{name: getattr(found, name) for name in named})


def target(capture: Path, file: Path | None) -> Path:
    """Where an expectation is written; only JSON is, since TOML is kept by hand for its comments.

    Raises:
        UsageError: The expectation stands in a TOML file.
    """
    if file is None:
        return capture.with_name(f"{capture.name}.expect.json")
    if file.suffix == ".toml":
        raise UsageError(f"{file}: TOML is kept by hand and not rewritten; change it as shown")
    return file


def write(file: Path, expectation: Expectation) -> None:
    """Write the expectation of one capture."""
    _write(file, expectation)


def write_folder(file: Path, changed: Mapping[str, Expectation]) -> None:
    """Write expectations into the one file of a folder; the others in it stay."""
    told = read_folder(file)
    _write(file, msgspec.structs.replace(told, captures={**told.captures, **changed}))


def _write(file: Path, told: Expectation | Folder) -> None:
    data = msgspec.json.format(msgspec.json.encode(told), indent=1)
    with written_beside(file) as sink:
        write_all(sink, harmless(data) + b"\n")
