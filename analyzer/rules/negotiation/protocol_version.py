"""Client and server share no version of TLS.

## What it looks like
The server refuses the ClientHello, or the client the ServerHello, with protocol_version (70).
Some servers (GnuTLS, old Java) say handshake_failure (40); then an offer that ends at TLS 1.1, or
that holds TLS 1.3 only, speaks for this. A hello in the framing of SSL 2.0 many do not read at all: Go says
protocol_version, wolfSSL and Mbed TLS close without a word.

## Why it happens
Servers switched TLS 1.0 and 1.1 off, clients do the same. What is left is an old program on one
side. Java clients that still enable SSLv2Hello frame every offer as SSL 2.0 did, TLS 1.2 too.

## What it is not
A retry with a lower version that the server recognises as such is TLS-NEG-003.

## What to do
Enable TLS 1.2 or later on the side that lacks it.

## Blind spots
How low a client without supported_versions goes is not on the wire. OpenSSL servers that are limited
to TLS 1.3 and have no certificate for it answer with this alert, too.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Phase
from analyzer.diagnosis.model import Finding, Rank, Rule
from analyzer.diagnosis.reaching import reach_by_name
from analyzer.diagnosis.terms import chosen_version, offered_versions, refuser, version_remedy
from analyzer.diagnosis.verdicts.negotiation import negotiation_causes, negotiation_verdicts
from analyzer.diagnosis.wording import client_name, server_name
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-NEG-002",
    name="protocol-version",
    cause="protocol_version",
    phase=Phase.CLIENT_HELLO,
    rank=Rank.ALERT,
    title="Client and server share no protocol version",
    references=("RFC 8446 §4.2.1", "RFC 5246 appendix E.1"),
    topic=negotiation_causes,
)


def check(story: Story) -> Iterator[Finding]:
    """Yield the verdict on the negotiation if it is this cause."""
    for verdict in negotiation_verdicts(story, RULE.cause):
        yield verdict.finding(
            RULE,
            title=(
                f"{refuser(story)} refused the protocol version: {client_name(story)} "
                f"offers {offered_versions(story)}, {server_name(story)} {chosen_version(story)}"
            ),
            explanation=verdict.reason(
                "The client offers that version itself, and gave up when it was chosen."
                if _offered(story)
                else "Both sides must have one version in common; the side that gave up found none."
            ),
            remedy=(
                *([_SSL2] if story.offer is not None and story.offer.v2 else []),
                (
                    "Bring the older side up to TLS 1.2 or 1.3; enabling old versions on "
                    "the other side is a stopgap at most."
                ),
                (
                    "Ask the server what it takes, then with -tls1_3 (-tls1_1 needs -cipher "
                    "DEFAULT@SECLEVEL=0 beside it): openssl s_client -connect "
                    f"{reach_by_name(story)} -tls1_2 </dev/null"
                ),
                (
                    "DataPower: Protocols of the TLS client or server profile; with an "
                    "SNI profile, both it and the profiles that it maps to."
                ),
            ),
            remedy_side=version_remedy(story),
        )


_SSL2 = (
    "Client: do not offer SSL 2.0 any more (in Java: SSLv2Hello among the enabled protocols), so that the "
    "hello is framed as one of TLS."
)


def _offered(story: Story) -> bool:
    """Whether the server chose what the client offers: it is not the number that was refused."""
    offer, choice = story.offer, story.choice
    return offer is not None and choice is not None and choice.version in offer.versions
