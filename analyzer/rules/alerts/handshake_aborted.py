"""A side aborted the handshake by a fatal alert that no other rule explains.

## What it looks like
A fatal alert at any step: unexpected_message (10), record_overflow (22), illegal_parameter (47),
decode_error (50), internal_error (80), missing_extension (109), unsupported_extension (110),
user_canceled (90), or a number that no registry knows.

## Why it happens
A peer broke the protocol, or something in the path changed or mixed up its messages; a side failed
for reasons of its own; or its user or program called the handshake off.

## What it is not
An alert that comes after the other side closed is an answer, and noise: it is not the reason.

## What to do
Ask the log of the side that sent the alert; compare the message before it with the protocol.

## Blind spots
The alert says what its sender thought, which need not be the truth. A closing alert that keys made readable says
nothing where the capture misses whether the handshake completed: mostly it did.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from analyzer.diagnosis.causes import Confidence, FailingSide, Phase, RemedySide
from analyzer.diagnosis.evidence import ending_evidence
from analyzer.diagnosis.model import Alternative, Evidence, Finding, Rank, Rule
from analyzer.diagnosis.refusals.refusal import read_refusal
from analyzer.diagnosis.refusals.stated import CONTEXT, other_meanings, stated_cause, step_due
from analyzer.diagnosis.refusals.steps import Step
from analyzer.diagnosis.signs.alerts import (
    CRYPTO_ALERTS,
    FAULTFINDING_ALERTS,
    LEAVING_ALERTS,
    VIOLATION_ALERTS,
)
from analyzer.diagnosis.signs.garbled import garbled_evidence
from analyzer.diagnosis.signs.standing import awaited, waited_long
from analyzer.diagnosis.topics import alerting
from analyzer.diagnosis.wording import alert_name, party, when
from analyzer.tcp.timeline import Side
from analyzer.tls.message.alert import meaning
from analyzer.tls.registry.code_points import AlertDescription
from analyzer.tls.story import Alert, Opening, Story, Visibility, Way

_A = AlertDescription

RULE = Rule(
    id="TLS-ALERT-005",
    name="handshake-aborted",
    cause="protocol_violation",
    phase=Phase.NONE,
    rank=Rank.STEP,
    title="A side aborted the handshake by a fatal alert",
    references=("RFC 8446 §6.2", "RFC 5246 §7.2.2"),
    topic=alerting,
    fallback=True,
)


def check(story: Story) -> Iterator[Finding]:
    """Yield for a clear alert before the handshake was done that no family of rules claims."""
    alert = story.ending.alert
    if alert is None or alert.description is None or story.ending.way is not Way.ALERT:
        return
    if story.completed or _claimed(story, alert.description) or _tired(story):
        return
    if story.completed is None and _takes_leave(alert):
        return
    if not _answers_the_unseen(story, alert):
        yield (_closed_unseen if _answers_nothing(story, alert) else _finding)(story, alert)


def _takes_leave(alert: Alert) -> bool:
    """Whether a side closes in order under keys: as a rule behind a handshake, which the capture may miss."""
    hidden = alert.visibility is Visibility.DECRYPTED
    return hidden and alert.description in LEAVING_ALERTS


def _answers_the_unseen(story: Story, alert: Alert) -> bool:
    """Whether an alert about what was read may answer bytes, or a bare close, that the capture misses."""
    if alert.description not in VIOLATION_ALERTS:
        return False
    other = alert.sender.peer
    if story.openings[other] is Opening.UNKNOWN:
        return True
    return bool(
        story.blind_to("start", "snap_length", f"{other.value}_side", f"{other.value}_bytes")
    )


def _tired(story: Story) -> bool:
    """Whether the alert only ends a long wait for the other side: the rules of silence speak then."""
    alert = story.ending.alert
    waited = waited_long(story) and awaited(story) is not story.ending.side
    said_nothing = not story.timeline.payload[Side.CLIENT] and not story.blind_to(*_CLIENT_BLIND)
    own_accord = alert is not None and alert.description in LEAVING_ALERTS
    return waited and (own_accord or said_nothing)


_CLIENT_BLIND: Final = ("client_side", "client_bytes", "start")


def _claimed(story: Story, description: AlertDescription) -> bool:
    """Whether a family of rules speaks about this refusal."""
    refusal = read_refusal(story)
    if refusal is None:
        return False
    if refusal.alert in CRYPTO_ALERTS:
        return True
    if refusal.step is Step.FINISHED:
        return False
    # Who could not read the offer did not judge it; who closed in order did not say no.
    unreadable = description in VIOLATION_ALERTS or description is _A.CLOSE_NOTIFY
    return not (refusal.step is Step.OFFER and unreadable)


def _finding(story: Story, alert: Alert) -> Finding:
    description = alert.description or _A.GENERAL_ERROR
    other = party(story, alert.sender.peer)
    refused = f"Look at the message of {other} just before the alert: it is what was refused."
    cause, perhaps = stated_cause(story, alert), other_meanings(story, alert)
    # An intermediate's date may be meant, and by NSS one that is not yet valid.
    dated = description is _A.CERTIFICATE_EXPIRED
    return RULE.finding(
        *_before(story, alert),
        ending_evidence(story),
        title=(
            f"{party(story, alert.sender)} aborted the handshake with {other} by the alert "
            f"{alert_name(alert)}"
        ),
        explanation=meaning(description),
        remedy=(
            f"The log of {party(story, alert.sender)} at {when(alert.time)} names the reason.",
            *([] if description in LEAVING_ALERTS else [refused]),
        ),
        failing_side=FailingSide.of(alert.sender),
        remedy_side=_remedy(alert),
        confidence=Confidence.SUSPECTED if dated or perhaps else Confidence.INFERRED,
        cause=cause,
        phase=step_due(story),
        rank=Rank.CLOSED if description is _A.CLOSE_NOTIFY else None,
        alternatives=tuple(
            Alternative(found, _WHOLE if story.blind_to(*CONTEXT) else _LOG)
            for found in perhaps
            if found != cause
        ),
    )


def _answers_nothing(story: Story, alert: Alert) -> bool:
    """Whether a client finds fault with words of a server that said none: it answers a close (JSSE, OpenSSL)."""
    silent = story.openings[Side.SERVER] is Opening.NOTHING and not story.blind_to(*CONTEXT)
    return silent and alert.sender is Side.CLIENT and alert.description in FAULTFINDING_ALERTS


def _closed_unseen(story: Story, alert: Alert) -> Finding:
    return RULE.finding(
        ending_evidence(story),
        title=(
            f"{party(story, Side.SERVER)} seems to have closed on the ClientHello of "
            f"{party(story, Side.CLIENT)}, which answered by the alert {alert_name(alert)}"
        ),
        explanation=(
            "The alert is about what was read, and the server had said nothing: stacks send it at the end "
            "of what they read. The close itself is not in the capture."
        ),
        remedy=(
            f"The log of {party(story, Side.SERVER)} at {when(alert.time)} names the reason, if it has one.",
            "Capture on the server's side, or without drops.",
        ),
        failing_side=FailingSide.SERVER,
        remedy_side=RemedySide.SERVER,
        confidence=Confidence.SUSPECTED,
        cause="server_closed_silently",
        phase=step_due(story),
        alternatives=(Alternative("protocol_violation", _WHOLE),),
    )


_LOG: Final = "the log of the side that sent the alert"
_WHOLE: Final = "a capture that holds the handshake from its beginning"


def _remedy(alert: Alert) -> RemedySide:
    """A violation is the other side's; a failure or a whim is the sender's own."""
    own = alert.description is _A.INTERNAL_ERROR or alert.description in LEAVING_ALERTS
    return RemedySide.of(alert.sender if own else alert.sender.peer)


def _before(story: Story, alert: Alert) -> tuple[Evidence, ...]:
    """The last message of the other side before the alert, and what came behind it that is none."""
    sent = [
        m
        for m in story.messages
        if m.sender is alert.sender.peer and m.frame <= alert.frame and m.name != "alert"
    ]
    last = [Evidence(m.frame, f"{m.sender.value} sent {m.name}") for m in sent[-1:]]
    return (*last, *garbled_evidence(story))
