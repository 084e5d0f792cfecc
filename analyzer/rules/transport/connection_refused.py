"""The server's host answers the SYN with RST: nothing listens there, or something refuses for it.

## What it looks like
SYN, and at once RST (with ACK) from the server's address. Not one byte of TLS is exchanged.

## Why it happens
No program listens on this address and port, or a firewall answers in its place. On a DataPower a
front side handler that is down behaves like this: one expired certificate in a validation credential
takes the profile and then the handler down at the next restart or change.

## What it is not
A SYN without any answer is TLS-TCP-002; an RST after the ClientHello is TLS-TCP-007.

## What to do
Start the listener, or correct address and port. If the RST's TTL differs from that of other packets of
this host, look for a firewall on the way.

## Blind spots
Whether the host itself or a device before it sent the RST is only told by TTL, if at all.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Confidence, FailingSide, Phase, RemedySide
from analyzer.diagnosis.model import Evidence, Finding, Rank, Rule
from analyzer.diagnosis.topics import unheard
from analyzer.diagnosis.wording import client_name, server_name
from analyzer.tcp.timeline import Side
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-TCP-001",
    name="connection-refused",
    cause="connection_refused",
    phase=Phase.TCP_CONNECT,
    rank=Rank.DECISIVE,
    title="The server refuses the TCP connection",
    references=("RFC 9293 §3.5.2",),
    topic=unheard,
)


def check(story: Story) -> Iterator[Finding]:
    """Fire where RST is all that the server had to say."""
    timeline = story.timeline
    rst = timeline.rsts.get(Side.SERVER)
    if timeline.end != "refused" or rst is None or timeline.syn is None:
        return
    yield RULE.finding(
        Evidence(timeline.syn.frame, f"client sent SYN ({len(timeline.syns)} in all)"),
        Evidence(rst.frame, "server answered with RST"),
        title=f"{server_name(story)} refused the connection of {client_name(story)}: nothing listens",
        explanation="The server's host answered the SYN with RST, so the handshake never began.",
        remedy=(
            (
                f"On the server: check that the service runs and listens on {server_name(story)} "
                "(ss -ltn); on a DataPower, that the handler and all objects below it are up."
            ),
            "On the client: check address and port.",
            "If the service is up: look for a firewall that answers with RST in its place.",
        ),
        failing_side=FailingSide.SERVER,
        remedy_side=RemedySide.SERVER,
        confidence=Confidence.SEEN,
    )
