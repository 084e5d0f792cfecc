"""An expectation against a report: what differs, each difference with both sides."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from msgspec import UNSET, UnsetType

from analyzer.errors import UsageError
from analyzer.gate.expectation import FACTS, SELECTORS, Counts, Expectation, Row, parted
from analyzer.gate.verdict import Difference
from analyzer.report.ladder import endpoint_text
from analyzer.report.schema import Alert, Connection, Endpoint, Report

Value: TypeAlias = str | int | tuple[str, ...] | None

_FLOOR: Final = {"suspected": 0, "inferred": 1, "seen": 2}
_OUTCOMES: Final = ("established", "failed", "incomplete", "not_tls")


def compare(expectation: Expectation, report: Report) -> Iterator[Difference]:
    """Yield what differs, in the order of the expectation.

    Raises:
        UsageError: The expectation is about a stream that the capture does not have.
    """
    named: set[int] = set()
    yield from _counted("capture", expectation.counts, report.connections)
    for row in expectation.connections:
        chosen = choose(row, report.connections)
        named |= {connection.stream for connection in chosen}
        yield from _row(row, chosen)
    if expectation.others != "any":
        yield from _others(expectation.others, report.connections, named)


def choose(row: Row, connections: Sequence[Connection]) -> list[Connection]:
    """The connections that a row is about."""
    if isinstance(row.stream, int) and all(c.stream != row.stream for c in connections):
        known = f"0 to {len(connections) - 1}" if connections else "none"
        raise UsageError(f"stream {row.stream}: the capture has {known}; correct the expectation")
    return [connection for connection in connections if _chosen(row, connection)]


def _chosen(row: Row, connection: Connection) -> bool:
    return (
        (row.stream is UNSET or row.stream == connection.stream)
        and _at(row.client, connection.client)
        and _at(row.server, connection.server)
        and (row.sni is UNSET or row.sni == connection.tls.sni)
    )


def _at(wanted: str | UnsetType, end: Endpoint) -> bool:
    if isinstance(wanted, UnsetType):
        return True
    address, port = parted(wanted)
    return address == end.ip and port in {None, end.port}


def _row(row: Row, chosen: Sequence[Connection]) -> Iterator[Difference]:
    where = described(row)
    yield from _counted(where, row.counts, chosen)
    if not chosen and row.counts is UNSET:
        yield Difference(where=where, what="connections", expected="at least 1", found=0)
    for connection in chosen:
        for name in FACTS:
            expected = getattr(row, name)
            found = fact(name, connection)
            if not fits(name, expected, found):
                yield Difference(
                    where=f"stream {connection.stream}", what=name, expected=expected, found=found
                )


def described(row: Row) -> str:
    """Name the connections that a row is about."""
    parts = [
        f"{name} {getattr(row, name)}" for name in SELECTORS if getattr(row, name) is not UNSET
    ]
    return ", ".join(parts) or "all connections"


def _counted(
    where: str, expected: Counts | UnsetType, connections: Iterable[Connection]
) -> Iterator[Difference]:
    if isinstance(expected, UnsetType):
        return
    found = counts(connections)
    for name in Counts.__struct_fields__:
        wanted = getattr(expected, name)
        if wanted is not UNSET and wanted != getattr(found, name):
            yield Difference(where=where, what=name, expected=wanted, found=getattr(found, name))


def counts(connections: Iterable[Connection]) -> Counts:
    """Count connections by outcome."""
    outcomes = [connection.outcome for connection in connections]
    numbers = {name: outcomes.count(name) for name in _OUTCOMES}
    return Counts(connections=len(outcomes), **numbers)


def _others(
    allowed: str, connections: Iterable[Connection], named: set[int]
) -> Iterator[Difference]:
    for connection in connections:
        if connection.stream in named:
            continue
        if allowed == "none" or connection.outcome == "failed":
            cause = connection.diagnosis.cause if connection.diagnosis else ""
            yield Difference(
                where=f"stream {connection.stream}",
                what="connection",
                expected="none" if allowed == "none" else "not failed",
                found=f"{connection.outcome} {cause}".rstrip()
                + f", to {endpoint_text(connection.server)}",
            )


def fact(name: str, connection: Connection) -> Value:
    """What a connection has to say to a key of an expectation."""
    return _FOUND[name](connection)


def fits(name: str, expected: object, found: Value) -> bool:
    """Whether what was found is what was expected."""
    if isinstance(expected, UnsetType):
        return True
    if name == "alerts":
        return expected == found
    if name == "confidence" and isinstance(found, str) and isinstance(expected, str):
        return _FLOOR[found] >= _FLOOR[expected]
    if name == "cause" and found is None and (expected == "fine" or _lists(expected, "fine")):
        return True
    return found in expected if isinstance(expected, tuple) else found == expected


def _lists(expected: object, word: str) -> bool:
    return isinstance(expected, tuple) and word in expected


def _of(name: str) -> Callable[[Connection], Value]:
    return lambda c: getattr(c.diagnosis, name) if c.diagnosis else None


def _last_message(connection: Connection) -> str | None:
    last = connection.handshake.last_message
    return f"{last.sender} {last.name}" if last else None


def _alert(alert: Alert) -> str:
    if not alert.visible:
        return f"{alert.sender} encrypted"
    return f"{alert.sender} {alert.description or alert.code}"


_FOUND: Final[Mapping[str, Callable[[Connection], Value]]] = {
    "outcome": lambda c: c.outcome,
    "cause": _of("cause"),
    "phase": _of("phase"),
    "failing_side": _of("failing_side"),
    "remedy_side": _of("remedy_side"),
    "confidence": _of("confidence"),
    "rule": _of("rule"),
    "version": lambda c: c.tls.version,
    "cipher_suite": lambda c: c.tls.cipher_suite,
    "alpn": lambda c: c.tls.alpn,
    "last_message": _last_message,
    "alerts": lambda c: tuple(_alert(alert) for alert in c.handshake.alerts),
}
