"""Whether signatures of the handshake are right: what its two sides check, checked again.

Up to TLS 1.2 all that is signed is in clear; in TLS 1.3 it takes keys to see it. So an observer can tell
a handshake whose bytes were changed in the path, or whose key does not belong to the certificate, from
one that was refused for another reason. Versions before 1.2 sign with MD5 and SHA-1 together, which
is left alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

from analyzer.tcp.timeline import Side
from analyzer.tls.registry.code_points import HandshakeType
from analyzer.tls.registry.keys import SignatureScheme
from analyzer.tls.registry.suite_facts import facts_of
from analyzer.tls.story import Message, Story, Visibility
from analyzer.tls.x509.chain import verifies

_LENGTH: Final = 2  # bytes of the signature's length field, and of the scheme before it


def key_exchange_proven(story: Story) -> bool | None:
    """Verify the signature of the ServerKeyExchange; None where it cannot be told.

    RFC 5246 section 7.4.3: the server signs both randoms and its parameters with the key of its
    certificate.
    """
    exchange, chain, choice = story.server_key_exchange, story.server_chain, story.choice
    if exchange is None or chain is None or choice is None or not story.offers:
        return None
    scheme, length = exchange.signature_scheme, exchange.signature_length
    message = story.message(Side.SERVER, "server_key_exchange")
    if scheme is None or not length or message is None or not chain.message.ders:
        return None
    body = message.body
    parameters = body[: len(body) - length - 2 * _LENGTH]
    signed = story.offers[-1].random + choice.random + parameters
    return verifies(chain.message.ders[0], scheme, body[len(body) - length :], signed)


def key_exchange_frame(story: Story) -> int:
    """The frame that completed the ServerKeyExchange."""
    message = story.message(Side.SERVER, "server_key_exchange")
    return message.frame if message is not None else story.timeline.first_frame


def possession(story: Story, side: Side) -> tuple[bool, Message] | None:
    """Verify a side's CertificateVerify; None where it cannot be told.

    RFC 8446 section 4.4.3: both sides sign the hash of all messages before it, behind 64 spaces and a
    label. RFC 5246 section 7.4.8: the client signs the messages themselves.
    """
    message = story.message(side, "certificate_verify")
    chain = story.server_chain if side is Side.SERVER else story.client_chain
    if message is None or chain is None or not chain.message.ders or story.renegotiations:
        return None
    before = story.messages[: story.messages.index(message)]
    body = message.body
    length = int.from_bytes(body[_LENGTH : 2 * _LENGTH])
    if len(body) != 2 * _LENGTH + length or not _whole(story, side, before):
        return None
    scheme = SignatureScheme(int.from_bytes(body[:_LENGTH]))
    signed = _signed_late(story, side, before) if story.tls13 else _signed_early(story, before)
    if signed is None:
        return None
    proven = verifies(chain.message.ders[0], scheme, body[2 * _LENGTH :], signed)
    return None if proven is None else (proven, message)


def _signed_early(story: Story, before: Sequence[Message]) -> bytes | None:
    return b"".join(map(_wire, before)) if story.version == "TLSv1.2" else None


def _signed_late(story: Story, side: Side, before: Sequence[Message]) -> bytes | None:
    if story.version != "TLSv1.3" or story.choice is None:
        return None  # drafts differ in what they hash
    name = (facts_of(story.choice.cipher_suite).hash or "").lower()
    if name not in {"sha256", "sha384"}:
        return None
    label = f"TLS 1.3, {side.value} CertificateVerify"
    return (
        b" " * 64 + label.encode() + b"\0" + hashlib.new(name, _transcript(before, name)).digest()
    )


def _transcript(messages: Sequence[Message], name: str) -> bytes:
    """The messages as hashed: a first ClientHello that was retried is its hash (section 4.4.1)."""
    wire = [_wire(message) for message in messages]
    names = [message.name for message in messages]
    if "hello_retry_request" in names:
        at = names.index("hello_retry_request")
        hashed = hashlib.new(name, b"".join(wire[:at])).digest()
        wire[:at] = [bytes((HandshakeType.MESSAGE_HASH, 0, 0, len(hashed))) + hashed]
    return b"".join(wire)


def _whole(story: Story, side: Side, before: Sequence[Message]) -> bool:
    """Whether everything before is there as it was sent: no record unread, no message missing."""
    if story.hidden & _HIDES or any(name == "protected_record" for name, _, _ in story.defects):
        return False
    names = {(message.sender, message.name) for message in before}
    needed = {(Side.CLIENT, "client_hello"), (Side.SERVER, "server_hello")}
    if story.tls13:
        needed.add((Side.SERVER, "encrypted_extensions"))
        needed |= {(Side.SERVER, "finished")} if side is Side.CLIENT else set()
    sent = names & {(side, "certificate"), (side, "compressed_certificate")}
    return (
        bool(sent)
        and needed <= names
        and all(
            _kind(message) is None
            or (
                message.visibility is not Visibility.INFERRED
                and len(message.body) == message.length
            )
            for message in before
        )
    )


_HIDES: Final = frozenset(
    {"start", "client_side", "server_side", "client_bytes", "server_bytes", "snap_length"}
)


def _wire(message: Message) -> bytes:
    kind = _kind(message)
    return b"" if kind is None else bytes((kind,)) + len(message.body).to_bytes(3) + message.body


def _kind(message: Message) -> int | None:
    """The number of a handshake message that is hashed; None for what is none."""
    if message.name == "hello_retry_request":
        return HandshakeType.SERVER_HELLO
    if message.name == "hello_request":
        return None
    known = HandshakeType.__members__.get(message.name.upper())
    return None if known is None else int(known)
