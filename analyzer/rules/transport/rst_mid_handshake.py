"""RST or FIN in the middle of a handshake, and no reason to be found in TLS.

## What it looks like
The handshake is under way (ServerHello was seen), then a side resets or closes the connection without an
alert, at a step where no certificate, key or choice explains it.

## Why it happens
A process that crashes, a load balancer or firewall that cuts, a program that closes the socket on an error of
its own.

## What it is not
A client that leaves right after the server's certificate refuses it; a server that leaves after the client's
certificate refuses that. Both are told by rules of their own, which come first.

## What to do
Look into the log of the side that closed. A device in between resets in the name of a side, which then goes on,
or whose other packets have another TTL.

## Blind spots
The reason is not on the wire.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Confidence, FailingSide, Phase, RemedySide
from analyzer.diagnosis.model import Alternative, Evidence, Finding, Rank, Rule
from analyzer.diagnosis.refusals.refusal import SCANNER
from analyzer.diagnosis.signs.certificate_messages import certificate_sent
from analyzer.diagnosis.signs.passing import flight_arrived, passed
from analyzer.diagnosis.signs.resets import injected
from analyzer.diagnosis.signs.standing import (
    BOTH_WAYS,
    client_done,
    end_evidence,
    phase_of,
    retried,
    waited_long,
)
from analyzer.diagnosis.topics import closing
from analyzer.diagnosis.wording import client_name, party, server_name
from analyzer.tcp.timeline import Side
from analyzer.tls.story import Milestone, Story, Way

RULE = Rule(
    id="TLS-TCP-010",
    name="rst-mid-handshake",
    cause="rst_mid_handshake",
    phase=Phase.SERVER_HELLO,
    rank=Rank.CLOSED,
    title="A side resets the connection in mid-handshake",
    references=(
        "RFC 8446 §6",
        "RFC 9293 §3.5.2",
    ),
    requires=BOTH_WAYS,
    topic=closing,
    fallback=True,
)


def check(story: Story) -> Iterator[Finding]:
    """Fire where a side leaves without a word behind ServerHello."""
    ending, side = story.ending, story.ending.side
    if client_done(story) or waited_long(story):
        return
    if not passed(story, Milestone.SERVER_HELLO) and not retried(story):
        return
    if not ending.closed or side is None:
        return
    last = [m for m in story.messages if ending.heard(m.sender, m.frame)][-1:]
    evidence = [Evidence(m.frame, f"{m.sender.value} sent {m.name}, the last before") for m in last]
    verb = "resets" if ending.way is Way.RST else "closes"
    device = injected(story)
    yield RULE.finding(
        *evidence,
        end_evidence(story),
        *([device] if device else []),
        title=f"The connection of {client_name(story)} with {server_name(story)} is reset in "
        "mid-handshake, apparently by a device in between"
        if device
        else f"{party(story, side)} {verb} the connection in mid-handshake with "
        f"{party(story, side.peer)}",
        explanation="No alert was sent, and nothing in the messages explains the end.",
        remedy=("Look for a firewall or intrusion prevention on the path; its log names the rule.",)
        if device
        else (
            (
                f"On the {side.value}: read its log at this time for a crash, a limit or an error that "
                "closes connections."
            ),
            "On the path: compare the TTL of the last packet with earlier ones of the same address.",
        ),
        failing_side=FailingSide.NETWORK if device else FailingSide.of(side),
        remedy_side=RemedySide.NETWORK if device else RemedySide.of(side),
        confidence=Confidence.SUSPECTED,
        phase=phase_of(story),
        alternatives=_alternatives(story, side),
    )


def _alternatives(story: Story, side: Side) -> tuple[Alternative, ...]:
    """What the side that left had before it to judge: each judges the other's words."""
    if side is Side.CLIENT:
        shown = certificate_sent(story) or (story.tls13 and flight_arrived(story))
        cause = "server_certificate_rejected" if shown else "negotiation_failed"
        return Alternative(cause, "the client's log"), SCANNER
    asked = passed(story, Milestone.CERTIFICATE_REQUEST)
    perhaps = asked or (story.tls13 and flight_arrived(story))
    causes = (*(["client_certificate_rejected"] if perhaps else []), "server_internal")
    return tuple(Alternative(cause, "the server's log") for cause in causes)
