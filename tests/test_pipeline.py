from __future__ import annotations

import gc
import io

import pytest

from analyzer.pipeline import Analysis, Selection
from tests.support.tiny import Talk, pcap, refused, rejected


def test_equal_failures_are_one_group() -> None:
    talks = [rejected(port=20_000 + i, start=1.8e9 + i) for i in range(5)]
    report = Analysis([io.BytesIO(pcap(*talks, refused(port=9)))]).report()

    assert [(g.count, g.example_stream) for g in report.groups] == [(5, 1), (1, 0)]
    assert report.groups[0].clients == ("10.1.1.5",)
    assert report.groups[0].servers == ("10.2.2.2:443",)
    assert report.groups[0].sni == ("api.example.com",)
    assert report.groups[0].first < report.groups[0].last
    assert report.summary.failed == 6


def test_connections_come_in_order_of_their_numbers() -> None:
    talks = [rejected(port=20_000 - i, start=1.8e9 + i) for i in range(5)]
    analysis = Analysis([io.BytesIO(pcap(*talks))])
    told = list(analysis.connections())

    assert [c.stream for c in told] == [0, 1, 2, 3, 4]
    assert [c.client.port for c in told] == [20_000 - i for i in range(5)]
    assert analysis.count == 5


def test_a_selection_takes_what_was_asked_for() -> None:
    assert Selection().takes(3, "established")
    assert Selection(failed=True).takes(3, "failed")
    assert not Selection(failed=True).takes(3, "established")
    assert not Selection(streams=frozenset({1}), failed=True).takes(3, "failed")


def test_garbage_collection_is_as_it_was() -> None:
    gc.disable()
    try:
        Analysis([io.BytesIO(pcap(refused()))]).report()
        assert not gc.isenabled()
    finally:
        gc.enable()
    Analysis([io.BytesIO(pcap(refused()))]).report()
    assert gc.isenabled()


def test_progress_is_told_in_bytes() -> None:
    told: list[tuple[int, int]] = []
    data = pcap(rejected())
    Analysis([io.BytesIO(data)], progress=lambda done, total: told.append((done, total))).report()

    assert told
    assert all(0 <= done <= len(data) for done, _ in told)


def test_several_streams_are_refused() -> None:
    with pytest.raises(TypeError, match="one stream"):
        Analysis([io.BytesIO(pcap(refused())), io.BytesIO(pcap(refused()))]).report()


def test_an_empty_capture_is_analysed() -> None:
    report = Analysis([io.BytesIO(pcap())]).report()

    assert report.summary.connections == 0
    assert report.captures[0].packets == 0
    assert report.captures[0].first_packet is None


def test_a_syn_alone_is_a_connection() -> None:
    report = Analysis([io.BytesIO(pcap(Talk().send(0, 2)))]).report()

    assert report.summary.connections == 1
