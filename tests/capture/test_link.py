from __future__ import annotations

import struct
from dataclasses import replace

import numpy as np
import pytest

from analyzer.capture.dissect import Dissector
from analyzer.limits import DEFAULT
from tests.capture.captures import (
    ETHERNET,
    dissect,
    ethernet,
    ipv4,
    ipv6,
    packet_block,
    payloads,
    tcp,
)

FOUR, SIX = ipv4(tcp(b"four")), ipv6(tcp(b"six"))
SNAP = b"\xaa\xaa\x03" + bytes(3)
DATA_FRAME = b"\x08\x01" + bytes(22)  # IEEE 802.11: data, to the distribution system


def tagged(*tags: int, ethertype: int = 0x0800) -> bytes:
    """An Ethernet frame with a stack of tags."""
    stack = b"".join(struct.pack(">HH", tag, 100) for tag in tags)
    return ETHERNET + stack + struct.pack(">H", ethertype)


def attribute(kind: int, value: bytes) -> bytes:
    """A netfilter attribute, little-endian."""
    return struct.pack("<HH", len(value) + 4, kind) + value + bytes(-len(value) % 4)


def radiotap(size: int) -> bytes:
    return struct.pack("<BBHI", 0, 0, size, 0) + bytes(size - 8)


WRAPPED = [
    pytest.param(1, ethernet(b""), id="Ethernet"),
    pytest.param(1, tagged(0x8100), id="VLAN"),
    pytest.param(1, tagged(0x88A8, 0x8100), id="provider bridging"),
    pytest.param(1, tagged(0x9100, 0x8100, 0x8100), id="three tags"),
    pytest.param(1, ETHERNET + b"\x01\x00" + SNAP + b"\x08\x00", id="802.3 with SNAP"),
    pytest.param(
        1, ETHERNET + b"\x81\0\0\x01\x01\x00" + SNAP + b"\x08\x00", id="VLAN, then 802.3 with SNAP"
    ),
    pytest.param(1, ETHERNET + b"\x89\x09\x01\x01\x00\x01\x00\x05\x08\x00", id="Cisco metadata"),
    pytest.param(1, ETHERNET + b"\x88\x64\x11\x00\x00\x01\x00\x4a\x00\x21", id="PPPoE session"),
    pytest.param(1, ETHERNET + b"\x88\x47\x00\x01\x00\x40\x00\x02\x01\x40", id="two MPLS labels"),
    pytest.param(
        1, ETHERNET + b"\x88\x47\x00\x01\x01\x40\0\0\0\0" + ethernet(b""), id="pseudowire"
    ),
    pytest.param(0, b"\x02\0\0\0", id="BSD loopback, little-endian"),
    pytest.param(0, b"\0\0\0\x02", id="BSD loopback, big-endian"),
    pytest.param(108, b"\0\0\0\x02", id="OpenBSD loopback"),
    pytest.param(12, b"", id="raw IP"),
    pytest.param(14, b"", id="raw IP of OpenBSD"),
    pytest.param(101, b"", id="raw IP as LINKTYPE"),
    pytest.param(228, b"", id="IPv4"),
    pytest.param(113, bytes(14) + b"\x08\x00", id="Linux cooked"),
    pytest.param(113, bytes(14) + b"\x81\x00\0\x05\x08\x00", id="Linux cooked with VLAN"),
    pytest.param(113, bytes(14) + b"\x00\x04" + SNAP + b"\x08\x00", id="Linux cooked with LLC"),
    pytest.param(276, b"\x08\x00" + bytes(18), id="Linux cooked version 2"),
    pytest.param(9, b"\xff\x03\x00\x21", id="PPP"),
    pytest.param(9, b"\x00\x21", id="PPP without address and control"),
    pytest.param(9, b"\x21", id="PPP with a short protocol number"),
    pytest.param(50, b"\x0f\x00\x08\x00", id="Cisco HDLC under PPP's number"),
    pytest.param(51, b"\x11\x00\x00\x01\x00\x4a\x00\x21", id="PPPoE"),
    pytest.param(104, b"\x0f\x00\x08\x00", id="Cisco HDLC"),
    pytest.param(166, b"\xff\x03\x00\x21", id="pppd"),
    pytest.param(204, b"\x01\xff\x03\x00\x21", id="PPP with direction"),
    pytest.param(105, DATA_FRAME + SNAP + b"\x08\x00", id="802.11"),
    pytest.param(
        105, b"\x88\x03" + bytes(30) + SNAP + b"\x08\x00", id="802.11 QoS with four addresses"
    ),
    pytest.param(127, radiotap(24) + DATA_FRAME + SNAP + b"\x08\x00", id="radiotap"),
    pytest.param(119, bytes(144) + DATA_FRAME + SNAP + b"\x08\x00", id="Prism"),
    pytest.param(
        163, struct.pack(">II", 0, 64) + bytes(56) + DATA_FRAME + SNAP + b"\x08\x00", id="AVS"
    ),
    pytest.param(
        192, struct.pack("<BBHI", 0, 0, 20, 1) + bytes(12) + ethernet(b""), id="PPI with Ethernet"
    ),
    pytest.param(
        239,
        b"\x02\0\0\0" + attribute(1, bytes(4)) + attribute(10, b"odd") + b"\x30\0\x09\0",
        id="NFLOG",
    ),
    pytest.param(
        253,
        bytes(20) + b"\x00\x03" + bytes(14) + attribute(1, bytes(5)) + b"\x30\0\x0a\0",
        id="netlink, packets handed to a program",
    ),
    pytest.param(107, b"\x04\x01\x03\xcc", id="Frame Relay"),
    pytest.param(107, b"\x04\x01\x03\x00\x80\0\0\0\x08\x00", id="Frame Relay with SNAP"),
    pytest.param(107, b"\x04\x01\x08\x00", id="Frame Relay of Cisco"),
    pytest.param(8, bytes(16), id="SLIP"),
    pytest.param(10, bytes(13) + SNAP + b"\x08\x00", id="FDDI"),
    pytest.param(7, b"\x01\x02\xf0", id="ARCNET, RFC 1051"),
    pytest.param(129, b"\x01\x02\0\0\xd4\0\0\0", id="ARCNET of Linux, RFC 1201"),
    pytest.param(11, SNAP + b"\x08\x00", id="ATM, LLC"),
    pytest.param(106, b"", id="ATM, classical IP"),
    pytest.param(123, b"\x02\0\0\0" + SNAP + b"\x08\x00", id="SunATM"),
    pytest.param(109, b"\x02\0\0\0" + bytes(8), id="OpenBSD encapsulation"),
    pytest.param(117, b"\x3d" + bytes(63), id="packet filter log"),
    pytest.param(122, bytes(16) + SNAP + b"\x08\x00", id="Fibre Channel"),
    pytest.param(138, bytes(16) + b"\x08\x00", id="IEEE 1394"),
    pytest.param(178, b"MGC\x00" + ethernet(b""), id="Juniper Ethernet"),
    pytest.param(178, b"MGC\x80\x00\x04" + bytes(4) + ethernet(b""), id="Juniper, extended"),
    pytest.param(178, b"MGC\x02\x02\0\0\0", id="Juniper, bare"),
    pytest.param(197, bytes(8) + b"\x02" + bytes(9) + ethernet(b""), id="ERF Ethernet"),
    pytest.param(
        197, bytes(8) + b"\x82" + bytes(7) + bytes(8) + bytes(2) + ethernet(b""), id="ERF, extended"
    ),
    pytest.param(240, bytes(4) + ethernet(b""), id="netANALYZER"),
    pytest.param(258, struct.pack("<III", 16, 1, 1) + bytes(4) + ethernet(b""), id="PKTAP"),
    pytest.param(274, bytes(8) + ethernet(b""), id="mPacket"),
    pytest.param(281, ETHERNET + bytes(4) + b"\x08\x00", id="Broadcom tag"),
    pytest.param(282, bytes(4) + ethernet(b""), id="Broadcom tag in front"),
    pytest.param(284, ETHERNET + bytes(4) + b"\x08\x00", id="Marvell DSA"),
    pytest.param(285, ETHERNET + b"\xda\xda" + bytes(6) + b"\x08\x00", id="Marvell EDSA"),
    pytest.param(1, ETHERNET + b"\x24\x52\x08\x41" + bytes(26) + SNAP + b"\x08\x00", id="Centrino"),
]


