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
from typing import Final, Literal, NamedTuple

from analyzer.errors import DecodeError
from analyzer.tcp.evidence import ACK, FIN, RST, SYN, Endpoint, Evidence, Half, TcpEvent
from analyzer.tls.der import INTEGER, read_value
from analyzer.tls.glance import Asked, asked, chosen
from analyzer.tls.hello import ServerHello
from analyzer.tls.keyexchange import decode_server_key_exchange
from analyzer.tls.ocsp import serial_text
from analyzer.tls.registry_suites import CipherSuite
from analyzer.tls.suites import facts_of

_CHANGE_CIPHER_SPEC, _ALERT, _HANDSHAKE, _APPLICATION_DATA = 20, 21, 22, 23
_HEADER: Final = 5
_RECORD: Final = struct.Struct(">BBxH")  # type, major version, length
_CLIENT_HELLO, _SERVER_HELLO, _SERVER_KEY_EXCHANGE = 1, 2, 12
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
    begins: list[int]  # where the contents begin
    lengths: list[int]

    def frame_of(self, offset: int) -> int:
        """The frame that brought the byte at ``offset``."""
        for piece in self.half.pieces:
            if offset < len(piece.data):
                return piece.frames[bisect_right(piece.ends, offset)]
            offset -= len(piece.data)
        return self.half.pieces[-1].frames[-1]


def outline(evidence: Evidence) -> Outline | None:
    """Give the outline of a connection that plainly went well; None for any other."""
    opening = _opening(evidence)
    if opening is None:
        return None
    syn, syn_ack, closed = opening
    halves = evidence.halves[syn.half], evidence.halves[1 - syn.half]
    client, server = _side(halves[0], syn.sequence), _side(halves[1], syn_ack.sequence)
    if client is None or server is None:
        return None
    hellos = _hellos(client, server)
    if hellos is None:
        return None
    offer, choice = hellos
    version = choice.version_name
    if version == "TLSv1.3":
        plain = _plain_sealed(client, server, choice)
    elif version in _EARLIER:
        plain = _plain(client) and _plain(server)
    else:
        plain = False
    if not plain:
        return None
    clear = _clear_messages(server) if version != "TLSv1.3" else {}
    return Outline(
        stream=evidence.stream,
        client=evidence.endpoints[syn.half],
        server=evidence.endpoints[1 - syn.half],
        start=min(h.first_time for h in halves if h.first_time is not None),
        end=max(h.last_time for h in halves if h.last_time is not None),
        version=version,
        cipher_suite=choice.cipher_suite.name,
        group=_group(choice, clear),
        sni=offer.server_name,
        alpn=choice.alpn,
        resumed=choice.psk_selected if version == "TLSv1.3" else not clear.keys() & _FULL,
        client_certificate=_certified(client) if version != "TLSv1.3" else False,
        certificate=_serial(clear.get(_CERTIFICATE, b"")),
        syn=syn,
        syn_ack=syn_ack,
        closed=closed,
        closed_by_client=closed.half == syn.half,
        packets=(halves[0].packets, halves[1].packets),
        payload=(halves[0].payload, halves[1].payload),
    )


_EARLIER: Final = frozenset({"TLSv1.0", "TLSv1.1", "TLSv1.2"})
_CERTIFICATE: Final = 11
_FULL: Final = frozenset({_CERTIFICATE, _SERVER_KEY_EXCHANGE, 14})  # 14: server_hello_done


def _opening(evidence: Evidence) -> tuple[TcpEvent, TcpEvent, TcpEvent] | None:
    """SYN, SYN-ACK and first FIN, where TCP began and ended in the plainest way."""
    events = evidence.events
    if len(events) < 4 or evidence.icmp or evidence.limits:
        return None
    syn, syn_ack, *closing = events
    plain = (
        syn.flags & (SYN | ACK | RST | FIN) == SYN
        and syn_ack.flags & (SYN | ACK | RST | FIN) == SYN | ACK
        and syn.half != syn_ack.half
        and not syn.length + syn_ack.length
        and all(event.flags & (SYN | RST | FIN) == FIN for event in closing)
        and {event.half for event in closing} == {0, 1}
    )
    return (syn, syn_ack, closing[0]) if plain else None


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
    kinds, begins, lengths = bytearray(), [], []
    unpack = _RECORD.unpack_from
    at, size = 0, len(data)
    while at + _HEADER <= size:
        kind, major, length = unpack(data, at)
        if not 20 <= kind <= 23 or major != 3:
            return None
        at += _HEADER
        kinds.append(kind)
        begins.append(at)
        lengths.append(length)
        at += length
    within_data = half.left_out > 0 and kinds[-1:] == _DATA
    return _Side(half, data, bytes(kinds), begins, lengths) if at == size or within_data else None


