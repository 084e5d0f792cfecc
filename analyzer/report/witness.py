"""What others saw of a connection, put beside the evidence of its diagnosis."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import structs

from analyzer.report.escape import encodable
from analyzer.report.schema import Connection, Evidence, Report


def with_witness(report: Report, ask: Callable[[Connection], Sequence[Evidence]]) -> Report:
    """The report, with what ``ask`` knows of each failed connection behind the evidence of its diagnosis.

    It adds sentences, and changes no verdict.
    """
    told = tuple(_beside(connection, ask) for connection in report.connections)
    return structs.replace(report, connections=told)


def _beside(connection: Connection, ask: Callable[[Connection], Sequence[Evidence]]) -> Connection:
    finding = connection.diagnosis
    if finding is None or connection.outcome != "failed":
        return connection
    more = tuple(structs.replace(one, text=encodable(one.text)) for one in ask(connection))
    if not more:
        return connection
    diagnosis = structs.replace(finding, evidence=(*finding.evidence, *more))
    return structs.replace(connection, diagnosis=diagnosis)
