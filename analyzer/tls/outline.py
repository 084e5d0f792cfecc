"""The short way for the many: the outline of a connection that plainly went well.

Most connections of a large capture complete their handshake, are used by both sides and close in
order. For these an outline is enough: version, suite, group, names, and the facts of TCP. It is
read straight from the pieces, without the story. Whatever is not plain (bytes missing or sent
twice, an alert in clear, a retry, a reset, a record that does not belong) has no outline, and its
story is told in full. An outline never contradicts the story; a test holds the two together.
"""

from __future__ import annotations

import functools
import struct
from bisect import bisect_right
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from analyzer.errors import DecodeError
from analyzer.tcp.evidence import ACK, FIN, RST, SYN, Endpoint, Evidence, Half, TcpEvent
from analyzer.tcp.sequence import distance
from analyzer.tls.glance import Asked, Chosen, asked, chosen
from analyzer.tls.message.keyexchange import decode_server_key_exchange
from analyzer.tls.registry.suites import CipherSuite
from analyzer.tls.x509.der import INTEGER, read_value
from analyzer.tls.x509.ocsp import serial_text

_CHANGE_CIPHER_SPEC, _ALERT, _HANDSHAKE, _APPLICATION_DATA = 20, 21, 22, 23
_HEADER: Final = 5
_record = struct.Struct(">BBxH").unpack_from  # type, major version, length
_message = struct.Struct(">I").unpack_from  # type, 24 bits of length
_SIZE: Final = 0xFF_FFFF  # mask of that length
_CLIENT_HELLO, _SERVER_HELLO, _CERTIFICATE = 1, 2, 11
_SERVER_KEY_EXCHANGE, _SERVER_HELLO_DONE = 12, 14
_UNMISTAKABLE: Final = 64  # content bytes: longer than any alert, padded or not
_RECORDS_MOST: Final = 64  # of the clear part, and of the first encrypted ones
_MODULUS: Final = 1 << 32


class Outline(NamedTuple):
    """What is worth saying of a connection that went well. Times are ns since the epoch."""

    stream: int
    client: Endpoint
    server: Endpoint
    start: int
    end: int
    version: str
    cipher_suite: str
    group: str | None
    sni: str | None
    alpn: str | None
    resumed: bool
    goes_without: tuple[str, ...]  # as in :class:`~analyzer.tls.message.server_hello.ServerHello`
    client_certificate: bool  # of those seen in clear
    certificate: str | None  # serial number of the server's own, where it is in clear
    syn: TcpEvent
    syn_ack: TcpEvent
    closed: TcpEvent  # the first FIN
    closed_by_client: bool
    packets: tuple[int, int]  # client's, server's
    payload: tuple[int, int]  # bytes on the wire, as in :class:`~analyzer.tcp.evidence.Half`

    @property
    def outcome(self) -> Literal["established"]:
        """What became of it: only what went well has an outline."""
        return "established"


class _Side(NamedTuple):
    """One direction's contiguous bytes, and its records."""

    half: Half
    data: bytes
    kinds: bytes  # content types
    lengths: list[int]  # of the contents

    def begin(self, index: int) -> int:
        """Where the content of a record begins."""
        return sum(self.lengths[:index]) + _HEADER * (index + 1)

    def number(self, offset: int) -> int:
        """The sequence number of the byte at ``offset``."""
        return (self.half.pieces[0].sequence + offset) % _MODULUS

    def heard_at(self, offset: int) -> int:
        """What the segment with the byte at ``offset`` acknowledges."""
        for piece in self.half.pieces:
            if offset < len(piece.data):
                return piece.acknowledgments[bisect_right(piece.ends, offset)]
            offset -= len(piece.data)
        return self.half.pieces[-1].acknowledgments[-1]


