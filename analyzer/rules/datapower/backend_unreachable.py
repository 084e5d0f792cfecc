"""The gateway's backend cannot be reached: no TCP connection comes about.

## What it looks like
RST or an ICMP error answers the gateway's SYN, or nothing does. The finding names the property that
holds the address.

## Why it happens
The backend is down, its port was changed, or a firewall lies in between. The log calls it "Failed to
establish a backside connection", as it does every failed TLS handshake: only the wire tells them
apart.

## What it is not
A TLS failure: not one byte of TLS was sent.

## What to do
Check host and port in the property, then the backend, then the path.

## Blind spots
Whether the backend moved is not in the capture.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Phase
from analyzer.diagnosis.model import Finding, Rank, Rule
from analyzer.rules.datapower import read_case
from analyzer.tls.objects import Leg
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-DPX-022",
    name="backend-unreachable",
    cause="connection_refused",
    phase=Phase.TCP_CONNECT,
    rank=Rank.OBJECT,
    title="The gateway's backend cannot be reached",
    references=("RFC 9293 §3.5.2",),
)


def check(story: Story) -> Iterator[Finding]:
    """Fire where the gateway finds nobody at its target."""
    case = read_case(story, Leg.BACK)
    target = story.objects.target if story.objects is not None else None
    if case is None or target is None or case.wire.cause not in _CAUSES:
        return
    yield case.finding(
        RULE,
        label=target.label,
        problem=f"{target.setting} leads to {target.host}:{target.port}, which cannot be reached",
        why="The connection failed before TLS began.",
        remedy=(
            f"Backend: check that it listens on port {target.port}, and the path to it.",
            f"DataPower: if it moved, correct {target.setting} of {target.label}.",
        ),
        remedy_side=case.wire.remedy_side,
        cause=case.wire.cause,
        confidence=case.wire.confidence,
    )


_CAUSES = frozenset({"connection_refused", "syn_timeout", "icmp_rejected"})
