"""Packets of the handshake were sent again; it completed all the same.

## What it looks like
Retransmissions while the handshake ran, and its completion.

## Why it happens
Any path loses packets now and then. Many such connections point to a bad link. A packet that is acknowledged
late is sent again, too, without having been lost.

## What it is not
Loss that ends the handshake is TLS-TCP-011 or TLS-TCP-012.

## What to do
Nothing, unless handshakes are slow.

## Blind spots
A capture that sees a packet twice (a bond and its members) looks alike.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Confidence, FailingSide, Phase, RemedySide
from analyzer.diagnosis.model import Evidence, Finding, Rank, Rule
from analyzer.diagnosis.topics import finishing
from analyzer.diagnosis.wording import client_name, counted, server_name
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-TCP-013",
    name="packet-loss-recovered",
    cause="packet_loss_recovered",
    phase=Phase.NONE,
    rank=Rank.NOTE,
    title="Lost packets were sent again in time",
    references=("RFC 6298 §5",),
    topic=finishing,
)


def check(story: Story) -> Iterator[Finding]:
    """Note retransmissions in a handshake that completed."""
    again = sum(story.timeline.retransmissions.values())
    if not story.completed or not again:
        return
    yield RULE.finding(
        Evidence(story.timeline.first_frame, f"{counted(again, 'segment')} sent again"),
        title=f"Packets between {client_name(story)} and {server_name(story)} were sent again: lost, or "
        "acknowledged late",
        explanation="The handshake completed all the same, perhaps somewhat later than it could.",
        remedy=("On the path: nothing to do for a single connection; watch for slow handshakes.",),
        failing_side=FailingSide.NONE,
        remedy_side=RemedySide.NETWORK,
        confidence=Confidence.INFERRED,
        phase=Phase.NONE,
    )
