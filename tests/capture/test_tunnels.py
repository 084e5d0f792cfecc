from __future__ import annotations

import struct
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from tests.capture.captures import dissect, ethernet, ipv4, ipv6, payloads, pcap, tcp, udp
from tests.capture.wireshark import our_segments, tshark_segments

INNER = ipv4(tcp(b"inner"))
FRAME = ethernet(INNER)
PPP_IP = b"\xff\x03\x00\x21" + INNER


def gre(flags: int, number: int, optional: bytes = b"") -> bytes:
    return struct.pack(">HH", flags, number) + optional


TUNNELS = [
    pytest.param(ipv4(INNER, 4), id="IP in IP"),
    pytest.param(ipv4(ipv6(tcp(b"inner")), 41), id="6in4"),
    pytest.param(ipv4(gre(0, 0x0800) + INNER, 47), id="GRE"),
    pytest.param(ipv4(gre(0xB000, 0x0800, bytes(12)) + INNER, 47), id="GRE with all words"),
    pytest.param(ipv4(gre(0x2000, 0x6558, bytes(4)) + FRAME, 47), id="NVGRE"),
    pytest.param(ipv4(gre(0, 0x88BE) + FRAME, 47), id="ERSPAN I"),
    pytest.param(
        ipv4(gre(0x1000, 0x88BE, bytes(4)) + b"\x10" + bytes(7) + FRAME, 47), id="ERSPAN II"
    ),
    pytest.param(
        ipv4(gre(0x1000, 0x22EB, bytes(4)) + b"\x20" + bytes(11) + FRAME, 47), id="ERSPAN III"
    ),
    pytest.param(
        ipv4(gre(0x1000, 0x22EB, bytes(4)) + b"\x20" + bytes(10) + b"\x01" + bytes(8) + FRAME, 47),
        id="ERSPAN III with a platform header",
    ),
    pytest.param(ipv4(gre(0x3081, 0x880B, bytes(12)) + PPP_IP, 47), id="PPTP"),
    pytest.param(ipv4(gre(0, 0x883E) + INNER, 47), id="WCCP 1"),
    pytest.param(ipv4(gre(0, 0x883E) + bytes(4) + INNER, 47), id="WCCP 2"),
    pytest.param(ipv4(gre(0, 0x8847) + b"\0\0\x11\x40" + INNER, 47), id="MPLS in GRE"),
    pytest.param(ipv4(b"\0\0\x11\x40" + INNER, 137), id="MPLS in IP"),
    pytest.param(ipv4(b"\x30\x00" + FRAME, 97), id="EtherIP"),
    pytest.param(ipv4(b"\x06\x04\0\0" + bytes(20) + tcp(b"inner"), 51), id="authentication header"),
    pytest.param(ipv4(udp(b"\x08" + bytes(7) + FRAME, 4789), 17), id="VXLAN"),
    pytest.param(ipv4(udp(b"\x0c\0\0\x03" + bytes(4) + FRAME, 4790), 17), id="VXLAN-GPE"),
    pytest.param(
        ipv4(udp(b"\x02\0\x65\x58" + bytes(4) + bytes(8) + FRAME, 6081), 17),
        id="Geneve with options",
    ),
    pytest.param(ipv4(udp(b"\x30\xff\0\x2d" + bytes(4) + INNER, 2152), 17), id="GTP-U"),
    pytest.param(
        ipv4(udp(b"\x34\xff\0\x39" + bytes(7) + b"\x85\x01\0\0\x85\x01\0\0\0" + INNER, 2152), 17),
        id="GTP-U with two extension headers",
    ),
    pytest.param(ipv4(udp(b"\x00\x02" + bytes(4) + PPP_IP, 1701), 17), id="L2TP"),
    pytest.param(
        ipv4(udp(b"\x4a\x02\0\x41" + bytes(8) + b"\0\x02\0\0" + PPP_IP, 1701), 17),
        id="L2TP with all fields",
    ),
    pytest.param(ipv4(udp(ipv6(tcp(b"inner")), 3544), 17), id="Teredo"),
    pytest.param(ipv4(udp(bytes(8) + ipv6(tcp(b"inner")), 3544), 17), id="Teredo with origin"),
    pytest.param(ipv4(udp(gre(0, 0x0800) + INNER, 4754), 17), id="GRE in UDP"),
    pytest.param(ipv6(udp(b"\x08" + bytes(7) + FRAME, 4789), 17), id="VXLAN over IPv6"),
    pytest.param(
        ipv4(udp(b"\x08" + bytes(7) + ethernet(ipv4(INNER, 4)), 4789), 17),
        id="IP in IP in VXLAN",
    ),
]


