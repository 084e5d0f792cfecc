"""The gateway validates its backend's name, and goes on although the name does not fit.

## What it looks like
A connection to a backend that completed its handshake with a certificate for another name, by a client
profile with ValidateHostname on and HostnameValidationFailOnError off.

## Why it happens
With HostnameValidationFailOnError off a mismatch is an event in the log and nothing more.

## What it is not
A failed handshake. Where the mismatch is fatal it is TLS-DPX-015.

## What to do
If names are meant to count: a certificate for the name that the gateway uses, and then
HostnameValidationFailOnError on. Otherwise the events in the log are harmless.

## Blind spots
In TLS 1.3 the certificate is encrypted, so that the mismatch does not show.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Confidence, FailingSide, Phase, RemedySide
from analyzer.diagnosis.model import Evidence, Finding, Rank, Rule
from analyzer.tls.objects import Leg
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-DPX-038",
    name="name-mismatch-tolerated",
    cause="hostname_mismatch",
    phase=Phase.NONE,
    rank=Rank.NOTE,
    title="The gateway tolerates that a backend's name does not fit",
    references=("RFC 9525 §6",),
)


def check(story: Story) -> Iterator[Finding]:
    """Fire where the handshake completed with a certificate for another name than was asked for."""
    view, chain = story.objects, story.server_chain
    profile = view.profile if view is not None and view.leg is Leg.BACK else None
    if profile is None or chain is None or story.completed is not True:
        return
    if chain.name_matches is not False or not profile.validates_name or profile.name_is_fatal:
        return
    if {"ValidateHostname", "HostnameValidationFailOnError"} & profile.assumed:
        return
    yield RULE.finding(
        Evidence(chain.frame, f"{story.server} presents a certificate for another name"),
        title=f"{profile.label}: ValidateHostname is on, and goes on though the name of "
        f"{story.server} does not fit",
        explanation="HostnameValidationFailOnError is off: the mismatch is an event in the log only.",
        remedy=(
            "Server: present a certificate for the name that the gateway uses.",
            f"DataPower: then HostnameValidationFailOnError on in {profile.label}.",
        ),
        failing_side=FailingSide.NONE,
        remedy_side=RemedySide.SERVER,
        confidence=Confidence.SEEN,
    )
