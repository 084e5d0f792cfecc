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

from collections.abc import Iterator, Mapping
from typing import Final

from analyzer.diagnosis.alerts import (
    CERTIFICATE_ALERTS,
    CRYPTO_ALERTS,
    FAULTFINDING_ALERTS,
    VAGUE_ALERTS,
    VIOLATION_ALERTS,
)
from analyzer.diagnosis.causes import Confidence, FailingSide, Phase, RemedySide
from analyzer.diagnosis.certificate_messages import no_client_certificate
from analyzer.diagnosis.model import Alternative, Evidence, Finding, Rank, Rule
from analyzer.diagnosis.refusal import read_refusal
from analyzer.diagnosis.signs import garbled, passed, puzzled
from analyzer.diagnosis.standing import awaited, waited_long
from analyzer.diagnosis.steps import Step
from analyzer.diagnosis.topics import alerting
from analyzer.diagnosis.wording import alert_name, ending_evidence, party, when
from analyzer.tcp.timeline import Side
from analyzer.tls.message.alert import meaning
from analyzer.tls.registry.code_points import AlertDescription
from analyzer.tls.story import Alert, Milestone, Opening, Story, Visibility, Way

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

_CAUSES: Final[Mapping[AlertDescription, str]] = {
    _A.UNRECOGNIZED_NAME: "sni_unrecognized",
    _A.NO_APPLICATION_PROTOCOL: "alpn_mismatch",
    _A.UNKNOWN_PSK_IDENTITY: "psk_unknown",
    _A.INAPPROPRIATE_FALLBACK: "inappropriate_fallback",
    _A.INTERNAL_ERROR: "server_internal",
    _A.HANDSHAKE_FAILURE: "negotiation_failed",
    _A.INSUFFICIENT_SECURITY: "negotiation_failed",
    _A.PROTOCOL_VERSION: "protocol_version",
    _A.NO_RENEGOTIATION: "renegotiation_refused",
    _A.USER_CANCELED: "client_abandoned",
    _A.CLOSE_NOTIFY: "client_abandoned",
}


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
        yield _finding(story, alert)


def _takes_leave(alert: Alert) -> bool:
    """Whether a side closes in order under keys: as a rule behind a handshake, which the capture may miss."""
    hidden = alert.visibility is Visibility.DECRYPTED
    return hidden and alert.description in _OWN_ACCORD


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
    own_accord = alert is not None and alert.description in _OWN_ACCORD
    return waited and (own_accord or said_nothing)


# These refuse nothing: a side calls the handshake off.
_OWN_ACCORD: Final = frozenset({_A.CLOSE_NOTIFY, _A.USER_CANCELED})
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
    if _answers_nothing(story, alert):
        return _closed_unseen(story, alert)
    cause, perhaps = _cause(story, alert), _other_meanings(story, alert)
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
            *(
                ()
                if description in _OWN_ACCORD
                else (
                    f"Look at the message of {other} just before the alert: it is what was refused.",
                )
            ),
        ),
        failing_side=FailingSide.of(alert.sender),
        remedy_side=_remedy(alert),
        confidence=Confidence.SUSPECTED
        if description in _DATES or perhaps
        else Confidence.INFERRED,
        cause=cause,
        phase=_phase(story),
        rank=Rank.CLOSED if description is _A.CLOSE_NOTIFY else None,
        alternatives=tuple(
            Alternative(found, _WHOLE if story.blind_to(*_CONTEXT) else _LOG)
            for found in perhaps
            if found != cause
        ),
    )


def _answers_nothing(story: Story, alert: Alert) -> bool:
    """Whether a client finds fault with words of a server that said none: it answers a close (JSSE, OpenSSL)."""
    silent = story.openings[Side.SERVER] is Opening.NOTHING and not story.blind_to(*_CONTEXT)
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
        phase=_phase(story),
        alternatives=(Alternative("protocol_violation", _WHOLE),),
    )


_LOG: Final = "the log of the side that sent the alert"
_WHOLE: Final = "a capture that holds the handshake from its beginning"


def _other_meanings(story: Story, alert: Alert) -> tuple[str, ...]:
    """What an alert that only says "no" may refuse as well.

    What it answers may not be captured; and behind a client's certificate a server's own checks may have
    failed (the depth of the chain, in Apache), of which it says no more.
    """
    if alert.description not in VAGUE_ALERTS:
        return ()
    if story.blind_to(*_CONTEXT):
        return _REFUSED[alert.sender]
    judging = alert.sender is Side.SERVER and passed(story, Milestone.CLIENT_CERTIFICATE)
    return ("client_certificate_rejected",) if judging else ()


