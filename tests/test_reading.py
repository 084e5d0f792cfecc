"""Files of one capture: rotated, overlapping, one for each direction, with copies, still growing."""

from __future__ import annotations

import dataclasses
import gzip
import io
import os
import signal
import struct
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.limits import DEFAULT
from analyzer.pipeline import Analysis
from analyzer.report.schema import Report
from tests.support.interrupts import heed_interrupts
from tests.support.tiny import SYN, Talk, pcap, refused, rejected

SAMPLES = Path(__file__).parents[1] / "sample_pcaps"
HEADER = 24


def packets(data: bytes) -> list[bytes]:
    """The records of a little-endian pcap, each with its header."""
    found, at = [], HEADER
    while at < len(data):
        size = 16 + struct.unpack_from("<I", data, at + 8)[0]
        found.append(data[at : at + size])
        at += size
    return found


def parted(data: bytes, chosen: list[int], files: int, folder: Path) -> list[str]:
    """The records of a capture, each in the file chosen for it; every file in order of time."""
    parts: list[list[bytes]] = [[] for _ in range(files)]
    for record, file in zip(packets(data), chosen, strict=True):
        parts[file].append(record)
    paths = []
    for number, part in enumerate(parts):
        path = folder / f"part{number}.pcap"
        path.write_bytes(data[:HEADER] + b"".join(part))
        paths.append(str(path))
    return paths


def told(report: Report, frames: dict[tuple[int, int], int] | None = None) -> object:
    """What a report says of connections, every frame by its number in the whole capture."""

    def renumbered(value: object) -> object:
        if isinstance(value, dict):
            if frames is not None and value.keys() == {"file", "frame"}:
                return frames[value["file"], value["frame"]]
            return {key: renumbered(item) for key, item in value.items()}
        return [renumbered(item) for item in value] if isinstance(value, (list, tuple)) else value

    return renumbered(msgspec.to_builtins(report.connections))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("parts")


SEVERAL = pcap(
    *(rejected(port=20_000 + i, start=1.8e9 + i * 0.013) for i in range(4)),
    refused(port=7),
)


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_files_that_overlap_tell_what_the_whole_tells(folder: Path, data: st.DataObject) -> None:
    count = len(packets(SEVERAL))
    chosen = data.draw(st.lists(st.integers(0, 2), min_size=count, max_size=count))
    (folder / "whole.pcap").write_bytes(SEVERAL)
    whole = Analysis([folder / "whole.pcap"]).report()
    paths = parted(SEVERAL, chosen, 3, folder)
    report = Analysis(paths).report()

    order = [paths.index(capture.path) for capture in report.captures]
    seen = [0] * 3
    frames = {}
    for frame, file in enumerate(chosen, start=1):
        seen[file] += 1
        frames[order.index(file), seen[file]] = frame
    assert told(report, frames) == told(whole)
    assert report.summary == whole.summary


@pytest.mark.parametrize("name", ["cert_expired", "good_tls12", "untrusted_ca_tls13"])
def test_two_captures_of_one_direction_each_are_one_conversation(name: str, tmp_path: Path) -> None:
    data = (SAMPLES / f"{name}.pcap").read_bytes()
    whole = Analysis([SAMPLES / f"{name}.pcap"]).report()
    first = packets(data)[0][16 + 26 : 16 + 30]
    sides = [int(record[16 + 26 : 16 + 30] != first) for record in packets(data)]
    report = Analysis(parted(data, sides, 2, tmp_path)).report()

    assert report.summary == whole.summary
    for ours, theirs in zip(report.connections, whole.connections, strict=True):
        assert ours.handshake.signature == theirs.handshake.signature
        assert (ours.diagnosis is None) == (theirs.diagnosis is None)
        if ours.diagnosis and theirs.diagnosis:
            assert ours.diagnosis.title == theirs.diagnosis.title


def test_files_of_a_rotation_keep_their_own_frames(tmp_path: Path) -> None:
    data = pcap(rejected(port=1, start=1.8e9), rejected(port=2, start=1.9e9))
    half = len(packets(data)) // 2
    paths = parted(data, [0] * half + [1] * half, 2, tmp_path)
    report = Analysis(list(reversed(paths))).report()

    assert [c.path for c in report.captures] == paths
    syns = [msgspec.to_builtins(c.tcp.syn_frame) for c in report.connections]
    assert syns == [{"file": 0, "frame": 1}, {"file": 1, "frame": 1}]


def test_a_file_without_packets_does_no_harm(tmp_path: Path) -> None:
    paths = parted(SEVERAL, [1] * len(packets(SEVERAL)), 3, tmp_path)
    report = Analysis(paths).report()

    assert report.summary.failed == 5
    assert sorted(capture.packets for capture in report.captures) == [0, 0, len(packets(SEVERAL))]


