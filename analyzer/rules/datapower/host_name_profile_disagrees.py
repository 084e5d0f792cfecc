"""A host name profile and the server profile that it maps to disagree on versions.

## What it looks like
Some clients fail and others do not, on the same listener and name: those that offer the version which
only the SSLSNIServerProfile has.

## Why it happens
The host name profile decides the version before the name is looked up. The mapped profile then lacks
it, and the handshake fails after the match.

## What it is not
A client without any enabled version is TLS-DPX-001.

## What to do
Give the mapped profile every version of the host name profile, or take the version out of the latter.

## Blind spots
Names in an encrypted ClientHello cannot be matched with the map.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.datapower.predict.answer import answer
from analyzer.diagnosis.causes import Phase
from analyzer.diagnosis.model import Finding, Rank, Rule
from analyzer.rules.datapower import VAGUE, read_case
from analyzer.tls.objects import Leg
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-DPX-006",
    name="host-name-profile-disagrees",
    cause="protocol_version",
    phase=Phase.CLIENT_HELLO,
    rank=Rank.OBJECT,
    title="A host name profile and its mapped server profile disagree on versions",
    references=("RFC 6066 §3",),
)


def check(story: Story) -> Iterator[Finding]:
    """Fire where the host name profile agreed on a version that the mapped profile lacks."""
    case = read_case(story, Leg.FRONT)
    names = story.objects.names if story.objects is not None else None
    if case is None or names is None or story.offer is None or not case.gateway_refused:
        return
    refused = answer(names, story.offer).refused
    if refused is None or refused.cause != RULE.cause or not case.states("Protocols"):
        return
    if not case.may_be(RULE.cause) and case.wire.cause not in VAGUE:
        return
    yield case.finding(
        RULE,
        label=refused.label,
        problem=refused.text,
        why="Versions are agreed on by the host name profile and used by the mapped one.",
        remedy=(f"DataPower: {refused.change}.",),
        remedy_side=case.gateway_side,
    )
