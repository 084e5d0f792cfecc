"""Several processes change nothing but the time it takes, and fail in one line."""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
import signal
from pathlib import Path

import msgspec
import pytest

from analyzer.crew import Crew
from analyzer.errors import UsageError
from analyzer.judging import Desk, Told
from analyzer.limits import DEFAULT
from analyzer.pipeline import Analysis, Selection
from analyzer.reading import Frames
from analyzer.report.machine import render_line
from analyzer.tcp.evidence import Endpoint, Evidence, Half
from analyzer.tls.story import Neighbours
from analyzer.workers import There

RECORDED = sorted(map(str, (Path(__file__).parent / "bench" / "recorded").glob("*.pcap")))[::6]
# So low that processes help at once, outlines are drawn and stories are judged before the end.
EAGER = dataclasses.replace(DEFAULT, alone=1, full_stories=4, held_stories=7)


def silent(stream: int) -> Evidence:
    ends = Endpoint("192.0.2.1", 40_000 + stream), Endpoint("198.51.100.1", 443)
    heard = Half(packets=1, first_frame=1, first_time=1, last_frame=1, last_time=1)
    return Evidence(stream, ends, (heard, Half()))


def stream_of(told: Told, _: Frames) -> int:
    return told.stream


@pytest.mark.parametrize("failed", [False, True])
def test_the_report_does_not_depend_on_the_number_of_processes(failed: bool) -> None:
    chosen = Selection(failed=failed)
    alone = Analysis(RECORDED, limits=EAGER).report(chosen)
    shared = Analysis(RECORDED, limits=EAGER, jobs=2).report(chosen)

    assert len(alone.connections) > 50
    assert failed or {c.detail for c in alone.connections} == {"full", "short"}
    assert msgspec.json.encode(shared) == msgspec.json.encode(alone)


def test_connections_come_in_the_same_order() -> None:
    alone = list(Analysis(RECORDED[:20], limits=EAGER).connections())

    assert list(Analysis(RECORDED[:20], limits=EAGER, jobs=2).connections()) == alone


def test_a_line_is_the_connection_rendered_whoever_wrote_it() -> None:
    failed = Selection(failed=True)
    alone = [*Analysis(RECORDED[:20], limits=EAGER).connections(failed)]
    lines = [*Analysis(RECORDED[:20], limits=EAGER, jobs=2).lines(failed)]

    assert [line.text for line in lines] == [render_line(connection) for connection in alone]
    assert {line.outcome for line in lines} == {"failed"}


def test_a_few_connections_start_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(There, "__init__", lambda *_: pytest.fail("a process was started"))

    assert list(Analysis(RECORDED[:3], jobs=2).connections())


def test_a_process_that_dies_is_told_in_one_line() -> None:
    crew = Crew(EAGER, Frames(several=False), stream_of, briefly=lambda _: False, jobs=2)
    try:
        list(crew.hear([silent(0)], 1))
        list(crew.hear([silent(1)], 1))
        for worker in crew._there:
            assert worker._process.pid is not None
            os.kill(worker._process.pid, signal.SIGKILL)
        with pytest.raises(UsageError, match=r"has ended .* --jobs 1"):
            list(crew.hear([silent(2)], 1)) + list(crew.finish())
    finally:
        crew.close()


def broken(told: Told, _: Frames) -> int:
    raise ArithmeticError(f"stream {told.stream}")


def test_a_mistake_of_ours_in_a_process_is_raised_here() -> None:
    crew = Crew(EAGER, Frames(several=False), broken, briefly=lambda _: False, jobs=2)
    crew._told = EAGER.alone
    try:
        with pytest.raises(RuntimeError, match="ArithmeticError: stream 0"):
            list(crew.hear([silent(0)], 1)) + list(crew.finish())
    finally:
        crew.close()


def test_what_is_not_asked_for_any_more_leaves_no_process() -> None:
    connections = Analysis(RECORDED, limits=EAGER, jobs=2).connections()
    next(connections)
    connections.close()  # type: ignore[attr-defined]

    assert multiprocessing.active_children() == []


def test_a_story_is_kept_until_it_is_judged() -> None:
    desk = Desk(DEFAULT)
    heard = desk.hear(silent(3), 5_000_000_000, None)
    judged = desk.judge(heard.stream, Neighbours())

    assert (judged.stream, judged.outcome) == (3, "not_tls")
    with pytest.raises(KeyError):
        desk.judge(heard.stream, Neighbours())
