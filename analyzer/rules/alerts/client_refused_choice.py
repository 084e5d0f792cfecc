"""The client refused what the server chose, before it judged a certificate.

## What it looks like
After ServerHello, or the key exchange, the client sends a fatal alert that speaks of parameters:
handshake_failure (40), illegal_parameter (47), insufficient_security (71).

## Why it happens
The server chose something that the client did not offer or does not accept any more: a version, a
suite, a group, a signature, missing renegotiation_info.

## What it is not
Alerts 42 to 46 and 48 are about the certificate: TLS-ALERT-003.

## What to do
The client's log names the reason. Compare ServerHello and ServerKeyExchange with the offer.

## Blind spots
The client's limits (least key sizes, required extensions) are its configuration.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Confidence, Phase, RemedySide
from analyzer.diagnosis.deciding import WOULD_SETTLE
from analyzer.diagnosis.model import Alternative, Finding, Rank, Rule
from analyzer.diagnosis.refusals.refusal import choice_refused, key_exchange_refused
from analyzer.diagnosis.signs.alerts import CRYPTO_ALERTS
from analyzer.diagnosis.topics import refusing
from analyzer.diagnosis.verdicts.disagreement import negotiation_evidence
from analyzer.diagnosis.wording import party, when
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-ALERT-002",
    name="client-refused-choice",
    cause="negotiation_failed",
    phase=Phase.SERVER_HELLO,
    rank=Rank.STEP,
    title="A side refused the parameters that were chosen",
    references=("RFC 8446 §4.1.3", "RFC 5246 §7.4.1.3"),
    topic=refusing,
    fallback=True,
)


def check(story: Story) -> Iterator[Finding]:
    """Yield for a refused ServerHello or key exchange."""
    refusal = choice_refused(story) or key_exchange_refused(story)
    if refusal is None or refusal.alert in CRYPTO_ALERTS:
        return
    causes = ("no_shared_cipher", "no_shared_group", "ems_required", "legacy_renegotiation")
    yield RULE.finding(
        *negotiation_evidence(story, refusal),
        title=(
            f"{party(story, refusal.side)} refused the parameters of its handshake with "
            f"{party(story, refusal.side.peer)}: it {refusal.deed}"
        ),
        explanation=(
            "The refusal came where version, suite, extensions and key exchange are judged; the "
            "alert does not say which of them."
        ),
        remedy=(
            f"The log of the side that refused names the reason: {when(story.ending.time)}.",
            "Compare what was chosen with what was offered; both stand under evidence.",
        ),
        failing_side=refusal.failing_side,
        remedy_side=RemedySide.SERVER,
        confidence=Confidence.INFERRED,
        phase=refusal.phase,
        alternatives=tuple(Alternative(cause, WOULD_SETTLE[cause]) for cause in causes),
    )
