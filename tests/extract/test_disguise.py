"""A disguise is the same everywhere, as long as what it hides, and keeps what is alike."""

from __future__ import annotations

import ipaddress

from hypothesis import given
from hypothesis import strategies as st

from analyzer.extract.disguise import Disguise
from analyzer.extract.renaming import renamed

KEY = b"k" * 32
LABELS = st.from_regex(r"[a-z][a-z0-9-]{0,20}", fullmatch=True)
NAMES = st.lists(LABELS, min_size=1, max_size=5).map(".".join)


def common(one: bytes, other: bytes) -> int:
    """How many leading bits two addresses share."""
    size = len(one) * 8
    return size - (int.from_bytes(one) ^ int.from_bytes(other)).bit_length()


@given(st.binary(min_size=4, max_size=4), st.binary(min_size=4, max_size=4))
def test_addresses_share_as_many_leading_bits_as_before(one: bytes, other: bytes) -> None:
    disguise = Disguise(KEY)

    assert common(disguise.address(one), disguise.address(other)) == common(one, other)


@given(st.integers(0, 127), st.binary(min_size=16, max_size=16))
def test_so_do_those_of_ipv6(bit: int, address: bytes) -> None:
    other = (int.from_bytes(address) ^ 1 << bit).to_bytes(16)
    disguise = Disguise(KEY)

    assert common(disguise.address(address), disguise.address(other)) == 127 - bit


def test_another_key_gives_other_addresses() -> None:
    address = bytes([10, 1, 2, 3])

    assert Disguise(KEY).address(address) == Disguise(KEY).address(address)
    assert Disguise(KEY).address(address) != Disguise(b"other").address(address)


@given(st.lists(NAMES, max_size=12))
def test_names_keep_the_lengths_of_their_labels(names: list[str]) -> None:
    disguise = Disguise(KEY)
    shown = [disguise.name(name) for name in names]

    for name, other in zip(names, shown, strict=True):
        assert [len(label) for label in other.split(".")] == [
            len(label) for label in name.split(".")
        ]
    assert shown == [Disguise(KEY).name(name) for name in names] or len(set(names)) > 1


def test_long_names_never_become_one() -> None:
    disguise = Disguise(KEY)
    names = [f"host{number:04}.bank.example" for number in range(2_000)]
    shown = [disguise.name(name) for name in names]

    assert len(set(shown)) == len(names)
    assert {name.split(".", 1)[1] for name in shown} == {disguise.name("bank.example")}
    assert not any("bank" in name or "host" in name for name in shown)


def test_what_a_certificate_shows_stays() -> None:
    disguise = Disguise(KEY, frozenset({"www.bank.example", "*.pay.example", "192.0.2.7"}))

    assert disguise.name("WWW.bank.example") == "WWW.bank.example"
    assert disguise.name("a1.pay.example").endswith(".pay.example")
    assert not disguise.name("a1.pay.example").startswith("a1.")
    assert disguise.name("mail.bank.example") != "mail.bank.example"
    assert disguise.address(bytes([192, 0, 2, 7])) == bytes([192, 0, 2, 7])
    assert disguise.kept == {"www.bank.example", "*.pay.example", "192.0.2.7"}


def test_the_mapping_tells_what_stands_for_what() -> None:
    disguise = Disguise(KEY)
    address, name = disguise.address(bytes([192, 0, 2, 7])), disguise.name("www.bank.example")

    assert disguise.mapping == {
        "addresses": {"192.0.2.7": str(ipaddress.ip_address(address))},
        "names": {"www.bank.example": name},
    }


def test_names_and_addresses_in_lines_are_disguised() -> None:
    disguise = Disguise(KEY)
    said = (
        b"CONNECT gw1:443 HTTP/1.1\r\nHost: gw1\r\nVia: 10.1.2.3, px.bank.test, [2001:db8::7]\r\n"
    )
    shown = renamed(said, disguise)

    assert len(shown) == len(said)
    assert shown.count(disguise.name("gw1").encode()) == 2
    assert disguise.name("px.bank.test").encode() in shown
    assert b"00.0.0.0" in shown
    assert b"[0000:000::0]" in shown
    for hidden in (b"gw1", b"bank", b"10.1", b"2001"):
        assert hidden not in shown


def test_addresses_of_proxies_are_disguised() -> None:
    disguise = Disguise(KEY)
    head = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"
    socks = b"\x05\x01\0\x05\x01\0"

    assert renamed(head + b"\xc0\0\x02\1" * 3, disguise) == head + bytes(12)
    assert renamed(socks + b"\1\xc0\0\x02\1\x01\xbb", disguise) == socks + b"\1\0\0\0\0\x01\xbb"