@pytest.mark.parametrize(("link_type", "prefix"), WRAPPED)
def test_ipv4_is_found_behind_every_link_layer(link_type: int, prefix: bytes) -> None:
    block = dissect([prefix + FOUR, prefix + FOUR], link_type)

    assert payloads(block) == [(1, b"four"), (2, b"four")]
    assert block.length.tolist() == [4, 4]


@pytest.mark.parametrize(("link_type", "prefix"), WRAPPED)
def test_a_header_cut_anywhere_is_no_segment_and_no_error(link_type: int, prefix: bytes) -> None:
    whole = prefix + FOUR
    pieces = [whole[:kept] for kept in range(len(prefix) + 40)]

    assert payloads(dissect(pieces, link_type)) == []


@pytest.mark.parametrize(
    ("link_type", "prefix"),
    [
        pytest.param(1, ethernet(b"", 0x86DD), id="Ethernet"),
        pytest.param(1, tagged(0x8100, ethertype=0x86DD), id="VLAN"),
        *(
            pytest.param(0, struct.pack("<I", family), id=f"loopback, family {family}")
            for family in (10, 23, 24, 28, 30)
        ),
        pytest.param(108, struct.pack(">I", 24), id="OpenBSD loopback"),
        pytest.param(101, b"", id="raw IP"),
        pytest.param(229, b"", id="IPv6"),
        pytest.param(113, bytes(14) + b"\x86\xdd", id="Linux cooked"),
        pytest.param(276, b"\x86\xdd" + bytes(18), id="Linux cooked version 2"),
        pytest.param(9, b"\xff\x03\x00\x57", id="PPP"),
        pytest.param(107, b"\x04\x01\x03\x8e", id="Frame Relay"),
    ],
)
def test_ipv6_is_found(link_type: int, prefix: bytes) -> None:
    assert payloads(dissect([prefix + SIX], link_type)) == [(1, b"six")]


