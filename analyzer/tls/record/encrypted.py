"""What the lengths of encrypted TLS 1.3 records tell: a small grammar, and all its readings.

RFC 8446 section 4 fixes which messages may follow ServerHello, section 5.2 that a record carries
its content, one byte of type and the tag. A grammar says what each side may send, with the shortest
and longest form of each message; :mod:`analyzer.tls.record.cuts` finds every way in which the records can be
cut into these messages. Where all readings agree the fact is inferred; where they differ it
is unknown (None), and nothing is guessed.

Padding (section 5.4) makes records longer than their messages. It is legal and rare: where all
records of a side carry the same padding it is found by the side's Finished. Records of a side that are
padded to whole blocks (:mod:`analyzer.tls.record.padding`) are not read. Other padding makes readings fail,
which again gives "unknown". A padded alert is recognised in any case, because it is
too short for anything else and the last thing its sender says; after the handshake only by the
lengths to which stacks pad, because data can be as short (``220 ready``).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from analyzer.tcp.timeline import Side
from analyzer.tls.record.cuts import (
    ALERT,
    ALERT_PADDED,
    EMPTY,
    RECORDS_MOST,
    Cut,
    agreed,
    without_padding,
)
from analyzer.tls.record.padding import beyond_alerts, block_of


class Sealed(NamedTuple):
    """An encrypted record. ``length`` is that of its content: without inner type and tag."""

    sender: Side
    length: int
    frame: int
    time: int  # ns


class Step(NamedTuple):
    """A message that the lengths imply, with the record that completed it."""

    name: str
    record: Sealed


@dataclass(frozen=True, slots=True)
class Reading:
    """What all readings agree on; None and absence mean "cannot be known".

    ``steps`` are in order of sending, both sides together. ``*_alert`` is a record that can only be
    an alert (or close_notify: the lengths are the same) and that was its sender's last.
    """

    steps: tuple[Step, ...] = ()
    certificate_request: bool | None = None
    server_flight: Sealed | None = None  # completed the server's Finished
    client_certificate: str | None = None  # "present", "empty" or "absent"
    client_finished: Sealed | None = None
    client_silent: bool = False  # the client sent no encrypted record after the server's flight
    client_alert: Sealed | None = None
    server_alert: Sealed | None = None
    server_after: tuple[Sealed, ...] = ()  # what the server sent after the client's Finished
    client_after: tuple[Sealed, ...] = ()  # what the client sent after its Finished
    client_unheard: bool = False  # it finished, and no reading leaves it any data after that
    early_data: bool = False
    early_data_taken: Sealed | None = None  # EndOfEarlyData: the server had accepted it
    padded: bool = False  # a side pads to whole blocks: what its records hold cannot be known


def read_sealed(
    records: Sequence[Sealed],
    *,
    hash_length: int,
    psk: bool,
    early_data: bool,
    application_settings: bool = False,
) -> Reading:
    """Read the encrypted records of one TLS 1.3 connection, in order of capture.

    Args:
        records: From ServerHello on, both sides.
        hash_length: Of the suite's hash in bytes: 32 or 48. Finished is four bytes longer.
        psk: ServerHello selected a pre-shared key, so no certificates follow.
        early_data: The ClientHello offered early data.
        application_settings: It offered ALPS, in which the client sends EncryptedExtensions, too
            (draft-vvv-tls-alps).
    """
    server, client, early, taken = _sides(records, early_data=early_data)
    flight, rest = _flight(server, client)
    server_block, client_block = block_of(_lengths(server)), block_of(_lengths(client))
    known = agreed(
        () if server_block else _lengths(flight),
        () if client_block else _lengths(client[:RECORDS_MOST]),
        hash_length=hash_length,
        psk=psk,
        application_settings=application_settings,
    )
    flight = _unpadded(flight, known.server_padding)
    client = _unpadded(client, known.client_padding)
    if server_block:
        rest = rest[beyond_alerts(_lengths(rest), server_block) :]
    finished, ended = known.client_finished, known.ended
    if client_block and rest:
        # The server went on, so the client had finished; in which of its records is unknown.
        finished, ended = 0, 1
    tail = tuple(client[ended:])
    return Reading(
        steps=_steps(known.server, flight, known.client, client),
        certificate_request=known.certificate_request,
        server_flight=None if known.server_finished is None else flight[known.server_finished],
        client_certificate=known.client_certificate,
        client_finished=None if finished is None else client[finished],
        client_silent=not client,
        client_alert=_last_alert(
            tuple(client) if finished is None else tail, bare=finished is not None
        ),
        server_alert=_last_alert(tuple(rest)) or (None if client else _last_alert(tuple(flight))),
        server_after=() if finished is None else tuple(rest),
        client_after=() if finished is None else tail,
        client_unheard=finished is not None and not _said(client[known.done :], client_block),
        early_data=early,
        early_data_taken=taken,
        padded=bool(server_block or client_block),
    )


_END_OF_EARLY_DATA: Final = 4


def _sides(
    records: Sequence[Sealed], *, early_data: bool
) -> tuple[list[Sealed], list[Sealed], bool, Sealed | None]:
    """Part the sides, and drop the client's early data up to EndOfEarlyData, which is told, too.

    A client says it only where the server accepted the data (RFC 8446 section 4.5).
    """
    server = [record for record in records if record.sender is Side.SERVER]
    client = [record for record in records if record.sender is Side.CLIENT]
    if not early_data or not client:
        return server, client, False, None
    spoken = server[0].frame if server else client[-1].frame + 1
    late = [record for record in client if record.frame > spoken]
    for index, record in enumerate(late[:RECORDS_MOST]):
        if record.length == _END_OF_EARLY_DATA:
            return server, late[index + 1 :], True, record
    return server, late, len(late) < len(client), None


def _said(records: list[Sealed], block: int) -> bool:
    """Whether a client's last records can hold data, or any other message than an alert."""
    return bool(block) or any(record.length != ALERT for record in records)


