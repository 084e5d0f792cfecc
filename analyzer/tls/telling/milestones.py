"""Which points of the handshake were passed, how we know, and whether it was completed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from analyzer.tcp.timeline import Side
from analyzer.tls.record.encrypted import Reading, Sealed
from analyzer.tls.registry.code_points import AlertDescription
from analyzer.tls.story import Alert, Message, Milestone, Reached, Visibility
from analyzer.tls.telling.conversation import Conversation

_MARKS: Final[Mapping[tuple[Side, str], Milestone]] = {
    (Side.CLIENT, "client_hello"): Milestone.CLIENT_HELLO,
    (Side.SERVER, "server_hello"): Milestone.SERVER_HELLO,
    (Side.SERVER, "certificate"): Milestone.SERVER_CERTIFICATE,
    (Side.SERVER, "compressed_certificate"): Milestone.SERVER_CERTIFICATE,
    (Side.SERVER, "certificate_request"): Milestone.CERTIFICATE_REQUEST,
    (Side.SERVER, "server_hello_done"): Milestone.SERVER_FLIGHT,
    (Side.CLIENT, "client_key_exchange"): Milestone.CLIENT_KEY_EXCHANGE,
    (Side.CLIENT, "finished"): Milestone.CLIENT_FINISHED,
    (Side.SERVER, "finished"): Milestone.SERVER_FINISHED,
    (Side.CLIENT, "application_data"): Milestone.CLIENT_DATA,
    (Side.SERVER, "application_data"): Milestone.SERVER_DATA,
}
# An empty Certificate: no entries; in TLS 1.3 (RFC 8446 section 4.4.2) behind an empty context.
_EMPTY_LENGTHS: Final = frozenset({3, 4})

# Bytes of an alert, of which GnuTLS sends two. Tickets and answers are longer.
_ALERT: Final = 2

Passed = dict[Milestone, Reached]


def passed_in_clear(messages: list[Message]) -> Passed:
    """Milestones that the messages show, each at its first occurrence."""
    passed: Passed = {}
    for message in messages:
        milestone = _MARKS.get((message.sender, message.name)) or _certified(message)
        if milestone is not None and milestone not in passed:
            passed[milestone] = Reached(message.frame, message.time, message.visibility)
    return passed


def _certified(message: Message) -> Milestone | None:
    """Of a client's certificate it matters whether there is one."""
    if message.sender is not Side.CLIENT or not message.name.endswith("certificate"):
        return None
    empty = message.length in _EMPTY_LENGTHS or message.name == "empty_certificate"
    return Milestone.CLIENT_CERTIFICATE_EMPTY if empty else Milestone.CLIENT_CERTIFICATE


def passed_in_the_dark(reading: Reading) -> Passed:
    """Milestones of TLS 1.3 that record lengths imply."""
    passed: Passed = {}
    for milestone, record in _implied(reading):
        passed.setdefault(milestone, Reached(record.frame, record.time, Visibility.INFERRED))
    return passed


def _implied(reading: Reading) -> Iterator[tuple[Milestone, Sealed]]:
    for step in reading.steps:
        if step.name == "certificate" and step.record.sender is Side.SERVER:
            yield Milestone.SERVER_CERTIFICATE, step.record
        elif step.name == "certificate_request":
            yield Milestone.CERTIFICATE_REQUEST, step.record
        elif step.name == "certificate":
            yield Milestone.CLIENT_CERTIFICATE, step.record
        elif step.name == "empty_certificate":
            yield Milestone.CLIENT_CERTIFICATE_EMPTY, step.record
    if reading.server_flight is not None:
        yield Milestone.SERVER_FLIGHT, reading.server_flight
        yield Milestone.SERVER_FINISHED, reading.server_flight
    if reading.certificate_request and reading.server_flight is not None:
        yield Milestone.CERTIFICATE_REQUEST, reading.server_flight
    if reading.early_data_taken is not None:
        yield Milestone.CLIENT_DATA, reading.early_data_taken
    if reading.client_finished is not None:
        yield Milestone.CLIENT_FINISHED, reading.client_finished
        yield from _after_finished(reading, reading.client_finished)


