"""Client and server share no cipher suite.

## What it looks like
The server answers the ClientHello with handshake_failure (40) or insufficient_security (71), and
the client's list of suites is short, outdated or of one kind; or the server was seen to choose
other suites for every other client of the capture.

## Why it happens
One side was hardened or upgraded and the other was not. A server whose certificate has an ECDSA
key shares nothing with a client that offers RSA suites only, and the other way round. Up to TLS
1.2 a missing common curve shows as this too.

## What it is not
Alert 40 alone does not say "cipher": without a narrow list or a neighbour that speaks for it,
TLS-ALERT-001 names the possibilities.

## What to do
Compare the two lists and widen the narrower one; prefer ECDHE with AES-GCM.

## Blind spots
The server's list is never on the wire; only what it chose for others is.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Phase, RemedySide
from analyzer.diagnosis.model import Finding, Rank, Rule
from analyzer.diagnosis.reaching import reach_by_name
from analyzer.diagnosis.verdicts.negotiation import negotiation_causes, negotiation_verdicts
from analyzer.diagnosis.wording import client_name, server_name
from analyzer.tls.registry.code_points import ProtocolVersion
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-NEG-001",
    name="no-shared-cipher",
    cause="no_shared_cipher",
    phase=Phase.CLIENT_HELLO,
    rank=Rank.OFFER,
    title="Client and server share no cipher suite",
    references=("RFC 8446 §4.1.1", "RFC 5246 §7.4.1.3"),
    topic=negotiation_causes,
)


def check(story: Story) -> Iterator[Finding]:
    """Yield the verdict on the negotiation if it is this cause."""
    for verdict in negotiation_verdicts(story, RULE.cause):
        yield verdict.finding(
            RULE,
            title=verdict.narrowed(
                f"{server_name(story)} found no cipher suite in the offer of "
                f"{client_name(story)} that it supports"
            ),
            explanation=verdict.reason_beyond(
                "A server must find one suite in the client's list that it has "
                "enabled and for which it has a fitting certificate."
            ),
            remedy=(
                ("Server: enable a suite that the client offers; the offer stands under evidence."),
                (
                    "Client: offer suites of today, such as "
                    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 and those of TLS 1.3."
                ),
                (
                    "Ask the server what it takes, one suite at a time: openssl s_client "
                    f"-connect {reach_by_name(story)} {_one_suite(story)} </dev/null"
                ),
                (
                    "DataPower: compare Ciphers of the TLS profile; ECDSA suites need an "
                    "ECDSA key in the Crypto Identification Credentials."
                ),
            ),
            remedy_side=RemedySide.SERVER,
        )


def _one_suite(story: Story) -> str:
    """How OpenSSL is told to offer a suite: those of TLS 1.3 are a list of their own."""
    newest = story.offer is not None and story.offer.versions == (ProtocolVersion.TLS1_3,)
    return "-tls1_3 -ciphersuites SUITE" if newest else "-tls1_2 -cipher SUITE"
