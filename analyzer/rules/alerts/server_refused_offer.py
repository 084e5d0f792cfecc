"""The server refused the client's offer and did not say which part of it.

## What it looks like
The ClientHello is the last thing that the server had to answer, and it answers with a fatal alert,
mostly handshake_failure (40), that fits several causes.

## Why it happens
No shared cipher suite, version, group or signature algorithm; no SNI or an unknown one; no usable
certificate on the server; a policy.

## What it is not
Where the alert names the reason, or one list of the offer is plainly narrow, another rule says so.

## What to do
The server's log names the reason in nearly every product. Else try the offer with one list changed
at a time.

## Blind spots
What a server supports is not on the wire, only what it chooses for others.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from analyzer.diagnosis.causes import Confidence, Phase, RemedySide
from analyzer.diagnosis.model import Alternative, Finding, Rank, Rule
from analyzer.diagnosis.reaching import reach_by_name
from analyzer.diagnosis.refusals.refusal import Refusal, offer_refused
from analyzer.diagnosis.signs.alerts import CRYPTO_ALERTS, VIOLATION_ALERTS
from analyzer.diagnosis.terms import offered
from analyzer.diagnosis.topics import refusing
from analyzer.diagnosis.verdicts.disagreement import negotiation_evidence
from analyzer.diagnosis.verdicts.refused_offers import rivals
from analyzer.diagnosis.wording import client_name, server_name, when
from analyzer.tls.registry.code_points import AlertDescription
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-ALERT-001",
    name="server-refused-offer",
    cause="negotiation_failed",
    phase=Phase.CLIENT_HELLO,
    rank=Rank.STEP,
    title="The server refused the client's offer",
    references=("RFC 8446 §4.1.1", "RFC 8446 §6.2"),
    topic=refusing,
    fallback=True,
)


def check(story: Story) -> Iterator[Finding]:
    """Yield for every alert by which a server refuses an offer."""
    refusal = offer_refused(story)
    if refusal is None or not (refusal.certain or refusal.dark) or _not_the_offer(refusal):
        return
    yield RULE.finding(
        *negotiation_evidence(story, refusal),
        title=(
            f"{server_name(story)} refused the offer of {client_name(story)}: it {refusal.deed} to "
            f"{offered(story)}"
        ),
        explanation=(
            f"{_meaning(refusal)} The alternatives are ordered by what the offer and other connections "
            "of this capture speak for."
        ),
        remedy=(
            f"Server: its log at {when(story.ending.time)} names the reason.",
            (
                "Change one thing at a time (-servername, -tls1_2, -cipher, -groups, -sigalgs): "
                f"openssl s_client -connect {reach_by_name(story)} -tls1_2 </dev/null"
            ),
            "DataPower: Protocols, Ciphers and Elliptic curves of the TLS profile; SNI mapping.",
        ),
        failing_side=refusal.failing_side,
        remedy_side=RemedySide.SERVER,
        confidence=Confidence.SUSPECTED if _contradicted(refusal) else Confidence.INFERRED,
        alternatives=(*([_VIOLATION] if _contradicted(refusal) else []), *rivals(story)),
    )


_VIOLATION: Final = Alternative(
    "protocol_violation", "the server's log: which field of the ClientHello it finds wrong"
)


def _contradicted(refusal: Refusal) -> bool:
    """Whether the alert is that for a field that is wrong in itself, which some use for any no."""
    return refusal.alert is AlertDescription.ILLEGAL_PARAMETER


def _meaning(refusal: Refusal) -> str:
    if _contradicted(refusal):
        return (
            "The alert is for a field of the ClientHello that is wrong or contradicts another; some "
            "servers mean by it that they share no group or suite with the client."
        )
    return (
        "The server found no combination of what the client offers and what it supports, and does "
        "not say what was missing."
    )


def _not_the_offer(refusal: Refusal) -> bool:
    """Alerts that do not judge the offer's content: they have rules of their own."""
    return refusal.alert in CRYPTO_ALERTS or refusal.alert in VIOLATION_ALERTS
