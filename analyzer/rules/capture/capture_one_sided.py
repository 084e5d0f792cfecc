"""Only one direction of the connection was captured.

## What it looks like
Packets of one side, none of the other, although acknowledgments prove that the other side spoke.

## Why it happens
Routing that differs by direction, a mirror port set up for one direction, a capture filter by source.

## What it is not
A server that does not answer at all: then nothing is acknowledged either.

## What to do
Capture where both directions pass, best on one of the two hosts.

## Blind spots
Everything that the other side said.
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
    id="TLS-CAP-002",
    name="capture-one-sided",
    cause="capture_one_sided",
    phase=Phase.NONE,
    rank=Rank.CAPTURE,
    title="Only one direction was captured",
    references=("RFC 8446 §2",),
    topic=hiding,
)


def check(story: Story) -> Iterator[Finding]:
    """Fire where the capture hides whether the handshake completed."""
    if story.completed or not story.is_tls or not story.blind_to("client_side", "server_side"):
        return
    yield RULE.finding(
        Evidence(story.timeline.first_frame, "packets of one side only"),
        title=f"Only one direction was captured ({client_name(story)} with {server_name(story)})",
        explanation="What the capture does not hold decides how this handshake ended.",
        remedy=(
            "Capture where both directions pass: on one of the hosts, or on a mirror port for both directions.",
        ),
        failing_side=FailingSide.NONE,
        remedy_side=RemedySide.CAPTURE,
        confidence=Confidence.SEEN,
        phase=phase_of(story),
    )
