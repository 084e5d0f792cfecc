"""Files of a log, from bytes to numbered lines: rotated, compressed, in archives, of any encoding.

Nothing is unpacked to a disk, and nothing is held but one line: what an archive says of its size is
not believed, and reading ends at a limit of unpacked bytes.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

from analyzer.capture.unpack import UNPACK_ERRORS, Peeked, unpack
from analyzer.errors import CaptureError, MissingPackageError
from analyzer.limits import DEFAULT, Limits

_ZIP: Final = b"PK\x03\x04"
_LAYERS_MOST: Final = 3
_STEP: Final = 1 << 16


class Budget:
    """What is left of the bytes that may be unpacked from one file; ``spent`` once none is."""

    def __init__(self, limits: Limits) -> None:
        self.left = limits.log_bytes
        self.spent = False
        self.damage = ""

    def take(self, data: bytes) -> bytes:
        """Count bytes; give those that are within the limit."""
        self.left -= len(data)
        if self.left < 0:
            self.spent = True
            data = data[: len(data) + self.left]
            self.left = 0
        return data


def open_streams(
    path: Path, limits: Limits = DEFAULT
) -> Generator[tuple[str, BinaryIO], None, None]:
    """Give the unpacked streams of a file, with their names: one, or an archive's members.

    Raises:
        CaptureError: The file cannot be read at all.
    """
    with path.open("rb") as file:
        if file.read(4) != _ZIP:
            file.seek(0)
            yield path.name, _unpacked(Peeked(file), str(path))
            return
        file.seek(0)
        try:
            yield from _members(file, path, limits)
        except UNPACK_ERRORS as error:
            raise _error(str(path), "a damaged archive") from error


def _members(file: BinaryIO, path: Path, limits: Limits) -> Iterator[tuple[str, BinaryIO]]:
    with zipfile.ZipFile(file) as archive:
        listed = [one for one in archive.infolist() if not one.is_dir()]
        if len(listed) > limits.log_members:
            raise _error(str(path), f"an archive of {len(listed)} files")
        if any(member.compress_type == zipfile.ZIP_LZMA for member in listed):
            raise _error(str(path), "an archive that says how much memory it takes (LZMA)")
        for member in listed:
            name = f"{path.name}: {Path(member.filename).name}"
            with archive.open(member) as stream:
                yield name, _unpacked(Peeked(stream), name)


def _unpacked(stream: Peeked, path: str) -> BinaryIO:
    """Put decompressors over a stream, as many as it takes."""
    try:
        for _ in range(_LAYERS_MOST):
            if stream.peek(4) == _ZIP:
                break
            stream, name = unpack(stream)
            if not name:
                break
        stream.peek(1)
    except MissingPackageError as error:
        raise _error(path, f"{error} is needed to unpack it") from error
    except UNPACK_ERRORS as error:
        raise _error(path, "cannot be read") from error
    return io.BufferedReader(stream, _STEP)


def read_lines(stream: Any, budget: Budget, limits: Limits = DEFAULT) -> Iterator[bytes]:
    """Give the lines of a stream; of one beyond the limit its beginning, and an end for the rest.

    Damage ends the stream: what came before it is as good as it was.
    """
    whole = True
    while not budget.spent:
        try:
            line = stream.readline(limits.log_line_bytes)
        except UNPACK_ERRORS:
            budget.damage = "it is damaged, and was read up to there"
            return
        if not line:
            return
        line = budget.take(line)
        if whole:
            yield line
        whole = line.endswith(b"\n")


def numbered(lines: Iterator[bytes]) -> Iterator[tuple[int, str]]:
    """Number lines from 1 and decode them; UTF-16 is told by its mark."""
    encoding = "utf-8"
    for number, line in enumerate(lines, start=1):
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")  # noqa: PLW2901 - the mark is no text
            if line.startswith((b"\xff\xfe", b"\xfe\xff")):
                encoding = "utf-16-le" if line[0] == 0xFF else "utf-16-be"
                line = line[2:]  # noqa: PLW2901
        if encoding == "utf-16-le":  # half of the newline is at the begin of the next line
            line = (line if number == 1 else line.removeprefix(b"\0")) + b"\0"  # noqa: PLW2901
        yield number, line.decode(encoding, "replace").rstrip("\r\n\0\ufffd")


def _error(path: str, problem: str) -> CaptureError:
    hint = "copy it again in binary mode, or unpack it first"
    return CaptureError(problem, path=path, hint=hint)