@pytest.mark.parametrize("packet", TUNNELS)
def test_tcp_is_found_in_every_tunnel(packet: bytes) -> None:
    ethertype = 0x0800 if packet[0] >> 4 == 4 else 0x86DD
    around = [ethernet(ipv4(tcp(b"before"))), ethernet(packet, ethertype)]
    block = dissect([*around, ethernet(ipv4(tcp(b"after")))])

    assert payloads(block) == [(1, b"before"), (2, b"inner"), (3, b"after")]


@pytest.mark.peer
def test_tshark_finds_the_same_in_the_tunnels(tmp_path: Path) -> None:
    packets = [ethernet(p, 0x0800 if p[0] >> 4 == 4 else 0x86DD) for p in map(_packet, TUNNELS)]
    path = tmp_path / "tunnels.pcap"
    path.write_bytes(pcap(packets))

    assert our_segments(path) == tshark_segments(path)


def _packet(case: ParameterSet) -> bytes:
    packet = case.values[0]
    assert isinstance(packet, bytes)
    return packet


def test_the_addresses_are_those_inside() -> None:
    outer = ipv4(INNER, 4).replace(b"\xc0\x00\x02\x01", b"\x0a\x0a\x0a\x0a", 1)
    block = dissect([ethernet(outer)])

    assert block.source[:, 1].tolist() == [0xFFFF_C000_0201]


@pytest.mark.parametrize(
    "packet",
    [
        pytest.param(ipv4(udp(FRAME, 53), 17), id="a port that is no tunnel's"),
        pytest.param(ipv4(udp(b"\x30\x01" + bytes(6) + INNER, 2152), 17), id="GTP-U echo"),
        pytest.param(ipv4(udp(b"\x80\x02" + bytes(4) + PPP_IP, 1701), 17), id="L2TP control"),
        pytest.param(ipv4(gre(0x4000, 0x0800) + INNER, 47), id="GRE with source routes"),
        pytest.param(
            ipv4(udp(b"\x34\xff" + bytes(9) + b"\x85\0\0\0\0" + INNER, 2152), 17),
            id="GTP-U with an extension header of no length",
        ),
    ],
)
def test_what_is_no_tunnel_is_left(packet: bytes) -> None:
    assert payloads(dissect([ethernet(packet)])) == []


@pytest.mark.parametrize(
    ("header", "read"),
    [
        pytest.param(b"\x08\0\0\0\0\0\1\0", True, id="VXLAN"),
        pytest.param(b"\x08\0\0\0\0\0\1\7", False, id="something behind the identifier"),
        pytest.param(b"\x48\0\0\0\0\0\1\0", False, id="other flags"),
    ],
)
def test_the_port_of_linux_carries_vxlan_where_it_has_its_header(
    header: bytes, *, read: bool
) -> None:
    """Wireshark leaves this port to OTV; the same packets are read when they are told to be VXLAN."""
    packet = ipv4(udp(header + FRAME, 8472), 17)

    assert payloads(dissect([ethernet(packet)])) == ([(1, b"inner")] if read else [])


def test_nesting_without_end_ends() -> None:
    packet = tcp(b"deep")
    for _ in range(200):
        packet = ipv4(packet, 6 if packet[:2] == tcp()[:2] else 4)

    assert payloads(dissect([ethernet(packet)])) == []


def test_a_stack_of_labels_without_end_ends() -> None:
    assert payloads(dissect([ethernet(bytes(4) * 300 + INNER, 0x8847)])) == []
