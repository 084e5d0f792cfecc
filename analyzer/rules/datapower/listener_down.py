"""An object below the gateway's listener is down: the handler does not listen.

## What it looks like
RST answers the SYN, and not a byte of TLS follows. In the export the listener, or something that it
refers to, is disabled, missing, or expired.

## Why it happens
An object is up only if all below it is. One expired certificate takes its CryptoValCred down at the
next restart or change (at once with DisableExpiredCerts), that the profile, that the handler. Two
listeners on one address and port: only one gets it.

## What it is not
With nothing wrong in the export, look for a service that was stopped, or a firewall: TLS-TCP-001.

## What to do
Replace the certificate, or set IgnoreExpiration where that is right; enable what is disabled; give
one of two listeners another port.

## Blind spots
The export shows the configuration, not the state. What an export of selected objects leaves out is no
proof that the appliance lacks it.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Confidence, Phase
from analyzer.diagnosis.model import Finding, Rank, Rule
from analyzer.rules.datapower import read_case
from analyzer.tls.objects import Fault, Leg
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-DPX-011",
    name="listener-down",
    cause="connection_refused",
    phase=Phase.TCP_CONNECT,
    rank=Rank.OBJECT,
    title="An object below the gateway's listener is down",
    references=("RFC 9293 §3.5.2",),
)


def check(story: Story) -> Iterator[Finding]:
    """Fire where the SYN is refused and the export shows why nothing listens."""
    case = read_case(story, Leg.FRONT)
    listener = story.objects.listener if story.objects is not None else None
    if case is None or listener is None or case.wire.cause != RULE.cause or not listener.faults:
        return
    fault = listener.faults[0]
    down = next((label for label in reversed(fault.path) if "Cred " in label), listener.label)
    problem = f"{fault.text}, which took {down} down" if fault.expired else fault.text
    path = " → ".join((*fault.path, fault.label))
    yield case.finding(
        RULE,
        label=fault.label,
        problem=f"{problem}: {story.server} answers SYN with RST",
        why=f"{listener.label} needs all that it refers to: {path}.",
        remedy=(f"DataPower: {_change(fault)}; then look at the state of {listener.label}.",),
        remedy_side=case.gateway_side,
        confidence=Confidence.SUSPECTED if fault.missing or fault.conflict else Confidence.INFERRED,
    )


def _change(fault: Fault) -> str:
    if fault.expired:
        return f"replace the certificate of {fault.label}, or set its IgnoreExpiration"
    if fault.missing:
        return f"check that {fault.label} exists and is up"
    if fault.conflict:
        return f"give {fault.label} or the other listener an address or port of its own"
    return f"correct {fault.label}"
