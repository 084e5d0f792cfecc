"""The server accepts the TCP connection and closes it at once, before the client has said a word.

## What it looks like
SYN, SYN-ACK, ACK, then FIN or RST from the server, with no payload in either direction.

## Why it happens
An access list on the server, a full connection table, a load balancer without a live member, a TCP
wrapper, or a service that fails as it starts to serve.

## What it is not
A server that closes after a long wait had a client that never said hello: TLS-TCP-005.

## What to do
Read the server's log for this moment: access control, connection limits, health of the pool behind.

## Blind spots
Why it closed is not on the wire. Of a server that answers other connections in clear, and with which nobody
speaks TLS, nothing is told.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Confidence, FailingSide, Phase, RemedySide
from analyzer.diagnosis.model import Alternative, Evidence, Finding, Rank, Rule
from analyzer.diagnosis.signs.expecting import speaks_plain_text
from analyzer.diagnosis.signs.passing import PATIENCE_NS
from analyzer.diagnosis.signs.standing import BOTH_WAYS, end_evidence
from analyzer.diagnosis.topics import unheard
from analyzer.diagnosis.wording import client_name, server_name
from analyzer.tcp.timeline import Side
from analyzer.tls.story import Milestone, Story

RULE = Rule(
    id="TLS-TCP-004",
    name="server-closed-on-accept",
    cause="server_closed_on_accept",
    phase=Phase.CLIENT_HELLO,
    rank=Rank.DECISIVE,
    title="The server closes on accept",
    references=("RFC 9293 §3.6",),
    requires=BOTH_WAYS,
    topic=unheard,
)


def check(story: Story) -> Iterator[Finding]:
    """Fire where the server leaves first and nobody had said anything."""
    timeline, ending = story.timeline, story.ending
    silent = not any(timeline.payload.values())
    if not silent or not story.reached(Milestone.CONNECTED) or timeline.closed_first is None:
        return
    if ending.side is not Side.SERVER or ending.waited_ns >= PATIENCE_NS:
        return
    if speaks_plain_text(story):
        return  # a probe of a plain service, say
    yield RULE.finding(
        Evidence(story.milestones[Milestone.CONNECTED].frame, "server accepted the connection"),
        end_evidence(story),
        title=f"{server_name(story)} accepts {client_name(story)} and closes at once, before any TLS",
        explanation="The server left before the client had sent its ClientHello.",
        remedy=(
            (
                "On the server: check access lists, connection limits and, on a load balancer, whether a "
                "member of the pool is up; its log at this time names the reason."
            ),
        ),
        failing_side=FailingSide.SERVER,
        remedy_side=RemedySide.SERVER,
        confidence=Confidence.INFERRED if ending.unseen else Confidence.SEEN,
        alternatives=(
            Alternative("connection_refused", "the log of the load balancer or firewall in front"),
        ),
    )
