"""A capture cut anywhere, its pieces gathered apart and joined: the same connections, byte for byte."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.capture.block import SegmentBlock
from analyzer.capture.source import open_capture
from analyzer.crew import Case, Crew
from analyzer.following import Alone
from analyzer.judging import Brevity, Desk
from analyzer.limits import DEFAULT
from analyzer.pipeline import Analysis
from analyzer.reading import Frames
from analyzer.report.assemble.report import Finished, finished
from analyzer.tcp.evidence import Evidence
from analyzer.tcp.flow import FlowTable
from analyzer.tcp.merging import join

HERE = Path(__file__).parent
CAPTURES = [
    *sorted((HERE.parent / "sample_pcaps").glob("*.pcap")),
    *sorted((HERE / "bench" / "recorded").glob("*.pcap"))[::25],
]


def cut(block: SegmentBlock, frames: list[int]) -> list[SegmentBlock]:
    """The pieces of a block that begin with these frames; ICMP errors go with their neighbours."""
    borders = [0, *sorted(frames), 1 << 40]
    return [
        dataclasses.replace(
            block.rows((block.frame >= begin) & (block.frame < end)),
            icmp_errors=tuple(e for e in block.icmp_errors if begin <= e.frame < end),
        )
        for begin, end in itertools.pairwise(borders)
    ]


def gathered(piece: SegmentBlock) -> list[Evidence]:
    table = FlowTable(part=True)
    table.observe(piece)
    return list(table.evidence())


def told(evidence: list[Evidence], now: int) -> list[bytes]:
    crew: Crew[Finished] = Crew(DEFAULT)
    desk = Desk(DEFAULT, Frames(several=False), finished, Brevity(None))
    alone = Alone(DEFAULT, desk, None)
    cases = [Case(heard, alone) for heard in desk.hear(evidence, now, None)]
    results = [*crew.take(cases), *crew.finish()]
    return [msgspec.json.encode(result.connection) for result in results]


@pytest.mark.parametrize("path", CAPTURES, ids=lambda p: p.stem)
@settings(max_examples=4, deadline=None)
@given(data=st.data())
def test_pieces_tell_what_the_whole_tells(path: Path, data: st.DataObject) -> None:
    capture = open_capture(path)
    (block,) = (b for b in capture.segments() if len(b.frame))
    frames = data.draw(st.lists(st.integers(1, int(block.frame[-1]) + 1), max_size=3))
    whole = [msgspec.json.encode(c) for c in Analysis([path]).report().connections]

    pieces = [gathered(piece) for piece in cut(block, frames)]

    assert told(join(pieces, DEFAULT), capture.last_packet or 0) == whole
