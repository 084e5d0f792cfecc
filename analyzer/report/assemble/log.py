"""Lines of a gateway's log in the words of the contract."""

from __future__ import annotations

from analyzer.datapower.log.codes import Kind, kind_of
from analyzer.report import schema
from analyzer.report.escape import encodable
from analyzer.report.times import rfc3339
from analyzer.tls.loglines import LogLine, LogView


def log_of(view: LogView) -> schema.GatewayLog | None:
    """The lines of one connection; None where none belong to it."""
    if not view.lines:
        return None
    return schema.GatewayLog(
        leg=view.leg.value if view.leg is not None else None,
        domain=_text(view.domain),
        transaction=view.transaction,
        found_by=view.found_by,
        clock_offset=view.offset_ns / 1e9,
        contradictions=tuple(encodable(one) for one in view.contradictions),
        lines=tuple(_entry(line) for line in view.lines),
    )


def _entry(line: LogLine) -> schema.LogEntry:
    return schema.LogEntry(
        time=rfc3339(line.time) if line.time is not None else None,
        domain=_text(line.domain),
        code=line.code_text or None,
        category=_text(line.category),
        severity=line.severity.label if line.severity is not None else None,
        object=_text(line.object_text) or None,
        transaction=line.transaction,
        client=line.client,
        text=encodable(line.text),
        companion=kind_of(line) is Kind.COMPANION,
        file=encodable(line.file),
        line=line.number,
    )


def _text(text: str | None) -> str | None:
    return None if text is None else encodable(text)
