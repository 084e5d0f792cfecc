"""The recorded failures are told well enough: the bars, over everything that was recorded."""

from __future__ import annotations

import pytest

from tests.bench.__main__ import RECORDED
from tests.bench.score import Row, rows

# Shares that must be right; naming a failure healthy, or the reverse, is the worst of errors.
BARS = {
    "outcome": 0.99,
    "cause": 0.95,
    "phase": 0.97,
    "failing_side": 0.98,
    "remedy_side": 0.95,
}


@pytest.fixture(scope="module")
def told() -> list[Row]:
    return list(rows(RECORDED))


@pytest.mark.parametrize("field", BARS)
def test_the_share_of_right_answers_stays_above_its_bar(told: list[Row], field: str) -> None:
    right = sum(row.right[field] for row in told)
    wrong = [row.name for row in told if not row.right[field]]

    assert right >= BARS[field] * len(told), wrong


def test_at_least_a_fifth_is_healthy_and_all_stacks_are_there(told: list[Row]) -> None:
    healthy = [row for row in told if row.truth["outcome"] == "established"]

    assert len(told) >= 500
    assert len(healthy) * 5 >= len(told)
    assert len({row.scenario["client"] for row in told}) >= 8
    assert len({row.scenario["server"] for row in told}) >= 11
