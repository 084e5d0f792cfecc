"""What the rest of the capture shows, against a count that keeps every connection."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from analyzer.limits import Limits
from analyzer.tcp.evidence import Endpoint
from analyzer.tls.neighbours.habits import HabitsOfPair
from analyzer.tls.neighbours.shown import Shown
from analyzer.tls.neighbours.survey import Survey
from analyzer.tls.story import Habits, SeenWith

WAYS = (
    frozenset({("established", ""), ("versions", "TLSv1.3")}),
    frozenset({("established", ""), ("versions", "TLSv1.2")}),
    frozenset({("established", ""), ("resumed", "")}),
    frozenset({("failed", ""), ("alerts", "unknown_ca")}),
    frozenset[tuple[str, str]](),
)
ways = st.sampled_from(WAYS)
connections = st.lists(
    st.builds(
        Shown,
        server=st.sampled_from([Endpoint("192.0.2.1", port) for port in (443, 8443)]),
        client=st.sampled_from([f"198.51.100.{number}" for number in range(4)]),
        of_server=ways,
        of_client=ways,
        start=st.integers(1, 9),
        stream=st.just(0),
        certificate=st.sampled_from([None, "01"]),
        used=st.booleans(),
    ),
    max_size=24,
)


@given(connections)
def test_everybody_is_told_of_all_others_and_not_of_themselves(all_shown: list[Shown]) -> None:
    survey = Survey()
    for shown in all_shown:
        survey.add(shown)
    for index, shown in enumerate(all_shown):
        others = [*all_shown[:index], *all_shown[index + 1 :]]
        told = survey.neighbours(shown)
        of_server = [other for other in others if other.server == shown.server]
        of_client = [other for other in others if other.client == shown.client]
        of_both = [other for other in of_server if other.client == shown.client]
        assert told.server == counted(other.of_server for other in of_server)
        assert told.client == counted(other.of_client for other in of_client)
        assert told.pair == counted(other.of_server for other in of_both)


@given(connections)
def test_habits_are_those_of_all_connections_of_a_pair(all_shown: list[Shown]) -> None:
    """Also where the client came first when nothing said that it would come again."""
    survey = Survey()
    for shown in all_shown:
        survey.add(shown)
    for shown in all_shown:
        mine = [other for other in all_shown if other.client == shown.client]
        pair = [other for other in mine if other.server == shown.server]
        told = survey.neighbours(shown).habits
        assert told == (Habits() if shown.used or len(mine) == 1 else remembered(pair, shown))


def remembered(pair: list[Shown], asked: Shown) -> Habits:
    """What a memory of every connection of a pair tells, from the first use or resumption on."""
    begun, memory = False, HabitsOfPair()
    for one in pair:
        resumed, done = (("resumed", "") in one.of_client, ("established", "") in one.of_client)
        if done if begun else one.used or resumed:
            begun = True
            memory.add(one.start, one.certificate, used=one.used, resumed=resumed)
    return memory.told(asked.certificate)


@given(connections, st.integers(0, 6))
def test_no_more_ends_are_counted_than_the_limit(all_shown: list[Shown], most: int) -> None:
    survey, free = Survey(Limits(surveyed=most)), Survey()
    for shown in all_shown:
        survey.add(shown)
        free.add(shown)
    known = {
        key
        for shown in all_shown
        for key, told, whole in zip(
            (shown.server, shown.client, (shown.client, shown.server)),
            survey.neighbours(shown)[:3],
            free.neighbours(shown)[:3],
            strict=True,
        )
        if told == whole != SeenWith()
    }
    assert len(known) <= most


def counted(shown: Iterable[frozenset[tuple[str, str]]]) -> SeenWith:
    """Count what some connections showed."""
    seen = [what for one in shown for what in one]
    versions = sorted(value for kind, value in seen if kind == "versions")
    alerts = sorted(value for kind, value in seen if kind == "alerts")
    return SeenWith(
        established=seen.count(("established", "")),
        failed=seen.count(("failed", "")),
        resumed=seen.count(("resumed", "")),
        versions={value: versions.count(value) for value in versions},
        alerts={value: alerts.count(value) for value in alerts},
    )
