"""A block that was sent is the block that is received, and takes few bytes on its way."""

from __future__ import annotations

import dataclasses
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.capture.block import COLUMNS, SegmentBlock
from analyzer.capture.parcel import pack, unpack
from analyzer.capture.source import open_capture
from tests.support.segments import CLIENT, SERVER, Sent, block_of

SAMPLES = sorted((Path(__file__).parents[2] / "sample_pcaps").glob("*.pcap"))[::5]


def sent(block: SegmentBlock) -> SegmentBlock:
    return unpack(pickle.loads(pickle.dumps(pack(block))))


def columns(block: SegmentBlock) -> list[object]:
    return [getattr(block, name).tolist() for name in COLUMNS]


@pytest.mark.parametrize("path", SAMPLES, ids=lambda p: p.stem)
def test_a_block_arrives_as_it_was_sent(path: Path) -> None:
    (block,) = (b for b in open_capture(path).segments() if len(b.frame))
    there = sent(block)

    assert columns(there) == columns(block)
    assert [getattr(there, n).dtype for n in COLUMNS] == [getattr(block, n).dtype for n in COLUMNS]
    assert there.icmp_errors == block.icmp_errors
    for begin, end in zip(block.begin, block.end, strict=True):
        assert bytes(there.buffer[begin:end]) == bytes(block.buffer[begin:end])


@given(
    st.lists(st.integers(-(1 << 63), (1 << 63) - 1), min_size=2, max_size=2),
    st.lists(st.integers(0, (1 << 64) - 1), min_size=4, max_size=4),
)
def test_any_values_arrive(numbers: list[int], words: list[int]) -> None:
    two = block_of([Sent(CLIENT, SERVER, 1, b"data"), Sent(SERVER, CLIENT, 2)])
    strange = dataclasses.replace(
        two, time=np.array(numbers), source=np.array(words, np.uint64).reshape(2, 2)
    )

    assert columns(sent(strange)) == columns(strange)
    assert columns(sent(two.rows(slice(0)))) == columns(two.rows(slice(0)))


def test_a_parcel_of_ipv4_is_a_third_of_its_columns() -> None:
    block = block_of([Sent(CLIENT, SERVER, 4_000_000_000 + i) for i in range(1000)])
    size = sum(column.nbytes for column in pack(block).columns)

    assert size * 3 < sum(getattr(block, name).nbytes for name in COLUMNS)
