from __future__ import annotations

import pytest

from analyzer.errors import CaptureError
from analyzer.limits import Limits
from tests.capture.captures import SECOND, ethernet, ipv4, packets_of, pcap, read, tcp

PACKETS = [ethernet(ipv4(tcp(b"x" * size))) for size in (0, 1, 40, 300)]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("magic", "unit", "extra"),
    [
        pytest.param(0xA1B2C3D4, 1_000, b"", id="microseconds"),
        pytest.param(0xA1B23C4D, 1, b"", id="nanoseconds"),
        pytest.param(0xA1B2CD34, 1_000, b"", id="Kuznetzov's longer record header"),
        pytest.param(0x1C0001AC, 1, bytes(4), id="IXIA hardware"),
        pytest.param(0x1C0001AB, 1_000, bytes(4), id="IXIA software"),
    ],
)
def test_every_variant_gives_the_same_packets(
    order: str, magic: int, unit: int, extra: bytes
) -> None:
    capture = read(pcap(PACKETS, order=order, magic=magic, extra=extra))

    assert packets_of(capture) == [
        (i + 1, i * SECOND + i * unit, packet) for i, packet in enumerate(PACKETS)
    ]
    assert capture.format == "pcap"
    assert capture.link_types == ("EN10MB",)
    assert capture.caveats == ()


@pytest.mark.parametrize(
    "limits",
    [
        pytest.param(Limits(block_packets=1), id="one packet in a block"),
        pytest.param(Limits(block_packets=3), id="three packets in a block"),
        pytest.param(Limits(block_bytes=64), id="a window smaller than a packet"),
        pytest.param(Limits(block_bytes=500), id="a window with carry-over"),
    ],
)
def test_the_size_of_blocks_changes_nothing(limits: Limits) -> None:
    file = pcap(PACKETS * 5)

    assert packets_of(read(file, limits)) == packets_of(read(file))


def test_the_summary_counts_what_capinfos_counts() -> None:
    capture = read(pcap(PACKETS, snap=60))
    list(capture.segments())
    facts = capture.facts

    assert facts.packets == 4
    assert facts.bytes == sum(map(len, PACKETS))
    assert (facts.first_packet, facts.last_packet) == (0, 3 * SECOND + 3_000)
    assert facts.snap_lengths == (60,)
    assert facts.caveats == ("The snap length cut 2 packets; their last bytes are missing.",)


def test_an_empty_capture_is_legal() -> None:
    capture = read(pcap([]))

    assert packets_of(capture) == []
    assert (capture.packets, capture.first_packet, capture.caveats) == (0, None, ())
    assert capture.link_types == ("EN10MB",)


FILE = pcap(PACKETS[:3])
ENDS = [24]
for _packet in PACKETS[:3]:
    ENDS.append(ENDS[-1] + 16 + len(_packet))


@pytest.mark.parametrize("kept", range(24, len(FILE) + 1))
def test_a_file_cut_anywhere_gives_the_packets_before_and_a_caveat(kept: int) -> None:
    capture = read(FILE[:kept])
    whole = sum(end <= kept for end in ENDS[1:])

    assert [packet for _, _, packet in packets_of(capture)] == PACKETS[:whole]
    if kept in ENDS:
        assert capture.caveats == ()
    else:
        (caveat,) = capture.caveats
        assert f"ends in frame {whole + 1}, at byte {ENDS[whole]}" in caveat


@pytest.mark.parametrize("kept", range(4, 24))
def test_a_file_cut_in_its_header_is_refused(kept: int) -> None:
    with pytest.raises(CaptureError, match="ends within its pcap header"):
        read(FILE[:kept])


@pytest.mark.parametrize("length", [b"\xff\xff\xff\xff", b"\x01\x00\x04\x00"])
def test_reading_stops_at_a_record_that_cannot_be_true(length: bytes) -> None:
    damaged = bytearray(pcap([*PACKETS, *PACKETS]) + bytes(400_000))
    damaged[ENDS[2] + 8 : ENDS[2] + 12] = length
    capture = read(bytes(damaged))

    assert [packet for _, _, packet in packets_of(capture)] == PACKETS[:2]
    (caveat,) = capture.caveats
    assert f"damaged in frame 3, at byte {ENDS[2]}: no packet has such a length" in caveat


def test_a_file_without_one_true_record_is_refused() -> None:
    damaged = bytearray(FILE)
    damaged[32:36] = b"\xff\xff\xff\xff"
    capture = read(bytes(damaged))

    with pytest.raises(CaptureError, match="damaged before its first packet at byte 24"):
        list(capture.segments())


def test_link_types_ignore_the_check_sequence_bits() -> None:
    capture = read(pcap(PACKETS, link_type=0x5000_0001))

    assert packets_of(capture)
    assert capture.link_types == ("EN10MB",)
