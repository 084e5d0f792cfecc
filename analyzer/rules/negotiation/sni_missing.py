"""The client sent no server name (SNI), and the server serves nobody without one.

## What it looks like
The ClientHello has no server_name, and the server refuses it with unrecognized_name (112),
handshake_failure (40), missing_extension (109), or a reset, although others with a name get
through, or although nothing else in the offer is unusual.

## Why it happens
The client connects by address, is old, or has SNI switched off; content networks and ingress
controllers have no default certificate.

## What it is not
A name that the server does not know is TLS-NEG-004.

## What to do
Let the client send the host name.

## Blind spots
Without a neighbour that got through with a name this is a suspicion only: many servers refuse for
other reasons and nearly all accept clients without SNI.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Phase, RemedySide
from analyzer.diagnosis.model import Finding, Rank, Rule
from analyzer.diagnosis.reaching import reach
from analyzer.diagnosis.verdicts.negotiation import negotiation_causes, negotiation_verdicts
from analyzer.diagnosis.wording import client_name, server_name
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-NEG-005",
    name="sni-missing",
    cause="sni_missing",
    phase=Phase.CLIENT_HELLO,
    rank=Rank.OFFER,
    title="The client names no host, and the server wants one",
    references=("RFC 6066 §3", "RFC 8446 §9.2"),
    topic=negotiation_causes,
)


def check(story: Story) -> Iterator[Finding]:
    """Yield the verdict on the negotiation if it is this cause."""
    for verdict in negotiation_verdicts(story, RULE.cause):
        yield verdict.finding(
            RULE,
            title=(
                f"{client_name(story)} names no host (SNI) in its offer, and "
                f"{server_name(story)} refused it"
            ),
            explanation=verdict.reason(
                "A server that hosts several names needs SNI to choose a certificate."
            ),
            remedy=(
                "Client: connect by host name and switch SNI on.",
                (
                    "Try it, and the same with -noservername: openssl s_client -connect "
                    f"{reach(story)} -servername NAME </dev/null"
                ),
                (
                    "DataPower as the client: switch Use SNI on in the TLS client "
                    "profile, and use a host name rather than an address in the backend "
                    "URL."
                ),
                "Server: or configure a default certificate.",
            ),
            remedy_side=RemedySide.CLIENT,
        )