def _lengths(records: list[Sealed]) -> tuple[int, ...]:
    return tuple([record.length for record in records])


def _flight(server: list[Sealed], client: list[Sealed]) -> tuple[list[Sealed], list[Sealed]]:
    """The server's records before the client answered, and those after."""
    if not client:
        return server[:RECORDS_MOST], []
    answered = client[0].frame
    before = list(itertools.takewhile(lambda record: record.frame < answered, server))
    return before[:RECORDS_MOST], server[len(before) :]


def _unpadded(records: list[Sealed], padding: int) -> list[Sealed]:
    """The records as they are without the padding that their stack adds to each."""
    if not padding:
        return records
    lengths = without_padding(_lengths(records), padding)
    return [r._replace(length=length) for r, length in zip(records, lengths, strict=True)]


def _steps(
    server: Cut | None, flight: list[Sealed], client: Cut | None, records: list[Sealed]
) -> tuple[Step, ...]:
    steps: list[Step] = []
    for cut, of in ((server, flight), (client, records)):
        if cut is not None:
            steps += [Step(slot.name, of[at]) for slot, at in zip(cut.shape, cut.at, strict=False)]
    return tuple(sorted(steps, key=lambda step: step.record.frame))


def _last_alert(records: tuple[Sealed, ...], *, bare: bool = False) -> Sealed | None:
    """The record by which the sender gave up, if the last is as short as an alert is.

    That is the first of those at the end that are alerts: wolfSSL says close_notify, too.

    ``bare``: only as an alert without padding. A request can be as short as a padded alert, and a
    client's padding is known by its Finished; JSSE's servers pad alerts and not their Finished.
    """
    if not records or records[-1].length == EMPTY.high:
        return None
    if records[-1].length != ALERT:
        padded = not bare and records[-1].length in ALERT_PADDED
        return records[-1] if padded else None
    *_, first = itertools.takewhile(lambda record: record.length == ALERT, reversed(records))
    return first
