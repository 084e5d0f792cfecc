"""The records of one connection, opened with the secrets at hand.

A :class:`Decryptor` walks beside :mod:`analyzer.tls.telling.messages`: it hears every handshake message, sees
every record of both sides in order of arrival, and gives back the records that it can open as they
were before protection. The others it gives back as they are.

Application data stays closed. Up to TLS 1.2 its records are counted and passed by; in TLS 1.3, where
the true type of a record is inside, the content of such a record is dropped as soon as its type is
known.
"""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import Final

from analyzer.errors import Defect, DefectKind
from analyzer.tcp.timeline import Side
from analyzer.tls.decryption import keylog
from analyzer.tls.decryption.key_schedule import Randoms, derives, direction_keys, following_secret
from analyzer.tls.decryption.keylog import Secrets
from analyzer.tls.decryption.master import Handshake, Masters
from analyzer.tls.decryption.protected_side import ProtectedSide
from analyzer.tls.decryption.record_protection import Protection, Sealed, protection12, protection13
from analyzer.tls.message.certificate import decode_certificates
from analyzer.tls.message.hello import (
    ClientHello,
    ServerHello,
    decode_client_hello,
    decode_server_hello,
    decode_v2_client_hello,
)
from analyzer.tls.record.records import Record
from analyzer.tls.registry.code_points import (
    CompressionMethod,
    ContentType,
    HandshakeType,
    ProtocolVersion,
)
from analyzer.tls.registry.suite_facts import SuiteFacts, facts_of

_T = HandshakeType
_FAILURES_MOST: Final = 32  # in a row; then the keys are the wrong ones, or the count is lost
_INFLATED_MOST: Final = 1 << 14  # RFC 5246 section 6.2.2


