from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

import analyzer
from analyzer import CaptureError, Limits, Report, analyze
from tests.support.tiny import pcap, refused, rejected

DATA = pcap(rejected(), refused(port=2222))


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    path = tmp_path / "trace.pcap"
    path.write_bytes(DATA)
    return path


def test_a_path_a_string_and_a_stream_give_the_same(trace: Path) -> None:
    report = analyze(trace)

    assert isinstance(report, Report)
    assert analyze(str(trace)) == report
    assert analyze([trace]) == report
    streamed = analyze(io.BytesIO(DATA))
    assert streamed.connections == report.connections
    assert streamed.groups == report.groups


def test_a_report_tells_who_failed_and_why(trace: Path) -> None:
    first, second = analyze(trace).failed

    assert first.diagnosis is not None
    assert first.diagnosis.phase == "client_hello"
    assert first.handshake.alerts[0].description == "handshake_failure"
    assert first.tls.sni == "api.example.com"
    assert second.diagnosis is not None
    assert second.diagnosis.cause == "connection_refused"


def test_selections_change_the_connections_and_nothing_else(trace: Path) -> None:
    whole, chosen = analyze(trace), analyze(trace, streams=[1])

    assert [c.stream for c in chosen.connections] == [1]
    assert (chosen.summary, chosen.groups) == (whole.summary, whole.groups)
    assert analyze(trace, failed=True) == whole


def test_a_report_survives_json(trace: Path) -> None:
    report = analyze(trace)

    assert msgspec.json.decode(msgspec.json.encode(report), type=Report) == report


def test_a_report_cannot_be_changed(trace: Path) -> None:
    with pytest.raises(AttributeError):
        analyze(trace).summary.failed = 0  # type: ignore[misc]


def test_an_unusable_file_says_where_and_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a capture, whatever its length may be")
    with pytest.raises(CaptureError) as caught:
        analyze(tmp_path / "notes.txt")

    assert caught.value.path.endswith("notes.txt")
    assert caught.value.problem
    assert caught.value.hint


def test_limits_can_be_changed(trace: Path) -> None:
    report = analyze(trace, limits=replace(Limits(), messages=1))

    assert len(report.connections[0].handshake.messages) <= 1 + 1


def test_everything_exported_exists() -> None:
    for name in analyzer.__all__:
        assert getattr(analyzer, name) is not None
    assert set(dir(analyzer)) == set(analyzer.__all__)
    with pytest.raises(AttributeError):
        _ = analyzer.absent
