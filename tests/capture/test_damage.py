"""Whatever bytes come: packets and caveats, or one CaptureError; never anything else."""

from __future__ import annotations

import gzip
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.errors import CaptureError
from analyzer.limits import Limits
from tests.capture.captures import Pcapng, ethernet, ipv4, ipv6, pcap, read, tcp, udp

PACKETS = [
    ethernet(ipv4(tcp(b"plain", options=b"\x02\x04\x05\xb4", flags=2))),
    ethernet(ipv4(udp(b"\x08" + bytes(7) + ethernet(ipv4(tcp(b"tunnel"))), 4789), 17)),
    ethernet(ipv6(b"\x06\x00" + bytes(6) + tcp(b"chain"), 0), 0x86DD),
    ethernet(ipv4(tcp(b"first of two"), fragment=0x2000)),
    ethernet(ipv4(b"second of two!!!", fragment=4)),
    ethernet(ipv4(struct.pack(">BBHI", 3, 3, 0, 0) + ipv4(tcp()), 1)),
]


def _pcapng() -> bytes:
    file = Pcapng().section().interface().interface(101)
    for packet in PACKETS:
        file.enhanced(packet, 7).simple(packet).obsolete(packet[14:], 1, interface=1)
    drops = file.option(5, bytes(8))
    file.block(5, bytes(12) + drops).block(10, struct.pack("<II", 1, 4) + b"keys")
    return file.section(">").interface().enhanced(PACKETS[0]).data


FILES = (pcap(PACKETS), pcap(PACKETS, order=">", magic=0xA1B2CD34), _pcapng())
LIMITS = (Limits(), Limits(block_packets=2, block_bytes=200), Limits(fragments=1))


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A small file with some of its bytes overwritten, dropped or repeated."""
    file = bytearray(draw(st.sampled_from(FILES)))
    for _ in range(draw(st.integers(1, 5))):
        at = draw(st.integers(0, max(len(file) - 1, 0)))
        new = draw(st.sampled_from([b"\0", b"\xff", b"\x01", bytes(4), b"\xff" * 4, b"\x7f\xff"]))
        size = draw(st.sampled_from([0, len(new), len(new), len(new), 9]))
        file[at : at + size] = new
    return bytes(file)


@settings(max_examples=400, deadline=None)
@given(damaged(), st.sampled_from(LIMITS))
def test_damage_never_surprises(data: bytes, limits: Limits) -> None:
    try:
        capture = read(data, limits)
        for block in capture.segments():
            assert (block.begin <= block.end).all()
            assert (block.end <= len(block.buffer)).all()
            assert (block.end - block.begin <= block.length).all()
            assert (block.frame[1:] >= block.frame[:-1]).all()
        assert all(caveat.endswith(".") for caveat in capture.caveats)
    except CaptureError as error:
        found = str(error)
        if "\n" in found:
            pytest.fail(found)


@settings(deadline=None)
@given(st.binary(max_size=200), st.sampled_from([b"", *(file[:40] for file in FILES)]))
def test_noise_never_surprises(noise: bytes, start: bytes) -> None:
    for data in (start + noise, gzip.compress(start + noise)[: 20 + len(noise)]):
        try:
            list(read(data).segments())
        except CaptureError as error:
            assert error.hint  # noqa: PT017 - either outcome is right
