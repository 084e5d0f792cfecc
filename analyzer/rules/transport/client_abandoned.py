"""The client leaves in the middle of the handshake, while it was the server's turn.

## What it looks like
ClientHello, then FIN or RST from the client before the server has answered, without an alert.

## Why it happens
A user or program cancelled, a very short timeout, a program that races several connections and drops the
slower ones (Happy Eyeballs), a scanner.

## What it is not
A client that leaves after it saw the server's certificate refuses it: that is told by the certificate rules.
A client that waited long is TLS-TCP-008.

## What to do
Look at the client: which timeout, which cancellation?

## Blind spots
The reason is not on the wire. A reset without acknowledgment answers a packet for a connection that is gone:
what ended it is missing from the capture then, and the client is only suspected.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from analyzer.diagnosis.causes import Confidence, FailingSide, Phase, RemedySide
from analyzer.diagnosis.evidence import offer_evidence
from analyzer.diagnosis.model import Alternative, Finding, Rank, Rule
from analyzer.diagnosis.signs.passing import passed
from analyzer.diagnosis.signs.resets import injected, only_answers
from analyzer.diagnosis.signs.standing import BOTH_WAYS, end_evidence, retried, waited_long
from analyzer.diagnosis.topics import closing
from analyzer.diagnosis.wording import client_name, server_name
from analyzer.tcp.timeline import Side
from analyzer.tls.story import Milestone, Opening, Story

RULE = Rule(
    id="TLS-TCP-009",
    name="client-abandoned",
    cause="client_abandoned",
    phase=Phase.CLIENT_HELLO,
    rank=Rank.CLOSED,
    title="The client gives up before the server answers",
    references=("RFC 8446 §6",),
    requires=BOTH_WAYS,
    topic=closing,
    fallback=True,
)


def check(story: Story) -> Iterator[Finding]:
    """Fire where the client leaves without a word before the server answered."""
    ending = story.ending
    if not story.offers or passed(story, Milestone.SERVER_HELLO):
        return
    if retried(story) or waited_long(story):
        return
    if not ending.closed_by(Side.CLIENT):
        return
    if injected(story) is not None:
        return  # it did not leave by itself: TLS-TCP-007
    if story.openings[Side.SERVER] not in {Opening.NOTHING, Opening.TLS} and not story.prelude:
        return
    if story.prelude is not None and story.prelude.answer is not None:
        return
    doubt = (Alternative("rst_after_client_hello", _AT_CLIENT),) if only_answers(story) else ()
    yield RULE.finding(
        *offer_evidence(story, "client sent ClientHello"),
        end_evidence(story),
        title=f"{client_name(story)} gives up before {server_name(story)} has answered its hello",
        explanation="The client closed the connection itself while it was the server's turn.",
        remedy=(
            (
                "On the client: look for a short timeout, a cancelled request, or a program that tries "
                "several addresses at once and keeps the fastest."
            ),
        ),
        failing_side=FailingSide.CLIENT,
        remedy_side=RemedySide.CLIENT,
        confidence=Confidence.SUSPECTED if doubt else Confidence.INFERRED,
        alternatives=(
            *doubt,
            Alternative(
                "handshake_timeout", "the client's own timeout, against the server's speed"
            ),
        ),
    )


_AT_CLIENT: Final = "a capture at the client: whether it closed before, or something reset it"
