"""Stories are judged when their neighbours are known, and results come in the order of telling."""

from __future__ import annotations

import dataclasses

from analyzer.crew import Case, Crew, Promise
from analyzer.judging import Heard
from analyzer.limits import DEFAULT
from analyzer.tcp.evidence import Endpoint
from analyzer.tls.neighbours.shown import Shown
from analyzer.tls.story import Neighbours

SERVER = Endpoint("198.51.100.1", 443)
DONE = frozenset({("established", "")})


class Later:
    """A result that comes when somebody waits for it."""

    def __init__(self, result: str) -> None:
        self.result = result
        self.kept = False

    def wait(self) -> str:
        self.kept = True
        return self.result


class Court:
    """Judges stories by how many handshakes of others their server completed."""

    def __init__(self) -> None:
        self.promises: list[Later] = []

    def judge(self, stream: int, neighbours: Neighbours) -> Promise[str]:
        self.promises.append(Later(f"{stream}: {neighbours.server.established}"))
        return self.promises[-1]


def case(stream: int, court: Court, result: str | None = None) -> Case[str]:
    shown = Shown(SERVER, "192.0.2.1", DONE, DONE, stream, stream)
    return Case(Heard(stream, shown, result), court)


def test_stories_wait_for_all_neighbours_and_come_in_order_of_their_numbers() -> None:
    crew, court = Crew[str](DEFAULT), Court()

    assert list(crew.take([case(2, court), case(0, court), case(1, court)])) == []
    assert list(crew.finish()) == ["0: 2", "1: 2", "2: 2"]


def test_those_that_wait_for_longest_are_judged_where_too_many_wait() -> None:
    crew, court = Crew[str](dataclasses.replace(DEFAULT, held_stories=1)), Court()
    taken = list(crew.take([case(0, court), case(1, court), case(2, court)]))

    assert taken + list(crew.finish()) == ["0: 1", "1: 2", "2: 2"]


def test_nobody_waits_where_a_capture_is_told_while_it_grows() -> None:
    crew, court = Crew[str](DEFAULT, patient=False), Court()
    for promise in ("", ""):
        assert list(crew.take([case(0, court, promise or "told")])) == ["told"]
    assert list(crew.take([case(1, court)])) == []
    court.promises[0].kept = True

    assert list(crew.take([case(2, court, "after")])) == ["1: 2", "after"]


def test_what_is_told_at_once_stays_behind_what_was_told_before() -> None:
    crew, court = Crew[str](dataclasses.replace(DEFAULT, held_stories=0)), Court()

    assert list(crew.take([case(0, court), case(1, court, "told")])) == []
    assert list(crew.finish()) == ["0: 0", "told"]
