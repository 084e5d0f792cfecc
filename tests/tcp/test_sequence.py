"""Serial arithmetic: distances survive the wrap at 2**32."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from analyzer.tcp.sequence import distance, later

MODULUS = 1 << 32
NUMBERS = st.integers(0, MODULUS - 1)
STEPS = st.integers(-(1 << 31) + 1, (1 << 31) - 1)


@given(NUMBERS, STEPS)
def test_a_step_of_less_than_half_the_circle_is_found_again(base: int, step: int) -> None:
    assert distance((base + step) % MODULUS, base) == step


@given(NUMBERS, STEPS)
def test_distance_back_is_distance_forth_turned_round(base: int, step: int) -> None:
    other = (base + step) % MODULUS

    assert distance(base, other) == -distance(other, base)


@given(NUMBERS, st.lists(st.integers(0, 1 << 30), min_size=1, max_size=5))
def test_the_later_of_many_does_not_depend_on_their_order(base: int, steps: list[int]) -> None:
    numbers = [(base + step) % MODULUS for step in steps]
    forth: int | None = None
    back: int | None = None
    for number, other in zip(numbers, reversed(numbers), strict=True):
        forth, back = later(forth, number), later(other, back)

    assert forth == back == (base + max(steps)) % MODULUS


@given(NUMBERS)
def test_nothing_is_earlier_than_any_number(number: int) -> None:
    assert later(None, number) == later(number, None) == number
    assert later(None, None) is None