def outline(evidence: Evidence) -> Outline | None:
    """Give the outline of a connection that plainly went well; None for any other."""
    opening = _opening(evidence)
    if opening is None:
        return None
    syn, syn_ack, closed = opening
    halves = evidence.halves[syn.half], evidence.halves[syn_ack.half]
    client, server = _side(halves[0], syn.sequence), _side(halves[1], syn_ack.sequence)
    if client is None or server is None:
        return None
    hellos = _hellos(client, server)
    if hellos is None:
        return None
    offer, choice = hellos
    agreed = _agreed_sealed if choice.version == "TLSv1.3" else _agreed
    agreement = agreed(client, server, choice)
    if agreement is None:
        return None
    return Outline(
        stream=evidence.stream,
        client=evidence.endpoints[syn.half],
        server=evidence.endpoints[syn_ack.half],
        start=min(halves[0].first_time or 0, halves[1].first_time or 0),  # both sent a SYN
        end=max(halves[0].last_time or 0, halves[1].last_time or 0),
        version=choice.version,
        cipher_suite=choice.suite_name,
        group=agreement.group,
        sni=offer.server_name,
        alpn=choice.alpn,
        resumed=agreement.resumed,
        goes_without=choice.goes_without,
        client_certificate=agreement.client_certificate,
        certificate=agreement.certificate,
        syn=syn,
        syn_ack=syn_ack,
        closed=closed,
        closed_by_client=closed.half == syn.half,
        packets=(halves[0].packets, halves[1].packets),
        payload=(halves[0].payload, halves[1].payload),
    )


def _opening(evidence: Evidence) -> tuple[TcpEvent, TcpEvent, TcpEvent] | None:
    """SYN, SYN-ACK and first FIN, where TCP began and ended in the plainest way."""
    events = evidence.events
    if len(events) < 4 or evidence.icmp or evidence.limits:
        return None
    syn, syn_ack, *closing = events
    plain = (
        syn.flags & _CONTROL == SYN
        and syn_ack.flags & _CONTROL == SYN | ACK
        and syn.half != syn_ack.half
        and not syn.length + syn_ack.length
    )
    senders = [event.half for event in closing if event.flags & (SYN | RST | FIN) == FIN]
    if not plain or len(senders) < len(closing) or 0 not in senders or 1 not in senders:
        return None
    return syn, syn_ack, closing[0]


_CONTROL: Final = SYN | ACK | RST | FIN


def _side(half: Half, initial: int) -> _Side | None:
    """The bytes of a direction without gap or repetition, and their records."""
    at = (initial + 1) % _MODULUS
    parts = []
    for index, piece in enumerate(half.pieces):
        if piece.uncaptured:
            return None
        if piece.sequence != at:
            if not half.left_out or not all(
                map(_last_words, (p.data for p in half.pieces[index:]))
            ):
                return None
            break
        parts.append(piece.data)
        at = (at + len(piece.data)) % _MODULUS
    return _records(half, b"".join(parts))


def _last_words(data: bytes) -> bool:
    """Whether a segment beyond what was kept is no sign of trouble: data, or a lone sealed alert."""
    if data[:1] != b"\x15" and data[:1] != b"\x16":
        return True
    return data[0] == _ALERT and len(data) == _HEADER + (data[3] << 8 | data[4]) > _HEADER + 2


def _records(half: Half, data: bytes) -> _Side | None:
    """The records of contiguous bytes; None where they are none, or end within one unduly."""
    kinds: list[int] = []
    lengths: list[int] = []
    at, last = 0, len(data) - _HEADER
    while at <= last:
        kind, major, length = _record(data, at)
        if major != 3:
            return None
        kinds.append(kind)
        lengths.append(length)
        at += _HEADER + length
    whole = at == len(data) or (half.left_out > 0 and kinds[-1:] == [_APPLICATION_DATA])
    known = bytes(kinds)
    return _Side(half, data, known, lengths) if whole and not known.strip(_KINDS) else None


def _hellos(client: _Side, server: _Side) -> tuple[Asked, Chosen] | None:
    """The hellos that counted: the last ones, where the server asked for another (TLS 1.3)."""
    offers, choices = _bodies(client, _CLIENT_HELLO), _bodies(server, _SERVER_HELLO)
    if not offers or len(offers) != len(choices):
        return None
    offer, choice = asked(offers[-1]), chosen(choices[-1])
    return None if offer is None or choice is None else (offer, choice)


