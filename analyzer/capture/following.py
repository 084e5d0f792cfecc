"""Input that is still being written: a pipe, or a file that grows."""

from __future__ import annotations

import io
import os
import select
import time
from typing import Any, Final

_PAUSE_S: Final = 0.1  # between two looks at a file that has not grown


class Followed(io.RawIOBase):
    """A stream that waits where a file ends, until it goes on or the user interrupts.

    An interrupt (Ctrl-C) is the end of the stream, so that what came until then is still told.
    """

    def __init__(self, below: Any, descriptor: int, *, grows: bool) -> None:
        """``grows``: a regular file, whose end is only where it is now."""
        super().__init__()
        self.below = below
        self._descriptor = descriptor
        self._grows = grows
        self._taken = 0
        self._interrupted = False

    def readable(self) -> bool:
        """Say what the ``io`` classes ask."""
        return True

    def fileno(self) -> int:
        """Give the descriptor of what is below."""
        return self._descriptor

    def readinto(self, buffer: Any) -> int:
        """Read at least a byte; 0 only at the end of a pipe or after an interrupt."""
        try:
            while not self._interrupted:
                count = int(self.below.readinto(buffer) or 0)
                if count or not self._grows:
                    self._taken += count
                    return count
                time.sleep(_PAUSE_S)
        except KeyboardInterrupt:
            self._interrupted = True
        return 0

    def ready(self, seconds: float) -> bool:
        """Wait until a read would not; False if that takes longer than so many seconds."""
        try:
            return self._interrupted or self._wait(seconds)
        except KeyboardInterrupt:
            self._interrupted = True
            return True

    def _wait(self, seconds: float) -> bool:
        if not self._grows:
            return bool(select.select([self._descriptor], [], [], seconds)[0])
        end = time.monotonic() + seconds
        while os.fstat(self._descriptor).st_size <= self._taken:
            if time.monotonic() >= end:
                return False
            time.sleep(min(_PAUSE_S, seconds))
        return True
