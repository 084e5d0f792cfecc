"""A side gave up under encryption while the handshake was being proven, and its alert is not in clear.

## What it looks like
An encrypted alert before the handshake is done, where no certificate is left to judge: around the
Finished messages, or in a resumed handshake.

## Why it happens
A Finished message or a record did not verify, the keys of a resumed session differ, or the sender
called the handshake off. Or bytes came that are no TLS records: a program or a device wrote them into
the connection.

## What it is not
Right after the server's flight such an alert refuses its certificate: TLS-ALERT-003. After the
client's certificate it refuses that: TLS-ALERT-004.

## What to do
The log of the side that gave up names the reason; or record the keys of the session.

## Blind spots
The alert cannot be read, and close_notify looks the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from analyzer.diagnosis.causes import Confidence, FailingSide, Phase, RemedySide
from analyzer.diagnosis.deciding import WOULD_SETTLE
from analyzer.diagnosis.evidence import ending_evidence
from analyzer.diagnosis.model import Alternative, Evidence, Finding, Rank, Rule
from analyzer.diagnosis.refusals.refusal import read_refusal
from analyzer.diagnosis.refusals.steps import Step
from analyzer.diagnosis.signs.garbled import garbled_evidence
from analyzer.diagnosis.signs.passing import passed
from analyzer.diagnosis.signs.standing import client_done
from analyzer.diagnosis.topics import alerting
from analyzer.diagnosis.verdicts.disagreement import negotiation_evidence
from analyzer.diagnosis.wording import keys_would_tell, party, when
from analyzer.tcp.timeline import Side
from analyzer.tls.story import Milestone, Story, Way

RULE = Rule(
    id="TLS-ALERT-006",
    name="aborted-under-encryption",
    cause="crypto_failed",
    phase=Phase.FINISHED,
    rank=Rank.STEP,
    title="A side gave up under encryption before the handshake was done",
    references=("RFC 8446 §6", "RFC 5246 §7.2"),
    topic=alerting,
    fallback=True,
)


def check(story: Story) -> Iterator[Finding]:
    """Yield for an encrypted alert in a handshake that failed, where no family claims it."""
    ending, refusal = story.ending, read_refusal(story)
    if ending.way is not Way.ENCRYPTED_ALERT or ending.side is None or story.completed is not False:
        return
    if refusal is not None and refusal.step is not Step.FINISHED:
        return
    if _unread(story) or _is_through(story):
        return
    evidence = negotiation_evidence(story, refusal) if refusal else (ending_evidence(story),)
    odd = garbled_evidence(story)
    if odd:
        yield _unreadable(story, ending.side, odd)
        return
    yield RULE.finding(
        *evidence,
        title=(
            f"{party(story, ending.side)} gave up under encryption before its handshake with "
            f"{party(story, ending.side.peer)} was done"
        ),
        explanation=(
            "No certificate was left to judge at this point, so that a check of keys is the most "
            "likely reason; the alert itself cannot be read."
        ),
        remedy=(
            f"The log of {party(story, ending.side)} at {when(ending.time)} names the reason.",
            *keys_would_tell(story),
        ),
        failing_side=FailingSide.of(ending.side),
        remedy_side=RemedySide.NETWORK,
        confidence=Confidence.SUSPECTED,
        alternatives=(
            Alternative("tampered", WOULD_SETTLE["tampered"]),
            Alternative("psk_wrong_key", WOULD_SETTLE["psk_wrong_key"]),
        ),
    )


def _unreadable(story: Story, side: Side, odd: tuple[Evidence, ...]) -> Finding:
    """What the other side sent were no TLS records any more."""
    return RULE.finding(
        *odd,
        ending_evidence(story),
        title=(
            f"{party(story, side)} gave up over bytes of {party(story, side.peer)} that are no TLS records"
        ),
        explanation="In the middle of the handshake the other side, or a device in the path, sent something else.",
        remedy=(
            f"Look at these bytes: who writes them, {party(story, side.peer)} or a device before it?",
        ),
        failing_side=FailingSide.of(side),
        remedy_side=RemedySide.of(side.peer),
        confidence=Confidence.INFERRED,
        cause="protocol_violation",
    )


def _is_through(story: Story) -> bool:
    """TLS 1.3: the client had finished, and so had verified all that there is to verify, before it left."""
    return story.tls13 and story.ending.side is Side.CLIENT and client_done(story)


_HEADERS: Final = 9  # of a record and a message


def _unread(story: Story) -> bool:
    """TLS 1.3: the client said more than its records could be read to mean, its Finished perhaps."""
    if not story.tls13 or passed(story, Milestone.CLIENT_FINISHED):
        return False
    sent = [message for message in story.messages if message.sender is Side.CLIENT]
    known = sum(message.length + _HEADERS for message in sent)
    return story.timeline.payload.get(Side.CLIENT, 0) - known >= _FINISHED_LEAST


_FINISHED_LEAST: Final = 53 + 5  # a record of Finished with SHA-256
