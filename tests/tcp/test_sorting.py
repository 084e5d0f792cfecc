"""Rows put in order as a stable argsort puts them."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from analyzer.tcp.sorting import grouped, stable_order

MOST = (1 << 64) - 1


@given(numbers=st.lists(st.integers(0, 9) | st.integers(0, 1 << 40), max_size=70))
def test_equal_numbers_stay_in_order(numbers: list[int]) -> None:
    column = np.array(numbers, np.int64)

    assert stable_order(column).tolist() == np.argsort(column, kind="stable").tolist()


@given(keys=st.lists(st.sampled_from([0, 7, MOST]) | st.integers(0, MOST), min_size=1, max_size=70))
def test_rows_are_put_together_by_key(keys: list[int]) -> None:
    order, group = grouped(np.array(keys, np.uint64))

    known = sorted(set(keys))
    assert order.tolist() == sorted(range(len(keys)), key=lambda row: (keys[row], row))
    assert group.tolist() == [known.index(keys[row]) for row in order.tolist()]
