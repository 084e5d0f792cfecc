"""Shorter waits: loopback answers at once, and there are many tests."""

from __future__ import annotations

import pytest

from analyzer.live import clients, link, listen


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "_LINGER", 0.2)
    monkeypatch.setattr(clients, "_AFTER_FLIGHT", 0.2)
    monkeypatch.setattr(link, "_FAREWELL", 0.3)
    monkeypatch.setattr(listen, "_FAREWELL", 0.3)
