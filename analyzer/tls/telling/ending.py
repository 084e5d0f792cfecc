"""Who gave up first.

Order in time decides: the first fatal alert, or the first FIN or RST where no alert came before it.
An alert sent in answer to a bare close is noise, and so is the RST behind a FIN.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from analyzer.tcp.timeline import Side, Timeline
from analyzer.tls.record.encrypted import Reading, Sealed
from analyzer.tls.registry.code_points import AlertDescription
from analyzer.tls.story import Alert, Ending, Message, Visibility, Way
from analyzer.tls.telling.conversation import Conversation

# Warnings after which stacks go on (RFC 6066 section 3, RFC 5246 section 7.2.2, SSL 3.0's
# no_certificate).
_GO_ON: Final = frozenset(
    {
        AlertDescription.UNRECOGNIZED_NAME,
        AlertDescription.NO_RENEGOTIATION,
        AlertDescription.NO_CERTIFICATE,
    }
)


def sealed_alerts(reading: Reading | None) -> tuple[Alert, ...]:
    """The alerts that TLS 1.3 record lengths imply."""
    if reading is None:
        return ()
    found = (
        (reading.client_alert, reading.client_after),
        (reading.server_alert, reading.server_after),
    )
    return tuple(_alert_of(record, after) for record, after in found if record is not None)


def _alert_of(record: Sealed, after: tuple[Sealed, ...]) -> Alert:
    """``after``: all that its sender said after the client's Finished, where that was found."""
    doubtful = record in after and after[-1] is not record
    who, frame, time = record.sender, record.frame, record.time
    return Alert(who, frame, time, None, None, Visibility.INFERRED, doubtful)


def read_ending(
    talk: Conversation,
    alerts: tuple[Alert, ...],
    timeline: Timeline,
    awaited: Side | None,
    *,
    completed: bool | None,
) -> Ending:
    """Find the first sign of giving up; where there is none, say who was silent."""
    endings = [*_by_alert(talk.messages, alerts, timeline), *_by_tcp(timeline)]
    endings.sort(key=_when)
    if endings:
        return _spoken(endings)
    way = Way.SILENCE if timeline.end == "timeout" and not completed else Way.OPEN
    side = awaited if way is Way.SILENCE else None
    return Ending(way, side, timeline.last_frame, timeline.last_time, None, timeline.silence_ns)


def _when(ending: Ending) -> tuple[int, bool]:
    """What an ending came after, of two the alert: a close answers the alert that it acknowledges."""
    return ending.horizon, ending.alert is None


def _spoken(endings: list[Ending]) -> Ending:
    """The first ending; a side's alert stands before its FIN, whichever came first to the capture.

    An alert that was sent again, or that was captured by another queue, comes behind it.
    """
    first = endings[0]
    if first.way is Way.FIN:
        return next((e for e in endings if e.alert is not None and e.side is first.side), first)
    return first


def _by_alert(
    messages: list[Message], alerts: tuple[Alert, ...], timeline: Timeline
) -> Iterator[Ending]:
    opened = timeline.syn_ack.time if timeline.syn_ack is not None else None
    for alert in alerts:
        if alert.visibility is Visibility.INFERRED:
            yield _ending(Way.ENCRYPTED_ALERT, alert, messages, opened)
        elif alert.fatal or not _went_on(alert, messages):
            yield _ending(Way.ALERT, alert, messages, opened)


def _went_on(alert: Alert, messages: list[Message]) -> bool:
    """Whether the sender of a warning said more after it, or the warning is one to go on after."""
    if alert.description in _GO_ON:
        return True
    return any(m.sender is alert.sender and m.frame > alert.frame for m in messages)


def _ending(way: Way, alert: Alert, messages: list[Message], opened: int | None) -> Ending:
    before = [m.time for m in messages if m.frame < alert.frame and not _farewell(m, alert.sender)]
    waited = alert.time - max(before, default=alert.time if opened is None else opened)
    return Ending(way, alert.sender, alert.frame, alert.time, alert, waited)


def _farewell(message: Message, sender: Side) -> bool:
    """Whether a message is an alert of the side that leaves: JSSE sends user_canceled first."""
    return message.name == "alert" and message.sender is sender


def _by_tcp(timeline: Timeline) -> Iterator[Ending]:
    if timeline.closed_first is None:
        return
    side, event, how = timeline.closed_first
    way = Way.RST if how == "rst" else Way.FIN
    waited, proven, unheard = timeline.waited_ns, timeline.closed_proven, timeline.closed_unheard
    unseen = timeline.closed_unseen
    yield Ending(way, side, event.frame, event.time, None, waited, proven, unheard, unseen)
