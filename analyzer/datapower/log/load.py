"""From files to one log: what ``--dp-log`` gives, entries in order of time.

An error report gives its logs, its configuration and its capture; which part is which is told by
what it holds.
"""

from __future__ import annotations

import contextlib
import io
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from analyzer.capture.unpack import UNPACK_ERRORS
from analyzer.datapower.beginnings import CAPTURES
from analyzer.datapower.export.cli import looks_like_cli
from analyzer.datapower.log.codes import says_something
from analyzer.datapower.log.entries import Tally, read_entries
from analyzer.datapower.log.errorreport import Section, is_error_report, read_sections
from analyzer.datapower.log.source import Budget, numbered, open_streams, read_lines
from analyzer.errors import CaptureError
from analyzer.limits import DEFAULT, Limits
from analyzer.tls.loglines import LogLine

_HEAD: Final = 1 << 14  # bytes by which forms are told
_NOT_READ: Final[tuple[type[Exception], ...]] = (CaptureError, *UNPACK_ERRORS)


@dataclass(frozen=True, slots=True)
class Log:
    """What was read of all files together."""

    lines: tuple[LogLine, ...] = ()  # in order of time; those without one come first
    configurations: tuple[Section, ...] = ()  # of error reports
    captures: tuple[Section, ...] = ()
    caveats: tuple[str, ...] = ()


@dataclass(slots=True)
class _Gathering:
    """A log while it is read."""

    limits: Limits
    lines: list[LogLine] = field(default_factory=list)
    configurations: list[Section] = field(default_factory=list)
    captures: list[Section] = field(default_factory=list)
    caveats: list[str] = field(default_factory=list)
    dropped: int = 0

    def add(self, lines: Iterable[LogLine]) -> None:
        """Keep entries; with half of the room taken, only those that say something of TLS."""
        most = self.limits.log_entries
        for line in lines:
            room = most if says_something(line) else most // 2
            if len(self.lines) < room:
                self.lines.append(line)
            else:
                self.dropped += 1

    def add_file(self, path: Path) -> None:
        """Read one file; an archive may hold other things beside logs.

        Raises:
            CaptureError: It cannot be read, or holds no log.
        """
        refused: CaptureError | None = None
        taken = 0
        for name, stream in open_streams(path, self.limits):
            try:
                self.add_stream(name, stream, self.limits)
                taken += 1
            except CaptureError as error:
                refused = error
        if not taken:
            raise refused or CaptureError("an empty archive", path=str(path), hint="give a log")

    def add_stream(self, name: str, stream: BinaryIO, limits: Limits) -> None:
        """Read one unpacked stream: an error report, or a log.

        Raises:
            CaptureError: There is no entry in it.
        """
        budget, tally = Budget(limits), Tally()
        lines = read_lines(stream, budget, limits)
        first = list(_up_to(lines, _HEAD))
        whole = itertools.chain(first, lines)
        if is_error_report(b"".join(first)):
            before = len(self.lines), len(self.configurations), len(self.captures)
            for section in read_sections(whole, limits):
                self._add_section(name, section)
            tally.entries = sum(
                after - b
                for after, b in zip(
                    (len(self.lines), len(self.configurations), len(self.captures)),
                    before,
                    strict=True,
                )
            )
        else:
            self.add(read_entries(numbered(whole), name, tally, limits))
        if not tally.entries:
            raise CaptureError(
                "no DataPower log",
                path=name,
                hint="give a log (text, XML or CSV) or an error report of the gateway",
            )
        self._note(name, budget, tally)

    def _add_section(self, report: str, section: Section) -> None:
        """Take one part of an error report."""
        name = f"{report}: {section.name}"
        if section.cut:
            self.caveats.append(f"{name}: longer than the limit; the rest was left out")
        if section.data.startswith(CAPTURES):
            self.captures.append(Section(name, section.data))
        elif looks_like_cli(section.data) and not _looks_like_log(section.data):
            self.configurations.append(Section(name, section.data))
        else:
            lines = read_lines(io.BytesIO(section.data), Budget(self.limits), self.limits)
            self.add(read_entries(numbered(lines), name, Tally(), self.limits))

    def _note(self, name: str, budget: Budget, tally: Tally) -> None:
        if budget.spent:
            size = self.limits.log_bytes >> 20
            self.caveats.append(f"{name}: read up to {size} MiB, the limit; split the log")
        if budget.damage:
            self.caveats.append(f"{name}: {budget.damage}")
        if tally.foreign > tally.entries:
            self.caveats.append(f"{name}: {tally.foreign} lines of it are no entries of a gateway")

    def log(self) -> Log:
        """What was gathered."""
        if self.dropped:
            self.caveats.append(
                f"{self.dropped} log entries beyond the limit of {self.limits.log_entries} were left "
                "out; give the part of the log around the failure"
            )
        order = sorted(self.lines, key=lambda line: line.time if line.time is not None else -1)
        return Log(
            tuple(order), tuple(self.configurations), tuple(self.captures), tuple(self.caveats)
        )


def read_logs(paths: Iterable[Path], limits: Limits = DEFAULT) -> Log:
    """Read log files of any form.

    Raises:
        CaptureError: A file cannot be read, or holds no entry of a gateway's log.
    """
    gathering = _Gathering(limits)
    for path in paths:
        gathering.add_file(path)
    return gathering.log()


def is_report(path: Path, limits: Limits = DEFAULT) -> bool:
    """Whether a file is an error report, unpacked or not; what cannot be read is none, or a pipe."""
    if not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            if file.read(4) in {*CAPTURES, b"PK\x03\x04"}:
                return False
        with contextlib.closing(open_streams(path, limits)) as streams:
            head = next(streams)[1].read(_HEAD)
    except _NOT_READ:
        return False
    return is_error_report(head)


def read_log_bytes(data: bytes, name: str, limits: Limits = DEFAULT) -> Log:
    """Read a log from its bytes, unpacked; raises as :func:`read_logs`."""
    gathering = _Gathering(limits)
    gathering.add_stream(name, io.BytesIO(data), limits)
    return gathering.log()


def _up_to(lines: Iterator[bytes], size: int) -> Iterator[bytes]:
    """The first lines, until so many bytes of them are there."""
    for line in lines:
        yield line
        size -= len(line)
        if size <= 0:
            return


def _looks_like_log(data: bytes) -> bool:
    """Whether the first lines are entries."""
    head = io.BytesIO(data[:_HEAD])
    tally = Tally()
    for _ in read_entries(numbered(iter(head.readlines())), "", tally):
        pass
    return tally.entries > 2 and tally.entries * 2 >= tally.lines - tally.foreign
