"""The grammar of encrypted flights: every way to cut the lengths of records into messages.

Lengths in, indices out: what is known of connections with the same lengths is known of all of them,
and the handshakes of one server with one kind of client have the same lengths again and again.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

T = TypeVar("T", bool, str)


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
# EncryptedExtensions by which a server takes ALPS: with ALPN, both short.
_SETTLED_LEAST: Final = 18
_REQUEST = Slot("certificate_request", 15, 70_000)
_CERTIFICATE = Slot("certificate", 150, 1 << 20)
EMPTY = Slot("empty_certificate", 8, 8)  # RFC 8446 section 4.4.2.4: no entries, empty context
_VERIFY = Slot("certificate_verify", 68, 9_000)
ALERT: Final = 2
ALERT_PADDED_MOST: Final = 34  # alerts padded to 16 or 32 bytes; shorter than any Finished
ALERT_PADDED: Final = frozenset({ALERT + 16, ALERT + 32})  # as JSSE pads; data has any length
_PADDING_MOST: Final = 64
_FRAGMENT_LEAST: Final = 400  # a record that is only part of a message is at least this long
RECORDS_MOST: Final = 24  # a handshake needs fewer; bounds the work


@dataclass(frozen=True, slots=True)
class Cut:
    """One way to cut a side's records into messages of one shape."""

    shape: tuple[Slot, ...]
    at: tuple[int, ...]  # index of the record that completed each message found
    used: int  # records consumed

    @property
    def complete(self) -> bool:
        """Whether every message of the shape was found."""
        return len(self.at) == len(self.shape)


@dataclass(frozen=True, slots=True)
class Agreed:
    """What all readings of two flights have in common. Records are told by their index in a flight.

    Padding is in bytes of each record of a side. None stands for what cannot be known.
    """

    server_padding: int
    client_padding: int
    server: Cut | None
    client: Cut | None
    certificate_request: bool | None
    server_finished: int | None
    client_certificate: str | None  # "present", "empty" or "absent"
    client_finished: int | None
    ended: int  # records that the client's handshake took at most
    done: int  # and at least


@functools.lru_cache(maxsize=4096)
def agreed(
    server: tuple[int, ...],
    client: tuple[int, ...],
    *,
    hash_length: int,
    psk: bool,
    application_settings: bool,
) -> Agreed:
    """Keep the pairs of readings that fit each other, and say what they have in common.

    Args:
        server: Lengths of the records of the server's flight, at most :data:`RECORDS_MOST`.
        client: Those of the client's.
        hash_length: As in :func:`analyzer.tls.record.encrypted.read_sealed`.
        psk: As there.
        application_settings: As there.
    """
    finished = Slot("finished", 4 + hash_length, 4 + hash_length)
    asking = _server_shapes(finished, psk=psk)
    server_padding = _padding(server, asking, finished)
    server = without_padding(server, server_padding)
    shapes = _client_shapes(finished, psk=psk)
    if application_settings and (not server or server[0] >= _SETTLED_LEAST):
        shapes += [(_SETTINGS, *shape) for shape in shapes]
    client_padding = _padding(client, shapes, finished)
    client = without_padding(client, client_padding)
    servers, clients = list(_cuts(asking, server)), list(_cuts(shapes, client))
    if not client:  # nobody answered: the flight may not be whole
        servers = [cut for cut in servers if _settled(cut) or not _mixed(cut)]
    answers = [_certificate(cut) for cut in clients if cut.complete]
    servers, clients = _fitting(servers, clients)
    taken = _taken(clients)
    return Agreed(
        server_padding=server_padding,
        client_padding=client_padding,
        server=_common(servers),
        client=_common(clients),
        certificate_request=_same([_asked(cut) for cut in servers if cut.complete]),
        server_finished=_finished(servers),
        client_certificate=_same(answers),
        client_finished=_finished(clients),
        ended=max(taken, default=0),
        done=min(taken, default=0),
    )


def without_padding(lengths: tuple[int, ...], padding: int) -> tuple[int, ...]:
    """Lengths without the padding of each; an alert is the least that can be left."""
    if not padding:
        return lengths
    return tuple([max(length - padding, ALERT) for length in lengths])


def _fitting(servers: list[Cut], clients: list[Cut]) -> tuple[list[Cut], list[Cut]]:
    """Those of both sides' readings that fit one of the other's.

    A client that finished had a complete flight to finish on.
    """
    done = [cut for cut in clients if cut.complete]
    whole = [cut for cut in servers if cut.complete]
    if not whole:
        return servers, clients
    if not done:
        return whole, clients
    pairs = [(s, c) for s in whole for c in done if _asked(s) == _answered(c)]
    return ([s for s, _ in pairs], [c for _, c in pairs]) if pairs else (whole, done)


