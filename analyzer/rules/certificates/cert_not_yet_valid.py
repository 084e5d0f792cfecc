"""The server's certificate begins to be valid only after the packet that carried it.

## What it looks like
The client gives up right after the server's flight with bad_certificate (42), certificate_expired
(45; NSS, rustls) or certificate_unknown (46). notBefore lies after the time of the packet.

## Why it happens
The certificate was issued with a future date, the CA's clock was ahead, or the clocks of client
and capturing host are behind.

## What it is not
An expired certificate is TLS-CERT-001.

## What to do
Set the clocks by NTP, or install a certificate that is valid now.

## Blind spots
In TLS 1.3 the dates are encrypted. A capture whose own clock is wrong makes valid certificates
look like this, and expired ones: where the client says certificate_expired, its clock may be the right one.
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
    id="TLS-CERT-002",
    name="cert-not-yet-valid",
    cause="cert_not_yet_valid",
    phase=Phase.SERVER_CERTIFICATE,
    rank=Rank.FACT,
    title="The server's certificate is not valid yet",
    references=("RFC 5280 §4.1.2.5", "RFC 8446 §6.2"),
    topic=server_certificate_causes,
)


def check(story: Story) -> Iterator[Finding]:
    """Yield the verdict on the server's certificate if it is this cause."""
    for verdict in server_certificate_verdicts(story, RULE.cause):
        yield verdict.finding(
            RULE,
            title=verdict.title(
                story,
                f"The certificate of {server_name(story)}{presented(story)} is not valid yet",
            ),
            explanation=verdict.beyond(
                "A client compares notBefore with its own clock; a certificate that "
                "is fresh from a CA whose clock is ahead fails so."
                + verdict.by_two_clocks("client")
            ),
            remedy=(
                (
                    "Compare the clocks of the client, the server and the CA with a time "
                    "server (NTP)."
                ),
                (
                    "Server: install a certificate that is valid now, or wait until it "
                    "is; reissue it if the date is a mistake."
                ),
                (
                    "DataPower: check the NTP Service object and the Crypto Certificate "
                    "in the Crypto Identification Credentials."
                ),
            ),
            remedy_side=RemedySide.SERVER,
        )
