"""An intermediate certificate in the server's chain is outside its validity; the client refused.

## What it looks like
The server's own certificate is in order, one above it is not: the dates of a certificate on the
path do not cover the time of the packet. Clients answer certificate_expired (45), NSS unknown_ca
(48).

## Why it happens
The server still sends an intermediate that its CA replaced, or a cross-signed one whose root ran
out.

## What it is not
If the server's own certificate has expired it is TLS-CERT-001.

## What to do
Replace the chain file by the CA's current intermediates; the server's own certificate can stay.

## Blind spots
Clients that find another path (a newer intermediate in their store) connect nevertheless. In TLS
1.3 the chain is encrypted.
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
from analyzer.diagnosis.wording import server_name
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-CERT-003",
    name="intermediate-expired",
    cause="intermediate_expired",
    phase=Phase.SERVER_CERTIFICATE,
    rank=Rank.FACT,
    title="An intermediate certificate that the server sent has expired",
    references=("RFC 5280 §6.1.3", "RFC 8446 §4.4.2"),
    topic=server_certificate_causes,
)


def check(story: Story) -> Iterator[Finding]:
    """Yield the verdict on the server's certificate if it is this cause."""
    for verdict in server_certificate_verdicts(story, RULE.cause):
        yield verdict.finding(
            RULE,
            title=verdict.title(
                story,
                f"An intermediate certificate that {server_name(story)} sends is not valid any more",
            ),
            explanation=verdict.beyond(
                "Every certificate on the path to the root must be valid; the "
                "server's own being in order does not help."
            ),
            remedy=(
                ("Server: send the CA's current intermediate in the place of the expired one."),
                (
                    f"See the whole chain: openssl s_client -connect {reach_by_name(story)} "
                    "-showcerts </dev/null"
                ),
                (
                    "DataPower: replace the certificate in the list of intermediate CA "
                    "certificates of the Crypto Identification Credentials."
                ),
            ),
            remedy_side=RemedySide.SERVER,
        )
