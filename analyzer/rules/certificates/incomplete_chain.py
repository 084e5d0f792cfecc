"""The server left out the intermediate that issued its certificate; the client found no path.

## What it looks like
The Certificate message holds one certificate whose issuer was not sent and looks like an
intermediate: the certificate says where its issuer can be fetched (authority information access),
or the issuer's name says so. The client answers as if the authority were unknown: 48, 46, 42, or
a bare close.

## Why it happens
The certificate was installed without the CA's bundle. Browsers hide the fault: they fetch or
remember intermediates; servers, Java, OpenSSL and gateways do not.

## What it is not
A root that the client lacks is TLS-CERT-004. The wire cannot prove which of the two it is: both
are named.

## What to do
Install the intermediates on the server, leaf first, root left out.

## Blind spots
In TLS 1.3 the chain is encrypted. A client may have the intermediate and lack the root.
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
from analyzer.diagnosis.wording import missing_issuer, presented, server_name
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-CERT-005",
    name="incomplete-chain",
    cause="incomplete_chain",
    phase=Phase.SERVER_CERTIFICATE,
    rank=Rank.FACT,
    title="The server does not send an intermediate certificate",
    references=("RFC 5246 §7.4.2", "RFC 8446 §4.4.2"),
    topic=server_certificate_causes,
)


def check(story: Story) -> Iterator[Finding]:
    """Yield the verdict on the server's certificate if it is this cause."""
    for verdict in server_certificate_verdicts(story, RULE.cause):
        yield verdict.finding(
            RULE,
            title=(
                f"{server_name(story)} does not send {missing_issuer(story)}, which issued its "
                f"certificate{presented(story)}: {verdict.result(story)}"
            ),
            explanation=verdict.because(
                "RFC 5246 and RFC 8446 let a server leave out the root only; a client"
                " that does not know the intermediate finds no path."
            ),
            remedy=(
                (
                    "Server: send the intermediates after the certificate (the CA calls "
                    "the file a chain or bundle)."
                ),
                (
                    f"Count what is sent: openssl s_client -connect {reach_by_name(story)} "
                    "-showcerts </dev/null | grep -c BEGIN"
                ),
                (
                    "DataPower as the server: list the intermediates in the Crypto "
                    "Identification Credentials (Intermediate CA Certificate)."
                ),
                "As a stopgap the client can trust the intermediate itself.",
            ),
            remedy_side=RemedySide.SERVER,
        )
