"""Several processes change nothing but the time it takes, and fail in one line."""

from __future__ import annotations

import dataclasses
import gzip
import itertools
import multiprocessing
import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest

from analyzer.capture.block import Place
from analyzer.capture.parcel import pack
from analyzer.capture.places import look_up
from analyzer.errors import CaptureError, UsageError
from analyzer.handbook import CATALOGUE
from analyzer.judging import Brevity, Desk
from analyzer.judging import Told as Concluded
from analyzer.keys import read_secrets
from analyzer.limits import DEFAULT
from analyzer.pipeline import Analysis, Selection
from analyzer.reading import Frames
from analyzer.report.machine import line_of, render_line
from analyzer.sharing import shares, worker
from analyzer.sharing.share import Share
from analyzer.sharing.shares import Shares
from analyzer.sharing.tasks import End, Numbers, Opened, Rows, Tell, Told, Work
from analyzer.tcp.dealing import Dealer, numbered
from analyzer.tcp.evidence import Endpoint, Evidence, Half
from analyzer.tls.story import Neighbours
from benchmarks.build import bulk, interleaved, write
from tests.support.segments import CLIENT, SERVER, Sent, block_of

HERE = Path(__file__).parent
RECORDED = sorted(map(str, (HERE / "bench" / "recorded").glob("*.pcap")))[::6]
ICMP = [str(path) for path in sorted((HERE.parent / "sample_pcaps").glob("*.pcap"))]
KEYED = HERE / "bench" / "keyed" / "client-certificate-missing.pcap"
# So low that others help at once, outlines are drawn and stories are judged before the end.
EAGER = dataclasses.replace(DEFAULT, shared_bytes=1, full_stories=4, held_stories=7)


def stream_of(told: Concluded, _: Frames) -> int:
    return told.stream


def broken(told: Concluded, _: Frames) -> int:
    raise ArithmeticError(f"stream {told.stream}")


@pytest.mark.parametrize("failed", [False, True])
@pytest.mark.parametrize("files", [RECORDED, ICMP], ids=["recorded", "samples"])
def test_the_report_does_not_depend_on_the_number_of_processes(
    files: list[str], failed: bool
) -> None:
    chosen = Selection(failed=failed)
    alone = Analysis(files, limits=EAGER).report(chosen)
    shared = Analysis(files, limits=EAGER, jobs=3).report(chosen)

    assert len(alone.connections) > 50
    assert failed or {c.detail for c in alone.connections} == {"full", "short"}
    assert msgspec.json.encode(shared) == msgspec.json.encode(alone)


def test_connections_come_in_the_same_order() -> None:
    alone = list(Analysis(RECORDED[:20], limits=EAGER).connections())

    assert list(Analysis(RECORDED[:20], limits=EAGER, jobs=2).connections()) == alone


def test_a_line_is_the_connection_rendered_whoever_wrote_it() -> None:
    failed = Selection(failed=True)
    alone = [*Analysis(RECORDED[:20], limits=EAGER).connections(failed)]
    lines = [*Analysis(RECORDED[:20], limits=EAGER, jobs=2).lines(failed)]

    assert [line.text for line in lines] == [render_line(connection) for connection in alone]
    assert {line.outcome for line in lines} == {"failed"}


def test_one_file_of_many_blocks_is_the_same_packed_and_not(tmp_path: Path) -> None:
    """The bytes of a plain file are read by all, those of a packed one are sent."""
    plain, packed = tmp_path / "plain.pcap", tmp_path / "packed.pcap.gz"
    files = [Path(name).read_bytes() for name in RECORDED[:40]]
    plain.write_bytes(files[0][:24] + b"".join(data[24:] for data in files))
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    limits = dataclasses.replace(EAGER, block_bytes=1 << 14)

    told = [
        [msgspec.json.encode(c) for c in Analysis([path], limits=limits, jobs=jobs).connections()]
        for path, jobs in [(plain, 1), (plain, 2), (packed, 2)]
    ]

    assert len(told[0]) >= 40
    assert told[0] == told[1] == told[2]


def test_secrets_that_a_capture_brings_are_used_and_noted(tmp_path: Path) -> None:
    path = tmp_path / "with-secrets.pcapng"
    path.write_bytes(as_pcapng(KEYED.read_bytes(), KEYED.with_suffix(".keys").read_bytes()))
    alone, shared = (Analysis([path], limits=EAGER, jobs=jobs) for jobs in (1, 2))
    reports = [analysis.report() for analysis in (alone, shared)]

    assert reports[0].connections[0].handshake.signature == "CsiorxyfIXFl"
    assert msgspec.json.encode(reports[0]) == msgspec.json.encode(reports[1])
    assert shared.complaints == alone.complaints == ()


