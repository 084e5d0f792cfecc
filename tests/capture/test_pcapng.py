from __future__ import annotations

import struct

import pytest

from analyzer.errors import CaptureError
from analyzer.limits import Limits
from tests.capture.captures import SECOND, Pcapng, ethernet, ipv4, packets_of, read, tcp

PACKET = ethernet(ipv4(tcp(b"four by four")))
OTHER = ethernet(ipv4(tcp(b"not padded, so odd")))
TSRESOL, TSOFFSET, IFDROP, OSDROP = 9, 14, 5, 7
NOW = 1_700_000_000 * SECOND + 123_456_789


@pytest.mark.parametrize("order", ["<", ">"])
def test_every_kind_of_packet_block_is_read(order: str) -> None:
    file = Pcapng(order).section().interface().interface(link_type=113)
    file.enhanced(PACKET, 5).block(4, b"names").simple(OTHER).obsolete(PACKET, 7, interface=1)
    file.block(0x0BEE, bytes(8)).enhanced(OTHER, 1 << 33, interface=1)
    capture = read(file.data)

    assert packets_of(capture) == [
        (1, 5_000, PACKET),
        (2, 5_000, OTHER),  # a simple block has no time: that of the packet before
        (3, 7_000, PACKET),
        (4, (1 << 33) * 1_000, OTHER),
    ]
    assert capture.format == "pcapng"
    assert capture.link_types == ("EN10MB", "LINUX_SLL")


