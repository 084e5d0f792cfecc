"""Small packets pass, full-size packets do not: the path swallows what is too large for it.

## What it looks like
A flight with a full-size segment (the server's certificates, or a large ClientHello) is sent again and
again and never acknowledged, or is missing at the capture point, while small packets come and go. At the server, of a
ClientHello in two segments only the second, small one arrives.

## Why it happens
A tunnel or VPN with a smaller MTU on the path, and a firewall that drops the ICMP errors which would say
so (RFC 2923). Large post-quantum ClientHellos hit it, too.

## What it is not
Loss of small packets is TLS-TCP-012.

## What to do
Lower the MTU or clamp the MSS (for a tunnel, 1300 is a good test), and let ICMP type 3 code 4 (ICMPv6
"packet too big") pass.

## Blind spots
Loss that by chance hits one full-size segment several times looks alike.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Confidence, FailingSide, Phase, RemedySide
from analyzer.diagnosis.model import Alternative, Evidence, Finding, Rank, Rule
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
    id="TLS-TCP-011",
    name="mtu-black-hole",
    cause="mtu_black_hole",
    phase=Phase.SERVER_HELLO,
    rank=Rank.FACT,
    title="Full-size packets do not get through",
    references=(
        "RFC 2923 §2.1",
        "RFC 1191",
        "RFC 8201",
    ),
    topic=stalling,
)


def check(story: Story) -> Iterator[Finding]:
    """Fire where a side's full-size segments never arrive."""
    side = starved(story)
    if side is None or story.completed or not (story.is_tls or _beheaded(story, side)):
        return
    stuck = stuck_bytes(story, side)
    if stuck < FULL_SEGMENT:
        return
    again = story.timeline.retransmissions[side]
    last = [m for m in story.messages if m.sender is side][-1:]
    evidence = [Evidence(m.frame, f"{side.value} sent {m.name}") for m in last]
    yield RULE.finding(
        *evidence,
        end_evidence(story),
        title=f"Large packets {stuck_between(story, side)}",
        explanation=f"{stuck} bytes of the {side.value} were never acknowledged, with "
        f"{counted(again, 'retransmission')} seen, while small packets passed.",
        remedy=(
            (
                "On the path: find the link with the smaller MTU (ping with the don't-fragment bit and "
                "growing sizes), clamp the MSS there, and let ICMP 'fragmentation needed' pass."
            ),
            "To confirm: lower the MTU of one host to 1300 and try again.",
        ),
        failing_side=FailingSide.NETWORK,
        remedy_side=RemedySide.NETWORK,
        confidence=Confidence.SUSPECTED,
        phase=phase_of_loss(story, side),
        alternatives=(
            Alternative("packet_loss_fatal", "whether small packets are lost at the same rate"),
        ),
    )


def _beheaded(story: Story, side: Side) -> bool:
    """Whether the first words of a client never arrived, and what came behind them got no answer."""
    timeline = story.timeline
    first = any(gap.offset == 0 for gap in timeline.gaps[Side.CLIENT])
    return side is Side.CLIENT and first and not timeline.payload[Side.SERVER]
