"""One side insists on the extended master secret (RFC 7627) and the other does not know it.

## What it looks like
handshake_failure (40) by the client after a ServerHello without extended_master_secret; or by the
server after a ClientHello without it that is otherwise of today, where all others that got TLS 1.2
of this server know it.

## Why it happens
Stacks in FIPS mode refuse TLS 1.2 without it since 2023.

## What it is not
Missing secure renegotiation explains the same alert first: TLS-NEG-013.

## What to do
Update the side that lacks it, or use TLS 1.3.

## Blind spots
That a side insists is never stated: this is suspected only. Where the capture shows no others of the
server, it is named among the alternatives: clients without it (Go before 1.21) are more frequent than
servers that insist.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Phase, RemedySide
from analyzer.diagnosis.model import Finding, Rank, Rule
from analyzer.diagnosis.reaching import reach_by_name
from analyzer.diagnosis.terms import refuser
from analyzer.diagnosis.verdicts.negotiation import negotiation_causes, negotiation_verdicts
from analyzer.diagnosis.wording import client_name, server_name
from analyzer.tcp.timeline import Side
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-NEG-014",
    name="ems-required",
    cause="ems_required",
    phase=Phase.SERVER_HELLO,
    rank=Rank.OFFER,
    title="One side insists on the extended master secret and the other lacks it",
    references=("RFC 7627 §5",),
    topic=negotiation_causes,
)


def check(story: Story) -> Iterator[Finding]:
    """Yield the verdict on the negotiation if it is this cause."""
    for verdict in negotiation_verdicts(story, RULE.cause):
        client = story.ending.side is Side.CLIENT
        other = server_name(story) if client else client_name(story)
        yield verdict.finding(
            RULE,
            title=(
                f"{refuser(story)} seems to insist on the extended master secret, which "
                f"{other} does not know"
            ),
            explanation=verdict.reason(
                "In FIPS mode TLS 1.2 is refused without the extended master secret."
            ),
            remedy=(
                "Update the side that lacks the extension, or enable TLS 1.3 on both.",
                (
                    f"See it: openssl s_client -connect {reach_by_name(story)} -tls1_2 "
                    "</dev/null | grep 'Extended master secret'"
                ),
            ),
            remedy_side=RemedySide.SERVER,
        )
