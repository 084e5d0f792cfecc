"""The short way for the many: the outline of a connection that plainly went well.

Most connections of a large capture complete their handshake, are used by both sides and close in
order. For these an outline is enough: version, suite, group, names, and the facts of TCP. It is
read straight from the pieces, without the story. Whatever is not plain (bytes missing or sent
twice, an alert in clear, a retry, a reset, a record that does not belong) has no outline, and its
story is told in full. An outline never contradicts the story; a test holds the two together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from analyzer.errors import DecodeError
from analyzer.tcp.evidence import ACK, FIN, RST, SYN, Endpoint, Evidence, Half, TcpEvent
from analyzer.tls.der import INTEGER, read_value
from analyzer.tls.hello import ClientHello, ServerHello, decode_client_hello, decode_server_hello
from analyzer.tls.keyexchange import decode_server_key_exchange
from analyzer.tls.ocsp import serial_text
from analyzer.tls.suites import facts_of

_CHANGE_CIPHER_SPEC, _ALERT, _HANDSHAKE, _APPLICATION_DATA = 20, 21, 22, 23
_HEADER: Final = 5
_CLIENT_HELLO, _SERVER_HELLO, _SERVER_KEY_EXCHANGE = 1, 2, 12
_UNMISTAKABLE: Final = 64  # content bytes: longer than any alert, padded or not
_RECORDS_MOST: Final = 64  # of the clear part, and of the first encrypted ones
_MODULUS: Final = 1 << 32


@dataclass(frozen=True, slots=True)
class Outline:
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
    halves: tuple[Half, Half]  # client's, server's; their pieces left out

    @property
    def outcome(self) -> Literal["established"]:
        """What became of it: only what went well has an outline."""
        return "established"


@dataclass(frozen=True, slots=True)
class _Side:
    """One direction's contiguous bytes, and its records as ``(type, begin, length)``."""

    half: Half
    data: bytes
    records: list[tuple[int, int, int]]

    def frame_of(self, offset: int) -> int:
        """The frame that brought the byte at ``offset``."""
        for piece in self.half.pieces:
            if offset < len(piece.data):
                return piece.frames[next(i for i, end in enumerate(piece.ends) if offset < end)]
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
        halves=(halves[0]._replace(pieces=()), halves[1]._replace(pieces=())),
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
    data = b"".join(parts)
    records = _records(data, cut=half.left_out > 0)
    return _Side(half, data, records) if records else None


def _last_words(data: bytes) -> bool:
    """Whether a segment beyond what was kept is no sign of trouble: data, or a lone sealed alert."""
    if data[:1] != b"\x15" and data[:1] != b"\x16":
        return True
    return data[0] == _ALERT and len(data) == _HEADER + (data[3] << 8 | data[4]) > _HEADER + 2


def _records(data: bytes, *, cut: bool) -> list[tuple[int, int, int]]:
    """Records of contiguous bytes; empty where they are none, or end within one unduly."""
    records: list[tuple[int, int, int]] = []
    at, size = 0, len(data)
    while at + _HEADER <= size:
        kind = data[at]
        if not 20 <= kind <= 23 or data[at + 1] != 3:
            return []
        length = data[at + 3] << 8 | data[at + 4]
        records.append((kind, at + _HEADER, length))
        at += _HEADER + length
    if at == size or (cut and records and records[-1][0] == _APPLICATION_DATA):
        return records
    return []


def _hellos(client: _Side, server: _Side) -> tuple[ClientHello, ServerHello] | None:
    """The hellos that counted: the last ones, where the server asked for another (TLS 1.3)."""
    offers, choices = _bodies(client, _CLIENT_HELLO), _bodies(server, _SERVER_HELLO)
    if not offers or len(offers) != len(choices):
        return None
    offer, offer_defect = decode_client_hello(offers[-1])
    choice, choice_defect = decode_server_hello(choices[-1])
    if offer is None or choice is None or offer_defect or choice_defect:
        return None
    return None if choice.is_hello_retry_request else (offer, choice)


def _bodies(side: _Side, wanted: int) -> list[bytes]:
    """The hellos at the beginning of a side, each the first message of a record, at most two."""
    found = []
    for kind, begin, length in side.records[:_HELLOS_WITHIN]:
        if kind != _HANDSHAKE or length < 4 or side.data[begin] != wanted:
            continue
        size = int.from_bytes(side.data[begin + 1 : begin + 4], "big")
        if 4 + size > length:
            return []
        found.append(side.data[begin + 4 : begin + 4 + size])
    return found


def _plain(side: _Side) -> bool:
    """Up to TLS 1.2: clear messages, ChangeCipherSpec, Finished, data, perhaps a sealed alert."""
    kinds = [kind for kind, _, _ in side.records]
    if _CHANGE_CIPHER_SPEC not in kinds[:_RECORDS_MOST]:
        return False
    switched = kinds.index(_CHANGE_CIPHER_SPEC)
    if kinds[:switched] != [_HANDSHAKE] * switched or kinds[switched + 1 : switched + 2] != [22]:
        return False
    rest = kinds[switched + 2 :]
    if rest and rest[-1] == _ALERT:
        if side.records[-1][2] <= 2:
            return False
        rest.pop()
    return bool(rest) and rest.count(_APPLICATION_DATA) == len(rest)


def _plain_sealed(client: _Side, server: _Side, choice: ServerHello) -> bool:
    """TLS 1.3: the client's Finished is known by its length, data follows, and is answered."""
    facts = facts_of(choice.cipher_suite)
    finished = 4 + (48 if facts.hash == "SHA384" else 32) + 1 + (facts.tag_length or 16)
    for side in (client, server):
        kinds = [kind for kind, _, _ in side.records]
        sealed = kinds.index(_APPLICATION_DATA) if _APPLICATION_DATA in kinds else len(kinds)
        if kinds[:sealed] not in _BEGINNINGS or kinds.count(23) != len(kinds) - sealed:
            return False
    sent = [record for record in client.records if record[0] == _APPLICATION_DATA]
    lengths = [length for _, _, length in sent[:_RECORDS_MOST]]
    if finished not in lengths[:-1]:
        return False
    used = client.frame_of(sent[lengths.index(finished) + 1][1])
    least = _UNMISTAKABLE + 1 + (facts.tag_length or 16)
    long = [begin for _, begin, length in server.records if length > least]
    return bool(long) and server.frame_of(min(long[-1], len(server.data) - 1)) > used


_HELLOS_WITHIN: Final = 3  # records: a hello, ChangeCipherSpec, a second hello
# Hello, or two of them; ChangeCipherSpec may follow the first (RFC 8446 appendix D.4).
_BEGINNINGS: Final = ([22], [22, 20], [22, 22], [22, 20, 22], [22, 22, 20])


def _clear_messages(side: _Side) -> dict[int, bytes]:
    """Handshake messages before ChangeCipherSpec: the first of each type, with its body."""
    parts = []
    for kind, begin, length in side.records:
        if kind != _HANDSHAKE:
            break
        parts.append(side.data[begin : begin + length])
    data = b"".join(parts)
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
    exchange, _ = decode_server_key_exchange(body, choice.cipher_suite, choice.version_name)
    return exchange.group_name