def archive(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in members.items():
            packed.writestr(name, data)
    return out.getvalue()


@pytest.mark.parametrize("outer", [bytes, gzip.compress], ids=["zip", "zip in gzip"])
@pytest.mark.parametrize("stream", [False, True])
def test_an_archive_of_a_rotation_is_read_as_one_capture(
    outer: Callable[[bytes], bytes], stream: bool, tmp_path: Path
) -> None:
    count = len(packets(SEVERAL))
    (tmp_path / "whole.pcap").write_bytes(SEVERAL)
    paths = parted(SEVERAL, [3 * i // count for i in range(count)], 3, tmp_path)
    parts = [Path(path).read_bytes() for path in paths]
    path = tmp_path / "case.zip"
    members = {
        "log.gz": gzip.compress(b"a log"),
        "t/trace.pcap2": parts[2],
        "t/trace.pcap0.gz": gzip.compress(parts[0]),
        "t/trace.pcap1": parts[1],
        "read.me": b"see the ticket",
    }
    path.write_bytes(outer(archive(members)))
    whole = Analysis([tmp_path / "whole.pcap"]).report()
    with path.open("rb") as file:
        report = Analysis([file if stream else path]).report()

    names = ["trace.pcap0.gz", "trace.pcap1", "trace.pcap2"]
    assert [c.path for c in report.captures] == [f"{path}/t/{name}" for name in names]
    assert report.summary == whole.summary
    told_beside = [note for c in report.captures for note in c.caveats if "no capture" in note]
    assert told_beside == ["The archive also holds what is no capture: log.gz, read.me."]


def test_an_archive_of_one_capture_keeps_plain_frame_numbers(tmp_path: Path) -> None:
    path = tmp_path / "case.zip"
    path.write_bytes(archive({"read.me": b"none", "trace.pcap": SEVERAL}))
    report = Analysis([path]).report()

    assert [c.path for c in report.captures] == [str(path)]
    assert report.connections[0].tcp.syn_frame == 1


def test_packets_that_were_captured_twice_count_once_and_are_mentioned(tmp_path: Path) -> None:
    data = (SAMPLES / "cert_expired.pcap").read_bytes()
    path = tmp_path / "bond.pcap"
    path.write_bytes(data[:HEADER] + b"".join(record * 2 for record in packets(data)))
    (once,) = Analysis([SAMPLES / "cert_expired.pcap"]).report().connections
    report = Analysis([path]).report()
    (twice,) = report.connections

    assert twice.tcp.retransmissions == once.tcp.retransmissions == 0
    assert twice.tcp.client_packets == once.tcp.client_packets
    assert twice.handshake.signature == once.handshake.signature
    assert any("captured twice" in caveat for caveat in report.captures[0].caveats)
    assert not Analysis([SAMPLES / "cert_expired.pcap"]).report().captures[0].caveats


@pytest.mark.parametrize("border", range(1, 8))
def test_a_copy_is_known_across_the_borders_of_blocks_and_files(
    border: int, tmp_path: Path
) -> None:
    data = (SAMPLES / "cert_expired.pcap").read_bytes()
    twice = data[:HEADER] + b"".join(record * 2 for record in packets(data))
    count = len(packets(twice))
    whole = Analysis([io.BytesIO(twice)]).report()
    blocks = Analysis(
        [io.BytesIO(twice)], limits=dataclasses.replace(DEFAULT, block_packets=border)
    ).report()
    paths = parted(twice, [0] * border + [1] * (count - border), 2, tmp_path)
    report = Analysis(paths).report()

    frames = {
        (int(at >= border), at + 1 - border * int(at >= border)): at + 1 for at in range(count)
    }
    assert blocks == whole
    assert told(report, frames) == told(whole)


def test_a_syn_repeated_after_a_second_is_no_copy() -> None:
    talk = Talk()
    talk.send(0, SYN)
    again = (talk.packets[0][0] + 1, talk.packets[0][1])
    talk.packets.append(again)
    report = Analysis([io.BytesIO(pcap(talk))]).report()

    assert report.connections[0].tcp.syns == 2
    assert not report.captures[0].caveats


def lines_of(process: subprocess.Popen[bytes], got: list[bytes]) -> threading.Thread:
    assert process.stdout is not None
    stdout = process.stdout
    thread = threading.Thread(target=lambda: got.extend(iter(stdout.readline, b"")), daemon=True)
    thread.start()
    return thread


def wait_for(got: list[bytes], count: int) -> None:
    end = time.monotonic() + 30
    while len(got) < count and time.monotonic() < end:
        time.sleep(0.05)


PROGRAM = [sys.executable, "-m", "analyzer", "analyze", "--format", "ndjson"]


def test_a_pipe_that_stays_open_has_its_stories_told() -> None:
    with subprocess.Popen(
        [*PROGRAM, "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        got: list[bytes] = []
        thread = lines_of(process, got)
        assert process.stdin is not None
        process.stdin.write(pcap(rejected(port=1)))
        process.stdin.flush()
        wait_for(got, 1)
        before = len(got)
        process.stdin.write(packets(pcap(refused(port=2)))[0])
        process.stdin.close()
        thread.join(30)

    assert before == 1
    assert [b'"port":1}' in got[0], b'"port":2}' in got[1], len(got)] == [True, True, 2]
    assert process.returncode == 0


def test_a_file_that_grows_is_followed_until_interrupted(tmp_path: Path) -> None:
    path = tmp_path / "growing.pcap"
    path.write_bytes(pcap(rejected(port=1)))
    with subprocess.Popen(
        [*PROGRAM, "--follow", str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=heed_interrupts,
    ) as process:
        got: list[bytes] = []
        thread = lines_of(process, got)
        wait_for(got, 1)
        with path.open("ab") as file:
            file.write(pcap(rejected(port=2, start=2e9))[HEADER:])
        wait_for(got, 2)
        before = len(got)
        with path.open("ab") as file:
            file.write(packets(pcap(Talk(client_port=3, start=2.1e9).send(0, SYN)))[0])
        time.sleep(0.5)
        os.kill(process.pid, signal.SIGINT)
        thread.join(30)

    assert before == 2
    assert len(got) == 3
    assert b'"port":3}' in got[2]
    assert process.returncode == 0
