"""The client connects and never sends a ClientHello.

## What it looks like
A TCP connection on which the client sends no byte of payload. The client closes it, or the server does after
waiting for a hello; the server may send an alert as it goes. So it is where TLS was asked for and agreed on
(STARTTLS, RDP), and no hello follows.

## Why it happens
Health checks of load balancers, port scans and monitors do just this, and mean no harm. A scanner may even
reset what it is granted without an acknowledgment (a half-open scan); so does a program that tries several
addresses at once and needs one. A client that waits for the server to speak first (plain SMTP, FTP) does it
too, as does a program that hangs before its handshake.

## What it is not
A server that closes at once is TLS-TCP-004.

## What to do
Find out whether the client is a probe. If so, there is nothing to mend: leave it out of your counts.

## Blind spots
Without payload nothing says what the client wanted, nor that TLS was meant. A hello that got lost on the way, or
that a device swallowed, is not seen at the server: where nobody closes, or a device resets, it is only suspected.
Of a server that answers other connections in clear, and with which nobody speaks TLS, nothing is told.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from analyzer.diagnosis.causes import Confidence, FailingSide, Phase, RemedySide
from analyzer.diagnosis.model import Alternative, Evidence, Finding, Rank, Rule
from analyzer.diagnosis.signs.expecting import speaks_plain_text
from analyzer.diagnosis.signs.passing import PATIENCE_NS
from analyzer.diagnosis.signs.resets import injected, only_answers
from analyzer.diagnosis.signs.standing import BOTH_WAYS, end_evidence
from analyzer.diagnosis.topics import unheard
from analyzer.diagnosis.wording import client_name, server_name
from analyzer.tcp.closing import VAIN_LEAST
from analyzer.tcp.timeline import Side
from analyzer.tls.story import Milestone, Story, Way

RULE = Rule(
    id="TLS-TCP-005",
    name="client-never-hello",
    cause="client_never_hello",
    phase=Phase.CLIENT_HELLO,
    rank=Rank.CLOSED,
    title="The client never says hello",
    references=("RFC 8446 §2",),
    requires=BOTH_WAYS,
    topic=unheard,
)


def check(story: Story) -> Iterator[Finding]:
    """Fire where nobody said anything and the client left, or the server tired of waiting."""
    timeline, ending, asked = story.timeline, story.ending, _asked_in_vain(story)
    if (timeline.payload[Side.CLIENT] and not asked) or not story.reached(Milestone.CONNECTED):
        return
    if any(message.name != "alert" for message in story.messages):
        return
    if _greeted(story) and not asked:
        return
    if story.blind_to("client_side", "server_side") or ending.way is Way.OPEN:
        return
    if speaks_plain_text(story):
        return  # a probe of a plain service, say
    if not timeline.accepted and ending.way is Way.SILENCE:
        return  # the answer to the SYN never arrived: TLS-TCP-002
    if ending.side is Side.SERVER and ending.waited_ns < PATIENCE_NS:
        return
    half_open = _is_half_open(story)
    device = None if half_open else injected(story)
    doubts = () if half_open else _doubts(story)
    yield RULE.finding(
        Evidence(
            story.milestones[Milestone.CONNECTED].frame,
            "the server granted the connection" if half_open else "the TCP connection was made",
        ),
        end_evidence(story),
        *([device] if device else []),
        title=f"{client_name(story)} connects to {server_name(story)}, and no hello arrives before the "
        "connection is reset, apparently by a device in between"
        if device
        else f"{client_name(story)} {_did(story)} {server_name(story)} and never says hello",
        explanation=_AGREED
        if asked
        else "The client sent no payload at all: it did not begin a handshake."
        + (_HALF_OPEN if half_open else ""),
        remedy=(
            (
                "On the client: if this is a health check or a scan, nothing is wrong; else find out why "
                "the program opens connections without starting TLS."
            ),
        ),
        failing_side=FailingSide.NETWORK if device else FailingSide.CLIENT,
        remedy_side=RemedySide.NETWORK if device else RemedySide.CLIENT,
        confidence=Confidence.SUSPECTED if doubts else Confidence.INFERRED,
        alternatives=(
            *(Alternative(cause, _AT_CLIENT) for cause in doubts),
            Alternative(
                "fine", "whether the client is a load balancer's health check or a scanner"
            ),
            *([] if asked else [_WAITING]),
        ),
    )


def _asked_in_vain(story: Story) -> bool:
    """Whether TLS was agreed on before, and the client said nothing any more."""
    return story.prelude is not None and story.prelude.unused


def _did(story: Story) -> str:
    if story.prelude is None or not story.prelude.unused:
        return "connects to"
    return f"agrees on TLS ({story.prelude.protocol}) with"


_AGREED: Final = (
    "The client asked for TLS and was granted it, and did not begin the handshake: it may only have checked, "
    "or it wanted more than was granted (RDP: NLA)."
)
_WAITING: Final = Alternative(
    "plaintext_other_to_tls", "whether the client waits for a greeting before STARTTLS"
)
_HALF_OPEN: Final = (
    " It did not even take the connection up, but answered the SYN-ACK by RST: so do port scanners, and "
    "programs that had given the connection up before it was granted, for another that was faster."
)
_AT_CLIENT: Final = "a capture at the client: whether it sent a hello that never arrived"


def _is_half_open(story: Story) -> bool:
    """Whether the client's host answers the SYN-ACK by RST, knowing of no connection.

    A scanner writes its SYN itself, with a TTL of its own liking: that the RST has another proves nothing.
    """
    reset_by_client = story.ending.side is Side.CLIENT and only_answers(story)
    return reset_by_client and not story.timeline.accepted


def _doubts(story: Story) -> tuple[str, ...]:
    """What else keeps a hello away: a device that swallows it and resets both, or a path that broke.

    A client that is alive closes sometime, and acknowledges a close.
    """
    if injected(story) is not None:
        return ("rst_after_client_hello",)
    gone = story.timeline.vain_closes[Side.SERVER] >= VAIN_LEAST
    return ("packet_loss_fatal",) if gone or story.ending.way is Way.SILENCE else ()


def _greeted(story: Story) -> bool:
    """Whether the server said something that is no alert: another protocol, perhaps a greeting."""
    sent = story.timeline.payload[Side.SERVER]
    return bool(sent) and not story.alerts
