"""The connection began before the capture, so the handshake is not in it.

## What it looks like
TLS records without SYN and ClientHello.

## Why it happens
The capture was started too late, or a ring buffer dropped its beginning.

## What it is not
A failure: application data in both directions means that the handshake had completed.

## What to do
Start the capture first, then make the client connect anew.

## Blind spots
Offer, choice and certificates.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Confidence, FailingSide, Phase, RemedySide
from analyzer.diagnosis.model import Evidence, Finding, Rank, Rule
from analyzer.diagnosis.signs.standing import phase_of
from analyzer.diagnosis.topics import hiding
from analyzer.diagnosis.wording import client_name, server_name
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-CAP-003",
    name="capture-midstream",
    cause="capture_midstream",
    phase=Phase.NONE,
    rank=Rank.CAPTURE,
    title="The connection began before the capture",
    references=("RFC 8446 §2",),
    topic=hiding,
)


def check(story: Story) -> Iterator[Finding]:
    """Fire where the capture hides whether the handshake completed."""
    if story.completed or not story.is_tls or not story.blind_to("start"):
        return
    yield RULE.finding(
        Evidence(story.timeline.first_frame, "first packet of the connection in the capture"),
        title=f"The connection began before the capture ({client_name(story)} with {server_name(story)})",
        explanation="What the capture does not hold decides how this handshake ended.",
        remedy=("Start the capture before the connection is made, then reproduce the problem.",),
        failing_side=FailingSide.NONE,
        remedy_side=RemedySide.CAPTURE,
        confidence=Confidence.SEEN,
        phase=phase_of(story),
    )
