"""Damaged captures from every seed: a report in every form, or one clear line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.mutations import damaged
from tests.fuzz.seeds import seeds
from tests.fuzz.target import consume

SEEDS = seeds()


@pytest.mark.parametrize("name", SEEDS)
def test_a_seed_is_analysed_or_refused(name: str) -> None:
    consume(SEEDS[name])


@pytest.mark.parametrize("name", ["refused", "tls12", "tls13", "retry", "starttls", "connect"])
def test_a_conversation_among_the_seeds_is_tls(name: str) -> None:
    report = consume(SEEDS[name])

    assert report is not None
    assert (report.summary.connections, report.summary.not_tls) == (1, 0)
    (connection,) = report.connections
    assert connection.handshake.messages[0].name == "client_hello"
    assert connection.tls is not None
    assert connection.tls.client_offers is not None
    assert connection.tls.client_offers.cipher_suites


@settings(max_examples=60, deadline=None)
@given(damaged(list(SEEDS.values())))
def test_damage_never_surprises(data: bytes) -> None:
    consume(data)


@pytest.mark.slow
def test_fuzzing_by_the_clock_finds_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.fuzz", "--seconds", "10", "--folder", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)

    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "nothing found" in done.stdout


@settings(max_examples=1)
@given(st.just(b"\xd4\xc3\xb2\xa1"))
def test_what_is_no_capture_is_refused(data: bytes) -> None:
    assert consume(data) is None
