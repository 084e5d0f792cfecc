"""The server's certificate had expired when it was presented, and the client refused it.

## What it looks like
The client gives up right after the server's flight, typically with certificate_expired (45); Go
and GnuTLS say bad_certificate (42), Java certificate_unknown (46), Node closes without a word. Up
to TLS 1.2 the dates stand in the Certificate message and are compared with the time of its
packet.

## Why it happens
Nobody renewed the certificate, or it was renewed and the server was not told: many servers read
their files only at start.

## What it is not
A certificate that is not valid yet is TLS-CERT-002, an expired intermediate TLS-CERT-003. An
expired client certificate is TLS-CLCRT-003.

## What to do
Renew the certificate, install it with its intermediates, and reload the server. Then watch the
dates.

## Blind spots
In TLS 1.3 the certificate is encrypted: only the alert tells, and it does not say which
certificate of the chain expired. If the capturing host's clock is wrong, so is the judgement of
dates; if the client's is, a valid certificate is refused with the same alert.
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
from analyzer.diagnosis.verdicts.verdict import Verdict
from analyzer.diagnosis.wording import presented, server_name
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-CERT-001",
    name="cert-expired",
    cause="cert_expired",
    phase=Phase.SERVER_CERTIFICATE,
    rank=Rank.FACT,
    title="The server's certificate has expired",
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
                f"The certificate of {server_name(story)}{presented(story)} has expired",
            ),
            explanation=verdict.beyond(
                "A client compares the validity of every certificate in the chain "
                "with its own clock."
            ),
            remedy=(
                (
                    "Server: renew the certificate, install it together with its "
                    "intermediates, and reload the service."
                ),
                (
                    "Look at what is served: openssl s_client -connect "
                    f"{reach_by_name(story)} -showcerts </dev/null | openssl x509 -noout "
                    "-subject -dates"
                ),
                (
                    "DataPower: upload the new file, point the Crypto Certificate object "
                    "of the Crypto Identification Credentials at it, and check the "
                    "Certificate Monitor for the next one."
                ),
                "If the dates are right, check the client's clock.",
            ),
            remedy_side=_remedy_side(story, verdict),
        )


def _remedy_side(story: Story, verdict: Verdict) -> RemedySide:
    """Where all that was sent is valid, the client's clock is fast, or a root in its store has expired."""
    in_order = verdict.refusal is not None and not verdict.text and story.server_chain is not None
    return RemedySide.CLIENT if in_order else RemedySide.SERVER
