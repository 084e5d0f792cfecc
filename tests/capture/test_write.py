"""Captures that we write are read by others, and by ourselves, as what they were meant to be."""

from __future__ import annotations

import io

import dpkt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.capture.source import open_capture
from analyzer.capture.write import Conversation, Form, PacketWriter, PcapForm, PcapngForm, checksum

START = 1_781_524_800_123_456_789
PLACES = [
    pytest.param(("192.0.2.10", 50_000), ("198.51.100.20", 443), id="IPv4"),
    pytest.param(("2001:db8::1", 50_000), ("2001:db8::2", 443), id="IPv6"),
]


def talk(client: tuple[str, int], server: tuple[str, int], data: bytes) -> list[tuple[int, bytes]]:
    conversation = Conversation(client, server, mss=(1460, 1400))
    frames = [*conversation.opening(START, START + 1_000, START + 2_000)]
    frames += conversation.data(START + 3_000, 0, data)
    frames += conversation.acknowledge(START + 4_000, 1)
    frames += conversation.data(START + 5_000, 1, data[::-1])
    frames += conversation.close(START + 6_000, 0)
    frames += conversation.reset(START + 7_000, 1)
    return frames


def written(frames: list[tuple[int, bytes]], form: Form | None = None) -> bytes:
    sink = io.BytesIO()
    writer = PacketWriter(sink, form)
    for time, frame in frames:
        writer.write(time, frame)
    assert writer.packets == len(frames)
    return sink.getvalue()


@pytest.mark.parametrize(("client", "server"), PLACES)
def test_every_checksum_is_right(client: tuple[str, int], server: tuple[str, int]) -> None:
    for _, frame in talk(client, server, bytes(range(256)) * 12):
        packet = dpkt.ethernet.Ethernet(frame).data
        segment = bytes(packet.data)
        pseudo = packet.src + packet.dst + len(segment).to_bytes(4, "big") + b"\0\0\0\6"

        assert dpkt.in_cksum(pseudo + segment) == 0
        if isinstance(packet, dpkt.ip.IP):
            assert dpkt.in_cksum(frame[14:34]) == 0


@pytest.mark.parametrize(("client", "server"), PLACES)
def test_sequence_numbers_join_the_segments(
    client: tuple[str, int], server: tuple[str, int]
) -> None:
    data = bytes(range(256)) * 20
    sent: dict[int, bytes] = {50_000: b"", 443: b""}
    expected: dict[int, int] = {}
    for _, frame in talk(client, server, data):
        segment = dpkt.ethernet.Ethernet(frame).data.data
        assert expected.setdefault(segment.sport, segment.seq) == segment.seq
        if segment.flags & 16:
            assert segment.ack == expected[50_000 if segment.sport == 443 else 443]
        counts = len(segment.data) + bool(segment.flags & 3)
        expected[segment.sport] += counts
        sent[segment.sport] += segment.data
        assert len(segment.data) <= 1460

    assert sent == {50_000: data, 443: data[::-1]}


@settings(deadline=None)
@given(st.binary(max_size=5_000), st.sampled_from([PcapForm(), PcapngForm("how it was made")]))
def test_what_is_written_is_read_again(data: bytes, form: Form) -> None:
    frames = talk(("192.0.2.10", 50_000), ("198.51.100.20", 443), data)
    capture = open_capture(io.BytesIO(written(frames, form)))
    times = [int(t) for block in capture.blocks() for t in block.time]

    assert times == [time for time, _ in frames]
    assert capture.packets == len(frames)


def test_a_cut_packet_keeps_its_length_on_the_wire() -> None:
    sink = io.BytesIO()
    PacketWriter(sink).write(START, bytes(60), 1514)
    ((_, frame),) = list(dpkt.pcap.Reader(io.BytesIO(sink.getvalue())))

    assert len(frame) == 60
    assert sink.getvalue()[36:40] == (1514).to_bytes(4, "little")


@given(st.binary(max_size=70))
def test_the_checksum_is_that_of_the_rfc(data: bytes) -> None:
    assert checksum(data) == dpkt.in_cksum(data)


def test_two_families_make_no_connection() -> None:
    with pytest.raises(ValueError, match="two families"):
        Conversation(("192.0.2.1", 1), ("2001:db8::1", 2))
