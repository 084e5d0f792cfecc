"""Several services of the gateway connect to this backend, with profiles of their own.

## What it looks like
The gateway fails toward a backend, and the export leads to more than one service with that backend: of one domain or
of several. Their TLS profiles differ, and the ClientHello fits more than one of them.

## Why it happens
Domains of several teams, or of test and production, share a backend.

## What it is not
Where one profile alone can have sent the ClientHello, other rules name it.

## What to do
See in the log of which domain the failure stands, and compare what sets the profiles apart.

## Blind spots
Which object made a connection is not on the wire.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.datapower.rivals import differences
from analyzer.diagnosis.causes import Phase
from analyzer.diagnosis.model import Finding, Rank, Rule
from analyzer.rules.datapower import read_case
from analyzer.tls.objects import Leg
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-DPX-039",
    name="profiles-for-one-backend",
    cause="negotiation_failed",
    phase=Phase.CLIENT_HELLO,
    rank=Rank.OBJECT,
    title="Several services of the gateway connect to this backend, with profiles of their own",
    references=("RFC 8446 §4.1.2",),
)


def check(story: Story) -> Iterator[Finding]:
    """Fire where the gateway failed toward a backend, and several of its objects may have called it."""
    case = read_case(story, Leg.BACK)
    if case is None or not case.view.rivals:
        return
    rivals = case.view.rivals
    apart = differences(rivals)
    yield case.finding(
        RULE,
        label=case.view.place,
        problem=f"either may have made the connection to {case.peer} that failed "
        f"({case.wire.cause.replace('_', ' ')})",
        why=f"Their profiles differ in this order: {apart}."
        if apart
        else "Their profiles are alike.",
        remedy=(
            f"DataPower: see in which of the domains {case.view.domain} the log tells of this failure.",
            *(
                f"{one.label} of domain {one.domain}: compare {one.profile.label} with what the wire shows."
                for one in rivals
                if one.profile is not None
            ),
        ),
        remedy_side=case.wire.remedy_side,
        cause=case.wire.cause,
    )