def as_pcapng(pcap: bytes, secrets: bytes) -> bytes:
    """The packets of a pcap file behind a Decryption Secrets Block."""

    def block(kind: int, body: bytes) -> bytes:
        body += bytes(-len(body) % 4)
        return struct.pack("<II", kind, 12 + len(body)) + body + struct.pack("<I", 12 + len(body))

    written = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    written += block(1, struct.pack("<HHI", 1, 0, 0))
    written += block(10, struct.pack("<II", 0x544C534B, len(secrets)) + secrets)
    at = 24
    while at < len(pcap):
        second, micro, captured, wire = struct.unpack_from("<IIII", pcap, at)
        time = second * 1_000_000 + micro
        head = struct.pack("<IIIII", 0, time >> 32, time & 0xFFFF_FFFF, captured, wire)
        written += block(6, head + pcap[at + 16 : at + 16 + captured])
        at += 16 + captured
    return written


@pytest.mark.parametrize(
    "alone",
    [
        pytest.param({"live": True}, id="told while it is captured"),
        pytest.param({"secrets": read_secrets([KEYED.with_suffix(".keys")])}, id="secrets"),
        pytest.param({"jobs": 1}, id="not asked for"),
        pytest.param({"limits": DEFAULT}, id="little to read"),
    ],
)
def test_what_stays_in_one_process(
    monkeypatch: pytest.MonkeyPatch, alone: dict[str, object]
) -> None:
    monkeypatch.setattr(Shares, "__init__", lambda *_: pytest.fail("a process was started"))
    options: dict[str, object] = {"limits": EAGER, "jobs": 2} | alone

    assert list(Analysis(RECORDED[:3], **options).connections())  # type: ignore[arg-type]


