from __future__ import annotations

import struct

import dpkt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.capture.captures import dissect, ethernet, ipv4, ipv6, payloads, pcap, read, tcp

NOP, MSS, SCALE = b"\x01", b"\x02\x04\x05\xb4", b"\x03\x03\x07"
SYN = 2


def scalar_payload(packet: bytes) -> bytes | None:
    """The same answer the slow way, from another implementation's parser."""
    try:
        ip = dpkt.ip.IP(packet)
    except dpkt.UnpackError:
        return None
    usable = ip.v == 4 and ip.hl >= 5 and ip.p == 6 and ip.offset == 0 and not ip.mf
    usable = usable and (ip.len == 0 or ip.len >= ip.hl * 4)
    segment = packet[ip.hl * 4 : ip.len or len(packet)]
    if not usable or len(segment) < 20 or segment[12] >> 4 < 5:
        return None
    header = (segment[12] >> 4) * 4
    on_the_wire = (ip.len or len(packet)) - ip.hl * 4
    return segment[header:] if header <= min(on_the_wire, len(packet) - ip.hl * 4) else None


@st.composite
def packets(draw: st.DrawFn) -> bytes:
    """A good packet, then up to two header bytes overwritten, then maybe a cut.

    The lies are written into the bytes: dpkt corrects lengths when it packs.
    """
    segment = dpkt.tcp.TCP(data=draw(st.binary(max_size=12)))
    padding = draw(st.sampled_from([b"", bytes(6)]))
    raw = bytearray(bytes(dpkt.ip.IP(p=6, data=segment)) + padding)
    for where in draw(st.lists(st.sampled_from([0, 2, 3, 6, 7, 9, 28, 32]), max_size=2)):
        raw[where] = draw(st.sampled_from([0x00, 0x01, 0x06, 0x30, 0x40, 0x44, 0x45, 0x60, 0x65]))
    return bytes(raw[: draw(st.integers(19, len(raw)))] if draw(st.booleans()) else raw)


@settings(max_examples=500, deadline=None)
@given(st.lists(packets(), min_size=1, max_size=8))
def test_columns_agree_with_the_scalar_oracle(sent: list[bytes]) -> None:
    # Each is of its own datagram: fragments are the subject of another test.
    sent = [p[:4] + i.to_bytes(2, "big") + p[6:] for i, p in enumerate(sent)]
    expected = [(i + 1, scalar_payload(packet)) for i, packet in enumerate(sent)]

    assert payloads(dissect(sent, 228)) == [(i, p) for i, p in expected if p is not None]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.binary(max_size=120), max_size=6),
    st.sampled_from([0, 1, 9, 105, 107, 113, 127, 192, 197, 228, 229, 239, 253, 276]),
    st.sampled_from([b"", ethernet(b""), ethernet(ipv4(b"", 47)), ethernet(ipv6(b"", 0), 0x86DD)]),
)
def test_nothing_is_too_strange(sent: list[bytes], link_type: int, prefix: bytes) -> None:
    block = dissect([prefix + packet for packet in sent], link_type)

    assert (block.begin <= block.end).all()
    assert (block.end - block.begin <= block.length).all()
    assert (block.frame[1:] > block.frame[:-1]).all()


def test_all_columns_of_ipv4_are_read() -> None:
    block = dissect([ethernet(ipv4(tcp(b"abc", sequence=0xFFFF_FFFF, flags=0x3F)))])

    assert block.source.tolist() == [[0, 0xFFFF_C000_0201]]
    assert block.destination.tolist() == [[0, 0xFFFF_C633_6402]]
    assert (block.source_port[0], block.destination_port[0]) == (40_000, 443)
    assert (block.sequence[0], block.acknowledgment[0]) == (0xFFFF_FFFF, 9)
    assert (block.flags[0], block.window[0]) == (0x3F, 1024)
    assert (block.ttl[0], block.ip_id[0], block.mss[0]) == (61, 77, -1)
    assert (block.frame[0], block.time[0], block.length[0]) == (1, 0, 3)


def test_all_columns_of_ipv6_are_read() -> None:
    block = dissect([ethernet(ipv6(tcp(b"abc")), 0x86DD)])

    assert block.source.tolist() == [[0x2001_0DB8_0000_0000, 1]]
    assert block.destination.tolist() == [[0x2001_0DB8_0000_0000, 2]]
    assert (block.ttl[0], block.ip_id[0], block.length[0]) == (59, -1, 3)


def test_both_versions_come_in_the_order_of_the_capture() -> None:
    four, six = ethernet(ipv4(tcp(b"4"))), ethernet(ipv6(tcp(b"6")), 0x86DD)
    block = dissect([six, four, six, six, four])

    assert payloads(block) == [(1, b"6"), (2, b"4"), (3, b"6"), (4, b"6"), (5, b"4")]
    assert block.ip_id.tolist() == [-1, 77, -1, -1, 77]


