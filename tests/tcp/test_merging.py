"""Pieces of a capture, gathered apart and joined, are the evidence of the whole."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from analyzer.capture.block import SegmentBlock
from analyzer.capture.source import open_capture
from analyzer.limits import DEFAULT, Limits
from analyzer.tcp.evidence import NOTHING, Evidence
from analyzer.tcp.flow import FlowTable
from analyzer.tcp.merging import join, merge
from analyzer.tcp.reassembly import assemble
from tests.support.segments import CLIENT, SERVER, Sent, block_of
from tests.tcp import test_flow, test_limits

SAMPLES = sorted((Path(__file__).parents[2] / "sample_pcaps").glob("*.pcap"))


def content(evidence: Evidence) -> object:
    """What evidence says, whatever pieces its bytes were kept in."""
    told = [
        (assemble(half, evidence.halves[1 - index], None), half._replace(pieces=()))
        for index, half in enumerate(evidence.halves)
    ]
    return evidence._replace(halves=(NOTHING, NOTHING)), told


def gathered(sent: list[Sent], first: int, limits: Limits, *, part: bool) -> list[Evidence]:
    table = FlowTable(limits, part=part)
    table.observe(block_of(sent, first))
    return list(table.evidence())


def pieces(sent: list[Sent], borders: list[int]) -> list[tuple[list[Sent], int]]:
    ends = [0, *sorted(min(border, len(sent)) for border in borders), len(sent)]
    return [(sent[a:b], a + 1) for a, b in itertools.pairwise(ends)]


@pytest.mark.parametrize("limits", [DEFAULT, test_limits.SMALL], ids=["usual", "small"])
@settings(max_examples=200, deadline=None)
@given(test_flow.conversations(), st.lists(st.integers(0, 14), max_size=3))
def test_pieces_of_a_few_packets_join_to_the_whole(
    limits: Limits, sent: list[Sent], borders: list[int]
) -> None:
    limits = dataclasses.replace(limits, half_opening=64, half_bytes=64)
    parts = [gathered(*piece, limits, part=True) for piece in pieces(sent, borders)]
    whole = [content(e) for e in gathered(sent, 1, limits, part=False)]

    assert [content(e) for e in join(parts, limits)] == whole


# Both sides speak before their SYN: what the client's means, only the piece before can tell.
SPEAKS_FIRST = [
    *(Sent(CLIENT, SERVER, 102, flags=17), Sent(SERVER, CLIENT, 900, flags=2)),
    *(Sent(CLIENT, SERVER, 101, b"a"), Sent(CLIENT, SERVER, 100, flags=2)),
]


@settings(max_examples=300, deadline=None)
@example(SPEAKS_FIRST, [])
@example(SPEAKS_FIRST, [1])
@given(test_limits.conversations(), st.lists(st.integers(0, 40), max_size=3))
def test_pieces_of_conversations_join_to_the_whole(sent: list[Sent], borders: list[int]) -> None:
    parts = [gathered(*piece, DEFAULT, part=True) for piece in pieces(sent, borders)]
    whole = [content(e) for e in gathered(sent, 1, DEFAULT, part=False)]

    assert [content(e) for e in join(parts, DEFAULT)] == whole


@settings(max_examples=100, deadline=None)
@given(test_limits.conversations(), st.lists(st.integers(0, 40), min_size=2, max_size=2))
def test_merging_is_associative(sent: list[Sent], borders: list[int]) -> None:
    parts = [gathered(*piece, DEFAULT, part=True) for piece in pieces(sent, borders)]
    if not all(parts):
        return
    a, b, c = (part[0] for part in parts)

    left = merge(merge(a, b, DEFAULT), c, DEFAULT)
    right = merge(a, merge(b, c, DEFAULT), DEFAULT)

    assert left == right


@pytest.mark.parametrize("path", SAMPLES, ids=lambda p: p.stem)
def test_a_sample_cut_at_any_packet_joins_to_the_whole(path: Path) -> None:
    (block,) = (b for b in open_capture(path).segments() if len(b.frame))
    whole = [content(e) for e in observed([block], part=False)]
    for border in range(0, len(block.frame) + 1, 3):
        cut = [block.rows(slice(None, border)), block.rows(slice(border, None))]
        errors = [
            tuple(e for e in block.icmp_errors if (e.frame < at) == first)
            for at in [int(block.frame[border]) if border < len(block.frame) else 1 << 40]
            for first in (True, False)
        ]
        parts = [
            observed([dataclasses.replace(b, icmp_errors=e)], part=True)
            for b, e in zip(cut, errors, strict=True)
        ]

        assert [content(e) for e in join(parts, DEFAULT)] == whole, border


def observed(blocks: list[SegmentBlock], *, part: bool) -> list[Evidence]:
    table = FlowTable(DEFAULT, part=part)
    for block in blocks:
        table.observe(block)
    return list(table.evidence())
