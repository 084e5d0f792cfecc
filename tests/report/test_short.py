"""The JSON of an outline is that of the objects that it stands for."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from analyzer.limits import DEFAULT
from analyzer.reading import Frames
from analyzer.report.assemble.report import connection_in_short, frame_in
from analyzer.report.machine import line_of, render_line
from analyzer.tls.outline import Outline, outline
from tests.tls.test_outline import SAMPLES, gather

ONE_FILE = Frames(several=False)


class Elsewhere(Frames):
    """All frames are in the second of several files."""

    def place(self, frame: int) -> tuple[int, int]:
        return 1, frame + 7


def outlines(paths: list[Path]) -> Iterator[Outline]:
    for path in paths:
        yield from filter(None, map(outline, gather(path, DEFAULT)[0]))


def line_of_objects(told: Outline, frames: Frames) -> bytes:
    return render_line(connection_in_short(told, functools.partial(frame_in, frames)))


@pytest.fixture(scope="module")
def short() -> list[Outline]:
    return list(outlines(SAMPLES))


@pytest.mark.parametrize("frames", [ONE_FILE, Elsewhere(several=True)], ids=["one", "several"])
def test_a_line_is_the_same_with_and_without_objects(short: list[Outline], frames: Frames) -> None:
    assert len(short) > 10
    for told in short:
        assert line_of(told, frames).text == line_of_objects(told, frames)


@pytest.mark.parametrize(
    "name", ["100%", "%s", '"stream":0', "caf\u00e9", "\x7f\u202e\ud800\\", ""]
)
def test_whatever_a_client_asks_for_stays_text(short: list[Outline], name: str) -> None:
    told = short[0]._replace(sni=name, alpn=name)
    line = line_of(told, ONE_FILE)

    assert line.text == line_of_objects(told, ONE_FILE)
    assert json.loads(line.text)["stream"] == line.stream == told.stream


@pytest.mark.parametrize("rtt_ns", [0, 1, 120, 9_999, 10_000, 61 * 10**9, 10**17, -5])
def test_a_round_trip_of_any_length_is_written_alike(short: list[Outline], rtt_ns: int) -> None:
    syn = short[0].syn
    told = short[0]._replace(syn_ack=short[0].syn_ack._replace(time=syn.time + rtt_ns))

    assert line_of(told, ONE_FILE).text == line_of_objects(told, ONE_FILE)
