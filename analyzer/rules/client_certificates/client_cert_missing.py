"""The server demands a client certificate, and the client sent none.

## What it looks like
CertificateRequest, then an empty Certificate message of the client, then the server's refusal:
handshake_failure (40; OpenSSL), bad_certificate (42; Java, Go), decode_error (50; GnuTLS),
certificate_required (116; TLS 1.3). In TLS 1.3 an empty Certificate is a record of 25 bytes.
Or the client closes without a word behind a flight with a CertificateRequest.

## Why it happens
The client has no certificate configured, or none that any authority in the server's list issued:
Java and Windows look for a match and send nothing if there is none. Chrome and its kin close, let
their user choose, and come back with another connection.

## What it is not
A certificate that the server does not accept is TLS-CLCRT-002 and following.

## What to do
Configure the client with a key and a certificate that the server accepts.

## Blind spots
nginx and some others complete the handshake and refuse by an HTTP status, under encryption. A client
that closes without a word may have refused the server's certificate instead: that is suspected only.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Phase, RemedySide
from analyzer.diagnosis.model import Finding, Rank, Rule
from analyzer.diagnosis.reaching import reach_by_name
from analyzer.diagnosis.verdicts.certificates import (
    client_certificate_causes,
    client_certificate_verdicts,
)
from analyzer.diagnosis.verdicts.verdict import Verdict
from analyzer.diagnosis.wording import asked_authorities, client_name, server_name
from analyzer.tcp.timeline import Side
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-CLCRT-001",
    name="client-cert-missing",
    cause="client_cert_missing",
    phase=Phase.CLIENT_CERTIFICATE,
    rank=Rank.FACT,
    title="The server demands a client certificate and got none",
    references=("RFC 8446 §4.4.2.4", "RFC 5246 §7.4.6"),
    topic=client_certificate_causes,
)


def check(story: Story) -> Iterator[Finding]:
    """Yield the verdict on the client's certificate if it is this cause."""
    for verdict in client_certificate_verdicts(story, RULE.cause):
        yield verdict.finding(
            RULE,
            title=(
                f"{server_name(story)} demands a client certificate and "
                f"{client_name(story)} sent none"
            ),
            explanation=verdict.because(f"{_custom(verdict)} {asked_authorities(story)}"),
            remedy=(
                "Client: configure a certificate and its key that the server accepts.",
                (
                    "If it is configured, compare its issuer with the server's list "
                    "(Acceptable client certificate CA names): openssl s_client -connect "
                    f"{reach_by_name(story)} </dev/null"
                ),
                (
                    "DataPower as the client: set Crypto Identification Credentials in "
                    "the TLS client profile. As the server: Require client authentication"
                    " decides, Send client authentication CA list narrows what clients "
                    "offer."
                ),
            ),
            remedy_side=RemedySide.CLIENT,
        )


def _custom(verdict: Verdict) -> str:
    """What clients do that have no certificate at hand."""
    if verdict.refusal is not None and verdict.refusal.side is Side.CLIENT:
        return (
            "Browsers close such a connection, ask their user, and come back with the choice; other "
            "programs that have none may just leave."
        )
    return (
        "A client without a fitting certificate answers with an empty list; the server may go on or, "
        "as here, give up."
    )