@pytest.mark.parametrize(
    ("link_type", "packet"),
    [
        pytest.param(1, ethernet(FOUR, 0x0806), id="ARP"),
        pytest.param(228, SIX, id="IPv6 where IPv4 is said"),
        pytest.param(229, FOUR, id="IPv4 where IPv6 is said"),
        pytest.param(0, b"\x07\0\0\0" + FOUR, id="another address family"),
        pytest.param(105, b"\x08\x41" + bytes(22) + SNAP + b"\x08\0" + FOUR, id="802.11 encrypted"),
        pytest.param(105, b"\x48\x01" + bytes(22) + SNAP + b"\x08\0" + FOUR, id="802.11 no data"),
        pytest.param(9, b"\xff\x03\xc0\x21" + FOUR, id="PPP link control"),
        pytest.param(999, FOUR, id="unknown link type"),
    ],
)
def test_what_is_not_ip_is_left(link_type: int, packet: bytes) -> None:
    assert payloads(dissect([packet], link_type)) == []


def test_link_types_can_alternate_within_a_block() -> None:
    block = packet_block([ethernet(FOUR), SIX, ethernet(FOUR), b"\x02\0\0\0" + FOUR])
    mixed = replace(block, link_type=np.array([1, 101, 1, 0]))

    assert payloads(Dissector(DEFAULT).segments(mixed)) == [
        (1, b"four"),
        (2, b"six"),
        (3, b"four"),
        (4, b"four"),
    ]
