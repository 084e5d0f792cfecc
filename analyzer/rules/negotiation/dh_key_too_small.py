"""The server's Diffie-Hellman prime is too small for the client.

## What it looks like
ServerKeyExchange of a DHE suite with a prime below 2048 bits, and the client gives up with
handshake_failure (40; OpenSSL: "dh key too small"), illegal_parameter (47), insufficient_security
(71) or internal_error (80).

## Why it happens
The server uses built-in or old parameters of 512 or 1024 bits, known to be breakable (Logjam).

## What it is not
A short key in the certificate is TLS-CERT-009. Very old Java does the opposite and refuses primes
above 1024 bits.

## What to do
Use a standard group of 2048 bits or more, or ECDHE and no DHE.

## Blind spots
Where no alert can be read, only primes below 1024 bits count.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Phase, RemedySide
from analyzer.diagnosis.model import Finding, Rank, Rule
from analyzer.diagnosis.reaching import reach_by_name
from analyzer.diagnosis.terms import prime_bits
from analyzer.diagnosis.verdicts.negotiation import negotiation_causes, negotiation_verdicts
from analyzer.diagnosis.wording import client_name, server_name
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-NEG-008",
    name="dh-key-too-small",
    cause="dh_key_too_small",
    phase=Phase.KEY_EXCHANGE,
    rank=Rank.FACT,
    title="The server's Diffie-Hellman prime is too small for the client",
    references=("RFC 7919", "RFC 9325 §4.4"),
    topic=negotiation_causes,
)


def check(story: Story) -> Iterator[Finding]:
    """Yield the verdict on the negotiation if it is this cause."""
    for verdict in negotiation_verdicts(story, RULE.cause):
        yield verdict.finding(
            RULE,
            title=(
                f"The Diffie-Hellman prime of {server_name(story)} is too small for "
                f"{client_name(story)}: {prime_bits(story)}"
            ),
            explanation=verdict.reason(
                "Clients refuse finite-field Diffie-Hellman with small primes since "
                "Logjam (2015); limits are 768, 1024 or 2048 bits."
            ),
            remedy=(
                (
                    "Server: use a group of 2048 bits or more (nginx: ssl_dhparam; Java: "
                    "jdk.tls.ephemeralDHKeySize=2048), or drop the DHE suites and use "
                    "ECDHE."
                ),
                (
                    f"See it: openssl s_client -connect {reach_by_name(story)} -tls1_2 "
                    "-cipher DHE:@SECLEVEL=0 </dev/null 2>&1 | grep 'Temp Key'"
                ),
                ("Client: leaving DHE out of its list makes the server choose ECDHE, if it can."),
            ),
            remedy_side=RemedySide.SERVER,
        )
