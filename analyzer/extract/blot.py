"""What may be handed over of a connection: handshakes whole, application data and secrets not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from analyzer.extract.lines import blotted_text
from analyzer.extract.packets import blotted_packets
from analyzer.extract.said import Said
from analyzer.limits import Limits
from analyzer.tcp.closing import initial_sequence
from analyzer.tcp.evidence import Evidence
from analyzer.tcp.reassembly import first_sequence
from analyzer.tcp.timeline import Side
from analyzer.tls.decryption.keylog import Secrets
from analyzer.tls.prelude.openvpn import beside_control_channel
from analyzer.tls.record.records import HEADER, Record
from analyzer.tls.registry.code_points import ContentType, HandshakeType
from analyzer.tls.telling.directions import Directions, client_half, in_order, read_directions

_HEARTBEAT_HEAD: Final = 3  # type and length; what was echoed may be anything (RFC 6520)
_HEAD_END: Final = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Voice:
    """What one half sent, blotted, and the sequence number of its first byte."""

    side: Side
    said: Said
    base: int
    records: tuple[Record, ...]
    head: int  # bytes before the first packet of a carrier; 0 where TCP itself carries TLS

    def at(self, sequence: int, length: int) -> bytes:
        """The payload of a segment; zeros where it was not kept."""
        offset = (sequence - self.base + (1 << 31)) % (1 << 32) - (1 << 31)
        return self.said.read(offset, offset + length)


@dataclass(slots=True)
class Sealed:
    """What secrets open of a connection: where its handshake records are, and whose secrets."""

    records: set[tuple[Side, int]] = field(default_factory=set)  # sender and offset
    randoms: set[bytes] = field(default_factory=set)  # of all its ClientHellos


def voices(
    evidence: Evidence, limits: Limits, secrets: Secrets | None = None
) -> tuple[Voice, Voice, Sealed]:
    """Both halves of a connection in their order, blotted.

    With ``secrets``, the sealed records of its handshake stay, for those who have them as well.
    """
    client = client_half(evidence)
    both = read_directions(evidence, client, limits)
    sealed = _opened(both, limits, secrets) if secrets is not None else Sealed()
    first, second = (
        _voice(evidence, both, half, Side.CLIENT if half == client else Side.SERVER, sealed)
        for half in (0, 1)
    )
    return first, second, sealed


def _voice(
    evidence: Evidence,
    both: Directions,
    half: int,
    side: Side,
    sealed: Sealed,
) -> Voice:
    payloads = both.payloads[side] if both.payloads is not None else None
    said, records = Said(both.streams[side], payloads), both.records[side]
    head = payloads[0].begin if payloads else 0
    if both.payloads is not None and both.start.prelude is not None:
        _blot_carrier(said, head, both.start.prelude.protocol, client=side is Side.CLIENT)
    for begin, end in outside(records, said.end_inside):
        clear = said.read_inside(begin, end)
        shown = blotted(clear, client=side is Side.CLIENT) if begin == 0 else bytes(len(clear))
        said.write_inside(begin, shown)
    for record in records:
        if (side, record.offset) not in sealed.records:
            _blot_record(said, record)
    base = first_sequence(evidence.halves[half], initial_sequence(evidence, half))
    return Voice(side, said, base, records, head)


def blotted(data: bytes, *, client: bool) -> bytes:
    """What may be shown of clear bytes that a side sent, of the same length."""
    if all(0x20 <= byte < 0x7F or byte in b"\r\n\t" for byte in data[:64]):
        return data if len(data) == 1 else blotted_text(data, client=client)  # PostgreSQL's S and N
    return blotted_packets(data)


def _blot_carrier(said: Said, head: int, carrier: str, *, client: bool) -> None:
    """What a carrier holds beside TLS: HTTP's head, or a tunnel; TDS begins without any secret."""
    if carrier == "openvpn":
        for place in beside_control_channel(said.read(0, said.end)):
            said.write(place.start, bytes(place.stop - place.start))
        return
    data = said.read(0, head)
    end = data.find(_HEAD_END) + len(_HEAD_END)
    if end >= len(_HEAD_END):
        said.write(0, blotted_text(data[:end], client=client))


def outside(records: Sequence[Record], end: int) -> Iterator[tuple[int, int]]:
    """The stretches between records: the talk before TLS, and what is no TLS at all."""
    at = 0
    for record in records:
        if at < record.offset:
            yield at, record.offset
        at = max(at, record.offset + HEADER + record.length)
    if at < end:
        yield at, end


def _blot_record(said: Said, record: Record) -> None:
    body = record.offset + HEADER
    if record.content_type == ContentType.APPLICATION_DATA:
        said.write_inside(body, bytes(record.length))
    elif record.content_type == ContentType.HEARTBEAT:
        begin = body + _HEARTBEAT_HEAD
        said.write_inside(begin, bytes(max(0, record.length - _HEARTBEAT_HEAD)))


def _opened(both: Directions, limits: Limits, secrets: Secrets) -> Sealed:
    """Which records of type application_data hold a handshake message or an alert inside."""
    from analyzer.tls.decryption.decrypt import Decryptor  # noqa: PLC0415 - only with secrets at hand
    from analyzer.tls.telling.messages import read_conversation  # noqa: PLC0415 - as above

    found = Sealed()

    class Noting(Decryptor):
        """Writes down what it meets."""

        def hear(self, sender: Side, kind: int, body: bytes) -> None:
            if kind == HandshakeType.CLIENT_HELLO:
                found.randoms.add(body[2:34])  # behind the version (RFC 8446 section 4.1.2)
            super().hear(sender, kind, body)

        def open(self, record: Record) -> Record:
            plain = super().open(record)
            if plain.opened and plain.content_type != ContentType.APPLICATION_DATA:
                found.records.add((record.sender, record.offset))
            return plain

    read_conversation(in_order(both.records), limits, Noting(secrets))
    return found
