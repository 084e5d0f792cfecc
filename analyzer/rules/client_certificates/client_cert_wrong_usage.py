"""The client's certificate may not be used to authenticate a client.

## What it looks like
Extended key usage is present and lacks clientAuth, or key usage allows no signature. The server
answers unsupported_certificate (43), 42, 46 or 40.

## Why it happens
A server certificate is used for the client's side. Public authorities stopped to issue
certificates with clientAuth, so that renewals break connections that worked.

## What it is not
An issuer that the server does not trust is TLS-CLCRT-002.

## What to do
Obtain a certificate with extended key usage clientAuth.

## Blind spots
In TLS 1.3 the certificate is encrypted.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Phase, RemedySide
from analyzer.diagnosis.model import Finding, Rank, Rule
from analyzer.diagnosis.verdicts.certificates import (
    client_certificate_causes,
    client_certificate_verdicts,
)
from analyzer.diagnosis.wording import client_name, presented
from analyzer.tcp.timeline import Side
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-CLCRT-005",
    name="client-cert-wrong-usage",
    cause="client_cert_wrong_usage",
    phase=Phase.CLIENT_CERTIFICATE,
    rank=Rank.FACT,
    title="The client's certificate may not be used to authenticate a client",
    references=("RFC 5280 §4.2.1.12", "RFC 8446 §4.4.2.4"),
    topic=client_certificate_causes,
)


def check(story: Story) -> Iterator[Finding]:
    """Yield the verdict on the client's certificate if it is this cause."""
    for verdict in client_certificate_verdicts(story, RULE.cause):
        yield verdict.finding(
            RULE,
            title=verdict.title(
                story,
                f"The client certificate of {client_name(story)}{presented(story, Side.CLIENT)} is not meant for clients",
            ),
            explanation=verdict.beyond(
                "A server that checks purposes refuses a certificate whose extended "
                "key usage lacks clientAuth."
            ),
            remedy=(
                (
                    "Client: have the certificate reissued with extended key usage "
                    "clientAuth and key usage digitalSignature."
                ),
                (
                    "Look: openssl x509 -in client.pem -noout -purpose -ext "
                    "extendedKeyUsage,keyUsage"
                ),
                (
                    "DataPower as the client: put it into the Crypto Identification "
                    "Credentials of the TLS client profile."
                ),
            ),
            remedy_side=RemedySide.CLIENT,
        )
