"""A certificate in the server's chain has a key shorter than the client accepts.

## What it looks like
An RSA key below 2048 bits or an elliptic curve below 224 bits in the chain. OpenSSL at security
level 2 refuses with bad_certificate (42), newer Java with unsupported_certificate (43), rustls
with decrypt_error (51), others with handshake_failure (40).

## Why it happens
The certificate is old, or an appliance made it by its own default. The client was upgraded, or
its policy raised.

## What it is not
A small Diffie-Hellman prime is TLS-NEG-008: it is in ServerKeyExchange, not in the certificate.

## What to do
Reissue the certificate with RSA 2048 or more, or with P-256.

## Blind spots
What a client accepts is its configuration, so this is rarely more than suspected. In TLS 1.3 the
certificate is encrypted.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Phase, RemedySide
from analyzer.diagnosis.model import Finding, Rank, Rule
from analyzer.diagnosis.reaching import reach_by_name
from analyzer.diagnosis.verdicts.certificates import (
    server_certificate_causes,
    server_certificate_verdicts,
)
from analyzer.diagnosis.wording import presented, server_name
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-CERT-009",
    name="weak-cert-key",
    cause="weak_cert_key",
    phase=Phase.SERVER_CERTIFICATE,
    rank=Rank.FACT,
    title="A key in the server's chain is too short for the client",
    references=("RFC 9325 §4.5", "NIST SP 800-131A"),
    topic=server_certificate_causes,
)


def check(story: Story) -> Iterator[Finding]:
    """Yield the verdict on the server's certificate if it is this cause."""
    for verdict in server_certificate_verdicts(story, RULE.cause):
        yield verdict.finding(
            RULE,
            title=verdict.title(
                story,
                f"A key in the chain of {server_name(story)}{presented(story)} is too short",
            ),
            explanation=verdict.beyond(
                "Clients of today ask for RSA keys of 2048 bits or elliptic curves of"
                " 224 bits at least."
            ),
            remedy=(
                (
                    "Server: make a new key (RSA 2048 or more, or EC P-256) and have the "
                    "certificate reissued."
                ),
                (
                    "Test with the old limit: openssl s_client -cipher DEFAULT@SECLEVEL=0"
                    f" -connect {reach_by_name(story)} </dev/null"
                ),
                (
                    "DataPower: create the key with the Crypto Tools at 2048 bits or more"
                    " and replace it in the Crypto Identification Credentials."
                ),
            ),
            remedy_side=RemedySide.SERVER,
        )
