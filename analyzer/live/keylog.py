"""A place for the secrets of sessions that are ours, which is gone when it is no longer needed."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Final, Self

_MOST: Final = 4 << 20  # bytes; the newest are kept


class KeyLog:
    """A file that only this user can read, for a program to write its secrets to."""

    def __init__(self) -> None:
        self._folder = tempfile.mkdtemp(prefix="handshake-analyzer-")
        self.path = Path(self._folder) / "keys.log"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.forget()

    def read(self) -> bytes:
        """What was written so far."""
        if not self.path.exists():
            return b""
        with self.path.open("rb") as file:
            file.seek(max(0, self.path.stat().st_size - _MOST))
            return file.read(_MOST)

    def forget(self) -> None:
        """Remove the file."""
        shutil.rmtree(self._folder, ignore_errors=True)
