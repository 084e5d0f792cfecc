"""Data of one side stops getting through, and the handshake dies of it.

## What it looks like
A segment is sent again and again and never acknowledged, until a side gives up; or the close of a side that
had waited is: the host of a program that hangs would acknowledge it.

## Why it happens
A path that breaks, a firewall that loses its state, a wireless or overloaded link, a host that vanished; or a
server whose queue of connections to accept is full: it then ignores what a client sends behind its SYN, and sends
its SYN-ACK again.

## What it is not
If only full-size segments are lost it is TLS-TCP-011.

## What to do
Capture on both ends at the same time and find the two hops between which the packets vanish.

## Blind spots
From one capture point one cannot say on which side of it they are lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from analyzer.diagnosis.causes import Confidence, FailingSide, Phase, RemedySide
from analyzer.diagnosis.model import Alternative, Finding, Rank, Rule
from analyzer.diagnosis.signs.standing import (
    FULL_SEGMENT,
    end_evidence,
    phase_of_loss,
    starved,
    stuck_between,
    stuck_bytes,
)
from analyzer.diagnosis.topics import stalling
from analyzer.diagnosis.wording import counted
from analyzer.tcp.timeline import Side
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-TCP-012",
    name="packet-loss-fatal",
    cause="packet_loss_fatal",
    phase=Phase.SERVER_HELLO,
    rank=Rank.FACT,
    title="Packets are lost until the handshake dies",
    references=("RFC 6298 §5",),
    topic=stalling,
)


def check(story: Story) -> Iterator[Finding]:
    """Fire where a side's small segments never arrive."""
    side = starved(story)
    if side is None or story.completed or not story.is_tls:
        return
    stuck = stuck_bytes(story, side)
    if stuck >= FULL_SEGMENT:
        return
    again = story.timeline.retransmissions[side]
    yield RULE.finding(
        end_evidence(story),
        title=f"Packets {stuck_between(story, side)}, however often they are sent",
        explanation=f"{stuck} bytes of the {side.value} were never acknowledged, with "
        f"{counted(again, 'retransmission')} seen."
        if stuck
        else f"The {side.value} closed {story.timeline.vain_closes[side]} times and was not heard: a host "
        "acknowledges a close whatever its programs do.",
        remedy=(
            "On the path: capture on both ends at the same time to find where packets vanish.",
            *(_CROWDED if _never_heard(story, side) else ()),
        ),
        failing_side=FailingSide.NETWORK,
        remedy_side=RemedySide.NETWORK,
        confidence=Confidence.SUSPECTED,
        phase=phase_of_loss(story, side),
        alternatives=(
            Alternative("mtu_black_hole", "whether packets of all sizes are lost"),
            Alternative("handshake_timeout", f"a capture at the peer of the {side.value}"),
        ),
    )


_CROWDED: Final = (
    (
        "On the server: look whether connections wait to be accepted (ss -ltn: Recv-Q at its limit; nstat: "
        "TcpExtListenOverflows): a full queue looks the same, and the SYN-ACK is sent again."
    ),
)


def _never_heard(story: Story, side: Side) -> bool:
    """Whether a server answers the SYN again and again, and ignores what the client sends behind it."""
    return side is Side.CLIENT and story.timeline.syn_acks > 1 and bool(story.timeline.accepted)
