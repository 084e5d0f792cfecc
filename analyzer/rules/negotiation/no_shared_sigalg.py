"""Client and server share no signature algorithm that fits the server's certificate.

## What it looks like
The server refuses the offer with handshake_failure (40) or missing_extension (109), and the
client's signature_algorithms are few, of one kind of key, or SHA-1 only; or the client refuses a
ServerKeyExchange that is signed with what it did not offer.

## Why it happens
The client takes ECDSA only and the server has an RSA certificate, or one side was limited by
policy.

## What it is not
A certificate whose own signature the client refuses is TLS-CERT-010.

## What to do
Widen signature_algorithms, or give the server a certificate with the kind of key that the client
takes.

## Blind spots
The server's certificate is unknown as long as it does not send it.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Phase, RemedySide
from analyzer.diagnosis.model import Finding, Rank, Rule
from analyzer.diagnosis.reaching import reach_by_name
from analyzer.diagnosis.terms import offered_schemes
from analyzer.diagnosis.verdicts.negotiation import negotiation_causes, negotiation_verdicts
from analyzer.diagnosis.wording import client_name, server_name
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-NEG-007",
    name="no-shared-sigalg",
    cause="no_shared_sigalg",
    phase=Phase.CLIENT_HELLO,
    rank=Rank.OFFER,
    title="Client and server share no signature algorithm",
    references=("RFC 8446 §4.2.3", "RFC 5246 §7.4.1.4.1"),
    topic=negotiation_causes,
)


def check(story: Story) -> Iterator[Finding]:
    """Yield the verdict on the negotiation if it is this cause."""
    for verdict in negotiation_verdicts(story, RULE.cause):
        yield verdict.finding(
            RULE,
            title=verdict.narrowed(
                f"{client_name(story)} takes no signature that {server_name(story)} can make"
            ),
            explanation=verdict.reason_beyond(
                "The server must sign with an algorithm that the client lists, by the"
                " key of its certificate."
            ),
            remedy=(
                (
                    "Server: install a certificate with a key for one of the client's "
                    f"algorithms: {offered_schemes(story)}."
                ),
                ("Client: offer rsa_pss_rsae_sha256, rsa_pkcs1_sha256 and ecdsa_secp256r1_sha256."),
                (
                    f"See what it signs with: openssl s_client -connect {reach_by_name(story)} "
                    "</dev/null | grep 'Peer sign'"
                ),
            ),
            remedy_side=RemedySide.SERVER,
        )
