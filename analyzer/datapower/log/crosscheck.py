"""Where the log and the wire cannot both be right about one connection.

An alert that the gateway read must have been sent by its peer, and what the gateway refused by itself
it must have ended. If not, the lines belong to another connection, or a device in between speaks for
one of the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from analyzer.datapower.log.codes import Kind, kind_of
from analyzer.datapower.log.reasons import reason_of
from analyzer.tcp.timeline import Side
from analyzer.tls.loglines import LogLine, Reason, Refuser
from analyzer.tls.objects import Leg
from analyzer.tls.registry.code_points import AlertDescription
from analyzer.tls.story import Milestone, Opening, Story, Visibility, Way

_PLAIN: Final = frozenset({155, 156})  # http request, https proxy request
_VERIFY: Final = 134  # certificate verify failed
# No shared cipher, unsupported protocol, version too low.
_OFFER: Final = frozenset({193, 258, 396})
_LACKS: Final = {
    Side.CLIENT: ("client_bytes", "client_side", "snap_length", "start", "end"),
    Side.SERVER: ("server_bytes", "server_side", "snap_length", "start", "end"),
}
_DARK: Final = frozenset({"encrypted_record", "encrypted_handshake"})


def contradictions(story: Story, lines: Iterable[LogLine], leg: Leg) -> tuple[str, ...]:
    """Sentences on what lines of one leg and the packets cannot both be right about."""
    gateway = Side.SERVER if leg is Leg.FRONT else Side.CLIENT
    found: list[str] = []
    for line in lines:
        reason = reason_of(line) if kind_of(line) is Kind.LIBRARY else None
        if reason is not None:
            found += _of_reason(story, reason, gateway, line)
    return tuple(dict.fromkeys(found))


def _of_reason(story: Story, reason: Reason, gateway: Side, line: LogLine) -> Iterator[str]:
    if reason.refuser is Refuser.PEER and reason.alert is not None:
        yield from _of_alert(story, reason.alert, gateway.peer, line)
    elif reason.refuser is Refuser.GATEWAY:
        yield from _of_refusal(story, reason, gateway, line)


def _of_alert(story: Story, number: int, peer: Side, line: LogLine) -> Iterator[str]:
    """The peer must have sent the alert that the gateway read."""
    alert = AlertDescription(number)
    said = f"the log ({line.place}) says that the {peer.value} sent alert {alert.label} ({number})"
    if story.blind_to(*_LACKS[peer]):
        return
    sent = [one for one in story.alerts if one.sender is peer]
    if any(one.description in {None, alert} for one in sent):
        return
    dark = any(m.sender is peer and m.name in _DARK for m in story.messages)
    if sent and not dark:
        names = ", ".join(one.description.label for one in sent if one.description is not None)
        yield f"{said}; in the capture it sent {names}"
    elif not dark and not story.renegotiations and not _data_of(story, peer):
        yield f"{said}; the capture shows all that it sent, and no alert among it"


def _of_refusal(story: Story, reason: Reason, gateway: Side, line: LogLine) -> Iterator[str]:
    """What the gateway refused by itself, the gateway must have ended."""
    said = f"the log ({line.place}) says that the gateway refused ({reason.text or reason.reason})"
    ending = story.ending
    told = ending.alert is not None and ending.alert.visibility is Visibility.SEEN
    if (
        ending.side is gateway.peer
        and ending.way is Way.ALERT
        and told
        and ending.alert is not None
    ):
        description = ending.alert.description
        if ending.alert.fatal and description is not None:
            yield (
                f"{said}; in the capture its peer gave up first, with alert {description.label} "
                f"({int(description)})"
            )
            return
    if reason.reason in _PLAIN and story.offers:
        yield f"{said}; in the capture the client sent a ClientHello"
    elif reason.reason in _OFFER and story.choice is not None and not story.renegotiations:
        yield f"{said}; in the capture the server went on to ServerHello"
    elif reason.reason == _VERIFY and gateway is Side.CLIENT:
        return  # a profile may check names and only log what it finds
    elif story.completed is True and not story.renegotiations and _is_used(story):
        yield f"{said}; in the capture the handshake completed and both sides sent data"


def _is_used(story: Story) -> bool:
    """Whether both sides went on after the handshake; some check a certificate only then."""
    return story.reached(Milestone.CLIENT_DATA) and story.reached(Milestone.SERVER_DATA)


def _data_of(story: Story, side: Side) -> bool:
    """Whether a side sent what can hide an alert: data after the handshake, or what was not TLS."""
    opening = story.openings.get(side)
    return opening not in {Opening.TLS, Opening.NOTHING, None} or any(
        message.sender is side and message.name == "application_data" for message in story.messages
    )
