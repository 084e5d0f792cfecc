"""The client's certificate begins to be valid only after the packet that carried it.

## What it looks like
notBefore of the client's certificate lies after the time of the packet; the server answers 42, 45
or 46.

## Why it happens
It was issued with a future date, or the clocks of CA, server and capturing host differ.

## What it is not
An expired one is TLS-CLCRT-003.

## What to do
Set the clocks, or use a certificate that is valid now.

## Blind spots
In TLS 1.3 the certificate is encrypted. Where the server says certificate_expired, its clock may be the
right one, and that of the capture behind.
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
    id="TLS-CLCRT-004",
    name="client-cert-not-yet-valid",
    cause="client_cert_not_yet_valid",
    phase=Phase.CLIENT_CERTIFICATE,
    rank=Rank.FACT,
    title="The client's certificate is not valid yet",
    references=("RFC 5280 §4.1.2.5",),
    topic=client_certificate_causes,
)


def check(story: Story) -> Iterator[Finding]:
    """Yield the verdict on the client's certificate if it is this cause."""
    for verdict in client_certificate_verdicts(story, RULE.cause):
        yield verdict.finding(
            RULE,
            title=verdict.title(
                story,
                f"The client certificate of {client_name(story)}{presented(story, Side.CLIENT)} is not valid yet",
            ),
            explanation=verdict.beyond(
                "A server compares notBefore with its own clock." + verdict.by_two_clocks("server")
            ),
            remedy=(
                ("Compare the clocks of client, server and CA with a time server (NTP)."),
                "Client: use a certificate that is valid now.",
            ),
            remedy_side=RemedySide.CLIENT,
        )
