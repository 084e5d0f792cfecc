"""The client learned that the server's certificate was revoked.

## What it looks like
After the server's flight the client sends certificate_revoked (44). OpenSSL and Java say so where
a revocation list, an OCSP answer or their own block list names the certificate.

## Why it happens
The holder or the CA revoked it: the key leaked, the name changed, or a new certificate replaced
it.

## What it is not
A revoked staple in the handshake itself is TLS-CERT-012. A revocation list that cannot be fetched
is answered with unknown_ca (48) by OpenSSL.

## What to do
Install a new certificate with a new key.

## Blind spots
The revocation itself is not on the wire; most clients do not check for it, or say no more than
bad_certificate.
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
    id="TLS-CERT-011",
    name="cert-revoked",
    cause="cert_revoked",
    phase=Phase.SERVER_CERTIFICATE,
    rank=Rank.ALERT,
    title="The server's certificate was revoked",
    references=("RFC 5280 §5.3", "RFC 8446 §6.2"),
    topic=server_certificate_causes,
)


def check(story: Story) -> Iterator[Finding]:
    """Yield the verdict on the server's certificate if it is this cause."""
    for verdict in server_certificate_verdicts(story, RULE.cause):
        yield verdict.finding(
            RULE,
            title=(
                f"The certificate of {server_name(story)}{presented(story)} was revoked: "
                f"{verdict.result(story)}"
            ),
            explanation=verdict.because(
                "The alert certificate_revoked has no other meaning; the client knows"
                " it from a revocation list, an OCSP responder or a list of its own."
            ),
            remedy=(
                ("Server: replace the certificate and its key; ask the CA why it was revoked."),
                (
                    "Look into the CRL that the certificate names, or ask its OCSP "
                    "responder: openssl ocsp -issuer issuer.pem -cert server.pem -url URL"
                ),
                (
                    "DataPower: replace key and certificate in the Crypto Identification "
                    "Credentials."
                ),
            ),
            remedy_side=RemedySide.SERVER,
        )
