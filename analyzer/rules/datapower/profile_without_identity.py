"""The gateway's server profile has no identification credential, and so no certificate.

## What it looks like
handshake_failure (40), internal_error (80) or protocol_version (70) answers a ClientHello that any
server of today would take. ``Idcred`` of the server profile is empty.

## Why it happens
The profile was made for a test, or its reference was emptied when a certificate was replaced.

## What it is not
A credential whose key fits no suite is TLS-DPX-004.

## What to do
Set Idcred of the profile to a CryptoIdentCred.

## Blind spots
Firmware may refuse to bring such a profile up at all: then the listener is down (TLS-DPX-011).
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
    id="TLS-DPX-024",
    name="profile-without-identity",
    cause="server_no_certificate",
    phase=Phase.CLIENT_HELLO,
    rank=Rank.OBJECT,
    title="The gateway's server profile has no certificate",
    references=("RFC 8446 §4.4.2",),
)


def check(story: Story) -> Iterator[Finding]:
    """Fire where the profile has no certificate at all."""
    case = read_case(story, Leg.FRONT)
    profile = case.profile if case is not None else None
    if case is None or profile is None or story.offer is None or not case.gateway_refused:
        return
    refused = answer(profile, story.offer).refused
    if refused is None or refused.cause != RULE.cause or case.wire.phase is not RULE.phase:
        return
    yield case.finding(
        RULE,
        label=profile.label,
        problem=refused.text,
        why="Without a certificate no suite of today can be used.",
        remedy=(f"DataPower: {refused.change} to a CryptoIdentCred.",),
        remedy_side=case.gateway_side,
    )