class Decryptor:
    """Opens the records of one connection. ``repr`` shows no secret."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._masters = Masters(secrets)
        self._sides = {Side.CLIENT: ProtectedSide(), Side.SERVER: ProtectedSide()}
        self._handshake: Handshake | None = None
        self._version = ProtocolVersion.TLS1_2
        self._facts: SuiteFacts | None = None
        self._early: Protection | None = None  # of the client's early data
        self._early_records = 0
        self._known = False
        self._dark = 0  # records that hide what matters, and no secret at hand

    def hear(self, sender: Side, kind: int, body: bytes) -> None:
        """Take note of a handshake message, clear or opened, in order of arrival."""
        if kind == _T.CLIENT_HELLO and sender is Side.CLIENT:
            self._begin(decode_client_hello(body)[0])
        if self._handshake is not None and kind != _T.HELLO_REQUEST:
            if self._secrets.opens_key_exchange and not self._version.tls13:
                self._handshake.transcript += bytes([kind]) + len(body).to_bytes(3, "big") + body
            self._note(self._handshake, sender, kind, body)
        if self._version.tls13 and self._facts is not None:
            self._advance(sender, kind)

    def hear_v2(self, fragment: bytes) -> None:
        """Take note of a ClientHello in the framing of SSL 2.0; its challenge is the random."""
        hello = decode_v2_client_hello(fragment)[0]
        if hello is not None:
            self._begin(replace(hello, random=hello.random.rjust(32, b"\0")))
            if self._handshake is not None:
                self._handshake.transcript += fragment

    def switch(self, sender: Side) -> None:
        """Change to the keys of the handshake: a ChangeCipherSpec, which TLS 1.3 ignores."""
        handshake, side = self._handshake, self._sides[sender]
        if handshake is None or handshake.server is None or self._version.tls13:
            return
        side.switched = True
        facts = facts_of(handshake.server.cipher_suite)
        master = handshake.master or self._masters.find(handshake, self._version, facts)
        if master is None or not derives(facts, self._version):
            side.change(None)
            return
        self._known = True
        self._masters.keep(handshake, master)
        randoms = Randoms(handshake.client.random, handshake.server.random)
        keys = direction_keys(master, randoms, self._version, facts)
        mine = keys[0] if sender is Side.CLIENT else keys[1]
        etm = handshake.server.encrypt_then_mac and facts.block_size > 0
        side.change(protection12(mine, facts, self._version, encrypt_then_mac=etm))
        deflate = handshake.server.compression_method == CompressionMethod.DEFLATE
        side.inflater = zlib.decompressobj() if deflate else None

    def open(self, record: Record) -> Record:
        """Give the record as it was before protection; as it is where that cannot be undone."""
        side = self._sides[record.sender]
        side.meet(record)
        if record.v2:
            return record
        if self._version.tls13:
            return self._open13(record, side)
        if self._facts is None and record.content_type == ContentType.APPLICATION_DATA:
            self._early_records += 1
        return self._open12(record, side)

    @property
    def known(self) -> bool:
        """Whether secrets of this connection are at hand."""
        return self._known

    def defects(self) -> list[tuple[str, Defect, int]]:
        """Records that were changed after they were sent: neighbours open with the same keys."""
        return [
            ("protected_record", _unverified(record), record.frame)
            for side in self._sides.values()
            for record in side.damaged
        ]

    def caveat(self) -> str | None:
        """What to say of the keys where they did not open what they were given for."""
        opened = sum(side.opened for side in self._sides.values())
        failed = sum(side.failed for side in self._sides.values())
        if self._known and failed and not opened:
            suite = self._facts.suite.name if self._facts else "this suite"
            if any(side.protection for side in self._sides.values()):
                return "the keys given for this connection do not open its records"
            return f"keys are at hand, but records of {suite} cannot be decrypted here"
        if self._masters.ephemeral:
            return (
                "the private key is the server's, but the key exchange was ephemeral: "
                "only a key log decrypts this connection"
            )
        if not self._known and self._dark and self._secrets.has_key_log:
            return "the key log has no secret of this connection"
        return None

    def _begin(self, hello: ClientHello | None) -> None:
        if hello is None or (self._facts is not None and self._version.tls13):
            return
        self._handshake = Handshake(hello, bytearray())

    def _note(self, handshake: Handshake, sender: Side, kind: int, body: bytes) -> None:
        if kind == _T.SERVER_HELLO and sender is Side.SERVER:
            hello = decode_server_hello(body)[0]
            if hello is not None and not hello.is_hello_retry_request:
                self._choose(handshake, hello)
        elif kind == _T.CERTIFICATE and sender is Side.SERVER and not self._version.tls13:
            entries = decode_certificates(body, self._version.label)[0].entries
            handshake.certificate = entries[0].der if entries else b""
        elif kind == _T.CLIENT_KEY_EXCHANGE:
            plain = self._version == ProtocolVersion.SSL3  # RFC 5246 section 7.4.7.1: no length
            handshake.encrypted_premaster = body if plain else body[2:]
            if handshake.server is not None:
                facts = facts_of(handshake.server.cipher_suite)
                handshake.master = self._masters.find(handshake, self._version, facts)
        elif kind == _T.NEW_SESSION_TICKET and not self._version.tls13:
            handshake.ticket = body[6:]
            if handshake.master:
                self._masters.keep(handshake, handshake.master)

    def _choose(self, handshake: Handshake, hello: ServerHello) -> None:
        if self._facts is not None and self._version.tls13:
            return
        handshake.server = hello
        self._version = hello.version
        self._facts = facts_of(hello.cipher_suite)
        if self._version.tls13:
            self._start13(handshake.client, self._facts)

    def _start13(self, client: ClientHello, facts: SuiteFacts) -> None:
        """Set up the handshake keys, and those of early data (RFC 8446 section 7.1)."""
        found = self._secrets.find(client.random)
        for sender, side in self._sides.items():
            name = sender.value.upper()
            labels = (f"{name}_HANDSHAKE_TRAFFIC_SECRET", f"{name}_TRAFFIC_SECRET_0")
            side.secrets = [found.get(label, b"") for label in labels]
            self._known = self._known or any(side.secrets)
            self._next(side)
        early = found.get(keylog.CLIENT_EARLY)
        if early and client.early_data:
            self._known = True
            self._early = protection13(early, facts, self._version)

    def _next(self, side: ProtectedSide) -> None:
        side.secret = self._following(side)
        if side.secrets:
            side.secrets.pop(0)
        side.change(self._protection13(side.secret))

    def _following(self, side: ProtectedSide) -> bytes:
        """The secret after the one in use; empty where it is not known."""
        if side.secrets:
            return side.secrets[0]
        facts = self._facts
        if not side.secret or facts is None or not derives(facts, self._version):
            return b""
        return following_secret(side.secret, facts.hash)

    def _protection13(self, secret: bytes) -> Protection | None:
        if not secret or self._facts is None:
            return None
        return protection13(secret, self._facts, self._version)

    def _advance(self, sender: Side, kind: int) -> None:
        """Change keys where a side's own message says so."""
        side = self._sides[sender]
        if kind == _T.END_OF_EARLY_DATA:
            self._early = None
        elif kind == (_T.FINISHED if side.secrets else _T.KEY_UPDATE):
            self._next(side)

    def _open13(self, record: Record, side: ProtectedSide) -> Record:
        if record.content_type != ContentType.APPLICATION_DATA:
            return record
        self._dark += not self._known
        sealed = Sealed(record.content_type, record.version, record.fragment)
        wanted = record.complete and len(side.failing) < _FAILURES_MOST
        content = self._content(record.sender, side, sealed) if wanted else None
        if content is None:
            early = record.sender is Side.CLIENT and self._may_be_early and not side.opened
            side.refused(record, counted=not early)
            return record
        return _bared(record, content)

    def _content(self, sender: Side, side: ProtectedSide, sealed: Sealed) -> bytes | None:
        """The content of a TLS 1.3 record with its type behind it, under the keys that fit."""
        if sender is Side.CLIENT and self._early is not None:
            numbers = range(self._early_records, self._early_records + side.doubt + 1)
            early = self._early.open(sealed, numbers)
            if early is not None:
                self._early_records = early.number + 1
                side.opened += 1
                return early.plain
        found = side.protection.open(sealed, side.numbers) if side.protection is not None else None
        if found is None and side.doubt:
            # What changed the keys may have been lost, too.
            after = self._protection13(self._following(side))
            found = after.open(sealed, range(side.doubt + 1)) if after is not None else None
            if found is not None:
                if found.number == 0 and side.number and side.doubt == len(side.failing):
                    side.damaged += side.failing  # its keys were right, and no record is missing
                self._next(side)
        if found is None:
            return None
        side.took(found.number)
        return found.plain

    @property
    def _may_be_early(self) -> bool:
        """Whether the client may still be sending early data under a secret that is not known."""
        handshake = self._handshake
        return handshake is not None and handshake.client.early_data and self._early is None

    def _open12(self, record: Record, side: ProtectedSide) -> Record:
        if side.protection is None or not record.complete:
            side.number += 1
            if side.switched and record.content_type != ContentType.APPLICATION_DATA:
                side.failed += 1
                self._dark += record.content_type == ContentType.ALERT and record.length != 2
            return record
        sealed = Sealed(record.content_type, record.version, record.fragment)
        if record.content_type == ContentType.APPLICATION_DATA:
            side.protection.skip(sealed)
            side.number += 1
            if side.inflater is not None:  # what follows builds on what was passed by
                side.protection = None
            return record
        wanted = len(side.failing) < _FAILURES_MOST
        found = side.protection.open(sealed, side.numbers) if wanted else None
        plain = found.plain if found is not None else None
        if plain is not None and side.inflater is not None:
            plain = _inflated(side.inflater, plain)
        if found is None or plain is None:
            side.refused(record)
            return record
        side.took(found.number)
        return record._replace(fragment=plain, length=len(plain), opened=True)


def _unverified(record: Record) -> Defect:
    detail = "does not verify with the connection's keys"
    return Defect(DefectKind.OUT_OF_RANGE, f"{record.sender.value}.record", record.offset, detail)


def _bared(record: Record, content: bytes) -> Record:
    """The record inside a TLS 1.3 record (RFC 8446 section 5.2), without padding.

    ::

        struct {
            opaque content[TLSPlaintext.length];
            ContentType type;
            uint8 zeros[length_of_padding];
        } TLSInnerPlaintext;
    """
    inner = content.rstrip(b"\0")
    kind = ContentType(inner[-1]) if inner else ContentType.APPLICATION_DATA
    # What is application data is dropped here, unread.
    plain = b"" if kind == ContentType.APPLICATION_DATA else inner[:-1]
    length = max(len(inner) - 1, 0)
    return record._replace(content_type=kind, fragment=plain, length=length, opened=True)


def _inflated(inflater: zlib._Decompress, data: bytes) -> bytes | None:
    """Undo DEFLATE (RFC 3749), at most one record's worth."""
    try:
        return inflater.decompress(data, _INFLATED_MOST)
    except zlib.error:
        return None
