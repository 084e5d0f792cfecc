"""The gateway's crypto engine reported errors around a failure of keys or records.

## What it looks like
The gateway gives up over a signature, a Finished or a record that does not check out, and minutes
before its log says 0x8060016b "Runtime error detected in crypto engine" or 0x8060010d "crypto
accelerator not detected".

## Why it happens
The hardware that computes for TLS is at fault; what it gives is wrong, or late.

## What it is not
Bytes that were changed on the way, or a key that does not belong to its certificate: there the crypto
engine is silent.

## What to do
Open a case with the vendor's support, with the log; restart the appliance only after that.

## Blind spots
That both happened at one time is no proof that one made the other.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.datapower.log.codes import Kind, kind_of
from analyzer.diagnosis.causes import PARENTS, Confidence, Phase
from analyzer.diagnosis.model import Finding, Rank, Rule
from analyzer.rules.datapower import read_state
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-DPX-033",
    name="log-crypto-engine",
    cause="crypto_failed",
    phase=Phase.FINISHED,
    rank=Rank.LOG,
    title="The gateway's crypto engine reported errors",
    references=("RFC 5246 §7.2.2",),
)


def check(story: Story) -> Iterator[Finding]:
    """Fire where keys or records failed and the crypto engine had complained before."""
    case = read_state(story)
    if case is None or RULE.cause not in {case.wire.cause, PARENTS.get(case.wire.cause)}:
        return
    lines = [line for line in case.log.state if kind_of(line) is Kind.HARDWARE]
    if not lines:
        return
    yield case.finding(
        RULE,
        title=f"The gateway's crypto engine is at fault, says its log: {lines[0].text}",
        why="A check of keys or records failed, and the hardware that computes them had complained.",
        remedy=("DataPower: open a case with support, with this log.",),
        lines=lines,
        confidence=Confidence.SUSPECTED,
        alternatives=case.wire.alternatives,
    )
