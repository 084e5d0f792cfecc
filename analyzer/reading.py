"""Several files of one capture become one sequence of segments, in order of time.

Files of a rotation, which may come in one archive, follow each other and are read one by one. Files
that overlap in time (two interfaces, the two directions) are merged. Within, frames are numbered
through; :class:`Frames` lead back to the file and its own number.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from os import PathLike
from typing import Final, TypeAlias

import numpy as np

from analyzer.capture.block import COLUMNS, IcmpError, Integers, SegmentBlock
from analyzer.capture.duplicates import Copies
from analyzer.capture.members import Member, Source, members_of
from analyzer.capture.source import Capture, open_capture
from analyzer.limits import Limits
from analyzer.tcp.evidence import ACK, SYN

Progress: TypeAlias = Callable[[int, int], None]

_NEVER: Final = 1 << 62  # after every time that a capture can tell, ns
_LOOKED_AT: Final = 4  # blocks
_FEW: Final = 200  # segments of one connection: to follow these costs as much as to tell it


def is_crowded(source: Source, limits: Limits) -> bool:
    """Whether a capture begins with so many connections that they, and not packets, are the work.

    Where a frame holds segments of several connections (IEEE 802.11's A-MSDU) it counts as not
    crowded: those who share the work number connections by the frames that began them.

    Raises:
        CaptureError: The file is of no use.
    """
    segments = asked = 0
    capture = open_capture(source, limits)
    try:
        for block in islice(capture.segments(), _LOOKED_AT):
            if not np.diff(block.frame).all():
                return False
            segments += len(block.flags)
            asked += int(np.count_nonzero((block.flags & (SYN | ACK)) == SYN))
    finally:
        capture.close()
    return 0 < segments <= asked * _FEW


class Reading:
    """The files of one capture, read once from beginning to end."""

    def __init__(
        self,
        sources: Sequence[Source],
        limits: Limits,
        *,
        progress: Progress | None = None,
        follow: bool = False,
    ) -> None:
        self.captures: list[Capture] = []
        self.sources = tuple(_each(sources, limits))
        self._limits = limits
        self._progress = progress
        self._follow = follow
        self._copies = Copies()  # of what came in another file
        self.frames = Frames(several=len(self.sources) > 1)

    def blocks(self) -> Iterator[SegmentBlock | None]:
        """Give the segments; None says that followed input has been quiet for a while.

        Raises:
            CaptureError: A file is of no use.
        """
        if len(self.sources) == 1:
            yield from self._alone(self.sources[0])
        else:
            yield from self._merged()

    @property
    def end(self) -> int:
        """The time of the latest packet so far, ns since the epoch."""
        return max((c.last_packet or 0 for c in self.captures), default=0)

    def _alone(self, source: Source) -> Iterator[SegmentBlock | None]:
        capture = open_capture(source, self._limits, follow=self._follow)
        self.captures.append(capture)
        blocks = capture.segments()
        while True:
            if not capture.ready(self._limits.linger / 1e9):
                yield None
            block = next(blocks, None)
            if block is None:
                return
            yield block
            self._tell_progress()

    def _merged(self) -> Iterator[SegmentBlock]:
        waiting = [
            _File(self._limits, source, first)
            for first, source in sorted(
                ((_first_time(s, self._limits), s) for s in self.sources), key=lambda pair: pair[0]
            )
        ]
        reading: list[_File] = []
        while waiting or reading:
            until = min((file.until for file in reading), default=-_NEVER)
            while waiting and (not reading or waiting[0].first <= until):
                file = waiting.pop(0)
                self.captures.append(file.open(len(self.captures)))
                reading += [] if file.ended else [file]
                until = min((file.until for file in reading), default=-_NEVER)
            parts = [part for file in reading if (part := file.take(until))]
            if parts:
                yield self._joined(parts)
            self._tell_progress()
            for file in reading:
                file.go_on()
            reading = [file for file in reading if not file.ended]

    def _joined(self, parts: list[_Part]) -> SegmentBlock:
        """Rows of one file or several as one block, with frames that are numbered through."""
        block = self._numbered(parts)
        copies = self._copies.of(block)
        if not copies.any():
            return block
        for frame in block.frame[copies].tolist():
            file, _ = self.frames.last.frame_of(frame)
            self.captures[file].note_copies(1)
        return replace(block.rows(~copies), icmp_errors=block.icmp_errors)

    def _numbered(self, parts: list[_Part]) -> SegmentBlock:
        before = self.frames.last
        begin = before.end
        if len(parts) > 1:
            block, files, frames = _interleave(parts, begin)
            self.frames.add(_Table(begin, begin + len(frames), files, frames))
            return block
        (part,) = parts
        shift = begin - part.first_frame
        if isinstance(before, _Run) and before.file == part.file:
            shift = before.shift
        self.frames.add(_Run(begin, part.last_frame + shift + 1, part.file, shift))
        errors = tuple(replace(e, frame=e.frame + shift) for e in part.block.icmp_errors)
        return replace(part.block, frame=part.block.frame + shift, icmp_errors=errors)

    def _tell_progress(self) -> None:
        if self._progress is not None:
            self._progress(*self.captures[-1].progress)


def _each(sources: Sequence[Source], limits: Limits) -> Iterator[Source]:
    """The sources, and for an archive of several captures each of these."""
    for source in sources:
        yield from members_of(source, limits.unpacking_bytes) or (source,)


@dataclass(frozen=True, slots=True)
class _Run:
    """Merged frames ``[begin, end)`` of one file; ``shift`` more than its own."""

    begin: int
    end: int
    file: int
    shift: int

    def frame_of(self, frame: int) -> tuple[int, int]:
        return self.file, frame - self.shift

    def goes_on_with(self, other: _Run) -> bool:
        return (self.file, self.shift) == (other.file, other.shift)


@dataclass(frozen=True, slots=True)
class _Table:
    """Merged frames ``[begin, end)`` of several files, one by one."""

    begin: int
    end: int
    files: Integers
    frames: Integers

    def frame_of(self, frame: int) -> tuple[int, int]:
        return int(self.files[frame - self.begin]), int(self.frames[frame - self.begin])


Span: TypeAlias = _Run | _Table


class Frames:
    """Leads from merged frames back to files and their own numbers."""

    def __init__(self, *, several: bool) -> None:
        self.several = several
        self._spans: list[Span] = []
        self._begins: list[int] = []  # the first merged frame of each span

    def place(self, frame: int) -> tuple[int, int] | None:
        """The file (from 0, in order of reading) and its frame; None if there is but one file."""
        if not self.several:
            return None
        return self._spans[bisect_right(self._begins, frame) - 1].frame_of(frame)

    @property
    def last(self) -> Span:
        """What was added last."""
        return self._spans[-1] if self._spans else _Run(1, 1, -1, 0)

    def add(self, span: Span) -> None:
        """Add frames behind the last."""
        before = self.last
        if isinstance(span, _Run) and isinstance(before, _Run) and before.goes_on_with(span):
            self._spans[-1] = replace(before, end=span.end)
            return
        self._spans.append(span)
        self._begins.append(span.begin)

    def since(self, count: int) -> list[Span]:
        """The spans behind the first ``count``."""
        return self._spans[count:]


@dataclass(frozen=True, slots=True)
class _Part:
    """Some rows of a file, with the errors among them."""

    file: int
    block: SegmentBlock

    @property
    def first_frame(self) -> int:
        return min(self._frames())

    @property
    def last_frame(self) -> int:
        return max(self._frames())

    def _frames(self) -> list[int]:
        rows = self.block.frame
        ends = [int(rows[0]), int(rows[-1])] if len(rows) else []
        return ends + [error.frame for error in self.block.icmp_errors]


class _File:
    """One of several files, with the block that is being handed out."""

    def __init__(self, limits: Limits, source: Source, first: int) -> None:
        self.first = first  # time of its first packet, ns
        self.ended = False
        self._limits = limits
        self._source = source
        self._number = 0
        self._blocks: Iterator[SegmentBlock] = iter(())
        self._block: SegmentBlock
        self._at = 0  # rows of the block that were taken
        self._told = 0  # the first frame that was not
        self._reached: Integers  # latest time up to each row, ns
        self.until = -_NEVER  # the block at hand tells all up to this time, ns

    def open(self, number: int) -> Capture:
        """Open it as the file of this number, and read its first block."""
        self._number = number
        capture = open_capture(self._source, self._limits)
        self._blocks = capture.segments()
        self._advance()
        return capture

    def take(self, until: int) -> _Part | None:
        """The rows up to a time that were not taken yet, with the errors among them."""
        begin = self._at
        self._at = int(np.searchsorted(self._reached, until, side="right"))
        block = self._block
        last = self._at == len(block.frame)
        stop = _NEVER if last else int(block.frame[self._at])
        errors = tuple(e for e in block.icmp_errors if self._told <= e.frame < stop)
        self._told = stop
        if begin == self._at and not errors:
            return None
        rows = block if begin == 0 and last else block.rows(slice(begin, self._at))
        return _Part(self._number, replace(rows, icmp_errors=errors))

    def go_on(self) -> None:
        """Read the next block if this one was taken."""
        if self._at == len(self._block.frame):
            self._advance()

    def _advance(self) -> None:
        while True:
            block = next(self._blocks, None)
            if block is None:
                self.ended = True
                return
            if len(block.frame) or block.icmp_errors:
                break
        self._block, self._at, self._told = block, 0, 0
        # Clocks may step back within a file; its order is kept all the same.
        self._reached = np.maximum.accumulate(block.time)
        times = [error.time for error in block.icmp_errors]
        self.until = int(self._reached[-1]) if len(self._reached) else max(times)


def _interleave(parts: list[_Part], begin: int) -> tuple[SegmentBlock, Integers, Integers]:
    """Rows of several files as one block in order of time.

    Returns:
        The block, its frames from ``begin`` on, and for each of these frames the file it is of and
        its number there, each of shape ``(frames,)``.
    """
    blocks = [part.block for part in parts]
    errors = [(part.file, error) for part in parts for error in part.block.icmp_errors]
    sizes = np.cumsum([0, *(len(block.buffer) for block in blocks)])
    columns = {name: np.concatenate([getattr(b, name) for b in blocks]) for name in COLUMNS}
    shift = np.repeat(sizes[:-1], [len(block.frame) for block in blocks])
    columns["begin"] += shift
    columns["end"] += shift
    rows = len(shift)
    files = np.concatenate(
        [
            np.repeat([part.file for part in parts], [len(block.frame) for block in blocks]),
            np.array([file for file, _ in errors], np.int64),
        ]
    )
    frames = np.append(columns["frame"], np.array([e.frame for _, e in errors], np.int64))
    times = np.append(columns["time"], np.array([e.time for _, e in errors], np.int64))
    order = np.lexsort((frames, files, times))
    numbered = np.empty(len(order), np.int64)
    numbered[order] = np.arange(begin, begin + len(order))
    columns["frame"] = numbered[:rows]
    by_time = order[order < rows]
    merged = SegmentBlock(
        buffer=np.concatenate([block.buffer for block in blocks]),
        icmp_errors=_renumbered(errors, numbered[rows:]),
        place=None,
        **{name: column[by_time] for name, column in columns.items()},
    )
    return merged, files[order], frames[order]


def _renumbered(errors: list[tuple[int, IcmpError]], frames: Integers) -> tuple[IcmpError, ...]:
    told = [replace(e, frame=f) for (_, e), f in zip(errors, frames.tolist(), strict=True)]
    return tuple(sorted(told, key=lambda error: error.frame))


def _first_time(source: Source, limits: Limits) -> int:
    """When the first packets of a file were captured, ns; a file without any goes last."""
    if source == "-" or not isinstance(source, (str, PathLike, Member)):
        raise TypeError("only one stream can be analysed at a time, and no files beside it")
    capture = open_capture(source, limits)
    try:
        next(capture.blocks(), None)
    finally:
        capture.close()
    first = capture.first_packet
    return _NEVER if first is None else first
