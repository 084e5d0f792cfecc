"""The gateway's key fits none of the suites or signatures that both sides have.

## What it looks like
handshake_failure (40) answers the ClientHello. The suites in common are for ECDSA and the key of the
identification credential is RSA, or the other way round; in TLS 1.3 the client takes no signature of
such a key.

## Why it happens
A certificate was replaced by one with another kind of key, and the list of suites was left.

## What it is not
No suite in common at all is TLS-DPX-002.

## What to do
Add suites for the key to the profile, or give the credential a certificate of the other kind.

## Blind spots
The export names the certificate file and does not hold it: this rule needs the file
(``--cert-dir``).
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
    id="TLS-DPX-004",
    name="key-does-not-fit",
    cause="no_shared_cipher",
    phase=Phase.CLIENT_HELLO,
    rank=Rank.OBJECT,
    title="The gateway's key fits none of the suites or signatures in common",
    references=("RFC 5246 §7.4.2", "RFC 8446 §4.2.3"),
)


def check(story: Story) -> Iterator[Finding]:
    """Fire where the key of the credential serves none of what is shared."""
    case = read_case(story, Leg.FRONT)
    profile = case.profile if case is not None else None
    if case is None or profile is None or story.offer is None or not case.gateway_refused:
        return
    refused = answer(profile, story.offer).refused
    if refused is None or refused.setting != "Idcred" or profile.credential is None:
        return
    if not case.may_be(refused.cause) or not case.states("Ciphers", "Protocols"):
        return
    yield case.finding(
        RULE,
        label=profile.label,
        problem=refused.text,
        why="A server signs with the key of its certificate, and the suite must allow that key.",
        remedy=(f"DataPower: {refused.change}.",),
        remedy_side=case.gateway_side,
        cause=refused.cause,
    )