@pytest.mark.parametrize(
    ("resolution", "ticks", "ns"),
    [
        pytest.param(0, NOW // SECOND, NOW // SECOND * SECOND, id="seconds"),
        pytest.param(3, NOW // 10**6, NOW // 10**6 * 10**6, id="milliseconds"),
        pytest.param(6, NOW // 1000, NOW // 1000 * 1000, id="microseconds"),
        pytest.param(9, NOW, NOW, id="nanoseconds"),
        pytest.param(10, NOW * 10 + 9, NOW, id="tenths of nanoseconds"),
        pytest.param(0x80 | 10, 3 << 10 | 512, 3 * SECOND + SECOND // 2, id="2**-10"),
        pytest.param(0x80 | 32, 3 << 32 | 1 << 30, 3 * SECOND + SECOND // 4, id="2**-32"),
        pytest.param(0x80 | 50, 3 << 50 | 1, 3 * SECOND, id="2**-50"),
        pytest.param(0x80 | 50, (1 << 50) - 1, SECOND - 1, id="2**-50, almost a second"),
        pytest.param(0x80 | 64, 12345, 0, id="2**-64"),
    ],
)
@pytest.mark.parametrize("order", ["<", ">"])
def test_ticks_have_any_resolution(order: str, resolution: int, ticks: int, ns: int) -> None:
    file = Pcapng(order).section()
    file.interface(options=file.option(TSRESOL, bytes([resolution]))).enhanced(PACKET, ticks)

    assert packets_of(read(file.data)) == [(1, ns, PACKET)]


@pytest.mark.parametrize("seconds", [1_000, -1_000])
def test_ticks_count_from_the_offset_of_their_interface(seconds: int) -> None:
    file = Pcapng().section().interface()
    file.interface(options=file.option(TSOFFSET, struct.pack("<q", seconds)))
    file.enhanced(PACKET, 5_000_000_000).enhanced(PACKET, 5_000_000_000, interface=1)

    times = [time for _, time, _ in packets_of(read(file.data))]

    assert times == [5_000 * SECOND, (5_000 + seconds) * SECOND]


def test_a_new_section_has_its_own_byte_order_and_interfaces() -> None:
    file = Pcapng("<").section().interface(link_type=1).enhanced(PACKET)
    file.section(">").interface(link_type=101).enhanced(PACKET[14:], 8)
    capture = read(file.data)

    assert packets_of(capture) == [(1, 0, PACKET), (2, 8_000, PACKET[14:])]
    assert capture.link_types == ("EN10MB", "RAW")


def test_drops_are_the_last_count_of_each_interface() -> None:
    file = Pcapng().section().interface().interface()
    for interface, code, drops in ((0, IFDROP, 3), (0, IFDROP, 10), (1, OSDROP, 4)):
        option = file.option(code, struct.pack("<Q", drops))
        file.block(5, struct.pack("<III", interface, 0, 0) + option)
    capture = read(file.data)
    packets_of(capture)

    assert capture.facts.drops == 14
    assert capture.caveats == ("The capturing program reports that it dropped 14 packets.",)


def test_decryption_secrets_are_kept() -> None:
    lines = b"CLIENT_RANDOM 00 11\n"
    file = Pcapng().section().block(10, struct.pack("<II", 0x544C534B, len(lines)) + lines)
    capture = read(file.data)
    packets_of(capture)
    (secrets,) = capture.facts.secrets

    assert (secrets.type, secrets.data) == (0x544C534B, lines)


def test_a_simple_block_holds_what_the_snap_length_left() -> None:
    file = Pcapng().section().interface(snap=20).simple(PACKET[:20], wire=len(PACKET))
    capture = read(file.data)

    assert packets_of(capture) == [(1, 0, PACKET[:20])]
    assert capture.bytes == len(PACKET)
    assert capture.first_packet is None


def test_a_packet_of_an_undescribed_interface_is_a_caveat() -> None:
    capture = read(Pcapng().section().enhanced(PACKET, interface=9).data)
    list(capture.segments())

    assert capture.packets == 1
    assert "link type of an interface that the file does not describe" in capture.caveats[0]


@pytest.mark.parametrize("kind", [9, 0xBAD, 0x40000BAD, 0x204])
def test_some_blocks_without_packets_take_a_frame_number(kind: int) -> None:
    file = Pcapng().section().interface().block(kind, b"journal").enhanced(PACKET)
    capture = read(file.data)

    assert [frame for frame, _, _ in packets_of(capture)] == [2]
    assert (capture.packets, capture.frames) == (1, 2)


def test_a_capture_without_packets_is_legal() -> None:
    capture = read(Pcapng().section().data)

    assert packets_of(capture) == []
    assert capture.caveats == ()


@pytest.mark.parametrize("limits", [Limits(block_packets=1), Limits(block_bytes=64)])
def test_the_size_of_blocks_changes_nothing(limits: Limits) -> None:
    file = Pcapng().section().interface()
    for index in range(20):
        file.enhanced(PACKET + bytes(index), index).simple(OTHER)

    assert packets_of(read(file.data, limits)) == packets_of(read(file.data))


_FILE = Pcapng().section().interface().enhanced(PACKET).simple(OTHER).obsolete(PACKET)
_WHOLE = Pcapng().section().interface()
ENDS = [28, len(_WHOLE.data)]
for _add in (_WHOLE.enhanced, _WHOLE.simple, _WHOLE.obsolete):
    _add(OTHER if _add == _WHOLE.simple else PACKET)
    ENDS.append(len(_WHOLE.data))


@pytest.mark.parametrize("kept", range(28, len(_FILE.data)))
def test_a_file_cut_anywhere_gives_the_packets_before_and_a_caveat(kept: int) -> None:
    capture = read(_FILE.data[:kept])
    whole = sum(end <= kept for end in ENDS[2:])

    assert len(packets_of(capture)) == whole
    assert len(capture.caveats) == (kept not in ENDS)


@pytest.mark.parametrize(
    ("at", "value", "why"),
    [
        pytest.param(4, 8, "no block has such a length", id="shorter than a block"),
        pytest.param(4, 0, "no block has such a length", id="of length nothing"),
        pytest.param(4, 0xFFFFFFF0, "no block has such a length", id="longer than memory"),
        pytest.param(4, 112, "two different lengths", id="ending elsewhere"),
        pytest.param(20, 5_000, "a packet is larger than its block", id="packet beyond its block"),
    ],
)
def test_reading_stops_at_a_block_that_cannot_be_true(at: int, value: int, why: str) -> None:
    file = Pcapng().section().interface().enhanced(PACKET)
    start = len(file.data)
    damaged = bytearray(file.enhanced(PACKET).enhanced(PACKET).data)
    struct.pack_into("<I", damaged, start + at, value)
    capture = read(bytes(damaged))

    assert len(packets_of(capture)) == 1
    (caveat,) = capture.caveats
    assert f"damaged in frame 2, at byte {start}" in caveat
    assert why in caveat


def test_a_file_damaged_before_its_first_packet_is_refused() -> None:
    damaged = bytearray(Pcapng().section().interface().enhanced(PACKET).data)
    damaged[8:12] = bytes(4)

    with pytest.raises(CaptureError, match="damaged before its first packet"):
        packets_of(read(bytes(damaged)))
