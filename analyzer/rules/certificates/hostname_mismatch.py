"""The certificate is not for the host name that the client wanted (SNI).

## What it looks like
The name in SNI matches none of the certificate's alternative names. The client gives up after the
server's flight with bad_certificate (42), certificate_unknown (46), or closes; some (curl, Node)
finish the handshake first and leave without a request.

## Why it happens
The server answers with its default certificate, the client uses an alias or an address, or the
certificate was issued without this name, or with a final dot behind it.

## What it is not
unknown_ca (48) and certificate_expired (45) are never about names: then a mismatch is only noted.
A server that refuses the name itself is TLS-NEG-004.

## What to do
Reissue the certificate with the name, choose the right one for it by SNI, or let the client use a
name that the certificate has.

## Blind spots
The client may check another name than it sent in SNI. Without SNI the name is unknown; then the
server's address stands in for it, and the finding is suspected only. In TLS 1.3 the names are
encrypted. A client that offers no application protocol and closes in order behind the handshake may be a
probe (openssl s_client): then the mismatch is only noted.
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
from analyzer.diagnosis.wording import held_names, server_name, wanted_name
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-CERT-007",
    name="hostname-mismatch",
    cause="hostname_mismatch",
    phase=Phase.SERVER_CERTIFICATE,
    rank=Rank.FACT,
    title="The server's certificate is not for the name that the client asked for",
    references=("RFC 9525 §6", "RFC 6066 §3"),
    topic=server_certificate_causes,
)


def check(story: Story) -> Iterator[Finding]:
    """Yield the verdict on the server's certificate if it is this cause."""
    for verdict in server_certificate_verdicts(story, RULE.cause):
        yield verdict.finding(
            RULE,
            title=(
                f"The certificate of {server_name(story)} is not for "
                f"{wanted_name(story)}{held_names(story)}: {verdict.result(story)}"
            ),
            explanation=verdict.because(
                "A client that verifies compares the host it was told to reach with "
                "the certificate's alternative names; most ignore the common name."
            ),
            remedy=(
                (
                    f"Server: install a certificate that has {wanted_name(story)} among "
                    "its subject alternative names, or map that name to the right "
                    "certificate."
                ),
                (
                    "See what is served for the name: openssl s_client -connect "
                    f"{reach_by_name(story)} </dev/null | "
                    "openssl x509 -noout -ext subjectAltName"
                ),
                "Client: connect by a name that the certificate has.",
                (
                    "DataPower as the client: check the host name of the backend URL and "
                    "the custom SNI of the TLS client profile; Validate hostname decides "
                    "whether the mismatch is fatal."
                ),
            ),
            remedy_side=RemedySide.SERVER,
        )
