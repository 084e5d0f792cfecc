"""A certificate in the server's chain was used to issue another without being allowed to.

## What it looks like
The issuer in the chain lacks the CA flag of basic constraints, its key usage lacks keyCertSign,
or its path length forbids another CA below. OpenSSL and NSS answer unknown_ca (48). Strict clients
(Python from 3.13 on, openssl -x509_strict) also refuse an authority without key usage, without subject
key identifier, or whose basic constraints are not critical; they say certificate_unknown (46).

## Why it happens
A private CA was made without the right extensions, or a server certificate was used to sign
another.

## What it is not
An authority that is in order and not trusted is TLS-CERT-004.

## What to do
Make the CA certificate anew with basicConstraints CA:TRUE and keyUsage keyCertSign, and reissue
what it signed.

## Blind spots
Authorities that were not sent cannot be judged, and a strict client judges the root as well; in TLS
1.3 none can.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Phase, RemedySide
from analyzer.diagnosis.model import Finding, Rank, Rule
from analyzer.diagnosis.verdicts.certificates import (
    server_certificate_causes,
    server_certificate_verdicts,
)
from analyzer.diagnosis.wording import presented, server_name
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-CERT-015",
    name="invalid-ca",
    cause="invalid_ca",
    phase=Phase.SERVER_CERTIFICATE,
    rank=Rank.FACT,
    title="A certificate in the server's chain is no valid authority",
    references=("RFC 5280 §4.2.1.9", "RFC 5280 §6.1.4"),
    topic=server_certificate_causes,
)


def check(story: Story) -> Iterator[Finding]:
    """Yield the verdict on the server's certificate if it is this cause."""
    for verdict in server_certificate_verdicts(story, RULE.cause):
        yield verdict.finding(
            RULE,
            title=verdict.title(
                story,
                f"An authority in the chain of {server_name(story)}{presented(story)} is not allowed to issue certificates",
            ),
            explanation=verdict.beyond(
                "Every certificate above the server's own must be marked as an "
                "authority and allowed to sign."
            ),
            remedy=(
                (
                    "Server: replace the CA certificate by one with "
                    "basicConstraints=critical,CA:TRUE and keyUsage=keyCertSign,cRLSign, "
                    "and reissue the chain below it."
                ),
                (
                    "Verify the chain: openssl verify -x509_strict -CAfile root.pem "
                    "-untrusted intermediates.pem server.pem"
                ),
            ),
            remedy_side=RemedySide.SERVER,
        )
