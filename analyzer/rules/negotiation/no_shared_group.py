"""Client and server share no group (elliptic curve or finite field) for the key exchange.

## What it looks like
The server answers the offer, or the second offer after its HelloRetryRequest, with
handshake_failure (40; Java: 10), and the client's list of groups is short or lacks both x25519
and P-256; or the server chose none of them for anybody else. The client may also refuse a group
that it did not offer.

## Why it happens
One side was limited to a few curves by policy.

## What it is not
Up to TLS 1.2 servers call the same thing "no shared cipher".

## What to do
Enable P-256 (secp256r1) and x25519 on both sides.

## Blind spots
The server's list is not on the wire.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Phase, RemedySide
from analyzer.diagnosis.model import Finding, Rank, Rule
from analyzer.diagnosis.reaching import reach_by_name
from analyzer.diagnosis.terms import offered_groups
from analyzer.diagnosis.verdicts.negotiation import negotiation_causes, negotiation_verdicts
from analyzer.diagnosis.wording import client_name, server_name
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-NEG-006",
    name="no-shared-group",
    cause="no_shared_group",
    phase=Phase.CLIENT_HELLO,
    rank=Rank.OFFER,
    title="Client and server share no group for the key exchange",
    references=("RFC 8446 §4.2.7", "RFC 8422 §5.1.1"),
    topic=negotiation_causes,
)


def check(story: Story) -> Iterator[Finding]:
    """Yield the verdict on the negotiation if it is this cause."""
    for verdict in negotiation_verdicts(story, RULE.cause):
        yield verdict.finding(
            RULE,
            title=verdict.narrowed(
                f"{client_name(story)} and {server_name(story)} share no group for the key exchange"
            ),
            explanation=verdict.reason_beyond(
                "TLS 1.3, and ECDHE before it, need a group that both sides have enabled."
            ),
            remedy=(
                (f"Server: enable a group that the client offers: {offered_groups(story)}."),
                "Client: offer x25519, secp256r1 and secp384r1.",
                (
                    f"See which it takes: openssl s_client -connect {reach_by_name(story)} "
                    "-groups X25519:P-256:P-384:P-521 </dev/null | grep 'Temp Key'"
                ),
                "DataPower: Elliptic curves of the TLS profile.",
            ),
            remedy_side=RemedySide.SERVER,
        )
