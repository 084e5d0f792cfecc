"""The server does not serve the name in the client's SNI.

## What it looks like
The ClientHello names a host and the server answers with fatal unrecognized_name (112). Others say
40 or reset: then that this server accepts other names from others speaks for it. Java and GnuTLS say
illegal_parameter (47) of what is no host name at all: one with an underscore, as containers have, or with a
dot at its end.

## Why it happens
The name is misspelt, belongs to another address, or was not added to the server; a client that
reaches a server by an internal alias sends that alias.

## What it is not
A warning of the same number is no failure: servers may go on after it. A server that answers with
a certificate for another name is TLS-CERT-007.

## What to do
Use a name that the server has, or add this one to it.

## Blind spots
Which names a server has is not on the wire.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Phase, RemedySide
from analyzer.diagnosis.model import Finding, Rank, Rule
from analyzer.diagnosis.verdicts.negotiation import negotiation_causes, negotiation_verdicts
from analyzer.diagnosis.wording import client_name, server_name, wanted_name
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-NEG-004",
    name="sni-unrecognized",
    cause="sni_unrecognized",
    phase=Phase.CLIENT_HELLO,
    rank=Rank.ALERT,
    title="The server does not serve the name that the client asked for",
    references=("RFC 6066 §3",),
    topic=negotiation_causes,
)


def check(story: Story) -> Iterator[Finding]:
    """Yield the verdict on the negotiation if it is this cause."""
    for verdict in negotiation_verdicts(story, RULE.cause):
        yield verdict.finding(
            RULE,
            title=(
                f"{server_name(story)} does not serve the name {wanted_name(story)} that "
                f"{client_name(story)} asked for"
            ),
            explanation=verdict.reason(
                "A server that hosts several names may refuse those it does not know."
            ),
            remedy=(
                "Client: use a host name that the server is configured for.",
                f"Server: or add {wanted_name(story)}, with a certificate for it.",
                (
                    "DataPower: a name that the SNI server profile does not map is "
                    "refused even where a default exists; as the client, see Use SNI and "
                    "the custom SNI of the TLS client profile."
                ),
            ),
            remedy_side=RemedySide.CLIENT,
        )
