"""Bytes in the middle of a handshake that are no TLS records."""

from __future__ import annotations

from typing import Final

from analyzer.diagnosis.model import Evidence
from analyzer.diagnosis.signs.alerts import VIOLATION_ALERTS
from analyzer.tls.registry.code_points import AlertDescription
from analyzer.tls.story import Opening, Story

_A = AlertDescription


def garbled(story: Story) -> int | None:
    """The frame with which the peer of the side that gave up began to send bytes that are no TLS records.

    What the side says of them may name anything that it looked for in a header: a version, a type, a
    length.
    """
    side = story.ending.side
    if side is None or story.openings[side.peer] is not Opening.TLS:
        return None
    broken = f"{side.peer.value}.record"
    return next(
        (
            frame
            for name, defect, frame in story.defects
            if name == "record" and defect.field == broken and story.ending.heard(side.peer, frame)
        ),
        None,
    )


def puzzled(story: Story, alert: AlertDescription | None) -> bool:
    """Whether the side that gave up did so over bytes that are no TLS records, by this alert or unreadably."""
    return (alert is None or alert in _PUZZLED) and garbled(story) is not None


_PUZZLED: Final = VIOLATION_ALERTS | {_A.PROTOCOL_VERSION}


def garbled_evidence(story: Story) -> tuple[Evidence, ...]:
    """Where the peer of the side that gave up began to send what is no TLS; nothing where it did not."""
    odd, side = garbled(story), story.ending.side
    if odd is None or side is None:
        return ()
    return (Evidence(odd, f"{side.peer.value} sent bytes that are no TLS record"),)
