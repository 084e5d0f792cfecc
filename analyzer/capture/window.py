"""A window that moves over a file of any length: the only memory that reading takes."""

from __future__ import annotations

import contextlib
import select
from collections.abc import Callable
from io import RawIOBase

import numpy as np

from analyzer.capture.block import Bytes

READ_ERRORS: tuple[type[Exception], ...] = (OSError, EOFError)
PAUSE_S = 0.02  # without a byte, after which what came is worth a look
SLACK = 64  # bytes behind the window that a gather may touch


class Window:
    """Bytes ``[origin, origin + filled)`` of a stream, in one buffer that is used again and again.

    ``buffer`` is what :class:`~analyzer.capture.block.PacketBlock` shows to others, read-only;
    :meth:`refill` overwrites it.
    """

    def __init__(
        self,
        stream: RawIOBase,
        size: int,
        *,
        errors: tuple[type[Exception], ...] = READ_ERRORS,
        waits: Callable[[], bool] = lambda: True,
    ) -> None:
        self._stream = stream
        self._errors = errors
        self._waits = waits
        self._size = size
        self.origin = 0
        self.filled = 0
        self.ended = False
        self.damage: str | None = None  # why the stream ended, if not by its end
        self._allocate(min(size, 1 << 16))

    @property
    def end(self) -> int:
        """Offset in the stream of the first byte that is not in the window."""
        return self.origin + self.filled

    def refill(self, keep: int) -> None:
        """Drop what is before *keep*, and read on: at least a byte, or the stream has ended.

        The window starts small, for small files, and grows to its size; beyond that only where one
        record needs it.
        """
        rest = bytes(self.view[keep : self.filled])
        capacity = len(self.view) - SLACK
        if capacity < self._size and keep + len(rest) >= capacity:
            self._allocate(self._size)
        elif len(rest) >= capacity:
            self._allocate(2 * capacity)
        self.view[: len(rest)] = rest
        self.origin += keep
        self.filled = len(rest)
        self._read()

    def release(self) -> None:
        """Give the memory back; what was shown of it stays with whoever holds it."""
        self._allocate(0)

    def _read(self) -> None:
        room = self.view[: len(self.view) - SLACK]
        while self.filled < len(room):
            try:
                count = self._stream.readinto(room[self.filled :]) or 0
            except self._errors as error:
                self.damage = str(error) or type(error).__name__
                count = 0
            self.filled += count
            self.ended = count == 0
            if self.ended or not self._waits():
                return

    def _allocate(self, size: int) -> None:
        self.memory = bytearray(size + SLACK)
        self.view = memoryview(self.memory)
        self.buffer: Bytes = np.frombuffer(self.memory, np.uint8)
        self.buffer.flags.writeable = False


def more_is_there(descriptor: int) -> bool:
    """Whether a pipe has more to give soon; if not, what came is worth looking at now.

    A program that writes as fast as it can makes no longer pause, so its packets still come in
    large blocks.
    """
    with contextlib.suppress(OSError, ValueError):
        return bool(select.select([descriptor], [], [], PAUSE_S)[0])
    return False