def _bodies(side: _Side, wanted: int) -> list[bytes]:
    """The hellos at the beginning of a side, each the first message of a record, at most two."""
    found = []
    data, begin = side.data, _HEADER
    for kind, length in zip(side.kinds[:_HELLOS_WITHIN], side.lengths, strict=False):
        if kind == _HANDSHAKE and length >= 4 and data[begin] == wanted:
            at = begin + 4
            end = at + (data[begin + 1] << 16 | data[begin + 2] << 8 | data[begin + 3])
            if end > begin + length:
                return []
            found.append(data[at:end])
        begin += length + _HEADER
    return found


_HELLOS_WITHIN: Final = 3  # records: a hello, ChangeCipherSpec, a second hello


class _Agreement(NamedTuple):
    """What there is beside the hellos; the certificates as far as they are in clear."""

    group: str | None
    resumed: bool
    client_certificate: bool = False
    certificate: str | None = None


def _agreed(client: _Side, server: _Side, choice: Chosen) -> _Agreement | None:
    """Up to TLS 1.2: both sides say something in clear, switch over and send data."""
    if choice.version not in _EARLIER or not (_plain(client) and _plain(server)):
        return None
    said, answered = _clear_messages(server), _clear_messages(client)
    if said is None or answered is None:
        return None
    return _Agreement(
        group=_group(choice, said),
        resumed=not said.places.keys() & _FULL,
        client_certificate=answered.size(_CERTIFICATE) > _NO_CERTIFICATES,
        certificate=_serial(said.body(_CERTIFICATE)),
    )


_EARLIER: Final = frozenset({"TLSv1.0", "TLSv1.1", "TLSv1.2"})
_FULL: Final = frozenset({_CERTIFICATE, _SERVER_KEY_EXCHANGE, _SERVER_HELLO_DONE})
_NO_CERTIFICATES: Final = 3  # bytes: the length of an empty list


def _plain(side: _Side) -> bool:
    """Up to TLS 1.2: clear messages, ChangeCipherSpec, Finished, data, perhaps a sealed alert."""
    kinds = side.kinds
    switched = kinds.find(_CHANGE_CIPHER_SPEC, 0, _RECORDS_MOST)
    finished = switched + 1
    if switched < 0 or kinds[:finished].strip(_MESSAGE) != _SWITCH:
        return False
    rest = kinds[finished + 1 :]
    if rest[-1:] == _ALERTS:
        if side.lengths[-1] <= 2:
            return False
        rest = rest[:-1]
    return kinds[finished : finished + 1] == _MESSAGE and bool(rest) and not rest.strip(_DATA)


def _agreed_sealed(client: _Side, server: _Side, choice: Chosen) -> _Agreement | None:
    """TLS 1.3: the client's Finished is known by its length, data follows, and is answered."""
    sealed = _sealed_from(client)
    if sealed is None or _sealed_from(server) is None:
        return None
    lengths = client.lengths[sealed : sealed + _RECORDS_MOST]
    if choice.finished not in lengths[:-1]:
        return None
    used = client.number(client.begin(sealed + lengths.index(choice.finished) + 1))
    last = _last_longer(server, _UNMISTAKABLE + choice.sealing)
    if last is None or distance(server.heard_at(min(last, len(server.data) - 1)), used) <= 0:
        return None
    return _Agreement(choice.group, choice.psk_selected)


def _sealed_from(side: _Side) -> int | None:
    """Which record of a side is the first encrypted one; None unless nothing else follows."""
    clear = side.kinds.rstrip(_DATA)
    return len(clear) if clear in _BEGINNINGS else None


def _last_longer(side: _Side, least: int) -> int | None:
    """Where the content of the last record with more than so many bytes begins."""
    for index in range(len(side.lengths) - 1, -1, -1):
        if side.lengths[index] > least:
            return side.begin(index)
    return None


