"""At which step a server gave up."""

from __future__ import annotations

from typing import Final

from analyzer.diagnosis.refusals.steps import Step
from analyzer.diagnosis.signs.alerts import (
    CERTIFICATE_ALERTS,
    CRYPTO_ALERTS,
    VIOLATION_ALERTS,
    WITHDRAWN_ALERTS,
)
from analyzer.diagnosis.signs.certificate_messages import (
    client_certificate_large,
    no_client_certificate,
)
from analyzer.diagnosis.signs.passing import passed, prompt
from analyzer.tcp.timeline import Side
from analyzer.tls.registry.code_points import AlertDescription
from analyzer.tls.story import Milestone, Story, Way

_A = AlertDescription


def server_step(story: Story, alert: AlertDescription | None) -> Step | None:
    """What a server had to judge when it gave up; None where it refused nothing."""
    if not story.offers or alert in WITHDRAWN_ALERTS:
        return None
    if not passed(story, Milestone.SERVER_HELLO):
        return None if _answered_unseen(story) else Step.OFFER
    if alert is _A.PROTOCOL_VERSION:
        return None  # it chose the version itself: a record with another one came
    if story.tls13:
        return _server_step_13(story, alert)
    return _server_step_12(story, alert)


def _answered_unseen(story: Story) -> bool:
    """Whether the server had answered the hello before it gave up, and the capture does not show how.

    What it judged then is no offer any more.
    """
    if not story.blind_to("server_bytes", "snap_length", "start"):
        return False
    spoken = story.first_data[Side.SERVER] < story.ending.frame
    missed = any(gap.offset == 0 for gap in story.timeline.gaps[Side.SERVER])
    return spoken or missed or _went_on_as_answered(story)


def _went_on_as_answered(story: Story) -> bool:
    """Whether the client said what only an answered client says; early data follows the hello at once."""
    if any(offer.early_data for offer in story.offers):
        return False
    return any(
        m.sender is Side.CLIENT
        and m.name not in {"client_hello", "alert"}
        and m.frame < story.ending.frame
        for m in story.messages
    )


def _server_step_13(story: Story, alert: AlertDescription | None) -> Step | None:
    if not _client_answered(story):
        early = alert is not None or story.ending.way is Way.ENCRYPTED_ALERT
        flight = passed(story, Milestone.SERVER_FLIGHT)
        return Step.OFFER if early and not flight else None
    if alert in CRYPTO_ALERTS:
        return Step.FINISHED
    unread = passed(story, Milestone.CLIENT_CERTIFICATE_EMPTY) or client_certificate_large(story)
    if alert in VIOLATION_ALERTS and not unread:
        return None
    if alert in CERTIFICATE_ALERTS:
        return Step.CLIENT_CERTIFICATE
    if Milestone.CERTIFICATE_REQUEST in story.denied or story.resumed:
        return (
            Step.FINISHED if alert is not None or story.ending.way is Way.ENCRYPTED_ALERT else None
        )
    if alert is _A.INTERNAL_ERROR or not prompt(story):
        return None
    return Step.CLIENT_CERTIFICATE


def _client_answered(story: Story) -> bool:
    """Whether the client sent anything encrypted after ServerHello."""
    marks = (
        Milestone.CLIENT_FINISHED,
        Milestone.CLIENT_CERTIFICATE,
        Milestone.CLIENT_CERTIFICATE_EMPTY,
    )
    if any(passed(story, mark) for mark in marks):
        return True
    hello = story.milestones[Milestone.SERVER_HELLO].frame
    return any(
        m.sender is Side.CLIENT
        and hello < m.frame <= story.ending.horizon
        and m.name not in {"change_cipher_spec", "alert"}
        for m in story.messages
    )


def _server_step_12(story: Story, alert: AlertDescription | None) -> Step | None:
    if story.blind_to(*_CLIENT_UNSEEN) and not _client_spoke(story):
        return Step.CLIENT_CERTIFICATE if alert in CERTIFICATE_ALERTS else None
    if not passed(story, Milestone.SERVER_FLIGHT) and not story.resumed:
        judged = alert is not None and alert not in _OF_ITS_OWN and not _client_spoke(story)
        return Step.KEY_EXCHANGE if judged else None
    if not _client_spoke(story):
        return None
    if alert in CRYPTO_ALERTS:
        return Step.FINISHED
    if passed(story, Milestone.CERTIFICATE_REQUEST):
        return _judged_client(story, alert)
    if alert in CERTIFICATE_ALERTS:
        return Step.CLIENT_CERTIFICATE
    if alert in VIOLATION_ALERTS or alert in _OF_ITS_OWN or alert is None:
        dark = story.ending.way is Way.ENCRYPTED_ALERT
        return Step.FINISHED if dark else None
    return Step.KEY_EXCHANGE


# Amid its own flight, or over a ClientKeyExchange that it cannot use, a server refuses no offer.
_OF_ITS_OWN: Final = frozenset({_A.INTERNAL_ERROR, _A.ILLEGAL_PARAMETER})
# What the client said after ServerHello may be what the capture misses.
_CLIENT_UNSEEN: Final = ("client_side", "client_bytes", "snap_length", "start")


def _client_spoke(story: Story) -> bool:
    """Whether the client answered the server's hello."""
    hello = story.milestones[Milestone.SERVER_HELLO].frame
    return any(
        m.sender is Side.CLIENT and hello < m.frame <= story.ending.horizon for m in story.messages
    )


def _judged_client(story: Story, alert: AlertDescription | None) -> Step | None:
    """The server had asked for a certificate and got an answer, or none."""
    empty = no_client_certificate(story)
    if alert in VIOLATION_ALERTS or alert is _A.INTERNAL_ERROR:
        # GnuTLS answers an empty Certificate with decode_error, JSSE a long one with unexpected_message.
        judged = empty or client_certificate_large(story)
        return Step.CLIENT_CERTIFICATE if judged else None
    if alert is None and not prompt(story):
        return None
    return Step.CLIENT_CERTIFICATE
