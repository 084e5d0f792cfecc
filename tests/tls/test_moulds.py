"""A hello that is known by its mould reads as if it had been decoded byte by byte."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.tls.client_hello import _decode, decode_client_hello
from analyzer.tls.fingerprint import ja3, ja4
from analyzer.tls.hello import ClientHello, extension_defects
from analyzer.tls.moulds import Moulds
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
    (hello, defect), (plain, plain_defect) = decode_client_hello(body), _decode(body)

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
