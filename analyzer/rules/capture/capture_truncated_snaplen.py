"""Packets were cut when they were captured, and what was cut decides.

## What it looks like
Packets whose captured length is smaller than their length on the wire, in the middle of a handshake.

## Why it happens
A capture with a small snap length: `tcpdump -s 96`, or MaxPacketSize on a DataPower.

## What it is not
Lost packets: of those nothing was captured.

## What to do
Capture again with the full length: `tcpdump -s 0`; on a DataPower leave MaxPacketSize at its default.

## Blind spots
Everything behind the cut.
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
    id="TLS-CAP-001",
    name="capture-truncated-snaplen",
    cause="capture_truncated_snaplen",
    phase=Phase.NONE,
    rank=Rank.CAPTURE,
    title="Packets were cut by the snap length",
    references=("RFC 8446 §2",),
    topic=hiding,
)


# With a very small snap length not even the first bytes of the payload were captured.


def check(story: Story) -> Iterator[Finding]:
    """Fire where the capture hides whether the handshake completed."""
    if story.completed or not story.blind_to("snap_length"):
        return
    if not story.is_tls and any(opening.foreign for opening in story.openings.values()):
        return
    yield RULE.finding(
        Evidence(story.timeline.first_frame, "packets of this connection were cut"),
        title=f"Packets were cut by the snap length ({client_name(story)} with {server_name(story)})",
        explanation="What the capture does not hold decides how this handshake ended.",
        remedy=(
            "Capture again with the whole packets (tcpdump -s 0; MaxPacketSize 9000 on a DataPower).",
        ),
        failing_side=FailingSide.NONE,
        remedy_side=RemedySide.CAPTURE,
        confidence=Confidence.SEEN,
        phase=phase_of(story),
    )
