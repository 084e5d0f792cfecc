"""The bytes of each direction against what tshark follows, over the corpus."""

from __future__ import annotations

import dataclasses
import json
import re
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
from analyzer.tcp.closing import initial_sequence
from analyzer.tcp.flow import FlowTable
from analyzer.tcp.reassembly import assemble
from tests.support.shared import shared

pytestmark = [pytest.mark.corpus, pytest.mark.peer, pytest.mark.slow]

Sent: TypeAlias = Mapping[str, bytes]  # by "address:port"
WHOLE: Final = dataclasses.replace(
    DEFAULT, half_opening=1 << 30, half_bytes=1 << 30, half_bytes_most=1 << 30, open_bytes=1 << 40
)
STREAMS_MOST: Final = 60  # followed in one capture

_SOCKS: Final = "tshark's SOCKS dissector takes stream numbers for the hosts behind the proxy"
_HOLE: Final = "tshark shows nothing behind a hole that no acknowledgment covers"
KNOWN: Final[Mapping[str, str]] = {
    "FoxIO-LLC-ja4__pcap__socks-https-example.pcap": _SOCKS,
    "ntop-nDPI__tests__cfgs__default__pcap__tls_heur__trojan-tcp-tls.pcapng": _SOCKS,
    "ntop-nDPI__tests__cfgs__default__pcap__tls_heur__vmess-tcp-tls.pcapng": _SOCKS,
    "ajbanjara-Wireshark__uploads____moin_import____attachments__SampleCaptures__"
    "x509-with-logo.cap": _HOLE,
    "jmhIcoding-flowcontainer__1592754322_clear.pcap": _HOLE,
    "ntop-nDPI__tests__cfgs__default__pcap__KakaoTalk_chat.pcap": "two SYN-ACKs with different "
    "numbers: tshark waits for bytes after the first, which the server did not send",
}


def _ours(path: Path) -> Mapping[int, Sent] | None:
    table = FlowTable(WHOLE)
    try:
        for block in open_capture(str(path), WHOLE).segments(copies=True):
            table.observe(block)
    except CaptureError:
        return None
    found = {}
    for evidence in table.evidence():
        halves = evidence.halves
        found[evidence.stream] = {
            str(evidence.endpoints[side]): b"".join(
                chunk.data
                for chunk in assemble(
                    halves[side], halves[1 - side], initial_sequence(evidence, side)
                ).chunks
            )
            for side in (0, 1)
        }
    return found


_MISSING: Final = re.compile(rb"\[\d+ bytes missing in capture file\]\0?")


def _theirs(path: Path, streams: list[int]) -> Mapping[int, Sent]:
    command = ["tshark", "-n", "-r", str(path), "-q"]
    command += ["-o", "tcp.desegment_tcp_streams:FALSE"]
    for stream in streams:
        command += ["-z", f"follow,tcp,raw,{stream}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    found: dict[int, Sent] = {}
    for part in done.stdout.split("Filter: tcp.stream eq ")[1:]:
        lines = part.splitlines()
        nodes = [line.split(": ", 1)[1] for line in lines[1:3]]
        sent = [bytearray(), bytearray()]
        for line in lines[3:]:
            if line.startswith("="):
                break
            sent[line.startswith("\t")] += bytes.fromhex(line.strip())
        found[int(lines[0])] = {
            node: _MISSING.sub(b"", bytes(data)) for node, data in zip(nodes, sent, strict=True)
        }
    return found


def _differing(name: str, folder: Path) -> tuple[int, list[int]]:
    ours = _ours(folder / name)
    if not ours:
        return 0, []
    streams = sorted(ours)[:STREAMS_MOST]
    theirs = _theirs(folder / name, streams)
    return len(streams), [s for s in streams if _plain(theirs.get(s, {})) != _plain(ours[s])]


def _plain(sent: Sent) -> Sent:
    return {node: data for node, data in sent.items() if data}


def test_bytes_are_those_that_tshark_follows() -> None:
    if shutil.which("tshark") is None:
        pytest.skip("tshark is not installed")
    folder = shared("corpus/tls")
    names = [Path(row["file"]).name for row in json.loads(shared("corpus/tls.json").read_text())]
    with ThreadPoolExecutor(2) as pool:
        results = dict(zip(names, pool.map(partial(_differing, folder=folder), names), strict=True))
    differing = {name: streams for name, (_, streams) in results.items() if streams}

    assert sum(count for count, _ in results.values()) > 900
    assert differing.keys() - KNOWN.keys() == set(), differing
    assert KNOWN.keys() - differing.keys() == set(), "a difference that no longer exists is listed"
