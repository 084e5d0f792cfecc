"""An authority in the server's chain is limited to names that the certificate does not have.

## What it looks like
A CA certificate in the chain carries name constraints, and a name of the server's certificate
lies outside what is permitted or inside what is excluded. Alerts: 46, 42, 48.

## Why it happens
A CA made for one domain was used for another.

## What it is not
A name that the client wanted and the certificate lacks is TLS-CERT-007.

## What to do
Have the certificate issued by a CA that may vouch for the name.

## Blind spots
Constraints of CAs that were not sent cannot be seen; in TLS 1.3 none can.
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
    id="TLS-CERT-014",
    name="name-constraints",
    cause="name_constraints",
    phase=Phase.SERVER_CERTIFICATE,
    rank=Rank.FACT,
    title="An authority in the server's chain may not vouch for this name",
    references=("RFC 5280 §4.2.1.10",),
    topic=server_certificate_causes,
)


def check(story: Story) -> Iterator[Finding]:
    """Yield the verdict on the server's certificate if it is this cause."""
    for verdict in server_certificate_verdicts(story, RULE.cause):
        yield verdict.finding(
            RULE,
            title=verdict.title(
                story,
                f"An authority in the chain of {server_name(story)} may not vouch for its certificate{presented(story)}",
            ),
            explanation=verdict.beyond(
                "Name constraints bind everything below the CA that carries them."
            ),
            remedy=(
                (
                    "Server: obtain the certificate from an authority whose name "
                    "constraints allow its names, or leave the offending name out."
                ),
                "Look: openssl x509 -in ca.pem -noout -ext nameConstraints",
            ),
            remedy_side=RemedySide.SERVER,
        )
