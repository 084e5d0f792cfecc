"""Records of both sides, in order of time, become messages, alerts and a signature.

The walk keeps, for each side, whether its records are encrypted and the handshake bytes that do not
yet make a message. It decodes only what decides how to go on: the hellos. Everything else stays a
body that is decoded when somebody asks.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from analyzer.errors import Defect, DefectKind
from analyzer.limits import Limits
from analyzer.tcp.timeline import Side
from analyzer.tls.alert import decode_alert
from analyzer.tls.handshake import HandshakeTracker, State
from analyzer.tls.hello import (
    ClientHello,
    ServerHello,
    decode_client_hello,
    decode_server_hello,
    decode_v2_client_hello,
    decode_v2_server_hello,
)
from analyzer.tls.records import Record
from analyzer.tls.registry import ContentType, HandshakeType
from analyzer.tls.registry_suites import CipherSuite
from analyzer.tls.story import Alert, Begun, Message, Visibility

if TYPE_CHECKING:
    from analyzer.tls.decrypt import Decryptor

# Zeek's letters for ssl_history; what is encrypted has none unless keys opened it.
LETTERS: Final[Mapping[str, str]] = {
    "hello_request": "H",
    "client_hello": "C",
    "server_hello": "S",
    "hello_retry_request": "J",
    "hello_verify_request": "V",
    "new_session_ticket": "T",
    "certificate": "X",
    "server_key_exchange": "K",
    "certificate_request": "R",
    "server_hello_done": "N",
    "certificate_verify": "Y",
    "client_key_exchange": "G",
    "finished": "F",
    "certificate_url": "W",
    "certificate_status": "U",
    "supplemental_data": "A",
    "change_cipher_spec": "I",
    "heartbeat": "B",
    "end_of_early_data": "E",
    "encrypted_extensions": "O",
    "key_update": "P",
    "message_hash": "M",
    "alert": "L",
}
_UNASSIGNED: Final = "Z"


@dataclass(slots=True)
class _Sender:
    """What the walk knows of one side."""

    switched: bool = False  # sent ChangeCipherSpec
    pending: bytearray = field(default_factory=bytearray)  # handshake bytes without a whole message
    pending_first: int = 0  # frame that began them
    finished: bool = False  # sent its first encrypted handshake record
    spoke: bool = False  # sent application data
    closed: list[int] = field(default_factory=list)  # frames of TLS 1.3 records that stay closed


@dataclass(slots=True)
class Conversation:
    """What the walk over both sides' records found."""

    messages: list[Message] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    offers: list[ClientHello] = field(default_factory=list)
    retry: ServerHello | None = None
    choice: ServerHello | None = None
    tls13: bool = False  # chosen by ServerHello or a HelloRetryRequest
    sealed: list[Record] = field(default_factory=list)  # TLS 1.3, type 23 from ServerHello on
    early: list[Record] = field(default_factory=list)  # type 23 before ServerHello
    defects: list[tuple[str, Defect, int]] = field(default_factory=list)
    begun: list[Begun] = field(default_factory=list)
    tracker: HandshakeTracker = field(default_factory=HandshakeTracker)
    renegotiations: int = 0
    full: bool = False  # limits.messages was reached
    decryptor: Decryptor | None = None  # where secrets are at hand
    sides: dict[Side, _Sender] = field(
        default_factory=lambda: {Side.CLIENT: _Sender(), Side.SERVER: _Sender()}
    )

    def choose(self, hello: ServerHello) -> None:
        """Take note of the server's choice, or of its wish for another hello."""
        if hello.is_hello_retry_request:
            self.retry = self.retry or hello
        else:
            self.choice = hello
        self.tls13 = (self.choice or hello).version.tls13

    def signature(self, most: int) -> str:
        """The handshake in one word: a letter per clear message, upper case from the client."""
        return "".join([message.letter for message in self.messages])[:most]


def read_conversation(
    records: Iterable[Record], limits: Limits, decryptor: Decryptor | None = None
) -> Conversation:
    """Walk over the records of both sides, sorted by time of completion."""
    talk = Conversation(decryptor=decryptor)
    for record in records:
        if len(talk.messages) >= limits.messages:
            talk.full = True
            break
        _take(talk, record if decryptor is None else _opened(talk, decryptor, record), limits)
    for side, sender in talk.sides.items():
        if sender.pending:
            _unfinished(talk, side, sender)
    return talk


def _opened(talk: Conversation, decryptor: Decryptor, record: Record) -> Record:
    """The record as it was before protection, where keys open it."""
    plain = decryptor.open(record)
    if plain.opened and talk.tls13:
        talk.sealed.append(record)  # what lengths tell of the other side needs both
    return plain


