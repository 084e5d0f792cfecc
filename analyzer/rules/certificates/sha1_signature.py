"""A certificate in the server's chain is signed with SHA-1 or MD5, which the client refuses.

## What it looks like
The signature algorithm of the server's certificate or of an intermediate uses SHA-1 or MD5 (roots
do not count: nobody verifies their signature). The client sends 42, 43, 46 or 40 after the
server's flight, or 51 where its stack has no SHA-1 to verify with (rustls).

## Why it happens
The certificate is old or comes from a CA that was never brought up to date.

## What it is not
A short key is TLS-CERT-009.

## What to do
Reissue the certificate with SHA-256; check every intermediate.

## Blind spots
Whether the client minds is its policy (OpenSSL: the security level), so this is rarely more than
suspected.
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
    id="TLS-CERT-010",
    name="sha1-signature",
    cause="sha1_signature",
    phase=Phase.SERVER_CERTIFICATE,
    rank=Rank.FACT,
    title="A certificate in the server's chain is signed with SHA-1 or MD5",
    references=("RFC 9155", "RFC 9325 §4.5"),
    topic=server_certificate_causes,
)


def check(story: Story) -> Iterator[Finding]:
    """Yield the verdict on the server's certificate if it is this cause."""
    for verdict in server_certificate_verdicts(story, RULE.cause):
        yield verdict.finding(
            RULE,
            title=verdict.title(
                story,
                f"A certificate in the chain of {server_name(story)}{presented(story)} is signed with a broken hash",
            ),
            explanation=verdict.beyond(
                "Signatures over SHA-1 and MD5 can be forged; stacks of today refuse "
                "them below the root."
            ),
            remedy=(
                (
                    "Server: have the certificate, or the intermediate, reissued with "
                    "SHA-256 or better."
                ),
                (
                    f"Look at the chain: openssl s_client -connect {reach_by_name(story)} "
                    "-showcerts </dev/null"
                ),
                (
                    "DataPower: replace certificate and intermediates in the Crypto "
                    "Identification Credentials."
                ),
            ),
            remedy_side=RemedySide.SERVER,
        )
