"""The server's certificate is damaged or not well formed, and the client could not read it.

## What it looks like
The DER of a certificate in the chain does not parse, or breaks a rule that strict parsers
enforce. The client answers bad_certificate (42) or decode_error (50). A certificate without authority
key identifier is refused by strict clients (Python from 3.13 on) with certificate_unknown (46).

## Why it happens
A faulty tool made the certificate (negative serial numbers, wrong encodings, duplicate
extensions), or bytes were changed in the path.

## What it is not
Bytes that are missing from the capture are the capture's fault and not reported here.

## What to do
Reissue the certificate with a sound tool.

## Blind spots
Parsers differ: what one accepts another refuses. In TLS 1.3 the certificate is encrypted.
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
    id="TLS-CERT-018",
    name="cert-malformed",
    cause="cert_malformed",
    phase=Phase.SERVER_CERTIFICATE,
    rank=Rank.FACT,
    title="The server's certificate does not parse",
    references=("RFC 5280 §4.1", "RFC 8446 §6.2"),
    topic=server_certificate_causes,
)


def check(story: Story) -> Iterator[Finding]:
    """Yield the verdict on the server's certificate if it is this cause."""
    for verdict in server_certificate_verdicts(story, RULE.cause):
        yield verdict.finding(
            RULE,
            title=verdict.title(
                story,
                f"The certificate of {server_name(story)}{presented(story)} is not well formed",
            ),
            explanation=verdict.beyond(
                "A client that cannot parse a certificate cannot judge it and gives up."
            ),
            remedy=(
                (
                    "Server: reissue the certificate. See where the old one is wrong: "
                    "openssl asn1parse -i -in server.pem"
                ),
                (
                    "If it is in order on the server's disk, something in the path "
                    "changes bytes: capture on both sides and compare."
                ),
            ),
            remedy_side=RemedySide.SERVER,
        )
