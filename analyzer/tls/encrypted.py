"""What the lengths of encrypted TLS 1.3 records tell: a small grammar, and all its readings.

RFC 8446 section 4 fixes which messages may follow ServerHello, section 5.2 that a record carries
its content, one byte of type and the tag. The grammar below says what each side may send, with the
shortest and longest form of each message; :func:`read_sealed` finds every way in which the records
can be cut into these messages. Where all readings agree the fact is inferred; where they differ it
is unknown (None), and nothing is guessed.

Padding (section 5.4) makes records longer than their messages. It is legal and rare: where all
records of a side carry the same padding it is found by the side's Finished; other padding makes
readings fail, which again gives "unknown". A padded alert is recognised in any case, because it is
too short for anything else and the last thing its sender says.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from analyzer.tcp.timeline import Side

T = TypeVar("T", bool, str)


@dataclass(frozen=True, slots=True)
class Sealed:
    """An encrypted record. ``length`` is that of its content: without inner type and tag."""

    sender: Side
    length: int
    frame: int
    time: int  # ns


@dataclass(frozen=True, slots=True)
class Slot:
    """A message of the grammar; lengths with its four-byte header."""

    name: str
    low: int
    high: int


# Shortest forms: an extension block that is empty (EncryptedExtensions), the mandatory
# signature_algorithms (CertificateRequest), an X.509 certificate with an Ed25519 key and short
# names, an Ed25519 signature. Longest: what fits a 24-bit length in practice.
_EXTENSIONS = Slot("encrypted_extensions", 6, 1200)
_SETTINGS = Slot("encrypted_extensions", 10, 1200)
_SETTLED_LEAST: Final = (
    18  # EncryptedExtensions by which a server takes ALPS: with ALPN, both short
)
_REQUEST = Slot("certificate_request", 15, 70_000)
_CERTIFICATE = Slot("certificate", 150, 1 << 20)
_EMPTY = Slot("empty_certificate", 8, 8)  # RFC 8446 section 4.4.2.4: no entries, empty context
_VERIFY = Slot("certificate_verify", 68, 9_000)
_END_OF_EARLY_DATA: Final = 4
_ALERT: Final = 2
_ALERT_PADDED_MOST: Final = 34  # alerts padded to 16 or 32 bytes; shorter than any Finished
_PADDING_MOST: Final = 64
_FRAGMENT_LEAST: Final = 400  # a record that is only part of a message is at least this long
_RECORDS_MOST: Final = 24  # a handshake needs fewer; bounds the work


@dataclass(frozen=True, slots=True)
class Step:
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
    early_data: bool = False


@dataclass(frozen=True, slots=True)
class _Cut:
    """One way to cut a side's records into messages of one shape."""

    shape: tuple[Slot, ...]
    at: tuple[int, ...]  # index of the record that completed each message found
    used: int  # records consumed

    @property
    def complete(self) -> bool:
        return len(self.at) == len(self.shape)


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
    finished = Slot("finished", 4 + hash_length, 4 + hash_length)
    server, client, early = _sides(records, early_data=early_data)
    flight, rest = _flight(server, client)
    asking = _server_shapes(finished, psk=psk)
    flight = _unpadded(flight, asking, finished)
    servers = list(_cuts(asking, flight))
    shapes = _client_shapes(finished, psk=psk)
    if application_settings and (not flight or flight[0].length >= _SETTLED_LEAST):
        shapes += [(_SETTINGS, *shape) for shape in shapes]
    client = _unpadded(client, shapes, finished)
    clients = list(_cuts(shapes, client[:_RECORDS_MOST]))
    return _agree(servers, clients, flight, rest, client, early=early)


