"""Failures made anew by the programs at hand are told as well as those that were recorded."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.lab import missing
from tests.bench.record import record
from tests.bench.score import rows

# One program as client, another as server: failures of both certificates, of offers, of the path.
PAIRS = ("*-openssl-gnutls-tls1*", "*-gnutls-openssl-tls1*", "*-python-openssl-tls13")


@pytest.mark.slow
@pytest.mark.peer
@pytest.mark.parametrize("pair", PAIRS)
def test_failures_made_anew_are_told_right(pair: str, tmp_path: Path) -> None:
    if lacking := missing():
        pytest.skip(lacking)
    assert record(tmp_path, pair) == 0
    told = list(rows(tmp_path))
    if not told:
        pytest.skip(f"none of the programs of {pair} is here")

    assert [row.name for row in told if not row.right["outcome"]] == []
    for field in ("cause", "phase", "failing_side", "remedy_side"):
        wrong = [row.name for row in told if not row.right[field]]
        assert len(wrong) <= 0.05 * len(told), (field, wrong)