def _after_finished(reading: Reading, finished: Sealed) -> Iterator[tuple[Milestone, Sealed]]:
    """What was said after the client's Finished: proof of acceptance, or data."""
    if reading.client_certificate == "present":
        yield Milestone.CLIENT_CERTIFICATE, finished
    elif reading.client_certificate == "empty":
        yield Milestone.CLIENT_CERTIFICATE_EMPTY, finished
    said = [record for record in reading.server_after if record is not reading.server_alert]
    accepted = next((record for record in said if record.length > _ALERT), None)
    if accepted is not None:
        yield Milestone.SERVER_ACCEPTED, accepted
    data = _no_ticket(said)
    if data is not None:
        yield Milestone.SERVER_WENT_ON, data
    for record in reading.client_after:
        if record is not reading.client_alert and record.length > _ALERT:
            yield Milestone.CLIENT_DATA, record
            break


def _no_ticket(after: list[Sealed]) -> Sealed | None:
    """The first record that shows that not all are tickets: too short for one, or of another length.

    The tickets of one connection are equally long (RFC 8446 section 4.6.1: a nonce and a ticket each).
    """
    said = [record for record in after if record.length not in {_ALERT, _KEY_UPDATE}]
    return next(
        (r for r in said if r.length < _TICKET_LEAST or abs(r.length - said[0].length) > 1), None
    )


def says_only_tickets(reading: Reading) -> bool:
    """Whether lengths show that a server's records behind the client's Finished are no data.

    One alone may be an answer or a ticket, unless it came before the client's own data.
    """
    after = [record for record in reading.server_after if record is not reading.server_alert]
    said = [record for record in after if record.length not in {_ALERT, _KEY_UPDATE}]
    if reading.client_finished is None or reading.padded or _no_ticket(after) is not None:
        return False
    asked = next(iter(reading.client_after), None)
    return len(said) != 1 or asked is None or said[0].frame < asked.frame


_KEY_UPDATE: Final = 5
_TICKET_LEAST: Final = 18


def completed(
    talk: Conversation, passed: Passed, reading: Reading | None, left: Side | None
) -> bool | None:
    """Whether the handshake was completed: True, False, or None where it is not known.

    ``left`` is the side that sent the first FIN or RST. False means that the capture shows no
    completion; whether it hides one is for the caller to judge, who knows what was captured.
    """
    if talk.tls13:
        if Milestone.SERVER_ACCEPTED not in passed and any(map(_server_refused, talk.alerts)):
            return False
        return _completed_sealed(passed, reading, left)
    if Milestone.SERVER_DATA in passed and Milestone.CLIENT_FINISHED in passed:
        return True
    if not {Milestone.CLIENT_FINISHED, Milestone.SERVER_FINISHED} <= passed.keys():
        return False
    last = max(passed[Milestone.CLIENT_FINISHED].frame, passed[Milestone.SERVER_FINISHED].frame)
    # One packet may bring a Finished and, behind it, the goodbye of the same side.
    return not any(_gave_up(a) if a.frame < last else _refuses(a) for a in talk.alerts)


def _gave_up(alert: Alert) -> bool:
    """Whether an alert amid the handshake ends it, although both sides finished.

    A warning in clear does not: its sender went on (unrecognized_name, RFC 6066 section 3).
    """
    return alert.fatal or alert.visibility is not Visibility.SEEN


def _refuses(alert: Alert) -> bool:
    """A clear fatal alert, although both sides had finished (a Finished that did not verify).

    An encrypted one may speak of anything that came after, unless it says that this is what it means.
    """
    if alert.visibility is Visibility.DECRYPTED and alert.description not in _UNVERIFIED:
        return False
    return alert.visibility is not Visibility.INFERRED and alert.fatal


_UNVERIFIED: Final = frozenset(
    {
        AlertDescription.DECRYPT_ERROR,
        AlertDescription.BAD_RECORD_MAC,
        AlertDescription.DECRYPTION_FAILED,
    }
)


def _server_refused(alert: Alert) -> bool:
    """The server's fatal alert in TLS 1.3, where it can be read."""
    return (
        alert.sender is Side.SERVER and alert.visibility is not Visibility.INFERRED and alert.fatal
    )


def _completed_sealed(passed: Passed, reading: Reading | None, left: Side | None) -> bool | None:
    """TLS 1.3: the client's Finished, and a sign that the server took it.

    A ticket or data after it is such a sign. Without a client certificate to judge the server had
    nothing left to refuse. An alert alone, or leaving without a word, refuses the certificate.
    """
    if reading is None or Milestone.CLIENT_FINISHED not in passed:
        return False
    if Milestone.SERVER_ACCEPTED in passed or reading.client_certificate == "absent":
        return True
    if reading.server_alert is not None or left is Side.SERVER:
        return False
    return None
