from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import lzma
import os
import shutil
import struct
import subprocess
import sys
import threading
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from analyzer.capture.source import open_capture
from analyzer.errors import CaptureError
from tests.capture.captures import Pcapng, ethernet, ipv4, packets_of, pcap, read, tcp

PACKETS = [ethernet(ipv4(tcp(bytes([i]) * i))) for i in range(20)]
FILE = pcap(PACKETS)


def zipped(*members: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return out.getvalue()


class Pipe(io.RawIOBase):
    """A stream that cannot seek and gives a few bytes at a time."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        part = memoryview(buffer)[:7]  # type: ignore[arg-type]
        return self._data.readinto(part)


COMPRESSED = [
    pytest.param(gzip.compress(FILE), "gzip", id="gzip"),
    pytest.param(gzip.compress(FILE[:500]) + gzip.compress(FILE[500:]), "gzip", id="gzip, twice"),
    pytest.param(bz2.compress(FILE), "bzip2", id="bzip2"),
    pytest.param(lzma.compress(FILE), "xz", id="xz"),
    pytest.param(
        lzma.compress(FILE[:500]) + bytes(8) + lzma.compress(FILE[500:]), "xz", id="xz, twice"
    ),
    pytest.param(lzma.compress(FILE) + bytes(4), "xz", id="xz, padded"),
    pytest.param(zipped(("trace.pcap", FILE)), "zip", id="zip"),
    pytest.param(
        zipped(("read.me", b"no"), ("d/", b""), ("t.pcap", FILE)), "zip", id="zip, second member"
    ),
    pytest.param(zipped(("t.pcap.gz", gzip.compress(FILE))), "zip, gzip", id="gzip in zip"),
    pytest.param(gzip.compress(zipped(("t.pcap", FILE))), "gzip, zip", id="zip in gzip"),
    pytest.param(FILE, "", id="as it is"),
]


@pytest.mark.parametrize(("data", "name"), COMPRESSED)
@pytest.mark.parametrize("opened", [io.BytesIO, Pipe], ids=["file", "pipe"])
def test_compression_is_told_by_magic(
    data: bytes, name: str, opened: Callable[[bytes], io.BytesIO]
) -> None:
    capture = open_capture(opened(data))

    assert [packet for _, _, packet in packets_of(capture)] == PACKETS
    assert capture.compression == name
    assert not any("not read" in caveat for caveat in capture.caveats)


@pytest.mark.parametrize(
    ("more", "told"), [([], None), (["b"], "b;"), ([*"bcdef"], "b, c, d and 2 more;")]
)
def test_other_captures_in_an_archive_are_named(more: list[str], told: str | None) -> None:
    members = [("read.me", b"no capture"), *((name, FILE) for name in ["a", *more])]
    capture = open_capture(io.BytesIO(zipped(*members)))
    packets_of(capture)

    assert capture.packets == len(PACKETS)
    *others, rest = capture.caveats
    assert rest == "The archive also holds what is no capture: read.me."
    assert len(others) == (told is not None)
    assert told is None or told in others[0]


def test_a_packed_log_in_an_archive_is_not_taken_for_its_capture() -> None:
    members = [
        ("__MACOSX/._t.pcap", b"fork"),
        ("default.log.gz", gzip.compress(b"20261123 ...")),
        ("older.zip", zipped(("t.pcap", FILE))),
        ("t.pcap.gz", gzip.compress(FILE)),
    ]
    capture = open_capture(io.BytesIO(zipped(*members)))
    packets_of(capture)

    assert capture.packets == len(PACKETS)
    assert capture.caveats == (
        "The archive also holds what is no capture: default.log.gz, older.zip.",
    )


def test_members_are_unpacked_as_often_as_files_are() -> None:
    """One that unpacks to itself would be looked at for ever."""
    deep = FILE
    for _ in range(4):
        deep = gzip.compress(deep)
    capture = open_capture(io.BytesIO(zipped(("deep", deep), ("t.pcap", FILE))))
    packets_of(capture)

    assert capture.packets == len(PACKETS)
    assert capture.caveats == ("The archive also holds what is no capture: deep.",)


def test_captures_that_were_read_hold_no_memory() -> None:
    """There may be thousands of files, or members of an archive."""
    tracemalloc.start()
    captures = [open_capture(io.BytesIO(FILE)) for _ in range(50)]
    for capture in captures:
        packets_of(capture)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert held < 50 * (16 << 10)


@pytest.mark.parametrize("program", ["zstd", "lz4"])
def test_what_needs_a_package_is_read_or_names_it(program: str, tmp_path: Path) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    path = tmp_path / "trace"
    path.write_bytes(FILE)
    packed = subprocess.run([program, "-c", path], capture_output=True, check=True).stdout
    try:
        capture = read(packed)
    except CaptureError as error:
        assert "pip install" in error.hint  # noqa: PT017 - either outcome is right
    else:
        assert len(packets_of(capture)) == len(PACKETS)


def zstd(data: bytes) -> bytes:
    packed: bytes = pytest.importorskip("zstandard").ZstdCompressor().compress(data)
    return packed


def lz4(data: bytes) -> bytes:
    packed: bytes = pytest.importorskip("lz4.frame").compress(data)
    return packed


@pytest.mark.parametrize("pack", [zstd, lz4])
def test_with_their_packages_zstd_and_lz4_are_read(pack: Callable[[bytes], bytes]) -> None:
    capture = read(pack(FILE) + pack(b""))

    assert len(packets_of(capture)) == len(PACKETS)


@pytest.mark.parametrize("pack", [zstd, lz4])
def test_damage_to_what_they_pack_is_told(pack: Callable[[bytes], bytes]) -> None:
    packed = pack(FILE * 3)
    for at in range(4, len(packed), 3):
        for damaged in (packed[:at], packed[:at] + b"\xff\0\xff" + packed[at + 3 :]):
            with contextlib.suppress(CaptureError):
                packets_of(read(damaged))


def hungry_zip() -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_LZMA) as members:
        members.writestr("trace.pcap", FILE)
    return archive.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        lzma.compress(FILE, filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 30}]),
        hungry_zip(),
    ],
    ids=["xz", "zip"],
)
def test_a_file_does_not_say_how_much_memory_it_takes(data: bytes) -> None:
    with pytest.raises(CaptureError, match="takes more than 96 MiB of memory; unpack it first"):
        read(data)


@pytest.mark.parametrize("lost", [1, 8, 9, 60])
def test_a_cut_archive_gives_what_can_be_unpacked_and_a_caveat(lost: int) -> None:
    noise = [packet + os.urandom(60) for packet in PACKETS]
    capture = read(gzip.compress(pcap(noise), mtime=0)[:-lost])
    found = [packet for _, _, packet in packets_of(capture)]

    assert found == noise[: len(found)]
    assert len(found) >= len(noise) - 2
    assert any("damaged" in caveat for caveat in capture.caveats)


def test_damage_right_behind_the_file_header_is_a_caveat() -> None:
    capture = read(gzip.compress(pcap([]))[:-8])

    assert packets_of(capture) == []
    assert "damaged in frame 1" in capture.caveats[0]


def test_a_file_is_read_by_path_and_its_progress_told(tmp_path: Path) -> None:
    path = tmp_path / "no-extension"
    path.write_bytes(FILE)
    for source in (path, str(path)):
        capture = open_capture(source)
        assert capture.path == str(path)
        assert len(packets_of(capture)) == len(PACKETS)
        assert capture.progress == (len(FILE), len(FILE))


def test_standard_input_is_a_capture() -> None:
    program = (
        "from analyzer.capture.source import open_capture\n"
        "capture = open_capture('-')\n"
        "list(capture.segments())\n"
        "print(capture.path, capture.packets)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], input=FILE, capture_output=True, check=True
    )

    assert done.stdout.split() == [b"standard", b"input", b"20"]


def test_a_pipe_gives_its_packets_before_it_is_closed() -> None:
    reading, writing = os.pipe()
    seen = threading.Event()

    def write() -> None:
        with os.fdopen(writing, "wb", buffering=0) as stream:
            stream.write(FILE[: 24 + 16 + len(PACKETS[0])])
            assert seen.wait(10)
            stream.write(FILE[24 + 16 + len(PACKETS[0]) :])

    writer = threading.Thread(target=write)
    writer.start()
    with os.fdopen(reading, "rb", buffering=0) as stream:
        counts = []
        for block in open_capture(stream).blocks():
            counts.append(len(block.frame))
            seen.set()
    writer.join()

    assert counts[0] == 1
    assert sum(counts) == len(PACKETS)


FOREIGN = [
    pytest.param(b"GMBU\0\x02\0\0", "Network Monitor 2", "editcap", id="NetMon 2"),
    pytest.param(b"RTSS\x01\x01", "Network Monitor 1", "editcap", id="NetMon 1"),
    pytest.param(b"TRSNIFF data    \x1a", "Sniffer", "editcap", id="Sniffer"),
    pytest.param(b"XCP\x00002.002\0", "NetXRay", "editcap", id="NetXRay"),
    pytest.param(b"iptrace 2.0\0", "AIX iptrace", "editcap", id="iptrace"),
    pytest.param(
        b"\1\1\x28\0\0\0Netscaler V35 Performance Data\0",
        "NetScaler trace",
        "-traceformat PCAP",
        id="nstrace",
    ),
    pytest.param(b"ObserverPktBufferVersion=09.00", "Observer", "editcap", id="Observer"),
    pytest.param(b"btsnoop\0\0\0\0\x01", "btsnoop", "editcap", id="btsnoop"),
    pytest.param(b"\x7fver\0\0\0\x01", "EtherPeek", "editcap", id="EtherPeek"),
    pytest.param(
        2 * (bytes(4) + b"\xaa\xbb\xcc\x5f\x02\x04\x00\x50\0\0\0\x3c" + bytes(64)),
        "ERF",
        "editcap",
        id="ERF",
    ),
    pytest.param(
        struct.pack("<I", 65_536) + bytes(70) + b"\x02\xc0" + bytes(100),
        "ETL",
        "etl2pcapng",
        id="ETL",
    ),
    pytest.param(b"0000  00 01 02 03 04 05\n", "a text", "text2pcap", id="hex dump"),
    pytest.param(
        b"12:00:00.1 IP 10.0.0.1.443 > 10.0.0.2.5: Flags [S]\n",
        "printed",
        "tcpdump -w",
        id="tcpdump",
    ),
    pytest.param(b"<!DOCTYPE html><html>", "HTML", "tcpdump", id="login page"),
    pytest.param(b"-----BEGIN CERTIFICATE-----\n", "certificate", "certs", id="certificate"),
    pytest.param(b"-----BEGIN PRIVATE KEY-----\n", "PEM", "--key", id="private key"),
    pytest.param(
        b"# SSL/TLS secrets log file, generated by NSS\n", "key log", "--keylog", id="key log"
    ),
    pytest.param(b"CLIENT_RANDOM 00 00\n", "key log", "--keylog", id="bare key log"),
    pytest.param(bytes(257) + b"ustar" + bytes(300), "tar", "tar -xf", id="tar"),
    pytest.param(b"\x1f\x9d\x90", "compress", "uncompress", id="compress"),
    pytest.param(zipped(), "empty zip", "pcap", id="empty zip"),
    pytest.param(b"", "is empty", "capture again", id="empty"),
    pytest.param(b"\0" * 100, "not a capture", "editcap", id="zeros"),
    pytest.param(b"\xd4", "not a capture", "editcap", id="one byte"),
    pytest.param(b"PK\x03\x04 broken", "cannot be read", "copy", id="broken zip"),
    pytest.param(b"BZh9 broken", "cannot be read", "copy", id="broken bzip2"),
    pytest.param(b"\x1f\x8b broken gzip", "cannot be read", "copy", id="broken gzip"),
]


@pytest.mark.parametrize(("data", "problem", "hint"), FOREIGN)
def test_what_is_not_read_is_named_in_one_line_with_a_way_out(
    data: bytes, problem: str, hint: str, tmp_path: Path
) -> None:
    path = tmp_path / "trace.pcap"
    path.write_bytes(data)
    with pytest.raises(CaptureError) as caught:
        open_capture(path)

    assert problem in caught.value.problem
    assert hint in caught.value.hint
    assert "\n" not in str(caught.value)
    assert caught.value.path == str(path)


def test_a_missing_file_and_a_directory_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="no such file"):
        open_capture(tmp_path / "missing.pcap")
    with pytest.raises(CaptureError, match="is a directory"):
        open_capture(tmp_path)
    with pytest.raises(CaptureError, match="cannot be opened"):
        open_capture("nul\0byte")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read all")
def test_an_unreadable_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret.pcap"
    path.write_bytes(FILE)
    path.chmod(0)
    with pytest.raises(CaptureError, match="permission denied"):
        open_capture(path)


def snoop(packets: list[bytes], data_link: int = 4) -> bytes:
    file = b"snoop\0\0\0" + struct.pack(">II", 2, data_link)
    for second, packet in enumerate(packets):
        padded = packet + bytes(-len(packet) % 4)
        sizes = (len(packet), len(packet), 24 + len(padded))
        file += struct.pack(">IIIIII", *sizes, 5, second, 250) + padded
    return file


def test_snoop_is_read() -> None:
    capture = read(snoop(PACKETS))

    assert packets_of(capture) == [
        (i + 1, i * 1_000_000_000 + 250_000, packet) for i, packet in enumerate(PACKETS)
    ]
    assert (capture.format, capture.link_types, capture.facts.drops) == ("snoop", ("EN10MB",), 5)


def test_a_snoop_file_cut_anywhere_gives_the_packets_before() -> None:
    file = snoop(PACKETS[:3])
    for kept in range(16, len(file)):
        capture = read(file[:kept])
        found = [packet for _, _, packet in packets_of(capture)]

        assert found == PACKETS[: len(found)]


def test_pcapng_through_a_slow_pipe() -> None:
    file = Pcapng().section().interface()
    for packet in PACKETS:
        file.enhanced(packet)
    capture = open_capture(Pipe(file.data))  # type: ignore[arg-type]

    assert [packet for _, _, packet in packets_of(capture)] == PACKETS
