"""Buffers of blocks, looked at again where the file has them: cheaper than sending them on."""

from __future__ import annotations

import mmap
from pathlib import Path

import numpy as np

from analyzer.capture.block import Bytes, Place
from analyzer.errors import CaptureError


def look_up(place: Place) -> Bytes:
    """Give the bytes of a place: those that are looked at are all that is read.

    Raises:
        CaptureError: They are not there any more.
    """
    before = place.offset % mmap.ALLOCATIONGRANULARITY
    try:
        with Path(place.path).open("rb") as file:
            shown = mmap.mmap(
                file.fileno(),
                before + place.length,
                access=mmap.ACCESS_READ,
                offset=place.offset - before,
            )
    except (OSError, ValueError) as error:  # the second: the file is shorter than that
        raise CaptureError(
            f"changed while it was read ({_why(error)})",
            path=place.path,
            hint="analyse a copy, or with --jobs 1",
            offset=place.offset,
        ) from None
    return np.frombuffer(shown, np.uint8)[before:]


def _why(error: Exception) -> str:
    text = error.strerror if isinstance(error, OSError) else None
    return text or "it became shorter"