def _take(talk: Conversation, record: Record, limits: Limits) -> None:
    kind = record.content_type
    if record.v2:
        _v2(talk, record)
    elif kind == ContentType.HANDSHAKE:
        if _hidden(talk, record):
            _sealed_handshake(talk, record)
        else:
            _handshake(talk, record, limits)
    elif kind == ContentType.CHANGE_CIPHER_SPEC:
        talk.sides[record.sender].switched = True
        if talk.decryptor is not None:
            talk.decryptor.switch(record.sender)
        _note(talk, "change_cipher_spec", record)
        if talk.tracker.state not in _MIDDLEBOX or (record.sender, "change_cipher_spec") in (
            talk.tracker.allowed()
        ):
            talk.tracker.observe(record.sender, "change_cipher_spec", frame=record.frame)
    elif kind == ContentType.ALERT:
        _alert(talk, record)
    elif kind == ContentType.APPLICATION_DATA:
        _application_data(talk, record)
    elif kind == ContentType.HEARTBEAT:
        _note(talk, "heartbeat", record)


# Where RFC 8446 appendix D.4 lets either side send a ChangeCipherSpec that means nothing.
_MIDDLEBOX: Final = frozenset(
    {state for state in State if state.name.startswith("SEALED")}
    | {State.OFFERED, State.RETRIED, State.ESTABLISHED}
)


def _hidden(talk: Conversation, record: Record) -> bool:
    """Whether a handshake record is encrypted: after its sender's ChangeCipherSpec, not in 1.3."""
    if not talk.sides[record.sender].switched or talk.tls13 or record.opened:
        return False
    return talk.choice is not None or not _plain_hello(record.fragment)


def _plain_hello(fragment: bytes) -> bool:
    """Whether a fragment can be a ClientHello in clear: a length that fits, a version."""
    return len(fragment) > 6 and fragment[:2] == b"\x01\0" and fragment[4] == 3


def _sealed_handshake(talk: Conversation, record: Record) -> None:
    sender = talk.sides[record.sender]
    first = not sender.finished and talk.tracker.state is not State.ESTABLISHED
    sender.finished = True
    name = "finished" if first else "encrypted_handshake"
    if first:
        talk.tracker.observe(record.sender, "finished", frame=record.frame)
    elif talk.tracker.state is State.ESTABLISHED:
        talk.renegotiations += 1
    _note(talk, name, record, Visibility.INFERRED)


def _handshake(talk: Conversation, record: Record, limits: Limits) -> None:
    """Add a clear handshake record, and take the messages that it completes."""
    sender = talk.sides[record.sender]
    taken = 0
    if not sender.pending:
        sender.pending_first = record.first_frame
        taken = _take_whole(talk, record, limits)
    if taken < len(record.fragment):
        sender.pending += record.fragment[taken:]
        _take_pending(talk, record, sender, limits)
    if not record.complete:
        _unfinished(talk, record.sender, sender)


def _take_whole(talk: Conversation, record: Record, limits: Limits) -> int:
    """Take the messages that lie whole at the beginning of a record; return where the rest begins."""
    data, at = record.fragment, 0
    while len(data) - at >= 4:
        length = int.from_bytes(data[at + 1 : at + 4], "big")
        end = at + 4 + length
        if end > len(data) or length > limits.message_bytes:
            break
        _message(talk, record, data[at], data[at + 4 : end], record.first_frame)
        at = end
    return at


def _take_pending(talk: Conversation, record: Record, sender: _Sender, limits: Limits) -> None:
    """Take the messages that a record completes."""
    while len(sender.pending) >= 4:
        length = int.from_bytes(sender.pending[1:4], "big")
        if length > limits.message_bytes:
            defect = Defect(DefectKind.OUT_OF_RANGE, "handshake.length", 1, f"{length} bytes")
            talk.defects.append((_name(sender.pending[0]), defect, record.frame))
            sender.pending.clear()
            return
        if len(sender.pending) < 4 + length:
            return
        body = bytes(sender.pending[4 : 4 + length])
        kind = sender.pending[0]
        del sender.pending[: 4 + length]
        _message(talk, record, kind, body, sender.pending_first)
        sender.pending_first = record.first_frame


