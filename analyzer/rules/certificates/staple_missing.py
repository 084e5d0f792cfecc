"""The client insists on an OCSP staple, and the server sent none.

## What it looks like
The client asked by status_request, no CertificateStatus came, and the client gives up: with
bad_certificate_status_response (113), or otherwise where the certificate itself demands a staple
(TLS feature, "must staple"). Programs on GnuTLS (wget) may finish the handshake first and then close without a word.

## Why it happens
Stapling is off, the server cannot reach the responder, or it was restarted and has no response
yet.

## What it is not
A staple that says "revoked" is TLS-CERT-012.

## What to do
Switch stapling on and see that the server can reach its CA's OCSP responder.

## Blind spots
Only clients that insist fail, and most check after the handshake. One that then closes in order (curl --cert-status)
looks like a probe: TLS-END-002 names the staple beside that. In TLS 1.3 the staple travels
in the encrypted Certificate message.
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
    id="TLS-CERT-013",
    name="staple-missing",
    cause="staple_missing",
    phase=Phase.SERVER_CERTIFICATE,
    rank=Rank.FACT,
    title="The client demands an OCSP staple and got none",
    references=("RFC 7633 §4", "RFC 6066 §8"),
    topic=server_certificate_causes,
)


def check(story: Story) -> Iterator[Finding]:
    """Yield the verdict on the server's certificate if it is this cause."""
    for verdict in server_certificate_verdicts(story, RULE.cause):
        yield verdict.finding(
            RULE,
            title=(
                f"{server_name(story)} sends no OCSP staple for its "
                f"certificate{presented(story)}: {verdict.result(story)}"
            ),
            explanation=verdict.because(
                "A client that demands a staple refuses a handshake without one, "
                "whatever the state of the certificate."
            ),
            remedy=(
                (
                    "Server: enable OCSP stapling (nginx: ssl_stapling on; Apache: "
                    "SSLUseStapling on) and let the server reach the responder."
                ),
                (
                    "See whether one is sent: openssl s_client -connect "
                    f"{reach_by_name(story)} -status </dev/null"
                ),
                (
                    "Or reissue the certificate without the must-staple feature, or relax"
                    " the client's demand."
                ),
            ),
            remedy_side=RemedySide.SERVER,
        )
