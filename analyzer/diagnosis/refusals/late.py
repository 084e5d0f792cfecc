"""What was refused behind the handshake, or may have been: a certificate or the lack of a protocol."""

from __future__ import annotations

from typing import Final

from analyzer.diagnosis.causes import Confidence
from analyzer.diagnosis.evidence import ending_evidence
from analyzer.diagnosis.refusals.refusal import Refusal, readable_alert, refused_at
from analyzer.diagnosis.refusals.steps import Step
from analyzer.diagnosis.signs.alerts import CERTIFICATE_ALERTS, VAGUE_ALERTS
from analyzer.diagnosis.signs.choices import unspoken
from analyzer.diagnosis.signs.passing import accepted_otherwise, passed, perhaps_used, prompt
from analyzer.diagnosis.signs.resets import strays
from analyzer.tcp.timeline import Side
from analyzer.tls.registry.code_points import AlertDescription
from analyzer.tls.story import Milestone, Story, Way

_A = AlertDescription


def left_unused(story: Story) -> Refusal | None:
    """The client finished the handshake and left at once without using the connection.

    Some programs (NSS, Node, curl for the name) judge the certificate only then. Probes leave so
    too, so that it takes a fault in plain sight, in TLS 1.3 one that keys show, or an encrypted alert
    that was no close_notify, to call this a refusal: a close_notify is answered by another (RFC 5246
    section 7.2.1). A client that uses other connections with this certificate does not refuse it. An
    alert that can be read and speaks of certificates says it by itself.
    """
    ending, alert = story.ending, readable_alert(story)
    stated = alert in CERTIFICATE_ALERTS
    used = any(passed(story, m) for m in (Milestone.CLIENT_DATA, Milestone.SERVER_DATA))
    left = ending.side is Side.CLIENT and (ending.alerted or ending.closed)
    if not story.completed or used or not left:
        return None
    if not stated and (alert is not None or accepted_otherwise(story)):
        return None
    if story.server_chain is None or not prompt(story) or strays(story):
        return None
    return Refusal(
        side=Side.CLIENT,
        step=Step.SERVER_CERTIFICATE,
        way=ending.way,
        alert=alert,
        evidence=ending_evidence(story),
        ceiling=Confidence.SEEN if stated else Confidence.SUSPECTED,
        orderly=ending.alerted and not stated and not _judged_late(story),
    )


def _judged_late(story: Story) -> bool:
    """Whether an encrypted alert behind a handshake is worse than close_notify.

    Close_notify is to be answered by another; many servers do not. Of NSS alone it is known that it
    judges the whole certificate so late.
    """
    answered = any(alert.sender is Side.SERVER for alert in story.alerts)
    stack = story.client_stack
    return not answered and stack is not None and stack.name == "nss"


def left_speechless(story: Story) -> Refusal | None:
    """The client finished the handshake and left without a word: the server chose no protocol for it.

    An orderly close is no refusal: probes ask so which protocols a server speaks.
    """
    ending = story.ending
    unused = story.completed and not perhaps_used(story)
    if not unused or not ending.closed_by(Side.CLIENT):
        return None
    if not unspoken(story) or not prompt(story) or strays(story) or story.blind_to(*_UNSEEN):
        return None
    return Refusal(
        side=Side.CLIENT,
        step=Step.CHOICE,
        way=ending.way,
        alert=None,
        evidence=ending_evidence(story),
        ceiling=Confidence.SUSPECTED,
    )


# What a capture misses may be the choice of a protocol, or its use.
_UNSEEN: Final = ("start", "snap_length", "client_bytes", "server_bytes")


def client_certificate_refused(story: Story) -> Refusal | None:
    """The server gave up where it had to judge the client's certificate, or its absence."""
    refusal = refused_at(story, Step.CLIENT_CERTIFICATE)
    if refusal is not None and refusal.side is Side.SERVER:
        return refusal
    return _refused_later(story)


def _refused_later(story: Story) -> Refusal | None:
    """The server asked for a certificate behind the handshake, and refused what it got.

    RFC 8446 section 4.6.2; up to TLS 1.2 in another handshake under the keys of the first. Only keys
    show either.
    """
    alert, chain = readable_alert(story), story.client_chain
    if not story.completed or story.ending.side is not Side.SERVER or chain is None:
        return None
    done = story.milestones[Milestone.CLIENT_FINISHED].frame
    asked = any(
        m.sender is Side.SERVER
        and m.name == "certificate_request"
        and done < m.frame <= chain.frame
        for m in story.messages
    )
    if not asked or alert not in _JUDGING or not story.ending.heard(Side.CLIENT, chain.frame):
        return None
    return Refusal(
        side=Side.SERVER,
        step=Step.CLIENT_CERTIFICATE,
        way=Way.ALERT,
        alert=alert,
        evidence=ending_evidence(story),
        ceiling=Confidence.SEEN,
    )


_JUDGING: Final = CERTIFICATE_ALERTS | VAGUE_ALERTS | {_A.DECRYPT_ERROR}
