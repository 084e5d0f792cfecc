"""Packets of handshakes that are over cost no Python code: few rows of a bulk capture reach it."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from analyzer.capture.source import open_capture
from benchmarks.build import bulk, interleaved, write
from benchmarks.rows import rows_that_reach_python


@pytest.fixture(scope="module")
def downloads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bulk") / "bulk.pcap"
    write(path, interleaved(bulk(6, 850_000)))
    return path


def test_at_most_one_row_in_twenty_of_bulk_reaches_python(downloads: Path) -> None:
    reached, packets = rows_that_reach_python(downloads)

    assert packets == sum(len(block.time) for block in open_capture(downloads).blocks())
    assert 0 < reached <= packets * 0.05


def test_rows_that_a_handshake_needs_are_counted() -> None:
    sample = Path(__file__).parents[2] / "sample_pcaps" / "good_tls12.pcap"
    (block,) = (b for b in open_capture(sample).segments() if len(b.frame))
    telling = itertools.compress(block.frame, (block.length > 0) | (block.flags & 7 > 0))

    assert rows_that_reach_python(sample) == (len(list(telling)), len(block.frame))
