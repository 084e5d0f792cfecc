"""TCP segments as we see them and as tshark sees them, in one form."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

import pytest

from analyzer.capture.source import open_capture

Segment: TypeAlias = tuple[int, int, int, int, int, int]  # ports, sequence, flags, payload, window
Segments: TypeAlias = Mapping[int, Segment]  # by frame


def our_segments(path: Path) -> Segments:
    """All segments of a capture."""
    found: dict[int, Segment] = {}
    for block in open_capture(path).segments(copies=True):
        columns = (
            *(block.source_port, block.destination_port, block.sequence),
            *(block.flags, block.length, block.window),
        )
        rows = zip(*(column.tolist() for column in columns), strict=True)
        found.update(zip(block.frame.tolist(), rows, strict=True))
    return found


_FIELDS = (
    *("frame.number", "icmp.type", "icmpv6.type", "tcp.srcport", "tcp.dstport", "tcp.seq_raw"),
    *("tcp.flags", "tcp.len", "tcp.window_size_value"),
)


def tshark_segments(path: Path) -> Segments:
    """The innermost TCP layer of each frame; not those that ICMP quotes or whose header lies."""
    if shutil.which("tshark") is None:
        pytest.skip("tshark is not installed")
    command = ["tshark", "-n", "-r", str(path), "-o", "tcp.relative_sequence_numbers:FALSE"]
    command += ["-T", "fields", "-E", "occurrence=l", "-Y", "tcp"]
    for field in _FIELDS:
        command += ["-e", field]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    found: dict[int, Segment] = {}
    for line in done.stdout.splitlines():
        frame, icmp, icmpv6, *cells = line.split("\t")
        if not icmp and not icmpv6 and all(cells):
            source, target, sequence, flags, length, window = cells
            numbers = (int(source), int(target), int(sequence))
            found[int(frame)] = (*numbers, int(flags, 16) & 0x3F, int(length), int(window))
    return found
