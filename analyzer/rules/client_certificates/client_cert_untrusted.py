"""The server does not trust the authority that issued the client's certificate.

## What it looks like
The client sends a certificate, the server answers unknown_ca (48), certificate_unknown (46; Java)
or bad_certificate (42; Go). Often the issuer is none of the authorities that CertificateRequest
names.

## Why it happens
The server's trust store lacks the issuer, or the client used the wrong one of its certificates,
or left out its intermediate.

## What it is not
No certificate at all is TLS-CLCRT-001.

## What to do
Add the issuer to the server's trust store, or use a certificate that one of its authorities
issued. By mirror of the server's case, the verifier's trust store counts as what must change: the
server's.

## Blind spots
In TLS 1.3 both the request and the certificate are encrypted, and so is the alert.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Phase, RemedySide
from analyzer.diagnosis.model import Finding, Rank, Rule
from analyzer.diagnosis.verdicts.certificates import (
    client_certificate_causes,
    client_certificate_verdicts,
)
from analyzer.diagnosis.wording import asked_authorities, certificate_of, server_name
from analyzer.tcp.timeline import Side
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-CLCRT-002",
    name="client-cert-untrusted",
    cause="client_cert_untrusted",
    phase=Phase.CLIENT_CERTIFICATE,
    rank=Rank.FACT,
    title="The server does not trust the issuer of the client's certificate",
    references=("RFC 5246 §7.4.4", "RFC 8446 §4.3.2"),
    topic=client_certificate_causes,
)


def check(story: Story) -> Iterator[Finding]:
    """Yield the verdict on the client's certificate if it is this cause."""
    for verdict in client_certificate_verdicts(story, RULE.cause):
        yield verdict.finding(
            RULE,
            title=f"{server_name(story)} does not trust {certificate_of(story, Side.CLIENT)}",
            explanation=verdict.because(
                "A server accepts client certificates of the authorities in its own "
                f"trust store. {asked_authorities(story)}"
            ),
            remedy=(
                (
                    "Server: add the authority that issued the client's certificate to "
                    "the trust store for client certificates."
                ),
                (
                    "Client: or send a certificate that one of the server's authorities "
                    "issued, with its intermediates."
                ),
                (
                    "DataPower as the server: add the issuer to the Crypto Validation "
                    "Credentials of the TLS server profile; exact-match mode needs the "
                    "certificate itself after each renewal."
                ),
            ),
            remedy_side=RemedySide.SERVER,
        )
