"""Nobody answers the SYN.

## What it looks like
One or more SYNs of the client, sent again after about 1, 3 and 7 seconds, and nothing from the server.

## Why it happens
A firewall drops the packets, the route leads nowhere, the host is down or has another address. A server that
is overloaded, with a full queue of new connections, leaves SYNs without an answer, too. Less
often the answer takes a way that the capture does not see.

## What it is not
RST in answer is TLS-TCP-001; an ICMP error in answer is TLS-TCP-003.

## What to do
Follow the path: can the client's network reach the server's port at all? A capture on the server's side
shows whether the SYNs arrive.

## Blind spots
If only the client's direction is captured, an answer would not be seen either.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from analyzer.diagnosis.causes import Confidence, FailingSide, Phase, RemedySide
from analyzer.diagnosis.model import Alternative, Evidence, Finding, Rank, Rule
from analyzer.diagnosis.topics import unheard
from analyzer.diagnosis.wording import client_name, counted, milliseconds, server_name
from analyzer.tcp.timeline import Side
from analyzer.tls.story import Story

_AGAIN = 2  # SYN-ACKs that a capture may happen to hold twice (a bond and its members)
_ANSWER_DUE_NS = 1_000_000_000  # RFC 6298 section 2: the first retransmission timeout

RULE = Rule(
    id="TLS-TCP-002",
    name="syn-timeout",
    cause="syn_timeout",
    phase=Phase.TCP_CONNECT,
    rank=Rank.DECISIVE,
    title="The SYN is not answered",
    references=(
        "RFC 9293 §3.5",
        "RFC 6298 §2",
    ),
    topic=unheard,
)


def check(story: Story) -> Iterator[Finding]:
    """Fire on SYNs without an answer, once an answer was due."""
    timeline = story.timeline
    syns = timeline.syns
    if timeline.icmp or not syns:
        return
    if timeline.end == "timeout" and timeline.syn_ack is not None and not timeline.accepted:
        if len(syns) > 1 or timeline.syn_acks > _AGAIN:
            yield from _answer_lost(story)
        return
    # Where the client goes on after its SYN it got an answer, which the capture does not hold.
    went_on = timeline.packets[Side.CLIENT] > len(syns)
    if timeline.end != "unanswered" or went_on:
        return
    tried = syns[-1].time - syns[0].time
    # A SYN that the network or the capture doubles takes no time.
    again = tried >= _ANSWER_DUE_NS // 2
    if tried + timeline.silence_ns < _ANSWER_DUE_NS and not again:
        return
    seen = story.neighbours.pair
    answered = bool(seen.established or seen.failed or seen.plaintext)
    yield RULE.finding(
        Evidence(syns[0].frame, "client sent SYN"),
        Evidence(
            syns[-1].frame, f"last of {counted(len(syns), 'SYN')}, {milliseconds(tried)} later"
        ),
        title=f"{server_name(story)} does not answer {client_name(story)}: SYN after SYN is lost",
        explanation="No packet came back, neither acceptance nor refusal, so the handshake never began."
        + (_ANSWERED if answered else ""),
        remedy=(
            *([_OVERLOADED] if answered else []),
            "On the path: check routing and the firewall rules for this port, in both directions.",
            (
                f"On the server: check that the host is up and has the address {story.server.ip}; capture "
                "there to see whether the SYNs arrive."
            ),
        ),
        failing_side=FailingSide.NETWORK,
        remedy_side=RemedySide.NETWORK,
        confidence=Confidence.INFERRED if again else Confidence.SUSPECTED,
        alternatives=(
            Alternative("capture_one_sided", "a capture that is sure to see the server's packets"),
        ),
    )


_ANSWERED: Final = (
    " Other connections of this client with the same server were made: if it was at the same time, the way is "
    "open, and the server is overloaded, or something limits the number of connections."
)
_OVERLOADED: Final = (
    "On the server: see whether its queue of new connections runs over (Linux: nstat -az TcpExtListenOverflows; "
    "ss -ltn) because the program does not accept them fast enough."
)


def _answer_lost(story: Story) -> Iterator[Finding]:
    """The server accepted, and the client never heard of it."""
    timeline = story.timeline
    assert timeline.syn_ack is not None
    yield RULE.finding(
        Evidence(timeline.syns[0].frame, "client sent SYN"),
        Evidence(
            timeline.syn_ack.frame, "server sent SYN-ACK, which the client never acknowledged"
        ),
        title=f"The answer of {server_name(story)} to the SYN of {client_name(story)} is lost"
        if len(timeline.syns) > 1
        else f"{client_name(story)} never confirms the answer of {server_name(story)} to its SYN",
        explanation="The server accepted, but its packets do not reach the client."
        if len(timeline.syns) > 1
        else "The server accepted and said so again and again: its packets do not reach the client, the "
        "client's do not reach it any more, or the SYN bears a forged address.",
        remedy=(
            "On the path: check the way back from server to client (routing, firewall state).",
        ),
        failing_side=FailingSide.NETWORK,
        remedy_side=RemedySide.NETWORK,
        confidence=Confidence.SUSPECTED,
        alternatives=(
            Alternative("capture_one_sided", "a capture that is sure to see the client's packets"),
        ),
    )
