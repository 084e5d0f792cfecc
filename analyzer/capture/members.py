"""Captures in one zip archive: several are read as the files of one capture, such as a rotation."""

from __future__ import annotations

import os
import weakref
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, TypeAlias

from analyzer.capture.unpack import (
    ARCHIVE,
    LAYERS_MOST,
    WILL_NOT_UNPACK,
    Contents,
    Peeked,
    contents_of,
    unpack,
)

_STANDARD_INPUT = "-"


@dataclass(frozen=True, slots=True)
class Member:
    """A capture in an archive, which can be opened again and again.

    ``beside`` are files of the archive that are no captures; only its first capture tells of them.
    """

    path: str  # with that of the archive before it
    name: str
    archive: zipfile.ZipFile
    beside: tuple[str, ...] = ()

    def open(self) -> IO[bytes]:
        """Open it at its beginning."""
        return self.archive.open(self.name)

    @property
    def size(self) -> int:
        """Its bytes, unpacked."""
        return self.archive.getinfo(self.name).file_size


Source: TypeAlias = str | os.PathLike[str] | BinaryIO | Member


def members_of(source: Source, memory: int) -> tuple[Member, ...]:
    """The captures of an archive that holds several; none of anything else.

    What cannot be read is none either: opening it says why. Nor is what gives its bytes but once.

    Args:
        source: Looked at, and left where it was.
        memory: As for :func:`~analyzer.capture.unpack.unpack`.
    """
    try:
        found = _contents(source, memory)
    except WILL_NOT_UNPACK:
        return ()
    if found is None or len(found.captures) < 2:
        return ()
    path = _name(source)
    return tuple(
        Member(f"{path}/{name}", name, found.archive, () if index else found.rest)
        for index, name in enumerate(found.captures)
    )


def _contents(source: Source, memory: int) -> Contents | None:
    if isinstance(source, Member) or source == _STANDARD_INPUT:
        return None
    if isinstance(source, (str, os.PathLike)):
        return _of_file(Path(source), memory)
    if not source.seekable():
        return None
    at = source.tell()
    try:
        return _archive(source, memory)
    finally:
        source.seek(at)


def _of_file(path: Path, memory: int) -> Contents | None:
    if not path.is_file():
        return None  # a pipe would lose what is looked at
    file = path.open("rb", buffering=0)
    found = None
    try:
        found = _archive(file, memory)
    finally:
        if found is None:
            file.close()
    if found is not None:
        weakref.finalize(found.archive, file.close)  # which reads it, where it is not unpacked
    return found


def _archive(file: IO[bytes], memory: int) -> Contents | None:
    """Look into what is an archive once it is unpacked; none if it is something else."""
    stream = Peeked(file)
    for _ in range(LAYERS_MOST):
        if stream.peek(len(ARCHIVE)) == ARCHIVE:
            return contents_of(stream, memory)
        stream, packed = unpack(stream, memory)
        if not packed:
            return None
    return None


def _name(source: Source) -> str:
    if isinstance(source, (str, os.PathLike)):
        return os.fspath(source)
    return str(getattr(source, "name", "<stream>"))
