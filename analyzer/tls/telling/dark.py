"""The encrypted part of a TLS 1.3 handshake, as far as lengths of records tell, told as messages."""

from __future__ import annotations

from collections.abc import Sequence

from analyzer.tcp.timeline import Side
from analyzer.tls.record.encrypted import Reading, Sealed, read_sealed
from analyzer.tls.registry.suite_facts import facts_of
from analyzer.tls.story import Message, Visibility
from analyzer.tls.telling.conversation import Conversation
from analyzer.tls.telling.unsealed import settled, was_opened


def read_dark(talk: Conversation) -> Reading | None:
    """Read the record lengths of a TLS 1.3 connection (None for other versions)."""
    if not talk.tls13 or talk.choice is None:
        return None
    suite = facts_of(talk.choice.cipher_suite)
    overhead = 1 + (suite.tag_length or 16)
    sealed = [
        Sealed(record.sender, record.length - overhead, record.frame, record.time)
        for record in talk.sealed
        if record.length >= overhead
    ]
    offer = talk.offers[-1] if talk.offers else None
    reading = read_sealed(
        sealed,
        hash_length=48 if suite.hash == "SHA384" else 32,
        psk=talk.choice.psk_selected,
        # A hello behind a retry drops it.
        early_data=any(offer.early_data for offer in talk.offers),
        application_settings=offer is not None and offer.application_settings,
    )
    if talk.decryptor is not None:
        reading = settled(reading, talk)
    for step in reading.steps:
        talk.messages.append(_inferred(step.name, step.record))
    unread = _unread(sealed, reading) if not reading.early_data else ()
    for record in (*unread, *reading.client_after[:1], *reading.server_after[:1]):
        alert = record in (reading.client_alert, reading.server_alert)
        if not alert and not was_opened(talk, record.sender):
            talk.messages.append(_inferred("encrypted_record", record))
    talk.messages.sort(key=lambda message: message.frame)
    _track(talk, reading)
    return reading


def _unread(sealed: Sequence[Sealed], reading: Reading) -> tuple[Sealed, ...]:
    """The client's first answer to a CertificateRequest that no reading explains, nor the server accepts."""
    flight = reading.server_flight
    if flight is None or reading.server_alert is None or reading.client_finished is not None:
        return ()
    if not reading.certificate_request:
        return ()
    if any(step.record.sender is Side.CLIENT for step in reading.steps):
        return ()
    sent = [r for r in sealed if r.sender is Side.CLIENT and r.frame > flight.frame]
    return tuple(sent[:1])


def _inferred(name: str, record: Sealed) -> Message:
    return Message(
        name="certificate" if name == "empty_certificate" else name,
        letter="",
        sender=record.sender,
        first_frame=record.frame,
        frame=record.frame,
        time=record.time,
        length=record.length,
        visibility=Visibility.INFERRED,
    )


def _track(talk: Conversation, reading: Reading) -> None:
    """Lead the tracker through what was inferred, so that it knows who is to speak."""
    for step in reading.steps:
        talk.tracker.observe(step.record.sender, step.name, frame=step.record.frame)
    flight, finished = reading.server_flight, reading.client_finished
    if flight is not None and not was_opened(talk, Side.SERVER):
        asking = reading.certificate_request is True
        talk.tracker.conclude(Side.SERVER, asking=asking, frame=flight.frame)
    if finished is not None:
        talk.tracker.conclude(Side.CLIENT, asking=False, frame=finished.frame)