def _unfinished(talk: Conversation, side: Side, sender: _Sender) -> None:
    """Keep what the capture or the connection cut: the message's beginning and a defect."""
    if not sender.pending:
        return
    kind = sender.pending[0]
    missing = (
        f"{4 + int.from_bytes(sender.pending[1:4], 'big') - len(sender.pending)} bytes"
        if len(sender.pending) >= 4
        else "the rest"
    )
    defect = Defect(
        DefectKind.MISSING, _name(kind), len(sender.pending), f"{missing} were not captured"
    )
    talk.defects.append((_name(kind), defect, sender.pending_first))
    if len(sender.pending) >= 4:
        length = int.from_bytes(sender.pending[1:4], "big")
        talk.begun.append(Begun(_name(kind), side, sender.pending_first, length))
    if kind == HandshakeType.CLIENT_HELLO and side is Side.CLIENT and not talk.offers:
        hello, _ = decode_client_hello(bytes(sender.pending[4:]))
        if hello is not None:
            talk.offers.append(hello)
    sender.pending.clear()


@functools.lru_cache(maxsize=256)
def _name(kind: int) -> str:
    return HandshakeType(kind).label


def _message(talk: Conversation, record: Record, kind: int, body: bytes, first: int) -> None:
    name = _name(kind)
    defect: Defect | None = None
    if talk.decryptor is not None:
        talk.decryptor.hear(record.sender, kind, body)
    if kind == HandshakeType.CLIENT_HELLO:
        defect = _client_hello(talk, record, body)
    elif kind in {HandshakeType.SERVER_HELLO, HandshakeType.HELLO_RETRY_REQUEST}:
        name, defect = _server_hello(talk, body)
    elif kind == HandshakeType.HELLO_REQUEST and talk.tracker.state is State.ESTABLISHED:
        talk.renegotiations += 1
    _follow(talk, record, name, body)
    if defect is not None:
        talk.defects.append((name, defect, record.frame))
    letter = LETTERS.get(name, _UNASSIGNED)
    talk.messages.append(
        Message(
            name=name,
            letter=letter if record.sender is Side.CLIENT else letter.lower(),
            sender=record.sender,
            first_frame=first,
            frame=record.frame,
            time=record.time,
            length=len(body),
            body=body,
            visibility=_visibility(record),
            defect=defect,
        )
    )


def _follow(talk: Conversation, record: Record, name: str, body: bytes) -> None:
    """Lead the tracker on; in TLS 1.3 it cannot know what was asked, or whether there was an answer."""
    empty = talk.tls13 and name == "certificate" and body == _NO_ENTRIES
    step = "empty_certificate" if empty and record.sender is Side.CLIENT else name
    talk.tracker.observe(record.sender, step, frame=record.frame)
    if name == "server_hello" and talk.tls13:
        talk.tracker.seal(frame=record.frame)
    elif name == "finished":
        talk.sides[record.sender].finished = True
        if talk.tls13 and record.sender is Side.SERVER:
            asking = any(message.name == "certificate_request" for message in talk.messages)
            talk.tracker.conclude(Side.SERVER, asking=asking, frame=record.frame)


_NO_ENTRIES: Final = bytes(4)  # RFC 8446 section 4.4.2: no context, no certificate


def _visibility(record: Record) -> Visibility:
    return Visibility.DECRYPTED if record.opened else Visibility.SEEN


def _client_hello(talk: Conversation, record: Record, body: bytes) -> Defect | None:
    hello, defect = decode_client_hello(body)
    if talk.tracker.state is State.ESTABLISHED or talk.choice is not None:
        talk.renegotiations += 1
    elif hello is not None and record.sender is Side.CLIENT:
        talk.offers.append(hello)
    return defect


def _server_hello(talk: Conversation, body: bytes) -> tuple[str, Defect | None]:
    hello, defect = decode_server_hello(body)
    if hello is None:
        return "server_hello", defect
    if hello.is_hello_retry_request:
        talk.choose(hello)
        return "hello_retry_request", defect
    if talk.choice is None:
        talk.choose(hello)
        if talk.tls13:
            talk.sealed = [record for record in talk.early if record.sender is Side.CLIENT]
    return "server_hello", defect


def _v2(talk: Conversation, record: Record) -> None:
    """A record of SSL 2.0. What follows the client's choice of a cipher is encrypted."""
    kind, awaited = record.fragment[:1], talk.tracker.state
    if record.sender is Side.CLIENT and kind == b"\x01" and talk.choice is None:
        _v2_hello(talk, record)
    elif record.sender is Side.SERVER and kind == b"\x04" and talk.choice is None:
        _v2_answer(talk, record)
    elif record.sender is Side.CLIENT and kind == b"\x02" and awaited is State.SERVER_DONE:
        _v2_key(talk, record)
    else:
        _v2_sealed(talk, record)


