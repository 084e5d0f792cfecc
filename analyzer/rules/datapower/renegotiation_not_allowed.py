"""The gateway's server profile allows no renegotiation that the client starts.

## What it looks like
After a completed handshake the client begins another one, and the gateway answers with
no_renegotiation (100) or closes. NumberOfRenegotiationAllowed is 0.

## Why it happens
The default forbids it: renegotiation by clients is a way to exhaust a server. Old clients use it to
show a certificate later, or to renew keys.

## What it is not
TLS 1.3 has no renegotiation.

## What to do
Ask for everything in the first handshake. Where an old client must renegotiate, raise
NumberOfRenegotiationAllowed for its profile.

## Blind spots
What the second handshake was for is encrypted.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Phase
from analyzer.diagnosis.model import Finding, Rank, Rule
from analyzer.rules.datapower import read_case
from analyzer.tls.objects import Leg
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-DPX-020",
    name="renegotiation-not-allowed",
    cause="renegotiation_refused",
    phase=Phase.POST_HANDSHAKE,
    rank=Rank.OBJECT,
    title="The gateway's server profile allows no renegotiation",
    references=("RFC 5746 §4.2",),
)


def check(story: Story) -> Iterator[Finding]:
    """Fire where the gateway refuses a second handshake."""
    case = read_case(story, Leg.FRONT)
    profile = case.profile if case is not None else None
    if case is None or profile is None or case.wire.cause != RULE.cause or not case.gateway_refused:
        return
    if profile.renegotiations != 0:
        return
    yield case.finding(
        RULE,
        label=profile.label,
        problem=f"NumberOfRenegotiationAllowed is 0, and {case.peer} began another handshake",
        why="The profile lets clients start no renegotiation.",
        remedy=(
            "Client: ask for everything in the first handshake, or use TLS 1.3.",
            f"DataPower: raise NumberOfRenegotiationAllowed of {profile.label} if this client must.",
        ),
        remedy_side=case.gateway_side,
    )