@pytest.mark.parametrize(
    ("packet", "payload"),
    [
        pytest.param(ethernet(ipv4(tcp(b""))) + bytes(6), b"", id="padding is no payload"),
        pytest.param(ethernet(ipv4(tcp(b"big"), total=0)), b"big", id="offload, IPv4"),
        pytest.param(ethernet(ipv6(tcp(b"big"), length=0), 0x86DD), b"big", id="offload, IPv6"),
        pytest.param(ethernet(ipv6(tcp(b"cut"), length=21), 0x86DD), b"c", id="IPv6 trailer"),
        pytest.param(ethernet(ipv4(tcp(b"x"), total=2_000)), b"x", id="total length beyond packet"),
    ],
)
def test_the_network_layer_bounds_the_payload(packet: bytes, payload: bytes) -> None:
    assert payloads(dissect([packet])) == [(1, payload)]


@pytest.mark.parametrize(
    "packet",
    [
        pytest.param(b"\x44" + ipv4(tcp())[1:], id="IPv4 header below its least size"),
        pytest.param(b"\x55" + ipv4(tcp())[1:], id="version 5"),
        pytest.param(ipv4(tcp(), total=19), id="total length within the header"),
        pytest.param(ipv4(tcp(), protocol=17), id="not TCP"),
        pytest.param(ipv4(tcp()[:12] + b"\x40" + tcp()[13:]), id="TCP header below its least size"),
        pytest.param(ipv4(tcp()[:12] + b"\xf0" + tcp()[13:]), id="TCP header beyond the packet"),
    ],
)
def test_a_packet_that_contradicts_itself_is_left(packet: bytes) -> None:
    assert payloads(dissect([ethernet(packet)])) == []


def test_ipv4_options_are_stepped_over() -> None:
    plain = bytearray(ipv4(tcp(b"behind")))
    options = b"\x94\x04\0\0"
    plain[0], plain[3] = 0x46, plain[3] + 4
    packet = bytes(plain[:20]) + options + bytes(plain[20:])

    assert payloads(dissect([ethernet(packet)])) == [(1, b"behind")]


@pytest.mark.parametrize(
    "chain",
    [
        pytest.param([(0, 0)], id="hop-by-hop"),
        pytest.param([(0, 0), (60, 1), (43, 2)], id="three kinds"),
        pytest.param([(51, 4)], id="authentication header"),
        pytest.param([(60, 0)] * 12, id="a long chain"),
    ],
)
def test_ipv6_extension_headers_are_stepped_over(chain: list[tuple[int, int]]) -> None:
    packet, following = tcp(b"behind"), 6
    for kind, units in reversed(chain):
        size = (units + 2) * 4 if kind == 51 else (units + 1) * 8
        packet = struct.pack(">BB", following, units) + bytes(size - 2) + packet
        following = kind

    assert payloads(dissect([ethernet(ipv6(packet, following), 0x86DD)])) == [(1, b"behind")]


@pytest.mark.parametrize(
    ("options", "flags", "mss"),
    [
        pytest.param(MSS, SYN, 1460, id="first"),
        pytest.param(MSS + NOP + SCALE, SYN | 16, 1460, id="first of a SYN-ACK"),
        pytest.param(NOP + SCALE + MSS, SYN, 1460, id="third"),
        pytest.param(SCALE + NOP, SYN, -1, id="absent"),
        pytest.param(b"\0" + MSS + bytes(3), SYN, -1, id="behind the end of options"),
        pytest.param(b"\x05\x00" + MSS + bytes(2), SYN, -1, id="behind an option of no length"),
        pytest.param(MSS, 16, -1, id="in a segment that is no SYN"),
        pytest.param(b"\x02\x06" + bytes(4), SYN, -1, id="of another length"),
    ],
)
def test_the_segment_size_is_an_option_of_a_syn(options: bytes, flags: int, mss: int) -> None:
    padded = options + bytes(-len(options) % 4)
    segments = [tcp(flags=SYN), tcp(options=padded, flags=flags), tcp(flags=16)]
    block = dissect([ethernet(ipv4(segment)) for segment in segments])

    assert block.mss.tolist() == [-1, mss, -1]


def test_a_cut_packet_keeps_its_length_on_the_wire() -> None:
    (block,) = read(pcap([ethernet(ipv4(tcp(b"x" * 500)))], snap=100)).segments()

    assert (block.length[0], block.end[0] - block.begin[0]) == (500, 46)


def test_a_cut_within_the_options_leaves_no_payload_but_its_length() -> None:
    (block,) = read(pcap([ethernet(ipv4(tcp(b"x" * 9, options=bytes(20))))], snap=60)).segments()

    assert (block.begin[0], block.length[0]) == (block.end[0], 9)