def _v2_hello(talk: Conversation, record: Record) -> None:
    hello, defect = decode_v2_client_hello(record.fragment)
    if hello is not None:
        talk.offers.append(hello)
    if talk.decryptor is not None:
        talk.decryptor.hear_v2(record.fragment)
    talk.tracker.observe(record.sender, "client_hello", frame=record.frame)
    _v2_note(talk, "client_hello", record, defect)


def _v2_answer(talk: Conversation, record: Record) -> None:
    """The server's hello, with its certificate; the client chooses among the ciphers in common."""
    hello, defect = decode_v2_server_hello(record.fragment)
    if hello is not None:
        suite = hello.cipher_suites[:1] or (CipherSuite.TLS_NULL_WITH_NULL_NULL,)
        talk.choose(ServerHello(hello.version, hello.connection_id, cipher_suite=suite[0]))
        resumed = hello.session_id_hit
        talk.tracker.reach(State.CLIENT_KEYED if resumed else State.SERVER_DONE, record.frame)
    _v2_note(talk, "server_hello", record, defect)


def _v2_key(talk: Conversation, record: Record) -> None:
    """CLIENT-MASTER-KEY: the cipher that the client chose, and the key for it."""
    if talk.choice is not None and len(record.fragment) >= 4:
        suite = CipherSuite(int.from_bytes(record.fragment[1:4], "big"))
        talk.choice = replace(talk.choice, cipher_suite=suite)
    talk.tracker.observe(record.sender, "client_key_exchange", frame=record.frame)
    _v2_note(talk, "client_key_exchange", record, None)


def _v2_sealed(talk: Conversation, record: Record) -> None:
    """SERVER-VERIFY, then a Finished from each side, then data: told apart by their order alone."""
    sender = talk.sides[record.sender]
    if sender.finished:
        _application_data(talk, record)
    elif record.sender is Side.SERVER and not sender.switched:
        sender.switched = True
        _note(talk, "encrypted_record", record, Visibility.INFERRED)
    else:
        sender.finished = True
        client = record.sender is Side.CLIENT
        talk.tracker.reach(State.CLIENT_SWITCHED if client else State.SERVER_SWITCHED, record.frame)
        talk.tracker.observe(record.sender, "finished", frame=record.frame)
        _note(talk, "finished", record, Visibility.INFERRED)


def _v2_note(talk: Conversation, name: str, record: Record, defect: Defect | None) -> None:
    """Write down a clear message of SSL 2.0, whose body begins with its type."""
    if defect is not None:
        talk.defects.append((name, defect, record.frame))
    _note(talk, name, record)
    talk.messages[-1] = talk.messages[-1]._replace(body=record.fragment, defect=defect)


def _alert(talk: Conversation, record: Record) -> None:
    """An alert in clear, or the record of an encrypted one (RFC 5246 section 7.2)."""
    hidden = talk.sides[record.sender].switched and not talk.tls13 and not record.opened
    if record.length % 2 or record.length > 8 or (hidden and record.length != 2):
        talk.alerts.append(
            Alert(record.sender, record.frame, record.time, None, None, Visibility.INFERRED)
        )
        _note(talk, "alert", record, Visibility.INFERRED)
        return
    for at in range(0, len(record.fragment) - 1, 2):
        alert = decode_alert(record.fragment[at : at + 2])
        said = (alert.level, alert.description, _visibility(record))
        talk.alerts.append(Alert(record.sender, record.frame, record.time, *said))
        _note(talk, "alert", record)


def _application_data(talk: Conversation, record: Record) -> None:
    if talk.tls13 and talk.choice is not None and not record.opened:
        talk.sealed.append(record)
        talk.sides[record.sender].closed.append(record.frame)
    elif talk.choice is None and talk.offers:
        talk.early.append(record)
    elif not talk.sides[record.sender].spoke:
        talk.sides[record.sender].spoke = True  # the first record of a side is milestone enough
        known = Visibility.DECRYPTED if record.opened else Visibility.INFERRED
        _note(talk, "application_data", record, known)


def _note(
    talk: Conversation, name: str, record: Record, visibility: Visibility | None = None
) -> None:
    """Write down a record that is no handshake message."""
    visibility = visibility or _visibility(record)
    letter = "" if visibility is Visibility.INFERRED else LETTERS.get(name, "")
    talk.messages.append(
        Message(
            name=name,
            letter=letter if record.sender is Side.CLIENT else letter.lower(),
            sender=record.sender,
            first_frame=record.first_frame,
            frame=record.frame,
            time=record.time,
            length=record.length,
            visibility=visibility,
        )
    )
