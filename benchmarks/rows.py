"""Count the packets of a capture that become Python objects: ``python benchmarks/rows.py FILE``."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from analyzer.capture.source import open_capture
from analyzer.tcp.evidence import Evidence
from analyzer.tcp.flow import FlowTable


def rows_that_reach_python(path: Path) -> tuple[int, int]:
    """How many packets did, and how many there are."""
    table = FlowTable()
    capture = open_capture(path)
    reached = 0
    for block in capture.segments():
        table.observe(block)
        reached += _rows(table.ended())
    return reached + _rows(table.evidence()), capture.packets


def _rows(evidence: Iterable[Evidence]) -> int:
    """Packets with payload that was kept, and those that open or close."""
    total = 0
    for one in evidence:
        frames = {event.frame for event in one.events}
        frames.update(f for half in one.halves for piece in half.pieces for f in piece.frames)
        total += len(frames)
    return total


if __name__ == "__main__":
    reached, packets = rows_that_reach_python(Path(sys.argv[1]))
    print(f"{reached:,} of {packets:,} packets, {reached / packets:.1%}")