def _sides(
    records: Sequence[Sealed], *, early_data: bool
) -> tuple[list[Sealed], list[Sealed], bool]:
    """Part the sides, and drop the client's early data up to EndOfEarlyData."""
    server = [record for record in records if record.sender is Side.SERVER]
    client = [record for record in records if record.sender is Side.CLIENT]
    if not early_data or not client:
        return server, client, False
    spoken = server[0].frame if server else client[-1].frame + 1
    late = [record for record in client if record.frame > spoken]
    for index, record in enumerate(late[:_RECORDS_MOST]):
        if record.length == _END_OF_EARLY_DATA:
            return server, late[index + 1 :], True
    return server, late, len(late) < len(client)


def _flight(server: list[Sealed], client: list[Sealed]) -> tuple[list[Sealed], list[Sealed]]:
    """The server's records before the client answered, and those after."""
    if not client:
        return server[:_RECORDS_MOST], []
    answered = client[0].frame
    before = list(itertools.takewhile(lambda record: record.frame < answered, server))
    return before[:_RECORDS_MOST], server[len(before) :]


def _unpadded(
    records: list[Sealed], shapes: list[tuple[Slot, ...]], finished: Slot
) -> list[Sealed]:
    """The records as they are without the padding that a stack adds to each (JSSE: 16 bytes).

    Only where they make no complete reading as they are; a record that would then be a Finished
    says how much there can be.
    """
    head = records[:_RECORDS_MOST]
    if any(cut.complete for cut in _cuts(shapes, head)):
        return records
    longer = {record.length - finished.low for record in head}
    for padding in sorted(length for length in longer if 0 < length <= _PADDING_MOST):
        bare = [replace(r, length=max(r.length - padding, _ALERT)) for r in records]
        if any(cut.complete for cut in _cuts(shapes, bare[:_RECORDS_MOST])):
            return bare
    return records


def _server_shapes(finished: Slot, *, psk: bool) -> list[tuple[Slot, ...]]:
    if psk:
        return [(_EXTENSIONS, finished)]
    tail = (_CERTIFICATE, _VERIFY, finished)
    return [(_EXTENSIONS, *tail), (_EXTENSIONS, _REQUEST, *tail)]


def _client_shapes(finished: Slot, *, psk: bool) -> list[tuple[Slot, ...]]:
    if psk:
        return [(finished,)]
    return [(finished,), (_EMPTY, finished), (_CERTIFICATE, _VERIFY, finished)]


def _cuts(shapes: list[tuple[Slot, ...]], records: list[Sealed]) -> Iterator[_Cut]:
    """Every way to cut ``records`` into a beginning of one of the shapes."""
    lengths = [record.length for record in records]
    for shape in shapes:
        yield from _cut(shape, lengths, 0, 0, ())


def _cut(
    shape: tuple[Slot, ...], lengths: list[int], slot: int, record: int, at: tuple[int, ...]
) -> Iterator[_Cut]:
    """Cut on from message ``slot`` at the beginning of record ``record``."""
    if slot == len(shape) or record == len(lengths) or _only_alert(lengths, record, shape[slot]):
        yield _Cut(shape, at, record)
        return
    for after in range(slot + 1, len(shape) + 1):
        low = sum(part.low for part in shape[slot:after])
        high = sum(part.high for part in shape[slot:after])
        for used in _spans(lengths, record, low, high):
            ends = at + (used - 1,) * (after - slot)
            yield from _cut(shape, lengths, after, used, ends)


def _spans(lengths: list[int], record: int, low: int, high: int) -> Iterator[int]:
    """Ends of runs of records that can hold ``low`` to ``high`` bytes of whole messages.

    One record, or several where all but the last are equally long: that is how stacks fragment.
    """
    total = 0
    for used in range(record, len(lengths)):
        total += lengths[used]
        if low <= total <= high:
            yield used + 1
        if lengths[used] < _FRAGMENT_LEAST or lengths[used] != lengths[record]:
            return


def _only_alert(lengths: list[int], record: int, due: Slot) -> bool:
    """Whether a record, where ``due`` should begin, can be nothing but an alert.

    A padded one is known by being its sender's last word and too short for what is due.
    """
    length = lengths[record]
    if length == _ALERT:
        return True
    last = record == len(lengths) - 1
    return last and _EMPTY.high < length <= _ALERT_PADDED_MOST and length < due.low


