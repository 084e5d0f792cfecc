"""The capture ends in the middle of the handshake, or misses packets of it.

## What it looks like
A handshake under way, without an end, and no packet after it; or bytes that were never acknowledged and
never sent again, which a live connection would not leave so; or a connection to its end, with a hole where its
handshake was decided.

## Why it happens
A limit of time or size was reached (a DataPower stops at MaxTime or MaxSize), or packets were dropped.

## What it is not
A peer that falls silent: then the capture goes on and TCP is in order.

## What to do
Capture again, longer or with a larger limit.

## Blind spots
The rest of the handshake.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Confidence, FailingSide, Phase, RemedySide
from analyzer.diagnosis.model import Evidence, Finding, Rank, Rule
from analyzer.diagnosis.signs.standing import phase_of
from analyzer.diagnosis.topics import hiding
from analyzer.diagnosis.wording import client_name, server_name
from analyzer.tls.story import Story, Way

RULE = Rule(
    id="TLS-CAP-004",
    name="capture-ended",
    cause="capture_ended",
    phase=Phase.NONE,
    rank=Rank.CAPTURE,
    title="The capture ends in the middle of the handshake",
    references=("RFC 8446 §2",),
    topic=hiding,
)


def check(story: Story) -> Iterator[Finding]:
    """Fire where the capture hides whether the handshake completed."""
    if story.completed or not story.is_tls:
        return
    # A TLS 1.3 client that has finished, and nothing after it: acceptance would be encrypted anyway.
    unsaid = story.completed is None and story.ending.way in {Way.OPEN, Way.SILENCE}
    if not unsaid and not story.blind_to("end", "client_bytes", "server_bytes"):
        return
    # Where the connection's own end is there, something before it is not.
    ended = story.ending.way in {Way.OPEN, Way.SILENCE} or bool(story.blind_to("end"))
    problem = "ends in the middle of" if ended else "misses packets of"
    yield RULE.finding(
        Evidence(story.timeline.last_frame, "last packet of the connection in the capture"),
        title=f"The capture {problem} the handshake ({client_name(story)} with {server_name(story)})",
        explanation="What the capture does not hold decides how this handshake ended.",
        remedy=(
            "Capture again, longer and with a larger size limit, and with a filter for the two hosts.",
        ),
        failing_side=FailingSide.NONE,
        remedy_side=RemedySide.CAPTURE,
        confidence=Confidence.SEEN,
        phase=phase_of(story),
    )
