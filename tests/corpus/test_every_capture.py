"""Third-party captures: each is analysed without a stumble, or refused in one line, in time."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from analyzer import CaptureError, analyze
from tests.support.shared import shared

pytestmark = [pytest.mark.corpus, pytest.mark.slow]

SECONDS = 10


def stumbles(folder: Path, *, refusals: bool) -> list[str]:
    """What went wrong with the captures of a folder."""
    wrong = []
    for path in sorted(folder.iterdir()):
        begun = time.process_time()
        try:
            report = analyze(path)
        except CaptureError as error:
            if not refusals or "\n" in str(error):
                wrong.append(f"{path.name}: {error}")
            continue
        wrong += [
            f"{path.name} stream {connection.stream}: {finding.explanation}"
            for connection in report.connections
            for finding in connection.findings
            if finding.cause == "internal_error"
        ]
        if time.process_time() - begun > SECONDS:
            wrong.append(f"{path.name}: took {time.process_time() - begun:.1f} s")
    return wrong


def test_every_capture_with_tls_is_analysed() -> None:
    assert stumbles(shared("corpus/tls"), refusals=False) == []


def test_every_odd_capture_is_analysed_or_refused_in_one_line() -> None:
    assert stumbles(shared("corpus/odd"), refusals=True) == []