def _mixed(cut: Cut) -> bool:
    """Whether some messages share a record, and others do not share it.

    Stacks give every message a record, or put as many into one as it holds: of 2,200 recorded flights
    none does both.
    """
    return 1 < len(set(cut.at)) < len(cut.at)


def _padding(lengths: tuple[int, ...], shapes: list[tuple[Slot, ...]], finished: Slot) -> int:
    """The padding that a stack adds to each record (JSSE: 16 bytes).

    Only where the records make no complete reading as they are; one that would then be a Finished
    says how much there can be.
    """
    if any(cut.complete for cut in _cuts(shapes, lengths)):
        return 0
    longer = {length - finished.low for length in lengths}
    for padding in sorted(length for length in longer if 0 < length <= _PADDING_MOST):
        if any(cut.complete for cut in _cuts(shapes, without_padding(lengths, padding))):
            return padding
    return 0


def _server_shapes(finished: Slot, *, psk: bool) -> list[tuple[Slot, ...]]:
    if psk:
        return [(_EXTENSIONS, finished)]
    tail = (_CERTIFICATE, _VERIFY, finished)
    return [(_EXTENSIONS, *tail), (_EXTENSIONS, _REQUEST, *tail)]


def _client_shapes(finished: Slot, *, psk: bool) -> list[tuple[Slot, ...]]:
    if psk:
        return [(finished,)]
    return [(finished,), (EMPTY, finished), (_CERTIFICATE, _VERIFY, finished)]


def _cuts(shapes: list[tuple[Slot, ...]], lengths: tuple[int, ...]) -> Iterator[Cut]:
    """Every way to cut records of such lengths into a beginning of one of the shapes."""
    for shape in shapes:
        yield from _cut(shape, lengths, 0, 0, ())


def _cut(
    shape: tuple[Slot, ...], lengths: Sequence[int], slot: int, record: int, at: tuple[int, ...]
) -> Iterator[Cut]:
    """Cut on from message ``slot`` at the beginning of record ``record``."""
    if slot == len(shape) or record == len(lengths) or _only_alert(lengths, record, shape[slot]):
        yield Cut(shape, at, record)
        return
    for after in range(slot + 1, len(shape) + 1):
        low = sum(part.low for part in shape[slot:after])
        high = sum(part.high for part in shape[slot:after])
        for used in _spans(lengths, record, low, high):
            ends = at + (used - 1,) * (after - slot)
            yield from _cut(shape, lengths, after, used, ends)


def _spans(lengths: Sequence[int], record: int, low: int, high: int) -> Iterator[int]:
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


def _only_alert(lengths: Sequence[int], record: int, due: Slot) -> bool:
    """Whether a record, where ``due`` should begin, can be nothing but an alert.

    A padded one is known by being its sender's last word and too short for what is due.
    """
    length = lengths[record]
    if length == ALERT:
        return True
    last = record == len(lengths) - 1
    return last and EMPTY.high < length <= ALERT_PADDED_MOST and length < due.low


def _asked(cut: Cut) -> bool:
    return _REQUEST in cut.shape


def _answered(cut: Cut) -> bool:
    return EMPTY in cut.shape or _CERTIFICATE in cut.shape


def _certificate(cut: Cut) -> str:
    if EMPTY in cut.shape:
        return "empty"
    return "present" if _CERTIFICATE in cut.shape else "absent"


def _same(values: list[T]) -> T | None:
    """The value that all readings share, or None."""
    return values[0] if values and len(set(values)) == 1 else None


def _common(cuts: list[Cut]) -> Cut | None:
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
    if not complete and len(chosen) > 1:
        return _shared(chosen)
    if len({cut.shape for cut in chosen}) != 1:
        return None
    return max(chosen, key=lambda cut: (len(set(cut.at)), [-record for record in cut.at]))


def _shared(cuts: list[Cut]) -> Cut | None:
    """The messages that all of several beginnings of a flight hold, each where the last of them has it."""
    found = [dict(zip(cut.shape, cut.at, strict=False)) for cut in cuts]
    both = [slot for slot in found[0] if all(slot in other for other in found)]
    at = tuple(max(places[slot] for places in found) for slot in both)
    return Cut(tuple(both), at, max(cut.used for cut in cuts)) if both else None


def _finished(cuts: list[Cut]) -> int | None:
    """The record of Finished, if there is a complete reading: the earliest such record."""
    return min([cut.at[-1] for cut in cuts if cut.complete], default=None)


def _settled(cut: Cut) -> bool:
    """Whether a flight is whole, and its Finished has a record of its own."""
    return cut.complete and cut.at[-1] not in cut.at[:-1]


def _taken(cuts: list[Cut]) -> list[int]:
    """How many records the handshake may have taken; a Finished in a record of its own settles it."""
    alone = [cut for cut in cuts if _settled(cut)]
    return [cut.used for cut in alone or cuts]
