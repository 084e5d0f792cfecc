"""The server's Certificate message is so large that clients refuse it.

## What it looks like
A Certificate message of 32 kB or more, or of more than ten certificates. Limits are 32 kB and ten
certificates in Java, 64 kB in Go, 100 kB in OpenSSL; the client answers illegal_parameter (47;
OpenSSL), unexpected_message (10) or handshake_failure (40; Java), record_overflow (22) or another
vague alert, or closes, often before the message is whole.

## Why it happens
The server sends a whole trust store as its chain, or a certificate with hundreds of names.

## What it is not
A message that was cut or damaged is TLS-CERT-018.

## What to do
Send the certificate and its intermediates, and nothing else.

## Blind spots
The client's limit is not on the wire. In TLS 1.3 only the size of the server's flight tells, so that
an alert that can be read must go with it.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Phase, RemedySide
from analyzer.diagnosis.model import Finding, Rank, Rule
from analyzer.diagnosis.verdicts.certificates import (
    server_certificate_causes,
    server_certificate_verdicts,
)
from analyzer.diagnosis.wording import server_name
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-CERT-017",
    name="cert-too-large",
    cause="cert_too_large",
    phase=Phase.SERVER_CERTIFICATE,
    rank=Rank.OFFER,
    title="The server's Certificate message is larger than the client accepts",
    references=("RFC 5246 §7.4.2", "RFC 8446 §4.4.2"),
    topic=server_certificate_causes,
)


def check(story: Story) -> Iterator[Finding]:
    """Yield the verdict on the server's certificate if it is this cause."""
    for verdict in server_certificate_verdicts(story, RULE.cause):
        yield verdict.finding(
            RULE,
            title=verdict.title(
                story,
                f"The Certificate message of {server_name(story)} is very large",
            ),
            explanation=verdict.beyond(
                "Stacks bound the size of handshake messages and the length of chains."
            ),
            remedy=(
                ("Server: send only the certificate and its intermediates, not the trust store."),
                (
                    "Client: raise the limit if the size is meant (Java: "
                    "jdk.tls.maxHandshakeMessageSize; OpenSSL: "
                    "SSL_CTX_set_max_cert_list)."
                ),
            ),
            remedy_side=RemedySide.SERVER,
        )
