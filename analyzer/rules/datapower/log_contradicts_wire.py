"""The gateway's log and the capture cannot both be right about this connection.

## What it looks like
The log says that the peer sent an alert, and the capture shows another or none; or that the gateway
refused what went on in the capture; or it names another object than the one that listens there.

## Why it happens
The lines belong to another connection: the log is of another domain or time, the clocks differ, or
addresses are translated on the way. Or a device in between speaks for one of the two.

## What it is not
A diagnosis of the failure. Nothing is concluded from such lines.

## What to do
Get the debug log of the domain that runs the service, of the time of the capture. If it is the right
one, capture on both sides of what lies between the gateway and its peer.

## Blind spots
Under encryption the wire shows no alert to compare with.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Confidence, FailingSide, Phase, RemedySide
from analyzer.diagnosis.model import Evidence, Finding, Rank, Rule
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-DPX-031",
    name="log-contradicts-wire",
    cause="log_contradicts",
    phase=Phase.NONE,
    rank=Rank.NOTE,
    title="The gateway's log and the capture contradict each other",
    references=("RFC 5246 §7.2",),
)


def check(story: Story) -> Iterator[Finding]:
    """Fire where lines that belong here by addresses and time say what the packets deny."""
    log = story.log
    if log is None or not log.contradictions:
        return
    frame = story.ending.frame or story.timeline.last_frame
    yield RULE.finding(
        *(Evidence(frame, sentence) for sentence in log.contradictions),
        title=f"The gateway's log contradicts the capture: {log.contradictions[0]}",
        explanation=f"The lines are held to be of this connection by {log.found_by}. They are of "
        "another, or a device between the gateway and its peer speaks for one of them.",
        remedy=(
            "Get the debug log of the right domain and time, and check the clocks.",
            "If it is the right log: capture on both sides of the devices in between.",
        ),
        failing_side=FailingSide.NONE,
        remedy_side=RemedySide.CAPTURE,
        confidence=Confidence.INFERRED,
    )
