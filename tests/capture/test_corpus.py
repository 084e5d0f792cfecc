"""Third-party captures: every one is read or refused in one line, and as Wireshark reads it."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from analyzer.capture.source import open_capture
from analyzer.errors import CaptureError
from tests.capture.wireshark import our_segments, tshark_segments
from tests.support.shared import shared

pytestmark = pytest.mark.corpus

NOT_READ: Final = "a format that we name but do not read"
# Where our packets are not as many as the listing says, and why.
COUNTS: Final[Mapping[str, str]] = {
    "Ethernet_Pause_Frame.cap": NOT_READ,
    "forensics5.cap": NOT_READ,
    "i4b.trace": NOT_READ,
    "saurabh.cap": NOT_READ,
    "tcpshake.cap": NOT_READ,
    "PPPHandshake.cap": NOT_READ,
    "l2ping.cap": NOT_READ,
    "fuzz-2021-10-13.pcap": "the only record states 1.9 GB; Wireshark takes it for version 2.65",
}
# Frames that tshark counts as TCP and we do not, or the other way round, and why.
SEGMENTS: Final[Mapping[str, str]] = {}


def listed(name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(shared(f"corpus/{name}.json").read_text())
    return rows


@pytest.mark.parametrize("name", ["tls", "odd"])
def test_every_capture_is_read_whole_or_refused_in_one_line(name: str) -> None:
    wrong = []
    for row in listed(name):
        path = shared("corpus") / row["file"]
        began, refusal = time.monotonic(), ""
        try:
            capture = open_capture(path)
            segments = sum(len(block.frame) for block in capture.segments(copies=True))
            packets = capture.packets
            assert segments <= packets
            assert all("\n" not in caveat for caveat in capture.caveats)
        except CaptureError as error:
            packets, refusal = -1, str(error)
        assert time.monotonic() - began < 10
        assert "\n" not in refusal
        known = any(path.name.endswith(end) for end in COUNTS)
        if row["packets"] is not None and (packets != int(row["packets"])) != known:
            wrong.append((path.name, row["packets"], packets))

    assert wrong == []


@pytest.mark.peer
@pytest.mark.slow
def test_the_summary_is_that_of_capinfos() -> None:
    if shutil.which("capinfos") is None:
        pytest.skip("capinfos is not installed")
    wrong = []
    for row in listed("tls"):
        path = shared("corpus") / row["file"]
        capture = open_capture(path)
        list(capture.blocks())
        times = _time(capture.first_packet), _time(capture.last_packet)
        ours = (capture.packets, capture.bytes, *times)
        theirs = _capinfos(path)
        if theirs is not None and ours != theirs:
            wrong.append((path.name, ours, theirs))

    assert wrong == []


def _time(ns: int | None) -> int | None:
    return None if ns is None else ns // 1_000


def _capinfos(path: Path) -> tuple[int, int, int | None, int | None] | None:
    command = ["capinfos", "-T", "-r", "-S", "-c", "-d", "-a", "-e", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if not done.stdout.strip():
        return None  # it gives no summary of a damaged file
    cells = done.stdout.strip().split("\t")
    times = [None if cell == "n/a" else int(cell.replace(".", "")[:16]) for cell in cells[3:5]]
    return int(cells[1]), int(cells[2]), times[0], times[1]


@pytest.mark.peer
@pytest.mark.slow
@pytest.mark.parametrize("name", ["tls", "odd"])
def test_segments_are_those_of_tshark(name: str) -> None:
    differing = {}
    for row in listed(name):
        path = shared("corpus") / row["file"]
        try:
            ours = our_segments(path)
        except CaptureError:
            continue
        theirs = tshark_segments(path)
        frames = [f for f in sorted({*ours, *theirs}) if ours.get(f) != theirs.get(f)]
        if frames and not any(path.name.endswith(end) for end in SEGMENTS):
            differing[path.name] = [(f, ours.get(f), theirs.get(f)) for f in frames[:3]]

    assert differing == {}
