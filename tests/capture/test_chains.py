"""Records found by chains are those that are found one by one, whatever the file holds."""

from __future__ import annotations

import dataclasses
import io
import random
import struct
from typing import Any

import numpy as np
import pytest

from analyzer.capture import pcap
from analyzer.capture.block import Integers
from analyzer.capture.chains import walk_chains
from analyzer.capture.source import open_capture
from analyzer.limits import DEFAULT, Limits

SECOND = 1_700_000_000
CLUE = struct.pack("<I", SECOND)


def following(begins: Integers) -> Integers:
    """Records of ten bytes."""
    return begins + 10


def test_chains_that_meet_are_one() -> None:
    starts = walk_chains(np.array([0, 30, 90]), 115, following)

    assert starts is not None
    assert starts.tolist() == list(range(0, 115, 10))


def test_a_guess_that_no_chain_meets_is_wrong() -> None:
    assert walk_chains(np.array([0, 35, 90]), 115, following) is None


def test_a_chain_of_too_many_records_is_given_up() -> None:
    assert walk_chains(np.array([0, 30]), 1_000_000, following) is None


def capture(
    seed: int, *, order: str = "<", filling: bytes = b"\0", pause: float = 0.001, most: int = 1_500
) -> bytes:
    """A file of about two megabytes."""
    chance = random.Random(seed)
    header = struct.pack(f"{order}IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 1)
    records, size, time = [header], 0, float(SECOND)
    while size < 2 << 20:
        length = chance.randint(0, most)
        time += pause
        data = (filling * length)[:length]
        times = int(time), int(time % 1 * 1e6)
        records.append(struct.pack(f"{order}IIII", *times, length, length) + data)
        size += length + 16
    return b"".join(records)


def packets(data: bytes, limits: Limits = DEFAULT) -> tuple[list[list[int]], tuple[str, ...]]:
    """All columns of all packets, and what is said of the file."""
    reading = open_capture(io.BytesIO(data), limits)
    told = [
        np.stack([block.frame, block.time, block.end - block.begin]) for block in reading.blocks()
    ]
    return np.concatenate(told, axis=1).tolist(), reading.caveats


def one_by_one(data: bytes, limits: Limits, patch: pytest.MonkeyPatch) -> object:
    with patch.context() as context:
        context.setattr(pcap, "_guess", lambda _window, at, _variant: np.array([at]))
        return packets(data, limits)


FILES = {
    "plain": capture(1),
    "big-endian": capture(2, order=">"),
    "payload that looks like time": capture(3, filling=CLUE[1:] * 3),
    "minutes pass": capture(4, pause=1.0),
    "large packets": capture(5, most=60_000),
    "small packets": capture(9, most=60),
    "cut at the end": capture(6)[:-700],
    "cut in a header": capture(7)[:1_500_003],
    "damaged": capture(8)[:1_000_000] + b"\xee" * 50_000 + capture(8)[1_050_000:],
}


@pytest.mark.parametrize("block_packets", [1_500, DEFAULT.block_packets])
@pytest.mark.parametrize("name", FILES)
def test_whatever_a_file_holds_its_packets_are_the_same(
    name: str, block_packets: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = dataclasses.replace(DEFAULT, block_packets=block_packets)

    assert packets(FILES[name], limits) == one_by_one(FILES[name], limits, monkeypatch)


@pytest.mark.parametrize("name", ["plain", "big-endian", "cut at the end"])
def test_a_usual_file_is_read_by_chains(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    walked: list[int] = []
    walk = pcap._walk

    def counted(*arguments: Any) -> tuple[Integers, int]:
        starts, at = walk(*arguments)
        walked.append(len(starts))
        return starts, at

    monkeypatch.setattr(pcap, "_walk", counted)
    found = len(packets(FILES[name])[0][0])

    assert sum(walked) < found / 10  # the window begins small
