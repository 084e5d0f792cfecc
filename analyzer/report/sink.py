"""Files are written beside their name and renamed, so that nobody ever reads half a report."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path
from typing import Final, cast

_CHUNK: Final = 1 << 20
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextlib.contextmanager
def written_beside(path: Path, *, private: bool = False) -> Iterator[TextIOWrapper]:
    """Open a file for text (its ``buffer`` for bytes) that appears under ``path`` when complete.

    ``private``: only its owner may read it.
    A device or a pipe, such as /dev/null, is written as it is: it cannot be replaced.
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        with _named(path), path.open("w", encoding="utf-8", newline="\n") as device:
            yield device
        return
    if path.is_dir():
        raise IsADirectoryError(21, "is a directory", str(path))
    import tempfile  # noqa: PLC0415 - not for standard output

    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise type(error)(error.errno, error.strerror, str(path)) from error
    beside = Path(name)
    try:
        with _named(path), os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            yield file
        beside.chmod(0o600 if private else 0o666 & ~_umask())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def _named(path: Path) -> Iterator[None]:
    """Let a disk that is full say which file it had no room for."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL and error.filename is None:
            error.filename = str(path)
        raise


def write_all(sink: TextIOWrapper, data: bytes) -> None:
    """Write bytes to the end: without buffering (PYTHONUNBUFFERED) a pipe may take only a part."""
    at = 0
    while at < len(data):
        at += cast("int", sink.buffer.write(data[at : at + _CHUNK]))


def _umask() -> int:
    """The mask of this process; it can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
