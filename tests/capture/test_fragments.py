from __future__ import annotations

import itertools
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.capture.dissect import Dissector
from analyzer.limits import DEFAULT, Limits
from tests.capture.captures import (
    SOURCE4,
    TARGET4,
    dissect,
    ethernet,
    ipv4,
    ipv6,
    packet_block,
    payloads,
    tcp,
    udp,
)

DATA = bytes(range(100))
SEGMENT = tcp(DATA)
MORE = 0x2000


def fragments4(
    segment: bytes, size: int = 40, protocol: int = 6, identification: int = 77
) -> list[bytes]:
    """Ethernet frames with the IPv4 fragments of a segment."""
    pieces = [segment[at : at + size] for at in range(0, len(segment), size)]
    last = len(pieces) - 1
    return [
        ethernet(
            ipv4(
                piece,
                protocol,
                fragment=(MORE if i < last else 0) | i * size // 8,
                identification=identification,
            )
        )
        for i, piece in enumerate(pieces)
    ]


def fragments6(segment: bytes, size: int = 40) -> list[bytes]:
    """Ethernet frames with the IPv6 fragments of a segment, behind a hop-by-hop header."""
    pieces = [segment[at : at + size] for at in range(0, len(segment), size)]
    last = len(pieces) - 1
    return [
        ethernet(
            ipv6(
                b"\x2c\x00" + bytes(6)
                + struct.pack(">BBHI", 6, 0, i * size | (i < last), 99) + piece, 0
            ),
            0x86DD,
        )
        for i, piece in enumerate(pieces)
    ]  # fmt: skip


@pytest.mark.parametrize("make", [fragments4, fragments6])
def test_a_datagram_is_whole_in_the_frame_of_its_last_fragment(make: object) -> None:
    frames = make(SEGMENT)  # type: ignore[operator]
    for order in itertools.permutations(frames):
        assert payloads(dissect(list(order))) == [(3, DATA)]


def test_addresses_and_identification_are_those_of_the_datagram() -> None:
    block = dissect(fragments4(SEGMENT))

    assert block.source[0].tolist() == [0, 0xFFFF << 32 | int.from_bytes(SOURCE4)]
    assert block.destination[0].tolist() == [0, 0xFFFF << 32 | int.from_bytes(TARGET4)]
    assert (block.ip_id[0], block.ttl[0], block.length[0]) == (77, 61, 100)


def test_fragments_meet_across_blocks_and_among_other_packets() -> None:
    first, second, third = fragments4(SEGMENT)
    whole = ethernet(ipv4(tcp(b"whole")))
    dissector = Dissector(DEFAULT)

    assert payloads(dissector.segments(packet_block([first, whole, second]))) == [(2, b"whole")]
    assert dissector.incomplete == 1
    assert payloads(dissector.segments(packet_block([whole, third]))) == [(1, b"whole"), (2, DATA)]
    assert dissector.incomplete == 0


def test_datagrams_are_told_apart_by_their_identification() -> None:
    one, other = fragments4(SEGMENT), fragments4(tcp(DATA[::-1]), identification=78)
    mixed = [frame for pair in zip(one, other, strict=True) for frame in pair]

    assert payloads(dissect(mixed)) == [(5, DATA), (6, DATA[::-1])]


def test_a_missing_fragment_is_counted_not_invented() -> None:
    first, _, third = fragments4(SEGMENT)
    dissector = Dissector(DEFAULT)

    assert payloads(dissector.segments(packet_block([first, third]))) == []
    assert dissector.incomplete == 1


def test_the_limit_drops_the_oldest() -> None:
    first = [fragments4(SEGMENT, identification=i)[0] for i in range(5)]
    rest = [frame for i in range(5) for frame in fragments4(SEGMENT, identification=i)[1:]]
    dissector = Dissector(Limits(fragments=3))
    block = dissector.segments(packet_block(first + rest[4:]))

    assert len(block.frame) == 3
    assert dissector.fragments.evicted == 2


def test_a_tunnel_can_be_in_fragments() -> None:
    inner = ethernet(ipv4(SEGMENT))
    outer = udp(b"\x08" + bytes(7) + inner, 4789)

    assert payloads(dissect(fragments4(outer, protocol=17))) == [(5, DATA)]


def test_fragments_can_be_in_a_tunnel() -> None:
    frames = [ethernet(ipv4(frame[14:], 4)) for frame in fragments4(SEGMENT)]

    assert payloads(dissect(frames)) == [(3, DATA)]


def test_an_atomic_fragment_is_whole() -> None:
    packet = ipv6(struct.pack(">BBHI", 6, 0, 0, 1) + SEGMENT, 44)

    assert payloads(dissect([ethernet(packet, 0x86DD)])) == [(1, DATA)]


def test_of_two_copies_the_first_counts() -> None:
    first, second, third = fragments4(SEGMENT)
    forged = fragments4(tcp(bytes(100)))[1]

    assert payloads(dissect([first, second, forged, third])) == [(4, DATA)]


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 0x3FFF), st.binary(max_size=40), st.integers(0, 2)), max_size=12
    )
)
def test_no_fragments_are_too_strange(pieces: list[tuple[int, bytes, int]]) -> None:
    frames = [
        ethernet(ipv4(data, fragment=fragment, identification=identification))
        for fragment, data, identification in pieces
    ]
    block = dissect(frames)

    assert (block.end >= block.begin).all()
