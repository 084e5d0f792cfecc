"""Both sides use a pre-shared key, and their keys differ.

## What it looks like
A suite with PSK was chosen (up to TLS 1.2) and the server refuses the client's first encrypted
record with bad_record_mac (20) or decrypt_error (51); or TLS 1.3 offers a pre-shared key and the
server answers decrypt_error (51) or, as OpenSSL does, illegal_parameter (47), because the binder
does not verify.

## Why it happens
The key was mistyped, rotated on one side only, or given in another encoding (hexadecimal, text).

## What it is not
An identity that the server does not know is TLS-NEG-012; servers may answer it in the same way on
purpose (RFC 4279 §2).

## What to do
Provision the same key for this identity on both sides.

## Blind spots
The keys are never on the wire. Bytes changed in the path would look alike (TLS-CRY-001).
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Confidence, Phase, RemedySide
from analyzer.diagnosis.deciding import WOULD_SETTLE
from analyzer.diagnosis.model import Alternative, Finding, Rank, Rule
from analyzer.diagnosis.refusals.refusal import Refusal, read_refusal
from analyzer.diagnosis.refusals.steps import Step
from analyzer.diagnosis.signs.alerts import CRYPTO_ALERTS
from analyzer.diagnosis.signs.hellos import psk_offered
from analyzer.diagnosis.topics import refusing
from analyzer.diagnosis.verdicts.disagreement import negotiation_evidence
from analyzer.diagnosis.wording import client_name, party, server_name
from analyzer.tcp.timeline import Side
from analyzer.tls.registry.code_points import AlertDescription
from analyzer.tls.registry.suite_facts import facts_of
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-CRY-002",
    name="psk-wrong-key",
    cause="psk_wrong_key",
    phase=Phase.FINISHED,
    rank=Rank.FACT,
    title="The pre-shared keys of client and server differ",
    references=("RFC 4279 §2", "RFC 8446 §4.2.11.2"),
    topic=refusing,
)


def check(story: Story) -> Iterator[Finding]:
    """Yield where a pre-shared key was used and the proof of it did not verify."""
    refusal = read_refusal(story)
    if refusal is None or not psk_offered(story) or not _unproven(refusal):
        return
    yield RULE.finding(
        *negotiation_evidence(story, refusal),
        title=(
            f"{client_name(story)} and {server_name(story)} seem to use different {_secrets(story)}: "
            f"{party(story, refusal.side)} refused the other's proof"
        ),
        explanation=(
            "With a pre-shared key the first protected message proves that both sides have the "
            "same key; it did not verify."
        ),
        remedy=(
            "Compare the key for this identity on both sides, its encoding included.",
            "Client: provision the key anew, as the server has it.",
        ),
        failing_side=refusal.failing_side,
        remedy_side=RemedySide.CLIENT,
        confidence=_confidence(refusal),
        phase=refusal.phase,
        alternatives=(
            Alternative("psk_unknown", WOULD_SETTLE["psk_unknown"]),
            Alternative("tampered", WOULD_SETTLE["tampered"]),
        ),
    )


def _secrets(story: Story) -> str:
    choice = story.choice
    srp = choice is not None and facts_of(choice.cipher_suite).key_exchange == "SRP"
    return "passwords (SRP)" if srp else "pre-shared keys"


def _unproven(refusal: Refusal) -> bool:
    """Whether the alert says that the proof of the key failed; a binder's failure has two names."""
    if refusal.alert in CRYPTO_ALERTS:
        return True
    return refusal.alert is AlertDescription.ILLEGAL_PARAMETER and refusal.step is Step.OFFER


def _confidence(refusal: Refusal) -> Confidence:
    """A server up to TLS 1.2 may hide in the same way that it does not know the identity (RFC 4279)."""
    hidden = refusal.side is Side.SERVER and refusal.step is not Step.OFFER
    proven = refusal.alert in CRYPTO_ALERTS and not hidden
    return Confidence.INFERRED if proven else Confidence.SUSPECTED
