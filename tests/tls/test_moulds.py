"""A hello that is known by its mould reads as if it had been decoded byte by byte."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.tls.fingerprint import ja3, ja4
from analyzer.tls.message import client_hello, keyexchange, server_hello
from analyzer.tls.message.client_hello import decode_client_hello
from analyzer.tls.message.hello import ClientHello, ServerHello, extension_defects
from analyzer.tls.message.keyexchange import decode_server_key_exchange
from analyzer.tls.message.moulds import Moulds
from analyzer.tls.message.server_hello import decode_server_hello
from analyzer.tls.registry.suites import CipherSuite
from analyzer.tls.stack import guess_client
from tests.support import messages as m

PROPERTIES = sorted(
    name for name, value in vars(ClientHello).items() if isinstance(value, property)
)
PSK = m.extension(41, b"\0\x0a\0\4" + b"name" + bytes(4) + b"\0\x21\x20" + bytes(32))
HELLOS = [
    hello[9:]  # behind the headers of record and message
    for hello in (
        m.client_hello(),
        m.client_hello(session_id=bytes(32), alpn=("h2",)),
        m.client_hello(m.extension(35, b"a ticket"), sni=None),
        m.client_hello_13(),
        m.client_hello_13(PSK, large=True, key_shares=((29, 32), (23, 65))),
        m.client_hello_13(m.extension(51, b"\0\x06\0\x1d\0\2hi"), key_shares=()),  # two of a kind
        m.client_hello_13(m.extension(51, b"\0\x09\0\x1d\0\2hi"), key_shares=()),  # damaged
        m.client_hello_13(m.extension(0xFE0D, b"\0\0\1\0\1\7\0\2hi\0\2hi")),
    )
]


def told(hello: ClientHello) -> dict[str, object]:
    """All that anybody asks of a hello."""
    asked = {name: getattr(hello, name) for name in PROPERTIES}
    prints = (ja3(hello), ja4(hello), guess_client(hello))
    return {**asked, "prints": prints, "defects": extension_defects(hello)}


def same(body: bytes) -> None:
    (hello, defect), (plain, plain_defect) = decode_client_hello(body), client_hello._decode(body)

    assert (hello, defect) == (plain, plain_defect)
    if hello is not None and plain is not None:
        assert told(hello) == told(plain)


@pytest.mark.parametrize("body", HELLOS, ids=range(len(HELLOS)))
def test_hellos_of_one_mould_share_their_terms(body: bytes) -> None:
    decode_client_hello(body)
    other = body[:2] + b"R" * 32 + body[34:]
    first, second = decode_client_hello(body)[0], decode_client_hello(other)[0]

    assert first is not None
    assert second is not None
    assert first.terms is second.terms
    assert (first.random, second.random) == (body[2:34], b"R" * 32)
    same(other)


def test_grease_is_drawn_anew_each_time_and_not_remembered() -> None:
    body = m.client_hello(suites=(0x0A0A, 0xC02B))[9:]
    first, second = decode_client_hello(body)[0], decode_client_hello(body)[0]

    assert first is not None
    assert second is not None
    assert first.terms is not second.terms


@given(st.sampled_from(HELLOS), st.data())
def test_whatever_byte_is_changed(body: bytes, data: st.DataObject) -> None:
    decode_client_hello(body)
    changed = bytearray(body)
    for _ in range(data.draw(st.integers(1, 3))):
        changed[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))

    same(bytes(changed))


@pytest.mark.parametrize("body", HELLOS, ids=range(len(HELLOS)))
def test_every_byte_counts_that_is_no_key(body: bytes) -> None:
    decode_client_hello(body)
    for index in range(len(body)):
        same(body[:index] + bytes([body[index] ^ 1]) + body[index + 1 :])


ANSWERS = [
    answer[4:]  # behind the header of the message
    for answer in (
        m.server_hello(),
        m.server_hello(session_id=bytes(32), alpn="h2"),
        m.server_hello(
            m.extension(43, b"\x03\x04"),
            m.extension(51, b"\0\x1d\0\x20" + bytes(32)),
            suite=m.AES_GCM_13,
        ),
        m.server_hello(m.extension(51, b"\0\x1d\0\x21" + bytes(32))),  # damaged
        m.server_hello(version=0x7F12),
        m.hello_retry_request(),
    )
]
ASKED = [name for name, value in vars(ServerHello).items() if isinstance(value, property)]


def same_answer(body: bytes) -> None:
    (hello, defect), (plain, plain_defect) = decode_server_hello(body), server_hello._decode(body)

    assert (hello, defect) == (plain, plain_defect)
    if hello is not None and plain is not None:
        found, wanted = ([getattr(one, name) for name in ASKED] for one in (hello, plain))
        assert (found, hello.version) == (wanted, plain.version)
        assert hello.extension_types == plain.extension_types
        assert extension_defects(hello) == extension_defects(plain)


@pytest.mark.parametrize("body", ANSWERS, ids=range(len(ANSWERS)))
def test_every_byte_of_an_answer_counts(body: bytes) -> None:
    for index in range(len(body)):
        decode_server_hello(body)
        for value in (0, 1, 0x7F, 0xFF):
            same_answer(body[:index] + bytes([body[index] ^ value]) + body[index + 1 :])


EXCHANGES = [
    b"\3\0\x1d\x20" + bytes(32) + b"\x04\x03\0\x08" + bytes(8),  # TLS 1.2
    b"\3\0\x1d\x20" + bytes(32) + b"\0\x08" + bytes(8),  # before
    b"\3\0\x1d\x20" + bytes(32),  # anonymous
    b"\0\2id\3\0\x1d\x04" + bytes(4),  # with the hint of a pre-shared key
    b"\0\2\x07\x05\0\1\2\0\2hi\x04\x03\0\x08" + bytes(8),  # finite field
]
SUITES = (0xC02B, 0xC013, 0xC018, 0xC035, 0x009E)


@pytest.mark.parametrize("suite", SUITES, ids=hex)
@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.0"])
@pytest.mark.parametrize("body", EXCHANGES, ids=range(len(EXCHANGES)))
def test_every_byte_of_a_key_exchange_counts(body: bytes, version: str, suite: int) -> None:
    how = (CipherSuite(suite), version)
    for index in range(len(body)):
        decode_server_key_exchange(body, *how)
        changed = body[:index] + bytes([body[index] ^ 1]) + body[index + 1 :]

        plain = keyexchange._decode_exchange(changed, *how)
        assert decode_server_key_exchange(changed, *how) == plain


def test_no_more_is_remembered_than_allowed() -> None:
    moulds: Moulds[int] = Moulds(2)
    for number in range(5):
        moulds.keep(bytes([number]) + b"-hole-", b"", [(1, 3)], number)

    assert moulds.find(b"\4??ole-", b"") == 4
    assert moulds.find(b"\0-hole-", b"") is None


def test_equal_parts_at_other_places_are_another_mould() -> None:
    moulds: Moulds[int] = Moulds(8)
    moulds.keep(b"ab??cd", b"one", [(2, 4)], 1)
    moulds.keep(b"abcd??", b"two", [(4, 6)], 2)

    assert moulds.find(b"ab!!cd", b"one") == 1
    assert moulds.find(b"abcd!!", b"two") == 2
    assert moulds.find(b"abcd!!", b"one") is None