def _agree(
    servers: list[_Cut],
    clients: list[_Cut],
    flight: list[Sealed],
    rest: list[Sealed],
    client: list[Sealed],
    *,
    early: bool,
) -> Reading:
    """Keep the pairs of readings that fit each other, and say what they have in common."""
    # A client that finished had a complete flight to finish on.
    done = [cut for cut in clients if cut.complete]
    whole = [cut for cut in servers if cut.complete]
    if done and whole:
        pairs = [(s, c) for s in whole for c in done if _asked(s) == _answered(c)]
        servers, clients = (
            ([s for s, _ in pairs], [c for _, c in pairs]) if pairs else (whole, done)
        )
    elif whole:
        servers = whole
    whole = [cut for cut in servers if cut.complete]
    server_cut = _common(servers)
    client_cut = _common(clients)
    finished = _finished(clients, client)
    tail = tuple(client[_ended(clients) :])
    return Reading(
        steps=_steps(server_cut, flight, client_cut, client),
        certificate_request=_same([_asked(cut) for cut in whole]),
        server_flight=_finished(servers, flight),
        client_certificate=_same([_certificate(cut) for cut in done]),
        client_finished=finished,
        client_silent=not client,
        client_alert=_last_alert(tail, bare=True) if finished else _last_alert(tuple(client)),
        server_alert=_last_alert(tuple(rest)) or (None if client else _last_alert(tuple(flight))),
        server_after=tuple(rest) if finished else (),
        client_after=tail if finished else (),
        early_data=early,
    )


def _asked(cut: _Cut) -> bool:
    return _REQUEST in cut.shape


def _answered(cut: _Cut) -> bool:
    return _EMPTY in cut.shape or _CERTIFICATE in cut.shape


def _certificate(cut: _Cut) -> str:
    if _EMPTY in cut.shape:
        return "empty"
    return "present" if _CERTIFICATE in cut.shape else "absent"


def _same(values: list[T]) -> T | None:
    """The value that all readings share, or None."""
    return values[0] if values and len(set(values)) == 1 else None


def _common(cuts: list[_Cut]) -> _Cut | None:
    """The reading that goes furthest, if its messages are the only ones that go so far.

    Of several complete ones the shortest: its messages are those of every other, too. Where they
    could be put into records in several ways, the way with most records is told, and of those the
    earliest: what follows a whole flight is no fragment of it.
    """
    complete = [cut for cut in cuts if cut.complete]
    if complete:
        shortest = min(len(cut.shape) for cut in complete)
        chosen = [cut for cut in complete if len(cut.shape) == shortest]
    else:
        furthest = max((len(cut.at) for cut in cuts), default=0)
        chosen = [cut for cut in cuts if len(cut.at) == furthest > 0]
    if len({cut.shape for cut in chosen}) != 1:
        return None
    return max(chosen, key=lambda cut: (len(set(cut.at)), [-record for record in cut.at]))


def _finished(cuts: list[_Cut], records: list[Sealed]) -> Sealed | None:
    """The record of Finished, if there is a complete reading: the earliest such record."""
    ends = [cut.at[-1] for cut in cuts if cut.complete]
    return records[min(ends)] if ends else None


def _ended(cuts: list[_Cut]) -> int:
    """How many records the handshake took at most; a Finished in a record of its own settles it."""
    alone = [cut for cut in cuts if cut.complete and cut.at[-1] not in cut.at[:-1]]
    return max((cut.used for cut in alone or cuts), default=0)


def _steps(
    server: _Cut | None, flight: list[Sealed], client: _Cut | None, records: list[Sealed]
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
    if not records or records[-1].length == _EMPTY.high:
        return None
    if records[-1].length != _ALERT:
        padded = not bare and records[-1].length <= _ALERT_PADDED_MOST
        return records[-1] if padded else None
    *_, first = itertools.takewhile(lambda record: record.length == _ALERT, reversed(records))
    return first
