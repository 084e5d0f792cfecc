"""A certificate in the server's chain has a critical extension that few programs know.

## What it looks like
An extension marked critical with an unusual object identifier. The client refuses with
certificate_unknown (46), unsupported_certificate (43) or bad_certificate (42).

## Why it happens
RFC 5280 makes a client refuse what it is told to be critical and does not understand.

## What it is not
Name constraints and policies are critical too, and known.

## What to do
Reissue the certificate without the extension, or not critical.

## Blind spots
What a client knows is not on the wire. In TLS 1.3 the certificate is encrypted.
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
    id="TLS-CERT-016",
    name="critical-extension",
    cause="critical_extension",
    phase=Phase.SERVER_CERTIFICATE,
    rank=Rank.FACT,
    title="A certificate has a critical extension that the client does not know",
    references=("RFC 5280 §4.2",),
    topic=server_certificate_causes,
)


def check(story: Story) -> Iterator[Finding]:
    """Yield the verdict on the server's certificate if it is this cause."""
    for verdict in server_certificate_verdicts(story, RULE.cause):
        yield verdict.finding(
            RULE,
            title=verdict.title(
                story,
                f"A certificate of {server_name(story)}{presented(story)} has an unknown critical extension",
            ),
            explanation=verdict.beyond(
                "A client must refuse a certificate with a critical extension that it"
                " does not process."
            ),
            remedy=(
                (
                    "Server: reissue the certificate without that extension, or with it "
                    "marked as not critical."
                ),
                "Look: openssl x509 -in server.pem -noout -text",
            ),
            remedy_side=RemedySide.SERVER,
        )
