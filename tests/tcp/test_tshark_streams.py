"""Stream numbers against tshark: every connection of the corpus, by number, frames and packets."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final, TypeAlias

import pytest

from analyzer import CaptureError
from analyzer.capture.source import open_capture
from analyzer.limits import DEFAULT
from analyzer.tcp.flow import FlowTable
from tests.support.shared import shared

pytestmark = [pytest.mark.corpus, pytest.mark.peer, pytest.mark.slow]

Streams: TypeAlias = dict[int, tuple[int, int, int]]  # packets, first and last frame

_SOCKS = "tshark's SOCKS dissector takes stream numbers for the hosts behind the proxy"
KNOWN: Final[Mapping[str, str]] = {
    "FoxIO-LLC-ja4__pcap__socks-https-example.pcap": _SOCKS,
    "ntop-nDPI__tests__cfgs__default__pcap__tls_heur__trojan-tcp-tls.pcapng": _SOCKS,
    "ntop-nDPI__tests__cfgs__default__pcap__tls_heur__vmess-tcp-tls.pcapng": _SOCKS,
}


def _ours(path: Path) -> Streams | None:
    table = FlowTable(DEFAULT)
    try:
        for block in open_capture(str(path), DEFAULT).segments(copies=True):
            table.observe(block)
    except CaptureError:
        return None
    streams = {}
    for evidence in table.evidence():
        halves = [half for half in evidence.halves if half.packets]
        streams[evidence.stream] = (
            sum(half.packets for half in halves),
            min(half.first_frame or 0 for half in halves),
            max(half.last_frame or 0 for half in halves),
        )
    return streams


def _theirs(path: Path) -> Streams:
    """Streams of the packets that are TCP themselves and do not merely quote it."""
    command = ["tshark", "-n", "-r", str(path), "-Y", "tcp.stream and not icmp and not icmpv6"]
    command += ["-T", "fields", "-e", "frame.number", "-e", "tcp.stream"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    streams: Streams = {}
    for line in done.stdout.splitlines():
        frame, _, numbers = line.partition("\t")
        for number in map(int, numbers.split(",")):
            packets, first, _ = streams.get(number, (0, int(frame), 0))
            streams[number] = (packets + 1, first, int(frame))
    return streams


def _differs(name: str, folder: Path) -> bool:
    ours = _ours(folder / name)
    return ours is not None and ours != _theirs(folder / name)


def test_streams_are_numbered_as_tshark_numbers_them() -> None:
    if shutil.which("tshark") is None:
        pytest.skip("tshark is not installed")
    folder = shared("corpus/tls")
    names = [Path(row["file"]).name for row in json.loads(shared("corpus/tls.json").read_text())]
    with ThreadPoolExecutor(2) as pool:
        differing = pool.map(partial(_differs, folder=folder), names)
        found = {name for name, differs in zip(names, differing, strict=True) if differs}

    assert found - set(KNOWN) == set()
    assert set(KNOWN) - found == set(), "a difference that no longer exists is still listed"