# Hello, or two of them; ChangeCipherSpec may follow the first (RFC 8446 appendix D.4).
_BEGINNINGS: Final = frozenset(
    bytes(kinds) for kinds in ([22], [22, 20], [22, 22], [22, 20, 22], [22, 22, 20])
)
_SWITCH, _ALERTS, _MESSAGE, _DATA = (bytes([kind]) for kind in range(20, 24))
_KINDS: Final = bytes(range(20, 24))


class _Messages(NamedTuple):
    """Handshake messages: where in ``data`` the body of the first of each type begins and ends."""

    data: bytes
    places: dict[int, tuple[int, int]]

    def size(self, kind: int) -> int:
        """Bytes of a body; 0 without it."""
        begin, end = self.places.get(kind, _NOWHERE)
        return end - begin

    def body(self, kind: int, most: int = _SIZE) -> bytes:
        """So many bytes of a body at most; empty without it."""
        begin, end = self.places.get(kind, _NOWHERE)
        return self.data[begin : min(begin + most, end)]


_NOWHERE: Final = 0, 0


def _clear_messages(side: _Side) -> _Messages | None:
    """The handshake messages before ChangeCipherSpec; None unless they end with a record."""
    lengths = side.lengths[: side.kinds.index(_CHANGE_CIPHER_SPEC)]
    found = _messages(side.data, lengths)
    if found is None:  # one goes on in another record, perhaps
        whole = _contents(side.data, lengths)
        found = _messages(bytes(_HEADER) + whole, [len(whole)])
    return found


def _messages(data: bytes, lengths: Sequence[int]) -> _Messages | None:
    """The messages of the first records, with these lengths; None unless they end with each."""
    places: dict[int, tuple[int, int]] = {}
    end = 0
    for length in lengths:
        at = end + _HEADER
        end = at + length
        while at + 4 <= end:
            (word,) = _message(data, at)
            begin = at + 4
            at = begin + (word & _SIZE)
            places.setdefault(word >> 24, (begin, at))
        if at != end:
            return None
    return _Messages(data, places)


def _contents(data: bytes, lengths: Sequence[int]) -> bytes:
    """The contents of the first records, with these lengths, put together."""
    parts = []
    at = _HEADER
    for length in lengths:
        parts.append(data[at : at + length])
        at += length + _HEADER
    return b"".join(parts)


def _serial(body: bytes) -> str | None:
    """The serial number of the first certificate of a Certificate message (RFC 5280 section 4.1)."""
    return _remembered_serial(body) if len(body) <= _REMEMBERED_MOST else _read_serial(body)


def _read_serial(body: bytes) -> str | None:
    try:
        parts = read_value(read_value(body[_CERTIFICATE_AT:]).content).items()
        values = (next(parts, None), next(parts, None))
    except DecodeError:
        return None
    number = next((value for value in values if value is not None and value.tag == INTEGER), None)
    return None if number is None else serial_text(number.content)


_CERTIFICATE_AT: Final = 6  # behind the length of the list, and its own
_REMEMBERED_MOST: Final = 16 << 10  # bytes
_remembered_serial = functools.lru_cache(maxsize=512)(_read_serial)  # a server shows one again


def _group(choice: Chosen, said: _Messages) -> str | None:
    """The group of the key exchange: key_share in TLS 1.3, ServerKeyExchange before."""
    if choice.group is not None or _SERVER_KEY_EXCHANGE not in said.places:
        return choice.group
    hinted = choice.key_exchange.endswith("PSK")  # a hint is before the curve
    begins = said.body(_SERVER_KEY_EXCHANGE, _SIZE if hinted else _CURVE)
    return _named(begins, choice.cipher_suite, choice.version)


_CURVE: Final = 3  # bytes: the type, and the name of a curve; what is behind them is never the same


@functools.lru_cache(maxsize=256)
def _named(body: bytes, suite: CipherSuite, version: str) -> str | None:
    """The group that a ServerKeyExchange begins with."""
    exchange, _ = decode_server_key_exchange(body, suite, version)
    return exchange.group_name
