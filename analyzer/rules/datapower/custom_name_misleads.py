"""The gateway asks its backend for a name of its own choice, and the backend does not serve it.

## What it looks like
The gateway's ClientHello names the host of CustomSNIHostname. The server knows no such name, or it
presents a certificate for another, and one of the two gives up.

## Why it happens
UseCustomSNIHostname replaces the name of the URL. After a move of the backend, or in a profile that
several services share, the custom name is wrong.

## What it is not
A profile that sends no name at all is TLS-DPX-012.

## What to do
Correct CustomSNIHostname in the SSLClientProfile, or switch UseCustomSNIHostname off so that the name of
the URL is sent.

## Blind spots
Which names the backend serves is not in the capture.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Phase
from analyzer.diagnosis.model import Finding, Rank, Rule
from analyzer.rules.datapower import read_case
from analyzer.tls.objects import Leg
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-DPX-037",
    name="custom-name-misleads",
    cause="sni_unrecognized",
    phase=Phase.CLIENT_HELLO,
    rank=Rank.OBJECT,
    title="The gateway asks its backend for a wrong name of its own choice",
    references=("RFC 6066 §3",),
)


def check(story: Story) -> Iterator[Finding]:
    """Fire where the custom name was sent in place of the target's, and a name is what failed."""
    case = read_case(story, Leg.BACK)
    profile = case.profile if case is not None else None
    target = story.objects.target if story.objects is not None else None
    if case is None or profile is None or target is None or story.offer is None:
        return
    sent, custom = story.offer.server_name, profile.custom_name
    if not custom or not sent or case.wire.cause not in _CAUSES:
        return
    if sent.lower() != custom.lower() or custom.lower() == target.host.lower():
        return
    yield case.finding(
        RULE,
        label=profile.label,
        problem=f"CustomSNIHostname makes it ask {case.peer} for {custom} instead of {target.host}",
        why=f"{target.setting} of {target.label} leads to {target.host}.",
        remedy=(
            f"DataPower: correct CustomSNIHostname in {profile.label}, or UseCustomSNIHostname off.",
            *case.wire.remedy,
        ),
        remedy_side=case.gateway_side,
        cause=case.wire.cause,
        confidence=case.wire.confidence,
    )


_CAUSES = frozenset({"sni_unrecognized", "hostname_mismatch"})
