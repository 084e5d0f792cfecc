"""Blocks of segments from short descriptions, for tests of the TCP stage."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analyzer.capture.block import SegmentBlock

CLIENT, SERVER = (0xC000_020A, 50_000), (0xC633_6414, 443)  # 192.0.2.10, 198.51.100.20
_MAPPED = 0xFFFF << 32


@dataclass(frozen=True)
class Sent:
    """One segment; ``source`` and ``target`` are (IPv4 address, port)."""

    source: tuple[int, int]
    target: tuple[int, int]
    sequence: int
    data: bytes = b""
    flags: int = 16
    acknowledgment: int = 0
    cut: int = 0  # bytes at the end that the snap length took
    time: int = 0


def block_of(sent: list[Sent], first_frame: int = 1) -> SegmentBlock:
    """Columns of the given segments, in frames from ``first_frame`` on."""
    captured = [segment.data[: len(segment.data) - segment.cut] for segment in sent]
    ends = np.cumsum([len(data) for data in captured], dtype=np.int64)

    def column(values: list[int]) -> np.typing.NDArray[np.int64]:
        return np.array(values, np.int64)

    def addresses(ends_: list[tuple[int, int]]) -> np.typing.NDArray[np.uint64]:
        return np.array([(0, _MAPPED | address) for address, _ in ends_], np.uint64).reshape(-1, 2)

    frames = np.arange(first_frame, first_frame + len(sent), dtype=np.int64)
    return SegmentBlock(
        buffer=np.frombuffer(b"".join(captured), np.uint8),
        frame=frames,
        time=column([s.time or int(f) * 1000 for s, f in zip(sent, frames, strict=True)]),
        source=addresses([s.source for s in sent]),
        destination=addresses([s.target for s in sent]),
        source_port=column([s.source[1] for s in sent]),
        destination_port=column([s.target[1] for s in sent]),
        sequence=column([s.sequence % (1 << 32) for s in sent]),
        acknowledgment=column([s.acknowledgment % (1 << 32) for s in sent]),
        flags=column([s.flags for s in sent]),
        window=column([65_535] * len(sent)),
        ttl=column([64] * len(sent)),
        ip_id=column([0] * len(sent)),
        mss=column([-1] * len(sent)),
        begin=ends - column([len(data) for data in captured]),
        end=ends,
        length=column([len(s.data) for s in sent]),
    )
