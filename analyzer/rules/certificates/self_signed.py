"""The server presents a certificate that is its own issuer, and the client does not know it.

## What it looks like
Issuer and subject of the server's certificate are equal and its own key verifies its signature.
The client sends unknown_ca (48), bad_certificate (42) or certificate_unknown (46), or closes.

## Why it happens
A certificate made for a test, or an appliance's built-in default, stayed in place; or the wrong
virtual host answered.

## What it is not
A private CA that the client lacks is TLS-CERT-004. Where name, usage or dates are wrong as well and the
alert leaves it open, most clients stop at the certificate that nobody vouches for before they look at
its name, and at its dates before that; the other is named then.

## What to do
Install a certificate from an authority that the clients trust; or give the clients this very
certificate as trusted.

## Blind spots
In TLS 1.3 the certificate is encrypted.
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
    id="TLS-CERT-006",
    name="self-signed",
    cause="self_signed",
    phase=Phase.SERVER_CERTIFICATE,
    rank=Rank.FACT,
    title="The server's certificate is self-signed and the client does not know it",
    references=("RFC 5280 §3.2", "RFC 8446 §6.2"),
    topic=server_certificate_causes,
)


def check(story: Story) -> Iterator[Finding]:
    """Yield the verdict on the server's certificate if it is this cause."""
    for verdict in server_certificate_verdicts(story, RULE.cause):
        yield verdict.finding(
            RULE,
            title=verdict.title(
                story,
                f"The certificate of {server_name(story)}{presented(story)} is self-signed",
            ),
            explanation=verdict.beyond(
                "Nobody vouches for a self-signed certificate; a client takes it only"
                " if that very certificate is in its trust store."
            ),
            remedy=(
                ("Server: install a certificate that an authority issued whom the clients trust."),
                (
                    "Check that the right virtual host answers: openssl s_client -connect"
                    f" {reach_by_name(story)} </dev/null"
                ),
                (
                    "If it is meant to be self-signed, add it to the client's trust store"
                    " (DataPower: Crypto Validation Credentials, exact match)."
                ),
            ),
            remedy_side=RemedySide.SERVER,
        )
