"""Ask the rules of these families about a story, without the engine."""

from __future__ import annotations

from analyzer.diagnosis.model import Finding, Rank, RuleModule
from analyzer.rules import modules
from analyzer.tls.story import Story

FAMILIES = ("TLS-CERT-", "TLS-CLCRT-", "TLS-NEG-", "TLS-CRY-", "TLS-ALERT-")


def rule(rule_id: str) -> RuleModule:
    """One rule's module."""
    return modules()[rule_id]


def findings(story: Story) -> list[Finding]:
    """What all rules of these families say, notes left out, the headline first."""
    said = [
        finding
        for rule_id, module in modules().items()
        if rule_id.startswith(FAMILIES)
        for finding in module.check(story)
        if finding.rank is not Rank.NOTE
    ]
    return sorted(said, key=lambda finding: -finding.rank)


def headline(story: Story) -> str | None:
    """The cause of the strongest finding."""
    said = findings(story)
    return said[0].cause if said else None


def said_by(rule_id: str, story: Story) -> list[Finding]:
    """What one rule says, notes left out."""
    return [f for f in rule(rule_id).check(story) if f.rank is not Rank.NOTE]


def notes_of(rule_id: str, story: Story) -> list[Finding]:
    """What one rule merely notes."""
    return [f for f in rule(rule_id).check(story) if f.rank is Rank.NOTE]
