"""A capture that misses the first FIN tells what it tells with it, where acknowledgments prove it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from analyzer.pipeline import Analysis
from analyzer.report.schema import Connection
from tests.test_reading import HEADER, packets

RECORDED = Path(__file__).parent / "bench" / "recorded"
CAPTURES = [
    *sorted(RECORDED.glob("cert-expired-boringssl-*.pcap")),
    *sorted(RECORDED.glob("*.pcap"))[::9],
]
_FIN = 1
_RECORD, _ETHERNET = 16, 14  # bytes of headers


def without_first_close(data: bytes) -> bytes | None:
    """The capture without its first FIN that carries no data; None where it has none."""
    records = packets(data)
    first = next((index for index, record in enumerate(records) if _closes(record)), None)
    if first is None:
        return None
    return data[:HEADER] + b"".join(records[:first] + records[first + 1 :])


def _closes(record: bytes) -> bool:
    ip = record[_RECORD + _ETHERNET :]
    if ip[0] >> 4 != 4 or ip[9] != 6:
        return False
    tcp = ip[(ip[0] & 15) * 4 :]
    length = int.from_bytes(ip[2:4]) - (ip[0] & 15) * 4 - (tcp[12] >> 4) * 4
    return bool(tcp[13] & _FIN) and not length


def told(data: bytes) -> tuple[Connection, ...]:
    return Analysis([io.BytesIO(data)]).report().connections


def proven(path: Path) -> Iterator[tuple[Connection, Connection]]:
    """Each connection with its first FIN and without, where it is known to have been closed so."""
    data = path.read_bytes()
    less = without_first_close(data)
    for whole, lossy in zip(told(data), told(less) if less else (), strict=False):
        if lossy.tcp.end == "fin" and lossy.tcp.end_by == whole.tcp.end_by:
            yield whole, lossy


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.stem)
def test_a_close_that_was_not_captured_changes_no_verdict(path: Path) -> None:
    for whole, lossy in proven(path):
        causes = [
            c.diagnosis and (c.diagnosis.cause, c.diagnosis.failing_side) for c in (whole, lossy)
        ]

        assert lossy.outcome == whole.outcome
        assert causes[0] == causes[1]


def test_most_closes_are_proven() -> None:
    pairs = [pair for path in CAPTURES for pair in proven(path)]

    assert len(pairs) > len(CAPTURES) / 2
    assert any(lossy.tcp.end_frame is None for _, lossy in pairs)
