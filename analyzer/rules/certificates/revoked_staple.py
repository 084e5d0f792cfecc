"""The server itself delivered the OCSP response that says its certificate is revoked.

## What it looks like
CertificateStatus holds an OCSP response with status revoked; the client answers
certificate_revoked (44), bad_certificate_status_response (113; Java) or bad_certificate (42).

## Why it happens
The certificate was revoked and the server keeps serving it, with a fresh staple.

## What it is not
Revocation that the client learned elsewhere is TLS-CERT-011, a missing staple TLS-CERT-013.

## What to do
Install a new certificate with a new key.

## Blind spots
In TLS 1.3 the staple is encrypted.
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
    id="TLS-CERT-012",
    name="revoked-staple",
    cause="revoked_staple",
    phase=Phase.SERVER_CERTIFICATE,
    rank=Rank.FACT,
    title="The OCSP staple says that the server's certificate is revoked",
    references=("RFC 6066 §8", "RFC 6960 §4.2"),
    topic=server_certificate_causes,
)


def check(story: Story) -> Iterator[Finding]:
    """Yield the verdict on the server's certificate if it is this cause."""
    for verdict in server_certificate_verdicts(story, RULE.cause):
        yield verdict.finding(
            RULE,
            title=(
                f"The OCSP staple of {server_name(story)} says that its "
                f"certificate{presented(story)} is revoked: {verdict.result(story)}"
            ),
            explanation=verdict.because(
                "The server staples the proof against itself; replacing the staple does not help."
            ),
            remedy=(
                "Server: replace the certificate and its key.",
                (
                    f"See the staple: openssl s_client -connect {reach_by_name(story)} -status </dev/null"
                ),
                (
                    "DataPower: replace key and certificate in the Crypto Identification "
                    "Credentials."
                ),
            ),
            remedy_side=RemedySide.SERVER,
        )
