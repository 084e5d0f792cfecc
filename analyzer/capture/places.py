"""Buffers of blocks, read again where the file has them: cheaper than sending them on."""

from __future__ import annotations

from io import FileIO
from pathlib import Path

import numpy as np

from analyzer.capture.block import Bytes, Place
from analyzer.capture.window import SLACK
from analyzer.errors import CaptureError


class Places:
    """Reads places of files. A buffer is overwritten by the next."""

    def __init__(self) -> None:
        self._memory = bytearray()

    def read(self, place: Place) -> Bytes:
        """Give the bytes of a place, with room behind them that a gather may touch.

        Raises:
            CaptureError: They are not there any more.
        """
        if len(self._memory) < place.length + SLACK:
            self._memory = bytearray(place.length + SLACK)
        room = memoryview(self._memory)[: place.length]
        try:
            with Path(place.path).open("rb", buffering=0) as file:
                file.seek(place.offset)
                filled = _fill(file, room)
        except OSError as error:
            raise _changed(place, error.strerror or type(error).__name__) from None
        if not filled:
            raise _changed(place, "it became shorter")
        return np.frombuffer(self._memory, np.uint8)


def _fill(file: FileIO, room: memoryview) -> bool:
    """Fill the room; False if the file ends before."""
    at = 0
    while at < len(room):
        count = file.readinto(room[at:])
        if not count:
            return False
        at += count
    return True


def _changed(place: Place, why: str) -> CaptureError:
    return CaptureError(
        f"changed while it was read ({why})",
        path=place.path,
        hint="analyse a copy, or with --jobs 1",
        offset=place.offset,
    )