def _hellos(client: _Side, server: _Side) -> tuple[Asked, ServerHello] | None:
    """The hellos that counted: the last ones, where the server asked for another (TLS 1.3)."""
    offers, choices = _bodies(client, _CLIENT_HELLO), _bodies(server, _SERVER_HELLO)
    if not offers or len(offers) != len(choices):
        return None
    offer, choice = asked(offers[-1]), chosen(choices[-1])
    return None if offer is None or choice is None else (offer, choice)


def _bodies(side: _Side, wanted: int) -> list[bytes]:
    """The hellos at the beginning of a side, each the first message of a record, at most two."""
    found = []
    opening = zip(side.kinds[:_HELLOS_WITHIN], side.begins, side.lengths, strict=False)
    for kind, begin, length in opening:
        if kind != _HANDSHAKE or length < 4 or side.data[begin] != wanted:
            continue
        size = int.from_bytes(side.data[begin + 1 : begin + 4], "big")
        if 4 + size > length:
            return []
        found.append(side.data[begin + 4 : begin + 4 + size])
    return found


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


def _plain_sealed(client: _Side, server: _Side, choice: ServerHello) -> bool:
    """TLS 1.3: the client's Finished is known by its length, data follows, and is answered."""
    sealed = _sealed_from(client)
    if sealed is None or _sealed_from(server) is None:
        return False
    facts = facts_of(choice.cipher_suite)
    tag = facts.tag_length or 16
    finished = 4 + (48 if facts.hash == "SHA384" else 32) + 1 + tag
    lengths = client.lengths[sealed : sealed + _RECORDS_MOST]
    if finished not in lengths[:-1]:
        return False
    used = client.frame_of(client.begins[sealed + lengths.index(finished) + 1])
    last = _last_longer(server, _UNMISTAKABLE + 1 + tag)
    return last is not None and server.frame_of(min(last, len(server.data) - 1)) > used


def _sealed_from(side: _Side) -> int | None:
    """Which record of a side is the first encrypted one; None unless nothing else follows."""
    kinds = side.kinds
    clear = kinds.rstrip(_DATA)
    return len(clear) if clear in _BEGINNINGS else None


def _last_longer(side: _Side, least: int) -> int | None:
    """Where the last record with more than so many bytes begins."""
    longer = (
        index for index in range(len(side.lengths) - 1, -1, -1) if side.lengths[index] > least
    )
    index = next(longer, None)
    return None if index is None else side.begins[index]


_HELLOS_WITHIN: Final = 3  # records: a hello, ChangeCipherSpec, a second hello
# Hello, or two of them; ChangeCipherSpec may follow the first (RFC 8446 appendix D.4).
_BEGINNINGS: Final = frozenset(
    bytes(kinds) for kinds in ([22], [22, 20], [22, 22], [22, 20, 22], [22, 22, 20])
)
_SWITCH, _ALERTS, _MESSAGE, _DATA = (bytes([kind]) for kind in range(20, 24))


def _clear_messages(side: _Side) -> dict[int, bytes]:
    """Handshake messages before ChangeCipherSpec: the first of each type, with its body."""
    clear = len(side.kinds) - len(side.kinds.lstrip(_MESSAGE))
    spans = zip(side.begins[:clear], side.lengths, strict=False)
    data = b"".join([side.data[begin : begin + length] for begin, length in spans])
    found: dict[int, bytes] = {}
    at = 0
    while at + 4 <= len(data):
        size = int.from_bytes(data[at + 1 : at + 4], "big")
        found.setdefault(data[at], data[at + 4 : at + 4 + size])
        at += 4 + size
    return found


def _certified(client: _Side) -> bool:
    """Whether the client's Certificate held one (an empty list is three bytes)."""
    return len(_clear_messages(client).get(_CERTIFICATE, b"")) > 3


def _serial(body: bytes) -> str | None:
    """The serial number of the first certificate of a Certificate message (RFC 5280 section 4.1)."""
    try:
        parts = read_value(read_value(body[_CERTIFICATE_AT:]).content).items()
        values = (next(parts, None), next(parts, None))
    except DecodeError:
        return None
    number = next((value for value in values if value is not None and value.tag == INTEGER), None)
    return None if number is None else serial_text(number.content)


_CERTIFICATE_AT: Final = 6  # behind the length of the list, and its own


def _group(choice: ServerHello, clear: dict[int, bytes]) -> str | None:
    """The group of the key exchange: key_share in TLS 1.3, ServerKeyExchange before."""
    if choice.group is not None:
        return choice.group.name
    body = clear.get(_SERVER_KEY_EXCHANGE)
    if body is None:
        return None
    exchange = facts_of(choice.cipher_suite).key_exchange
    said = body if exchange.endswith("PSK") else body[:_CURVE]  # a hint is before the curve
    return _named(said, choice.cipher_suite, choice.version_name)


_CURVE: Final = 3  # bytes: the type, and the name of a curve; what is behind them is never the same


@functools.lru_cache(maxsize=256)
def _named(body: bytes, suite: CipherSuite, version: str) -> str | None:
    """The group that a ServerKeyExchange begins with."""
    exchange, _ = decode_server_key_exchange(body, suite, version)
    return exchange.group_name
