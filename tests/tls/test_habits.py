"""What is remembered of a client and a server, against a memory that keeps every connection."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from analyzer.tls.neighbours.habits import HabitsOfPair
from analyzer.tls.story import Habits

moments = st.integers(1, 50)
serials = st.sampled_from([None, "01", "02"])
connections = st.lists(st.tuples(moments, serials, st.booleans(), st.booleans()), max_size=12)


@given(connections, serials)
def test_moments_do_not_depend_on_the_order_of_telling(
    seen: list[tuple[int, str | None, bool, bool]], serial: str | None
) -> None:
    habits = HabitsOfPair()
    for start, certificate, used, resumed in seen:
        habits.add(start, certificate, used=used, resumed=resumed)
    uses = [start for start, certificate, used, _ in seen if used and certificate == serial]

    assert habits.told(serial) == Habits(
        used=(min(uses), max(uses)) if uses else None,
        idle=min((start for start, _, used, _ in seen if not used), default=None),
        resumed=max((start for start, _, _, resumed in seen if resumed), default=None),
    )


def test_a_pair_has_a_bounded_number_of_certificates() -> None:
    habits = HabitsOfPair()
    for number in range(40):
        habits.add(number, f"{number:02}", used=True, resumed=False)

    assert sum(habits.told(f"{number:02}").used is not None for number in range(40)) == 8
