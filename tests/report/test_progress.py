from __future__ import annotations

import io

import pytest

from analyzer.report import progress
from analyzer.report.progress import ProgressBar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_short_work_shows_nothing() -> None:
    terminal = Terminal()
    with ProgressBar(terminal) as bar:
        bar(10, 100)
        bar(100, 100)

    assert terminal.getvalue() == ""


def test_long_work_shows_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_PATIENCE_S", 0.0)
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal()
    with ProgressBar(terminal) as bar:
        bar(50, 100)
        bar(70, 0)  # of a pipe nobody knows the size

    assert "reading" in terminal.getvalue()
