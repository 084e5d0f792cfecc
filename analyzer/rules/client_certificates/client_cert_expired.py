"""The client's certificate had expired when it was presented.

## What it looks like
The client's Certificate message holds a certificate (or an intermediate) whose validity ended
before the packet; the server answers certificate_expired (45), or 42, 46, 40.

## Why it happens
Nobody renewed it, or the program still holds the old file.

## What it is not
An expired server certificate is TLS-CERT-001.

## What to do
Renew the client's certificate and restart the program that uses it.

## Blind spots
In TLS 1.3 the certificate is encrypted, and the alert is too.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Phase, RemedySide
from analyzer.diagnosis.model import Finding, Rank, Rule
from analyzer.diagnosis.verdicts.certificates import (
    client_certificate_causes,
    client_certificate_verdicts,
)
from analyzer.diagnosis.verdicts.verdict import Verdict
from analyzer.diagnosis.wording import client_name, presented
from analyzer.tcp.timeline import Side
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-CLCRT-003",
    name="client-cert-expired",
    cause="client_cert_expired",
    phase=Phase.CLIENT_CERTIFICATE,
    rank=Rank.FACT,
    title="The client's certificate has expired",
    references=("RFC 5280 §4.1.2.5", "RFC 8446 §6.2"),
    topic=client_certificate_causes,
)


def check(story: Story) -> Iterator[Finding]:
    """Yield the verdict on the client's certificate if it is this cause."""
    for verdict in client_certificate_verdicts(story, RULE.cause):
        yield verdict.finding(
            RULE,
            title=verdict.title(
                story,
                f"The client certificate of {client_name(story)}{presented(story, Side.CLIENT)} has expired",
            ),
            explanation=verdict.beyond(
                "A server compares the validity of every certificate in the client's "
                "chain with its own clock."
            ),
            remedy=(
                (
                    "Client: renew the certificate and restart or reload the program that"
                    " presents it."
                ),
                "Look: openssl x509 -in client.pem -noout -dates",
                (
                    "DataPower as the client: replace the Crypto Certificate in the "
                    "Crypto Identification Credentials of the TLS client profile."
                ),
            ),
            remedy_side=_remedy_side(story, verdict),
        )


def _remedy_side(story: Story, verdict: Verdict) -> RemedySide:
    """Where all that was sent is valid, the server's clock is fast, or a root in its store has expired."""
    in_order = verdict.refusal is not None and not verdict.text and story.client_chain is not None
    return RemedySide.SERVER if in_order else RemedySide.CLIENT
