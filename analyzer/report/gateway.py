"""Lint and prediction as text for people and as plain values for machines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from analyzer.datapower.lint.issues import Issue, Severity
from analyzer.datapower.predict.answer import Answer
from analyzer.report.escape import one_line
from analyzer.tls.objects import Listener

_MARKS: Final = {Severity.ERROR: "✗", Severity.WARNING: "!", Severity.NOTE: "·"}


def render_issues(issues: Sequence[Issue]) -> str:
    """One paragraph per issue, the worst first, and a last line that counts."""
    lines: list[str] = []
    for issue in issues:
        place = f"{issue.label} (domain {issue.domain})"
        lines.append(one_line(f"{_MARKS[issue.severity]} {place}: {issue.text}"))
        lines.append(f"    change: {one_line(issue.change)}  [{issue.check}]")
    return "\n".join([*lines, _count(issues)]) + "\n"


def _count(issues: Sequence[Issue]) -> str:
    counts = [
        f"{sum(i.severity is severity for i in issues)} {severity.name.lower()}s"
        for severity in sorted(Severity, reverse=True)
    ]
    return f"{', '.join(counts)}" if issues else "nothing found"


def render_answer(listener: Listener, answer: Answer) -> str:
    """What one listener would answer, step by step."""
    refused = answer.refused
    head = f"{listener.label} (domain {listener.domain}, {listener.address}:{listener.port})"
    lines = [one_line(f"{'✗' if refused else '✓'} {head}: {_verdict(answer)}")]
    lines += [f"    {one_line(step)}" for step in answer.steps]
    if refused is not None:
        lines.append(f"    change: {one_line(refused.change)}")
    if answer.assumed & _DECISIVE:
        named = ", ".join(sorted(answer.assumed & _DECISIVE))
        lines.append(f"    by default, not by the export: {named}")
    return "\n".join(lines) + "\n"


_DECISIVE: Final = frozenset({"Protocols", "Ciphers", "EllipticCurves"})


def _verdict(answer: Answer) -> str:
    refused = answer.refused
    if refused is not None:
        return f"refuses ({refused.cause}) with alert {refused.alert.label} ({int(refused.alert)})"
    parts = [
        answer.version.label if answer.version else None,
        answer.suite.name if answer.suite else None,
        answer.group.name if answer.group else None,
    ]
    said = ", ".join(part for part in parts if part) or "cannot be told"
    return f"accepts: {said}" + ("; open: " + ", ".join(answer.unknown) if answer.unknown else "")


def plain_answer(listener: Listener, answer: Answer) -> dict[str, object]:
    """The same for machines."""
    refused = answer.refused
    return {
        "listener": listener.name,
        "class": listener.kind,
        "domain": listener.domain,
        "address": listener.address,
        "port": listener.port,
        "accepts": refused is None,
        "profile": answer.profile.label if answer.profile is not None else None,
        "version": answer.version.label if answer.version is not None else None,
        "cipher_suite": answer.suite.name if answer.suite is not None else None,
        "group": answer.group.name if answer.group is not None else None,
        "hello_retry_request": answer.retry,
        "certificate": answer.certificate,
        "asks_client_certificate": answer.asks_client,
        "unknown": list(answer.unknown),
        "assumed": sorted(answer.assumed & _DECISIVE),
        "steps": list(answer.steps),
        "refused": None
        if refused is None
        else {
            "cause": refused.cause,
            "alert": refused.alert.label,
            "code": int(refused.alert),
            "object": refused.label,
            "property": refused.setting,
            "text": refused.text,
            "change": refused.change,
        },
    }
