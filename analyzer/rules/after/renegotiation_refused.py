"""A side asked for another handshake on a connection that had one, and the other refused.

## What it looks like
On an established connection a handshake record (a HelloRequest or ClientHello, usually encrypted), then the
warning no_renegotiation, or an alert and the end.

## Why it happens
Renegotiation is switched off or limited to zero on the other side (a DataPower's
NumberOfRenegotiationAllowed is 0 by default), or secure renegotiation (RFC 5746) is missing. Servers that ask
for a client certificate only for some paths need it in TLS 1.2.

## What it is not
A refusal of the first handshake.

## What to do
Ask for the client certificate in the first handshake, or allow renegotiation on the side that refuses.

## Blind spots
Under encryption only the types of records are seen.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Confidence, FailingSide, Phase, RemedySide
from analyzer.diagnosis.model import Alternative, Evidence, Finding, Rank, Rule
from analyzer.diagnosis.signs.renegotiation import SOON_NS, behind_handshake
from analyzer.diagnosis.signs.standing import end_evidence
from analyzer.diagnosis.topics import finishing
from analyzer.diagnosis.wording import alert_phrase, party
from analyzer.tls.registry.code_points import AlertDescription
from analyzer.tls.story import Alert, Message, Story, Way

RULE = Rule(
    id="TLS-END-001",
    name="renegotiation-refused",
    cause="renegotiation_refused",
    phase=Phase.POST_HANDSHAKE,
    rank=Rank.STEP,
    title="A side refuses to renegotiate",
    references=(
        "RFC 5246 §7.2.2",
        "RFC 5746 §4.2",
    ),
    topic=finishing,
)


def check(story: Story) -> Iterator[Finding]:
    """Fire where a later handshake is answered by a refusal."""
    asked = _asked(story)
    if not story.completed or asked is None:
        return
    refusal = _refusal(story, asked)
    if refusal is None or _answered(story, asked, refusal.frame):
        return
    clear = refusal.description is AlertDescription.NO_RENEGOTIATION
    if not clear and story.blind_to("start", "client_bytes", "server_bytes", "snap_length"):
        return  # what looks like another handshake may be the first one's end
    side, end = refusal.sender, end_evidence(story)
    yield RULE.finding(
        Evidence(asked.frame, f"{asked.sender.value} began another handshake"),
        *([] if end.frame == refusal.frame else [Evidence(refusal.frame, alert_phrase(refusal))]),
        end,
        title=f"{party(story, side)} refuses to renegotiate with {party(story, side.peer)}",
        explanation="The first handshake completed; a later one on the same connection was refused.",
        remedy=(
            f"On the {side.value}: allow renegotiation, if it is wanted.",
            (
                "On the side that asked: ask for everything in the first handshake (client certificate "
                "included), or use TLS 1.3."
            ),
        ),
        failing_side=FailingSide.of(side),
        remedy_side=RemedySide.of(side),
        confidence=Confidence.SEEN if clear else Confidence.INFERRED,
        rank=RULE.rank if _ended_by_it(story, refusal) else Rank.NOTE,
        alternatives=()
        if clear
        else (Alternative("client_certificate_rejected", "a key log, or the log of that side"),),
    )


def _asked(story: Story) -> Message | None:
    """The first handshake message after completion."""
    names = {"encrypted_handshake", "hello_request", "client_hello"}
    return next((m for m in behind_handshake(story) if m.name in names), None)


def _refusal(story: Story, asked: Message) -> Alert | None:
    """The peer's alert that follows soon."""
    if story.tls13 or story.ending.way is Way.OPEN:
        return None
    for alert in story.alerts:
        soon = 0 <= alert.time - asked.time <= SOON_NS
        if alert.sender is not asked.sender and alert.frame >= asked.frame and soon:
            return alert
    return None


def _ended_by_it(story: Story, refusal: Alert) -> bool:
    """Whether the connection was closed soon after the refusal, and did not simply go on."""
    closed = story.timeline.closed_first
    return closed is not None and closed[1].time - refusal.time <= SOON_NS


def _answered(story: Story, asked: Message, before: int) -> bool:
    """Whether the peer took part in the new handshake before it sent the alert."""
    return any(
        m.name in {"encrypted_handshake", "client_hello", "server_hello"}
        and m.sender is not asked.sender
        and asked.frame <= m.frame < before
        for m in story.messages
    )
