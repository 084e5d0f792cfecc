"""The server does not know secure renegotiation (RFC 5746), and the client insists on it.

## What it looks like
The client offers renegotiation_info, the ServerHello of TLS 1.2 or lower lacks it, and the client
gives up with handshake_failure (40). OpenSSL 3 calls it "unsafe legacy renegotiation disabled".

## Why it happens
The server, or a box that terminates TLS before it, was not updated since 2010; newer clients
refuse by default.

## What it is not
A client that refuses the certificate uses other alerts.

## What to do
Update the server.

## Blind spots
Whether a client insists is its configuration.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Phase, RemedySide
from analyzer.diagnosis.model import Finding, Rank, Rule
from analyzer.diagnosis.reaching import reach_by_name
from analyzer.diagnosis.verdicts.negotiation import negotiation_causes, negotiation_verdicts
from analyzer.diagnosis.wording import client_name, server_name
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-NEG-013",
    name="legacy-renegotiation",
    cause="legacy_renegotiation",
    phase=Phase.SERVER_HELLO,
    rank=Rank.FACT,
    title="The server does not know secure renegotiation, and the client insists",
    references=("RFC 5746 §3.4", "RFC 9325 §3.5"),
    topic=negotiation_causes,
)


def check(story: Story) -> Iterator[Finding]:
    """Yield the verdict on the negotiation if it is this cause."""
    for verdict in negotiation_verdicts(story, RULE.cause):
        yield verdict.finding(
            RULE,
            title=(
                f"{server_name(story)} does not know secure renegotiation, and "
                f"{client_name(story)} refused to go on"
            ),
            explanation=verdict.reason(
                "Without RFC 5746 an attacker can prepend data to a connection; "
                "clients of today do not talk to such servers."
            ),
            remedy=(
                "Server: update its TLS library, or switch RFC 5746 on.",
                (
                    "See it: openssl s_client -legacy_server_connect -connect "
                    f"{reach_by_name(story)} </dev/null | grep -i renegotiation"
                ),
                (
                    "Client, as a stopgap: OpenSSL option UnsafeLegacyServerConnect; "
                    "DataPower as the client: Permit connections to insecure TLS servers "
                    "in the TLS client profile."
                ),
            ),
            remedy_side=RemedySide.SERVER,
        )