# What of a handshake tells at which step an alert was sent.
_CONTEXT: Final = (
    "start",
    "snap_length",
    "client_side",
    "server_side",
    "client_bytes",
    "server_bytes",
)
_REFUSED: Final = {
    Side.CLIENT: ("server_certificate_rejected", "negotiation_failed"),
    Side.SERVER: ("negotiation_failed", "client_certificate_rejected"),
}


def _cause(story: Story, alert: Alert) -> str:
    """What the alert says by itself: what it answers may be missing from the capture."""
    description, server = alert.description, alert.sender is Side.SERVER
    if description in CRYPTO_ALERTS:
        return "tampered"
    if description in CERTIFICATE_ALERTS:
        named = _STATED.get(description) if description is not None else None
        if named is not None:
            return named[server]
        return "client_certificate_rejected" if server else "server_certificate_rejected"
    if description is _A.HANDSHAKE_FAILURE and server and _asked(story):
        missing = no_client_certificate(story)
        return "client_cert_missing" if missing else "client_certificate_rejected"
    if description is _A.CLOSE_NOTIFY and server:
        return "server_closed_silently"
    chosen = server and description is _A.PROTOCOL_VERSION and passed(story, Milestone.SERVER_HELLO)
    if chosen or puzzled(story, description):
        return "protocol_violation"  # of a record, not of the handshake
    if description is _A.INTERNAL_ERROR and not server:
        return "protocol_violation"
    return (
        "protocol_violation"
        if description is None
        else _CAUSES.get(description, "protocol_violation")
    )


def _asked(story: Story) -> bool:
    """Whether the server had asked for a certificate; who is not asked sends none, not even an empty one."""
    answers = Milestone.CLIENT_CERTIFICATE, Milestone.CLIENT_CERTIFICATE_EMPTY
    asked = story.reached(Milestone.CERTIFICATE_REQUEST) and story.reached(Milestone.SERVER_FLIGHT)
    return asked or any(passed(story, answer) for answer in answers)


# Alerts about certificates that leave no choice: of a client about the server's, and the other way round.
_STATED: Final = {
    _A.CERTIFICATE_EXPIRED: ("cert_expired", "client_cert_expired"),
    _A.CERTIFICATE_REVOKED: ("cert_revoked", "client_cert_revoked"),
}


# An intermediate's date may be meant, and by NSS one that is not yet valid.
_DATES: Final = frozenset({_A.CERTIFICATE_EXPIRED})


def _remedy(alert: Alert) -> RemedySide:
    """A violation is the other side's; a failure or a whim is the sender's own."""
    own = alert.description in {_A.INTERNAL_ERROR, _A.USER_CANCELED, _A.CLOSE_NOTIFY}
    return RemedySide.of(alert.sender if own else alert.sender.peer)


# The last milestone that was passed, and the step that was due after it.
_NEXT: Final = (
    (Milestone.CLIENT_FINISHED, Phase.FINISHED),
    (Milestone.CLIENT_KEY_EXCHANGE, Phase.KEY_EXCHANGE),
    (Milestone.CLIENT_CERTIFICATE, Phase.CLIENT_CERTIFICATE),
    (Milestone.CLIENT_CERTIFICATE_EMPTY, Phase.CLIENT_CERTIFICATE),
    (Milestone.SERVER_CERTIFICATE, Phase.SERVER_CERTIFICATE),
    (Milestone.SERVER_HELLO, Phase.SERVER_HELLO),
)


def _phase(story: Story) -> Phase:
    for milestone, phase in _NEXT:
        if passed(story, milestone):
            return phase
    return Phase.CLIENT_HELLO


def _before(story: Story, alert: Alert) -> tuple[Evidence, ...]:
    """The last message of the other side before the alert, and what came behind it that is none."""
    odd = garbled(story)
    behind = (
        ()
        if odd is None
        else (Evidence(odd, f"{alert.sender.peer.value} sent bytes that are no TLS record"),)
    )
    sent = [
        m
        for m in story.messages
        if m.sender is alert.sender.peer and m.frame <= alert.frame and m.name != "alert"
    ]
    if not sent:
        return behind
    return (Evidence(sent[-1].frame, f"{sent[-1].sender.value} sent {sent[-1].name}"), *behind)
