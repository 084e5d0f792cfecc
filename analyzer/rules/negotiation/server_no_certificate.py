"""The server refuses every offer, broad ones included: it may have no usable certificate.

## What it looks like
Every connection of the capture to this server ends in the same handshake_failure (40), although
the offers differ and hold all that servers of today ask for. Or protocol_version (70) answers an
offer that names every version from TLS 1.0 to 1.3.

## Why it happens
The certificate or key could not be loaded, does not fit, or none is configured for this port.
OpenSSL that is limited to TLS 1.3 refuses the version where TLS 1.3 cannot use the key (DSA,
Brainpool curves).

## What it is not
Where a single list is narrow, that list is blamed first.

## What to do
Look at the server's log for the time of its start.

## Blind spots
A server that was limited to an exotic suite behaves in the same way.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Phase, RemedySide
from analyzer.diagnosis.model import Finding, Rank, Rule
from analyzer.diagnosis.verdicts.negotiation import negotiation_causes, negotiation_verdicts
from analyzer.diagnosis.wording import server_name
from analyzer.tls.registry.code_points import AlertDescription
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-NEG-010",
    name="server-no-certificate",
    cause="server_no_certificate",
    phase=Phase.CLIENT_HELLO,
    rank=Rank.OFFER,
    title="The server refuses every offer, as one without a certificate does",
    references=("RFC 8446 §4.4.2",),
    topic=negotiation_causes,
)


def check(story: Story) -> Iterator[Finding]:
    """Yield the verdict on the negotiation if it is this cause."""
    for verdict in negotiation_verdicts(story, RULE.cause):
        yield verdict.finding(
            RULE,
            title=f"{server_name(story)} {_refuses(story)}; it may have no usable certificate",
            explanation=verdict.reason(
                "A server without a certificate can negotiate no suite that needs one."
            ),
            remedy=(
                (
                    "Server: check in its log that certificate and key were loaded and "
                    "belong together."
                ),
                (
                    "Both must print the same: openssl x509 -in server.pem -noout -pubkey; "
                    "openssl pkey -in server.key -pubout"
                ),
                (
                    "DataPower: see that Crypto Identification Credentials, key and "
                    "certificate objects are up."
                ),
            ),
            remedy_side=RemedySide.SERVER,
        )


def _refuses(story: Story) -> str:
    alert = story.ending.alert
    versions = alert is not None and alert.description is AlertDescription.PROTOCOL_VERSION
    return "refuses every version of TLS" if versions else "refuses every offer in this capture"
