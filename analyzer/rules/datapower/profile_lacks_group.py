"""A TLS profile of the gateway lacks every group (curve) of the client.

## What it looks like
handshake_failure (40) answers a ClientHello although suites are shared: all of them need a curve,
and ``EllipticCurves`` of the server profile holds none of the client's.

## Why it happens
The choice of curves knows secp256r1, secp384r1 and secp521r1, but on most firmware no x25519; a
client that offers x25519 alone is left without.

## What it is not
Lists of suites without overlap are TLS-DPX-002.

## What to do
Add a curve of the client to the profile, or let the client offer secp256r1 as well.

## Blind spots
None worth naming on the front side: the client's groups are in clear.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.datapower.predict.answer import answer
from analyzer.diagnosis.causes import Phase
from analyzer.diagnosis.model import Finding, Rank, Rule
from analyzer.rules.datapower import read_case
from analyzer.tls.objects import Leg
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-DPX-003",
    name="profile-lacks-group",
    cause="no_shared_group",
    phase=Phase.CLIENT_HELLO,
    rank=Rank.OBJECT,
    title="A TLS profile of the gateway lacks every group of the client",
    references=("RFC 8422 §4", "RFC 8446 §4.2.7"),
)


def check(story: Story) -> Iterator[Finding]:
    """Fire where suites are shared and no group is."""
    case = read_case(story, Leg.FRONT)
    profile = case.profile if case is not None else None
    if case is None or profile is None or story.offer is None or not case.gateway_refused:
        return
    refused = answer(profile, story.offer).refused
    if refused is None or refused.cause != RULE.cause or not case.may_be(RULE.cause):
        return
    if not case.states("EllipticCurves", "Ciphers", "Protocols"):
        return
    yield case.finding(
        RULE,
        label=profile.label,
        problem=refused.text,
        why="Every suite in common needs a curve in common (RFC 8422, RFC 8446).",
        remedy=(f"DataPower: {refused.change}.",),
        remedy_side=case.gateway_side,
    )
