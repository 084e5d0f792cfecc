"""Third-party captures tell the same, whether one process follows their connections or three."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import msgspec
import pytest

from analyzer.errors import CaptureError
from analyzer.limits import DEFAULT
from analyzer.pipeline import Analysis
from tests.support.shared import shared

pytestmark = [pytest.mark.corpus, pytest.mark.slow]

# Blocks so small that connections span them, and limits so low that stories are judged on the way.
EAGER = dataclasses.replace(
    DEFAULT, shared_bytes=1, block_bytes=1 << 14, full_stories=2, held_stories=5
)


def told(path: Path, jobs: int) -> bytes:
    try:
        return msgspec.json.encode(Analysis([path], limits=EAGER, jobs=jobs).report())
    except CaptureError as error:
        return str(error).encode()


@pytest.mark.parametrize("folder", ["corpus/tls", "corpus/odd"])
def test_the_number_of_processes_changes_nothing(folder: str) -> None:
    files = sorted(shared(folder).iterdir())

    assert [path.name for path in files if told(path, 1) != told(path, 3)] == []
