from __future__ import annotations

import struct

import pytest

from tests.capture.captures import SOURCE6, TARGET6, dissect, ethernet, ipv4, ipv6, tcp, udp

FOUR = (0, 0xFFFF_C000_0201), (0, 0xFFFF_C633_6402)
SIX = (
    tuple(int.from_bytes(SOURCE6[at : at + 8]) for at in (0, 8)),
    tuple(int.from_bytes(TARGET6[at : at + 8]) for at in (0, 8)),
)


def icmp(kind: int, code: int, quoted: bytes, rest: int = 0) -> bytes:
    return ethernet(ipv4(struct.pack(">BBHI", kind, code, 0, rest) + quoted, 1))


def icmpv6(kind: int, code: int, quoted: bytes, rest: int = 0) -> bytes:
    return ethernet(ipv6(struct.pack(">BBHI", kind, code, 0, rest) + quoted, 58), 0x86DD)


@pytest.mark.parametrize(("kind", "code"), [(3, 1), (3, 3), (3, 13), (11, 0), (12, 0), (4, 0)])
def test_an_error_names_the_segment_that_it_quotes(kind: int, code: int) -> None:
    block = dissect([ethernet(ipv4(tcp())), icmp(kind, code, ipv4(tcp(sequence=42))[:28])])
    (error,) = block.icmp_errors

    assert (error.frame, error.type, error.code, error.version) == (2, kind, code, 4)
    assert (error.source, error.destination) == FOUR
    assert (error.source_port, error.destination_port, error.sequence) == (40_000, 443, 42)
    assert error.reporter == "192.0.2.1"
    assert error.next_hop_mtu is None
    assert len(block.frame) == 1


def test_a_packet_too_big_states_what_would_fit() -> None:
    block = dissect([icmp(3, 4, ipv4(tcp()), rest=1_400), icmpv6(2, 0, ipv6(tcp()), rest=1_280)])

    assert [error.next_hop_mtu for error in block.icmp_errors] == [1_400, 1_280]


@pytest.mark.parametrize(("kind", "code"), [(1, 0), (1, 4), (2, 0), (3, 0), (4, 1)])
def test_icmpv6_errors_are_read(kind: int, code: int) -> None:
    chained = ipv6(b"\x06\x00" + bytes(6) + tcp(sequence=43), 0)
    (error,) = dissect([icmpv6(kind, code, chained)]).icmp_errors

    assert (error.version, error.type, error.code, error.sequence) == (6, kind, code, 43)
    assert (error.source, error.destination) == SIX
    assert error.reporter == "2001:db8::1"


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(icmp(8, 0, ipv4(tcp())), id="echo request"),
        pytest.param(icmp(5, 1, ipv4(tcp())), id="redirect"),
        pytest.param(icmp(3, 3, ipv4(udp(b"", 53), 17)), id="about UDP"),
        pytest.param(icmp(3, 3, ipv4(tcp())[:27]), id="quoting less than ports and sequence"),
        pytest.param(icmp(3, 3, b""), id="quoting nothing"),
        pytest.param(icmp(3, 3, ipv4(tcp(), fragment=5)), id="quoting a later fragment"),
        pytest.param(icmpv6(129, 0, ipv6(tcp())), id="echo reply"),
        pytest.param(icmpv6(1, 4, ipv6(b"\x06\x00", 0)), id="quoting half an extension header"),
    ],
)
def test_what_is_no_error_about_tcp_is_left(frame: bytes) -> None:
    assert dissect([frame]).icmp_errors == ()