def test_downloads_stay_in_one_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where packets are the work and not connections, dealing them out costs what it saves."""
    monkeypatch.setattr(Shares, "__init__", lambda *_: pytest.fail("a process was started"))
    path = tmp_path / "bulk.pcap"
    write(path, interleaved(bulk(2, 850_000)))

    assert len(list(Analysis([path], limits=EAGER, jobs=2).connections())) > 2


@pytest.fixture
def two() -> Iterator[Shares[int]]:
    arguments = EAGER, Frames(several=False), stream_of, Brevity(None), CATALOGUE
    found: Shares[int] = Shares(2, *arguments)
    yield found
    found.close()


def test_a_process_that_dies_is_told_in_one_line(two: Shares[int]) -> None:
    for one in two._workers:
        assert one._process.pid is not None
        os.kill(one._process.pid, signal.SIGKILL)
    blocks = [block_of([Sent(CLIENT, SERVER, 1, flags=2)], frame) for frame in range(1, 99)]
    with pytest.raises(UsageError, match=r"has ended .* --jobs 1"):
        list(itertools.chain.from_iterable(map(two.hear, blocks)))


def test_a_mistake_of_ours_in_a_process_is_raised_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analyzer.pipeline.line_of", broken)

    with pytest.raises(RuntimeError, match="ArithmeticError: stream"):
        list(Analysis(RECORDED[:3], limits=EAGER, jobs=2).lines())


def test_a_capture_that_becomes_shorter_is_told(two: Shares[int], tmp_path: Path) -> None:
    path = tmp_path / "short.pcap"
    path.write_bytes(bytes(10))
    block = block_of([Sent(CLIENT, SERVER, 1, b"data")])
    there = dataclasses.replace(block, place=Place(str(path), 8, 4))

    with pytest.raises(CaptureError, match=r"short\.pcap: changed while it was read .* at byte 8"):
        list(two.hear(there)) + list(two.finish(1))


def test_places_are_read_where_they_are(tmp_path: Path) -> None:
    path = tmp_path / "some"
    path.write_bytes(bytes(100_000) + bytes(range(100)))

    assert bytes(look_up(Place(str(path), 100_090, 10))) == bytes(range(90, 100))
    assert bytes(look_up(Place(str(path), 0, 3))) == bytes(3)
    with pytest.raises(CaptureError, match="it became shorter"):
        look_up(Place(str(path), 100_090, 11))
    with pytest.raises(CaptureError, match="No such file"):
        look_up(Place(str(tmp_path / "none"), 0, 1))


def test_what_is_not_asked_for_any_more_leaves_no_process() -> None:
    connections = Analysis(RECORDED, limits=EAGER, jobs=2).connections()
    next(connections)
    connections.close()  # type: ignore[attr-defined]

    assert multiprocessing.active_children() == []


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc which processes there are")
def test_nobody_works_on_for_a_process_that_was_killed() -> None:
    program = (
        "import sys; from analyzer.pipeline import Analysis; from tests.test_shares import *\n"
        "lines = Analysis(RECORDED, limits=EAGER, jobs=2).lines(); next(lines)\n"
        "print(*[p.pid for p in multiprocessing.active_children()], flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=HERE.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        others = process.stdout.readline().split()
        process.kill()
    until = time.monotonic() + 10
    while any(map(_runs, others)) and time.monotonic() < until:
        time.sleep(0.05)

    assert len(others) == 2
    assert [pid for pid in others if _runs(pid)] == []


def _runs(pid: str) -> bool:
    """Whether a process is there, and not just its exit status."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_both_directions_of_a_connection_go_to_one_share() -> None:
    talks = [((CLIENT[0], port), SERVER) for port in range(1000, 1200)]
    sent = [Sent(*ends, 1) for pair in talks for ends in (pair, pair[::-1])]
    dealt = Dealer(3).deal(block_of(sent))

    assert sum(len(rows.frame) for rows in dealt) == len(sent)
    for rows in dealt:
        assert 80 < len(rows.frame) < 200
        assert sorted(rows.frame) == list(rows.frame)
        pairs = {int(frame - 1) // 2 for frame in rows.frame}
        assert len(pairs) * 2 == len(rows.frame)


def test_connections_are_numbered_in_order_of_the_frames_that_began_them() -> None:
    frames = [np.array([3, 9]), np.array([], np.int64), np.array([1, 4, 7])]

    assert numbered(frames, 10) == [[11, 14], [], [10, 12, 13]]
    assert numbered([np.array([], np.int64)] * 2, 5) == [[], []]


def test_what_a_block_ends_is_told_in_pieces_as_it_is_asked_for() -> None:
    """Else the stories of a flood would all wait for their judge at once."""
    share = Share(Work(EAGER, False, stream_of, Brevity(None), CATALOGUE))
    flood = [((CLIENT[0], port), SERVER) for port in range(10)]
    block = block_of([Sent(*ends, 1, flags=2) for ends in flood])

    opened = share.answer(Rows(pack(block), 10, [], []))
    share.answer(Numbers(list(range(100, 110))))
    told = [share.answer(Tell(4))]  # of the block: nothing has ended
    share.answer(End(10))
    told += [share.answer(Tell(4)) for _ in range(3)]

    assert isinstance(opened, Opened)
    assert opened.frames.tolist() == [*range(1, 11)]
    assert [(len(t.heard), t.more) for t in told if isinstance(t, Told)] == [
        *((0, False), (4, True), (4, True), (2, False))
    ]
    assert sorted(share._desk._stories) == [*range(100, 110)]


def test_limits_on_what_is_open_are_shared() -> None:
    shared = shares._shared(DEFAULT, 4)

    assert shared.open_connections * 4 == DEFAULT.open_connections
    assert shared.open_bytes * 4 == DEFAULT.open_bytes
    assert shared.half_bytes == DEFAULT.half_bytes


def test_an_outline_is_enough_for_later_connections_that_nobody_asked_for() -> None:
    brevity = Brevity(3, frozenset({5}))

    assert [stream for stream in range(7) if brevity.allows(stream)] == [3, 4, 6]
    assert not any(map(Brevity(None).allows, range(7)))


def silent(stream: int) -> Evidence:
    ends = Endpoint("192.0.2.1", 40_000 + stream), Endpoint("198.51.100.1", 443)
    heard = Half(packets=1, first_frame=1, first_time=1, last_frame=1, last_time=1)
    return Evidence(stream, ends, (heard, Half()))


def test_a_story_is_kept_until_it_is_judged() -> None:
    desk = Desk(DEFAULT, Frames(several=False), line_of, Brevity(None))
    (heard,) = desk.hear([silent(3)], 5_000_000_000, None)
    (line,) = desk.judge([(heard.stream, Neighbours())])

    assert (line.stream, line.outcome) == (3, "not_tls")
    with pytest.raises(KeyError):
        desk.judge([(heard.stream, Neighbours())])


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere processes are not copied")
def test_a_process_with_threads_is_not_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("threading.active_count", lambda: 2)
    assert worker._context().get_start_method() == "spawn"
    monkeypatch.setattr("threading.active_count", lambda: 1)
    assert worker._context().get_start_method() == "fork"
