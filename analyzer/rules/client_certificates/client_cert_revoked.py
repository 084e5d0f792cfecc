"""The server learned that the client's certificate was revoked.

## What it looks like
After the client's certificate the server sends certificate_revoked (44).

## Why it happens
A revocation list or an OCSP answer on the server's side names the certificate.

## What it is not
A list that the server cannot fetch is answered with unknown_ca (48) by OpenSSL and shows as TLS-
CLCRT-002.

## What to do
Give the client a new certificate.

## Blind spots
The revocation itself is not on the wire. In TLS 1.3 the alert is encrypted.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Phase, RemedySide
from analyzer.diagnosis.model import Finding, Rank, Rule
from analyzer.diagnosis.verdicts.certificates import (
    client_certificate_causes,
    client_certificate_verdicts,
)
from analyzer.diagnosis.wording import certificate_of, server_name
from analyzer.tcp.timeline import Side
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-CLCRT-006",
    name="client-cert-revoked",
    cause="client_cert_revoked",
    phase=Phase.CLIENT_CERTIFICATE,
    rank=Rank.ALERT,
    title="The client's certificate was revoked",
    references=("RFC 5280 §5.3", "RFC 8446 §6.2"),
    topic=client_certificate_causes,
)


def check(story: Story) -> Iterator[Finding]:
    """Yield the verdict on the client's certificate if it is this cause."""
    for verdict in client_certificate_verdicts(story, RULE.cause):
        yield verdict.finding(
            RULE,
            title=(
                f"{server_name(story)} refused, as revoked, {certificate_of(story, Side.CLIENT)}"
            ),
            explanation=verdict.because(
                "The alert certificate_revoked has no other meaning; the server knows"
                " it from a revocation list or an OCSP responder."
            ),
            remedy=(
                (
                    "Client: obtain a new certificate and key; ask the CA why the old one"
                    " was revoked."
                ),
                ("Server: check the date of the revocation list (DataPower: CRL Retrieval)."),
            ),
            remedy_side=RemedySide.CLIENT,
        )
