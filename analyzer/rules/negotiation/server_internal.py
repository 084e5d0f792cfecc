"""The server could not go on for a reason of its own.

## What it looks like
The server answers the offer with internal_error (80).

## Why it happens
It has no certificate for the name (Go), cannot reach its key (a hardware module, a key service),
ran out of memory, or its callback failed.

## What it is not
internal_error says that the fault is not in the offer; it may still depend on it.

## What to do
The server's log says more.

## Blind spots
The reason is not on the wire.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Phase, RemedySide
from analyzer.diagnosis.model import Finding, Rank, Rule
from analyzer.diagnosis.verdicts.negotiation import negotiation_causes, negotiation_verdicts
from analyzer.diagnosis.wording import client_name, server_name, when
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-NEG-011",
    name="server-internal",
    cause="server_internal",
    phase=Phase.CLIENT_HELLO,
    rank=Rank.ALERT,
    title="The server failed for a reason of its own",
    references=("RFC 8446 §6.2",),
    topic=negotiation_causes,
)


def check(story: Story) -> Iterator[Finding]:
    """Yield the verdict on the negotiation if it is this cause."""
    for verdict in negotiation_verdicts(story, RULE.cause):
        yield verdict.finding(
            RULE,
            title=(
                f"{server_name(story)} failed for a reason of its own while it answered "
                f"{client_name(story)}"
            ),
            explanation=verdict.reason(
                "internal_error is for faults that have nothing to do with the peer "
                "or the correctness of the protocol."
            ),
            remedy=(
                f"Server: look into its log at {when(story.ending.time)}.",
                f"Check that certificate and key are loaded{_for_the_name(story)}.",
            ),
            remedy_side=RemedySide.SERVER,
        )


def _for_the_name(story: Story) -> str:
    named = story.offer is not None and story.offer.server_name is not None
    return " for the name that the client asked for" if named else ""
