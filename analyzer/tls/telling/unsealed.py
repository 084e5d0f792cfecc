"""What keys made readable in TLS 1.3 stands in for what record lengths suggest, side by side.

Keys can open one side and not the other: a client that refuses a certificate may log no secret of its
own. So each side's part of the :class:`~analyzer.tls.record.encrypted.Reading` is replaced for itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from analyzer.tcp.timeline import Side
from analyzer.tls.message.late_messages import EncryptedExtensions, decode_encrypted_extensions
from analyzer.tls.record.encrypted import Reading, Sealed
from analyzer.tls.story import Message, Milestone, Reached, Visibility
from analyzer.tls.telling.conversation import Conversation
from analyzer.tls.telling.milestones import Passed


def was_opened(talk: Conversation, side: Side) -> bool:
    """Whether at least one record of a side was decrypted."""
    return any(_opened(message) for message in talk.messages if message.sender is side)


def _opened(message: Message) -> bool:
    return message.visibility is Visibility.DECRYPTED


def settled(reading: Reading, talk: Conversation) -> Reading:
    """Put what was decrypted in the place of what was inferred."""
    if was_opened(talk, Side.SERVER):
        reading = _with_server(reading, talk)
    if was_opened(talk, Side.CLIENT):
        reading = _with_client(reading, talk)
    return reading


def _with_server(reading: Reading, talk: Conversation) -> Reading:
    finished = _find(talk, Side.SERVER, {"finished"})
    request = _find(talk, Side.SERVER, {"certificate_request"})
    later = finished or _find(talk, Side.SERVER, {"certificate", "compressed_certificate"})
    asked = request is not None and (finished is None or request.frame <= finished.frame)
    certain = asked if asked or later else None
    closed = talk.sides[Side.SERVER].closed
    return replace(
        reading,
        steps=tuple(step for step in reading.steps if step.record.sender is not Side.SERVER),
        certificate_request=certain,
        server_flight=_record(finished),
        client_certificate="absent" if certain is False else reading.client_certificate,
        server_alert=_among(reading.server_alert, closed),
        server_after=tuple(r for r in reading.server_after if _among(r, closed)),
    )


def _with_client(reading: Reading, talk: Conversation) -> Reading:
    finished = _find(talk, Side.CLIENT, {"finished"})
    closed = talk.sides[Side.CLIENT].closed
    return replace(
        reading,
        steps=tuple(step for step in reading.steps if step.record.sender is not Side.CLIENT),
        client_certificate=_certificate(talk, finished),
        client_finished=_record(finished),
        client_alert=_among(reading.client_alert, closed),
        client_after=tuple(r for r in reading.client_after if _among(r, closed)),
        client_unheard=finished is not None,
    )


def _certificate(talk: Conversation, finished: Message | None) -> str | None:
    """What the client showed; None while it may still come."""
    shown = _find(talk, Side.CLIENT, {"certificate", "compressed_certificate"})
    if shown is not None and (finished is None or shown.frame <= finished.frame):
        return "empty" if shown.length == 4 else "present"
    return "absent" if finished is not None else None


def _find(talk: Conversation, side: Side, names: Iterable[str]) -> Message | None:
    said = (m for m in talk.messages if m.sender is side and m.name in names)
    return next(filter(_opened, said), None)


def _record(message: Message | None) -> Sealed | None:
    if message is None:
        return None
    return Sealed(message.sender, message.length, message.frame, message.time)


def _among(record: Sealed | None, frames: Iterable[int]) -> Sealed | None:
    return record if record is not None and record.frame in frames else None


def passed_unsealed(talk: Conversation, reading: Reading) -> Passed:
    """Milestones that only messages from inside TLS 1.3 records show."""
    passed: Passed = {}
    finished = reading.client_finished
    for message in filter(_opened, talk.messages):
        if message.sender is Side.CLIENT or message.name == "alert":
            continue
        here = Reached(message.frame, message.time, message.visibility)
        if message.name == "finished":
            passed.setdefault(Milestone.SERVER_FLIGHT, here)
        elif finished is not None and message.frame > finished.frame:
            passed.setdefault(Milestone.SERVER_ACCEPTED, here)
    return passed


def encrypted_extensions(talk: Conversation) -> EncryptedExtensions | None:
    """The decrypted EncryptedExtensions."""
    if talk.decryptor is None:
        return None
    message = _find(talk, Side.SERVER, {"encrypted_extensions"})
    return decode_encrypted_extensions(message.body)[0] if message is not None else None


_WITHOUT_KEYS: Final = frozenset({"server_certificate", "client_certificate", "alerts"})


def hidden_unsealed(talk: Conversation) -> frozenset[str]:
    """Names of :data:`~analyzer.tls.story.HIDDEN` that encryption hides in TLS 1.3, keys or not."""
    if talk.decryptor is None:
        return _WITHOUT_KEYS
    hidden = set()
    ends = {"finished", "certificate", "compressed_certificate"}
    for side, part in ((Side.SERVER, "server_certificate"), (Side.CLIENT, "client_certificate")):
        if _find(talk, side, ends) is None:
            hidden.add(part)
    if not talk.decryptor.known or any(sender.closed for sender in talk.sides.values()):
        hidden.add("alerts")
    return frozenset(hidden)
