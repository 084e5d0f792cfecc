"""Client and server share no application protocol (ALPN).

## What it looks like
The server answers the offer with no_application_protocol (120). In TLS 1.3 Go and Java may send
ServerHello first and the alert encrypted after it. Or the server completes the handshake without choosing a
protocol, and a client that speaks nothing without an agreement (gRPC and other HTTP/2 alone, PostgreSQL's
direct TLS) leaves at once.

## Why it happens
The client insists on HTTP/2 or a private protocol that the server does not speak, or speaks on
another port. A load balancer or proxy that ends TLS in front of the server does not know of the protocol.

## What it is not
A server that ignores ALPN goes on without an answer: most clients then speak HTTP/1.1, and nothing fails.

## What to do
Enable a common protocol.

## Blind spots
An encrypted alert right after ServerHello has other readings: then this is suspected only. So it is where the
client leaves without a word. In TLS 1.3 the choice is encrypted; what shows that there was none is that the
message has no room for it.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Phase, RemedySide
from analyzer.diagnosis.model import Finding, Rank, Rule
from analyzer.diagnosis.reaching import reach_by_name
from analyzer.diagnosis.terms import offered_protocols, one_of_offered
from analyzer.diagnosis.verdicts.negotiation import negotiation_causes, negotiation_verdicts
from analyzer.diagnosis.wording import client_name, server_name
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-NEG-009",
    name="alpn-mismatch",
    cause="alpn_mismatch",
    phase=Phase.CLIENT_HELLO,
    rank=Rank.ALERT,
    title="Client and server share no application protocol",
    references=("RFC 7301 §3.2",),
    topic=negotiation_causes,
)


def check(story: Story) -> Iterator[Finding]:
    """Yield the verdict on the negotiation if it is this cause."""
    for verdict in negotiation_verdicts(story, RULE.cause):
        yield verdict.finding(
            RULE,
            title=(
                f"{server_name(story)} speaks none of the application protocols that "
                f"{client_name(story)} offers: {offered_protocols(story)}"
            ),
            explanation=verdict.reason(
                "A server that supports ALPN and finds nothing in the client's list must refuse; one that "
                "does not support it goes on without a word."
            ),
            remedy=(
                (
                    f"Server: enable {one_of_offered(story)}, or see that the "
                    "client reaches the right service."
                ),
                "Client: offer a protocol that the server speaks.",
                (
                    f"See whether it speaks HTTP: openssl s_client -connect {reach_by_name(story)} "
                    "-alpn h2,http/1.1 </dev/null | grep ALPN"
                ),
            ),
            remedy_side=RemedySide.SERVER,
        )
