"""The committed page on accuracy says what the captures say today."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.__main__ import RECORDED
from tests.bench.accuracy import PAGE, render
from tests.bench.score import Row, rows

KEYED_BARS = {"outcome": 0.99, "cause": 0.97, "phase": 0.97, "failing_side": 0.98}


@pytest.fixture(scope="module")
def keyed() -> list[Row]:
    return list(rows(RECORDED, keys=True))


@pytest.mark.parametrize("field", KEYED_BARS)
def test_with_keys_the_exact_answer_stays_above_its_bar(keyed: list[Row], field: str) -> None:
    right = sum(row.right[field] for row in keyed)
    wrong = [row.name for row in keyed if not row.right[field]]

    assert len(keyed) >= 300
    assert right >= KEYED_BARS[field] * len(keyed), wrong


def test_with_keys_no_family_counts_where_the_cause_is_known(keyed: list[Row]) -> None:
    told = [row for row in keyed if row.kept and not row.right["cause"]]

    assert all(row.told["cause"] != row.truth["cause"] for row in told)
    assert {"client_certificate_rejected"} <= {row.told["cause"] for row in told}


def test_the_committed_page_is_not_stale() -> None:
    assert PAGE.read_text(encoding="utf-8") == render(RECORDED), "run: make accuracy"


def test_a_folder_without_captures_gives_a_page_without_tables(tmp_path: Path) -> None:
    assert "0 connections" in render(tmp_path)
