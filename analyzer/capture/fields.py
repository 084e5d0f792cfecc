"""Big-endian fields of many packets at once: one gather over unaligned views of the buffer."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from analyzer.capture.block import Bytes, Integers

# A gather may look this far past the bytes that were checked; views over less than one word fail.
_SMALLEST = 64


class Fields:
    """Reads fields at columns of offsets.

    Every view has stride 1, so that element ``i`` is the integer that begins at byte ``i``: a
    gather of 65,536 of them takes 5 ns each, alignment or not. Callers check that the bytes of a
    field were captured; this class only promises not to read outside the buffer for such offsets.
    """

    def __init__(self, buffer: Bytes) -> None:
        if len(buffer) < _SMALLEST:
            buffer = np.concatenate([buffer, np.zeros(_SMALLEST, np.uint8)])
        self.buffer = buffer
        self._u16 = _view(buffer, ">u2")
        self._u32 = _view(buffer, ">u4")
        self._u64 = _view(buffer, ">i8")

    def u8(self, at: Integers) -> Integers:
        """Read one byte at each offset; shape as ``at``."""
        return self.buffer[at].astype(np.int64)

    def u16(self, at: Integers) -> Integers:
        """Read 16 bits at each offset."""
        return self._u16[at].astype(np.int64)

    def u32(self, at: Integers) -> Integers:
        """Read 32 bits at each offset."""
        return self._u32[at].astype(np.int64)

    def i64(self, at: Integers) -> Integers:
        """Read 64 bits at each offset, as *signed*: shift first, then mask."""
        return self._u64[at].astype(np.int64)


def _view(buffer: Bytes, dtype: str) -> npt.NDArray[np.int64]:
    """Lay overlapping integers over the buffer, one for each byte that has room for it."""
    kind = np.dtype(dtype)
    return np.ndarray((len(buffer) - kind.itemsize + 1,), kind, buffer, strides=(1,))


def swapped(number: Integers) -> Integers:
    """Swap the bytes of 16-bit numbers: what a little-endian writer meant."""
    return (number & 0xFF) << 8 | number >> 8


def swapped32(number: Integers) -> Integers:
    """Swap the bytes of 32-bit numbers."""
    return number.astype(np.uint32).byteswap().astype(np.int64)
