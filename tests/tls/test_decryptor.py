"""The walk of the decryptor over records that are made here: gaps, early data, compression."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from analyzer.tcp.timeline import Side
from analyzer.tls.decryption.decrypt import Decryptor
from analyzer.tls.decryption.key_schedule import (
    Randoms,
    direction_keys,
    following_secret,
    traffic_keys,
)
from analyzer.tls.decryption.keylog import Secrets
from analyzer.tls.record.records import Record
from analyzer.tls.registry.code_points import ContentType, HandshakeType, ProtocolVersion
from analyzer.tls.registry.suite_facts import facts_of
from analyzer.tls.registry.suites import CipherSuite
from tests.support.messages import client_hello, client_hello_13, extension, server_hello
from tests.support.messages import server_hello_13 as hello_13

RANDOM = b"\1" * 32  # of the ClientHellos that are made here
LABELS = {
    "CLIENT_EARLY_TRAFFIC_SECRET": b"e" * 32,
    "CLIENT_HANDSHAKE_TRAFFIC_SECRET": b"c" * 32,
    "SERVER_HANDSHAKE_TRAFFIC_SECRET": b"s" * 32,
    "CLIENT_TRAFFIC_SECRET_0": b"C" * 32,
    "SERVER_TRAFFIC_SECRET_0": b"S" * 32,
}
EARLY_DATA = extension(42, b"")
HANDSHAKE, ALERT, DATA = ContentType.HANDSHAKE, ContentType.ALERT, ContentType.APPLICATION_DATA


def secrets(**labels: bytes) -> Secrets:
    found = Secrets()
    found.add_key_log(
        "log", [f"{name} {RANDOM.hex()} {secret.hex()}".encode() for name, secret in labels.items()]
    )
    return found


def begun(client: bytes = b"", **labels: bytes) -> Decryptor:
    """A decryptor that has heard both hellos of TLS 1.3."""
    decryptor = Decryptor(secrets(**(labels or LABELS)))
    decryptor.hear(Side.CLIENT, HandshakeType.CLIENT_HELLO, (client or client_hello_13())[9:])
    decryptor.hear(Side.SERVER, HandshakeType.SERVER_HELLO, hello_13()[4:])
    return decryptor


class Sender:
    """One side's records, numbered under one secret."""

    def __init__(self, side: Side) -> None:
        self.side = side
        self.offset = 0
        self.number = 0

    def record(self, kind: ContentType, fragment: bytes) -> Record:
        """A record as it is captured."""
        at, self.offset = self.offset, self.offset + 5 + len(fragment)
        return Record(kind, 0x0303, self.side, fragment, len(fragment), at, 1, 1, 0)

    def seal(self, secret: bytes, content: bytes, kind: ContentType = HANDSHAKE) -> Record:
        """A record of TLS 1.3 under a secret."""
        key, iv = traffic_keys(secret, 16, "SHA256")
        nonce = (int.from_bytes(iv, "big") ^ self.number).to_bytes(12, "big")
        self.number += 1
        length = len(content) + 17
        head = b"\x17\x03\x03" + length.to_bytes(2, "big")
        fragment = AESGCM(key).encrypt(nonce, content + bytes([kind]), head)
        return self.record(DATA, fragment)

    def sealed(self, secret: bytes, *contents: bytes) -> Iterator[Record]:
        """Records under a new secret."""
        self.number = 0
        for content in contents:
            yield self.seal(secret, content)


def test_a_record_under_each_secret_opens_in_turn() -> None:
    decryptor, server = begun(), Sender(Side.SERVER)
    (first,) = server.sealed(b"s" * 32, b"flight")
    opened = decryptor.open(first)
    decryptor.hear(Side.SERVER, HandshakeType.FINISHED, b"")
    (second,) = server.sealed(b"S" * 32, b"ticket")
    later = decryptor.open(second)
    decryptor.hear(Side.SERVER, HandshakeType.KEY_UPDATE, b"\0")
    (third,) = server.sealed(following_secret(b"S" * 32, "SHA256"), b"more")

    assert (opened.fragment, later.fragment) == (b"flight", b"ticket")
    assert decryptor.open(third).fragment == b"more"
    assert opened.content_type is HANDSHAKE
    assert opened.opened


def test_application_data_loses_its_content_at_once() -> None:
    decryptor, server = begun(), Sender(Side.SERVER)
    opened = decryptor.open(server.seal(b"s" * 32, b"GET / HTTP/1.1", DATA))

    assert opened.content_type is DATA
    assert (opened.fragment, opened.length) == (b"", 14)


