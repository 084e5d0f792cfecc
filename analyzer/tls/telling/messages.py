"""Records of both sides, in order of time, become messages, alerts and a signature.

The walk keeps, for each side, whether its records are encrypted and the handshake bytes that do not
yet make a message. It decodes only what decides how to go on: the hellos. Everything else stays a
body that is decoded when somebody asks.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from analyzer.errors import Defect, DefectKind
from analyzer.limits import Limits
from analyzer.tcp.timeline import Side
from analyzer.tls.message.alert import decode_alert
from analyzer.tls.message.hello import decode_client_hello, decode_server_hello
from analyzer.tls.record.records import Record
from analyzer.tls.registry.code_points import ContentType, HandshakeType
from analyzer.tls.story import Alert, Begun, Message, Visibility
from analyzer.tls.telling.conversation import (
    LETTERS,
    UNASSIGNED,
    Conversation,
    Sender,
    visibility_of,
)
from analyzer.tls.telling.handshake import State
from analyzer.tls.telling.ssl2 import take_v2

if TYPE_CHECKING:
    from analyzer.tls.decryption.decrypt import Decryptor


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
        take_v2(talk, record)
    elif kind == ContentType.HANDSHAKE:
        if _hidden(talk, record):
            _sealed_handshake(talk, record)
        else:
            _handshake(talk, record, limits)
    elif kind == ContentType.CHANGE_CIPHER_SPEC:
        talk.sides[record.sender].switched = True
        if talk.decryptor is not None:
            talk.decryptor.switch(record.sender)
        talk.note("change_cipher_spec", record)
        if talk.tracker.state not in _MIDDLEBOX or (record.sender, "change_cipher_spec") in (
            talk.tracker.allowed()
        ):
            talk.tracker.observe(record.sender, "change_cipher_spec", frame=record.frame)
    elif kind == ContentType.ALERT:
        _alert(talk, record)
    elif kind == ContentType.APPLICATION_DATA:
        talk.note_data(record)
    elif kind == ContentType.HEARTBEAT:
        talk.note("heartbeat", record)


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
    talk.note(name, record, Visibility.INFERRED)


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


def _take_pending(talk: Conversation, record: Record, sender: Sender, limits: Limits) -> None:
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


def _unfinished(talk: Conversation, side: Side, sender: Sender) -> None:
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
    letter = LETTERS.get(name, UNASSIGNED)
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
            visibility=visibility_of(record),
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


def _alert(talk: Conversation, record: Record) -> None:
    """An alert in clear, or the record of an encrypted one (RFC 5246 section 7.2)."""
    hidden = talk.sides[record.sender].switched and not talk.tls13 and not record.opened
    if record.length % 2 or record.length > 8 or (hidden and record.length != 2):
        talk.alerts.append(
            Alert(record.sender, record.frame, record.time, None, None, Visibility.INFERRED)
        )
        talk.note("alert", record, Visibility.INFERRED)
        return
    for at in range(0, len(record.fragment) - 1, 2):
        alert = decode_alert(record.fragment[at : at + 2])
        said = (alert.level, alert.description, visibility_of(record))
        talk.alerts.append(Alert(record.sender, record.frame, record.time, *said))
        talk.note("alert", record)
