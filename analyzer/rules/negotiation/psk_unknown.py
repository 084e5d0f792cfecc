"""The server does not know the identity of the client's pre-shared key.

## What it looks like
The server answers the offer, or up to TLS 1.2 the ClientKeyExchange, with unknown_psk_identity
(115).

## Why it happens
The identity is misspelt or was not provisioned on the server.

## What it is not
A known identity with another key is TLS-CRY-002. Servers may hide the difference on purpose.

## What to do
Provision the same identity and key on both sides.

## Blind spots
The server's identities are not on the wire.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Phase, RemedySide
from analyzer.diagnosis.model import Finding, Rank, Rule
from analyzer.diagnosis.verdicts.negotiation import negotiation_causes, negotiation_verdicts
from analyzer.diagnosis.wording import client_name, server_name
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-NEG-012",
    name="psk-unknown",
    cause="psk_unknown",
    phase=Phase.CLIENT_HELLO,
    rank=Rank.ALERT,
    title="The server does not know the client's pre-shared key",
    references=("RFC 4279 §2", "RFC 8446 §4.2.11"),
    topic=negotiation_causes,
)


def check(story: Story) -> Iterator[Finding]:
    """Yield the verdict on the negotiation if it is this cause."""
    for verdict in negotiation_verdicts(story, RULE.cause):
        yield verdict.finding(
            RULE,
            title=(
                f"{server_name(story)} does not know the pre-shared key identity of "
                f"{client_name(story)}"
            ),
            explanation=verdict.reason("Identity and key must be provisioned on both sides."),
            remedy=(
                "Client: check the identity that it sends.",
                "Server: add the identity and its key.",
            ),
            remedy_side=RemedySide.CLIENT,
        )
