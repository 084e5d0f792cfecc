"""IEEE 802.11 around a TLS handshake, frame by frame as scapy writes it, against tshark."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final, TypeAlias

import pytest
from scapy.compat import raw
from scapy.layers.dot11 import Dot11, Dot11QoS, RadioTap
from scapy.layers.inet import IP
from scapy.layers.l2 import LLC, SNAP, Ether
from scapy.packet import Packet, Raw
from scapy.utils import rdpcap

from analyzer import analyze
from analyzer.capture.source import open_capture
from analyzer.limits import DEFAULT
from analyzer.pipeline import Analysis
from tests.capture.captures import pcap

_SAMPLE: Final = Path(__file__).parents[2] / "sample_pcaps" / "good_small_mss.pcap"
_WIFI, _RADIOTAP = 105, 127
_MAC: Final = "02:00:00:00:00:01"
_TO_AP, _FROM_AP, _ORDER = 0x01, 0x02, 0x80
_AMSDU: Final = 0x80
_HT_CONTROL: Final = bytes(4)

Segment: TypeAlias = tuple[int, int, int, int]  # frame, ports, sequence
Frame: TypeAlias = bytes


def packets() -> list[bytes]:
    """IP packets of a healthy connection."""
    return [raw(packet[IP]) for packet in rdpcap(str(_SAMPLE))]


def llc(packet: bytes) -> bytes:
    """LLC and SNAP around an IP packet."""
    return raw(LLC(dsap=0xAA, ssap=0xAA, ctrl=3) / SNAP(code=0x0800) / Raw(packet))


def header(*, flags: int = _TO_AP, quality: bool = False, several: bool = False) -> bytes:
    """The header of a data frame; ``several`` packets make it an A-MSDU."""
    dot11 = Dot11(
        type=2,
        subtype=8 if quality else 0,
        FCfield=flags,
        addr1=_MAC,
        addr2=_MAC,
        addr3=_MAC,
        addr4=_MAC,
    )
    control: Packet = dot11 / Dot11QoS(A_MSDU_Present=several) if quality else dot11
    return raw(control) + (_HT_CONTROL if quality and flags & _ORDER else b"")


def subframe(packet: bytes) -> bytes:
    """A packet of an A-MSDU without the padding behind it."""
    body = llc(packet)
    return raw(Ether(src=_MAC, dst=_MAC, type=len(body)) / Raw(body))


def gathered(most: int) -> Iterator[list[bytes]]:
    """Consecutive packets of one direction, at most so many."""
    batch: list[bytes] = []
    for packet in packets():
        if batch and (len(batch) == most or packet[12:16] != batch[0][12:16]):
            yield batch
            batch = []
        batch.append(packet)
    yield batch


def amsdu(head: bytes, batch: list[bytes]) -> bytes:
    """An A-MSDU: all subframes but the last are padded to 4 bytes."""
    frames = [subframe(packet) for packet in batch]
    return head + b"".join(f + bytes(-len(f) % 4) for f in frames[:-1]) + frames[-1]


def radio(flags: str, *, timed: bool = False, words: int = 1) -> bytes:
    """A radiotap header with these flags."""
    present = "Flags+TSFT" if timed else "Flags"
    made = raw(RadioTap(present=present, Flags=flags, mac_timestamp=1))
    if words == 1:
        return made
    first = int.from_bytes(made[4:8], "little") | 1 << 31
    more = b"".join(
        (1 << 31 if n < words - 2 else 0).to_bytes(4, "little") for n in range(words - 1)
    )
    # Behind an even number of words the time has to be aligned once more.
    pad = bytes(-(8 + len(more)) % 8) if timed else b""
    size = len(made) + len(more) + len(pad)
    return (
        made[:2] + size.to_bytes(2, "little") + first.to_bytes(4, "little") + more + pad + made[8:]
    )


def padded(head: bytes) -> bytes:
    return head + bytes(-len(head) % 4)


def each(before: bytes) -> list[bytes]:
    """The connection with the same bytes before every packet."""
    return [before + llc(packet) for packet in packets()]


def plain_radio(**how: object) -> bytes:
    return radio("", **how)  # type: ignore[arg-type]


_QOS, _FOUR = header(quality=True), header(flags=_TO_AP | _FROM_AP, quality=True)
_HT = header(flags=_TO_AP | _ORDER, quality=True)
_SEVERAL = header(quality=True, several=True)
WAYS: dict[str, tuple[int, Callable[[], list[bytes]]]] = {
    "data": (_WIFI, lambda: each(header())),
    "four addresses": (_WIFI, lambda: each(header(flags=_TO_AP | _FROM_AP))),
    "QoS": (_WIFI, lambda: each(_QOS)),
    "QoS, four addresses": (_WIFI, lambda: each(_FOUR)),
    "HT control": (_WIFI, lambda: each(_HT)),
    "order without QoS": (_WIFI, lambda: each(header(flags=_TO_AP | _ORDER))),
    "A-MSDU": (_WIFI, lambda: [amsdu(_SEVERAL, batch) for batch in gathered(3)]),
    "A-MSDU, four addresses, HT control": (
        _WIFI,
        lambda: [
            amsdu(header(flags=_TO_AP | _FROM_AP | _ORDER, quality=True, several=True), batch)
            for batch in gathered(2)
        ],
    ),
    "radiotap": (_RADIOTAP, lambda: each(plain_radio() + header())),
    "radiotap with FCS": (
        _RADIOTAP,
        lambda: [frame + b"\1\2\3\4" for frame in each(radio("FCS") + _QOS)],
    ),
    "padding": (_RADIOTAP, lambda: each(radio("pad") + padded(_QOS))),
    "padding, four addresses": (_RADIOTAP, lambda: each(radio("pad") + padded(_FOUR))),
    "padding where none is due": (_RADIOTAP, lambda: each(radio("pad") + header())),
    "padding behind a time": (_RADIOTAP, lambda: each(radio("pad", timed=True) + padded(_QOS))),
    "padding behind a time and two words": (
        _RADIOTAP,
        lambda: each(radio("pad", timed=True, words=2) + padded(_QOS)),
    ),
    "padding behind three words": (
        _RADIOTAP,
        lambda: each(radio("pad", words=3) + padded(_QOS)),
    ),
    "padding, A-MSDU": (
        _RADIOTAP,
        lambda: [amsdu(radio("pad") + padded(_SEVERAL), batch) for batch in gathered(3)],
    ),
}


def written(way: str, folder: Path) -> Path:
    link, frames = WAYS[way]
    path = folder / "wifi.pcap"
    path.write_bytes(pcap(frames(), link_type=link))
    return path


def ours(path: Path) -> list[Segment]:
    """Frame, source port and sequence number of every segment, in order."""
    found: list[Segment] = []
    for block in open_capture(path).segments(copies=True):
        columns = (block.frame, block.source_port, block.sequence, block.length)
        found += zip(*(column.tolist() for column in columns), strict=True)
    return sorted(found)


def theirs(path: Path) -> list[Segment]:
    """The same of tshark, which names the segments of one frame in one line."""
    command = ["tshark", "-n", "-r", str(path), "-Y", "tcp", "-T", "fields"]
    for field in ("frame.number", "tcp.srcport", "tcp.seq_raw", "tcp.len"):
        command += ["-e", field]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    found: list[Segment] = []
    for line in done.stdout.splitlines():
        frame, *cells = line.split("\t")
        numbers = [list(map(int, cell.split(","))) for cell in cells]
        found += [(int(frame), *values) for values in zip(*numbers, strict=True)]
    return sorted(found)


@pytest.mark.parametrize("way", WAYS)
def test_a_handshake_over_the_air_is_told_like_any_other(way: str, tmp_path: Path) -> None:
    (wired,), (told,) = (analyze([str(p)]).connections for p in (_SAMPLE, written(way, tmp_path)))

    assert len(ours(tmp_path / "wifi.pcap")) == len(packets())
    assert told.handshake.signature == wired.handshake.signature
    assert told.tcp.server_bytes == wired.tcp.server_bytes
    assert told.outcome == wired.outcome == "established"


@pytest.mark.peer
@pytest.mark.parametrize("way", WAYS)
def test_tshark_finds_the_same_segments_over_the_air(way: str, tmp_path: Path) -> None:
    if shutil.which("tshark") is None:
        pytest.skip("tshark is not installed")
    path = written(way, tmp_path)

    assert ours(path) == theirs(path)


def test_connections_that_begin_in_one_frame_are_numbered_in_its_order(tmp_path: Path) -> None:
    """However many processes there are: those who share the work know of frames alone."""
    syn, path = packets()[0], tmp_path / "begun.pcap"
    ports = [50_000 + number for number in range(60)]
    opened = [syn[:20] + port.to_bytes(2) + syn[22:] for port in ports]
    frames = [amsdu(_SEVERAL, opened[at : at + 3]) for at in range(0, len(opened), 3)]
    path.write_bytes(pcap(frames, link_type=_WIFI))
    limits = replace(DEFAULT, shared_bytes=1)

    for jobs in (1, 2):
        report = Analysis([str(path)], limits=limits, jobs=jobs).report()
        assert [one.client.port for one in report.connections] == ports


@pytest.mark.parametrize("way", WAYS)
def test_frames_cut_anywhere_are_survived(way: str, tmp_path: Path) -> None:
    link, frames = WAYS[way]
    path, few = tmp_path / "cut.pcap", frames()[:6]
    for size in range(90):
        path.write_bytes(pcap(few, link_type=link, snap=size))
        assert len(ours(path)) <= 6 * 3