def test_a_record_of_padding_alone_is_no_message() -> None:
    decryptor, server = begun(), Sender(Side.SERVER)

    assert decryptor.open(server.seal(b"s" * 32, bytes(9), ContentType(0))).fragment == b""


def test_behind_a_gap_the_very_next_record_opens() -> None:
    """Forty records are missing, and the change of keys with them."""
    for secret in (b"s" * 32, b"S" * 32):
        decryptor, server = begun(), Sender(Side.SERVER)
        decryptor.open(next(server.sealed(b"s" * 32, b"first")))
        *_, last = server.sealed(secret, *[b"lost"] * 40, b"found")

        assert decryptor.open(last).fragment == b"found"
        assert decryptor.defects() == []


def test_more_records_than_can_be_missing_are_not_searched_for() -> None:
    decryptor, server = begun(), Sender(Side.SERVER)
    decryptor.open(next(server.sealed(b"s" * 32, b"first")))
    *_, last = server.sealed(b"s" * 32, *[b"lost"] * 400, b"found")

    assert not decryptor.open(last).opened


def test_early_data_is_passed_by_whether_its_secret_is_known_or_not() -> None:
    hello = client_hello_13(EARLY_DATA)
    for known in (True, False):
        labels = {k: v for k, v in LABELS.items() if known or "EARLY" not in k}
        client = Sender(Side.CLIENT)
        decryptor = Decryptor(secrets(**labels))
        decryptor.hear(Side.CLIENT, HandshakeType.CLIENT_HELLO, hello[9:])
        early = [client.seal(b"e" * 32, b"early", DATA) for _ in range(50)]
        for record in early[:2]:  # before the server answers
            assert not decryptor.open(record).opened
        decryptor.hear(Side.SERVER, HandshakeType.SERVER_HELLO, hello_13()[4:])
        opened = [decryptor.open(record) for record in early[2:]]
        end = decryptor.open(client.seal(b"e" * 32, b"\5\0\0\0"))
        if end.opened:
            decryptor.hear(Side.CLIENT, HandshakeType.END_OF_EARLY_DATA, b"")
        (finished,) = client.sealed(b"c" * 32, b"finished")

        assert [record.opened for record in opened] == [known] * 48
        assert not any(record.fragment for record in opened if record.opened)
        assert (end.fragment == b"\5\0\0\0") is known
        assert decryptor.open(finished).fragment == b"finished"
        assert decryptor.defects() == []


def test_wrong_keys_are_given_up_after_a_while() -> None:
    """Hostile captures must not make every record cost as much as all others together."""
    decryptor = begun()
    server = Sender(Side.SERVER)
    for _ in range(400):
        assert not decryptor.open(server.seal(b"?" * 32, b"x")).opened
    server.number = 0

    assert not decryptor.open(server.seal(b"s" * 32, b"x")).opened
    assert decryptor.caveat() == "the keys given for this connection do not open its records"


@pytest.mark.parametrize("deflate", [False, True], ids=["plain", "DEFLATE"])
def test_compressed_records_open_until_data_was_passed_by(deflate: bool) -> None:
    """RFC 3749: what is compressed later builds on everything before it."""
    suite = CipherSuite.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
    decryptor = Decryptor(secrets(CLIENT_RANDOM=b"m" * 48))
    hello = server_hello(suite=int(suite))[4:]
    chosen = hello[:37] + bytes([deflate]) + hello[38:]
    decryptor.hear(Side.CLIENT, HandshakeType.CLIENT_HELLO, client_hello()[9:])
    decryptor.hear(Side.SERVER, HandshakeType.SERVER_HELLO, chosen)
    decryptor.switch(Side.CLIENT)
    keys, _ = direction_keys(
        b"m" * 48, Randoms(RANDOM, hello[2:34]), ProtocolVersion.TLS1_2, facts_of(suite)
    )
    packer, client = zlib.compressobj(), Sender(Side.CLIENT)

    def seal(kind: ContentType, content: bytes) -> Record:
        packed = packer.compress(content) + packer.flush(zlib.Z_SYNC_FLUSH) if deflate else content
        number = client.number.to_bytes(8, "big")
        covered = number + bytes([kind]) + b"\3\3" + len(packed).to_bytes(2, "big")
        client.number += 1
        return client.record(
            kind, number + AESGCM(keys.key).encrypt(keys.iv + number, packed, covered)
        )

    assert decryptor.open(seal(HANDSHAKE, b"finished" * 9)).fragment == b"finished" * 9
    assert decryptor.open(seal(ALERT, b"\1\x64")).fragment == b"\1\x64"
    assert not decryptor.open(seal(DATA, b"secret")).opened
    assert decryptor.open(seal(ALERT, b"\1\0")).opened is not deflate
