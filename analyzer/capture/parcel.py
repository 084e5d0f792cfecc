"""Blocks on their way to another process: every column in as few bytes as its values take.

Most columns hold 16 or 32 bits in words of 64, and addresses are nearly always of IPv4; sent as
they are, three bytes of four would be empty.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from analyzer.capture.block import COLUMNS, Bytes, IcmpError, Integers, Place, SegmentBlock, Words
from analyzer.capture.places import look_up

# What values fit into which type, narrow ones first.
_NARROW: Final = tuple(
    (int(np.iinfo(kind).min), int(np.iinfo(kind).max), kind)
    for kind in (np.uint8, np.uint16, np.uint32, np.int16, np.int32)
)
_LOWER: Final = np.uint64(0xFFFF_FFFF)
_MAPPED: Final = np.uint64(0x0000_FFFF_0000_0000)  # the upper half of a mapped address's lower word

Column: TypeAlias = npt.NDArray[Any]


class Parcel(NamedTuple):
    """A :class:`SegmentBlock`, packed. ``buffer`` is None where the file has it."""

    columns: list[Column]  # in the order of COLUMNS
    buffer: Bytes | None
    icmp_errors: tuple[IcmpError, ...]
    place: Place | None


def pack(block: SegmentBlock) -> Parcel:
    """Pack a block; its buffer only where no file has it."""
    columns = [_narrow(getattr(block, name)) for name in COLUMNS]
    buffer = block.buffer if block.place is None else None
    return Parcel(columns, buffer, block.icmp_errors, block.place)


def unpack(parcel: Parcel) -> SegmentBlock:
    """Unpack a block.

    Raises:
        CaptureError: The file does not have its bytes any more.
    """
    buffer = parcel.buffer
    if buffer is None:
        assert parcel.place is not None
        buffer = look_up(parcel.place) if len(parcel.columns[0]) else _NOTHING
    columns = {
        name: _widen(name, column) for name, column in zip(COLUMNS, parcel.columns, strict=True)
    }
    return SegmentBlock(
        buffer=buffer, icmp_errors=parcel.icmp_errors, place=parcel.place, **columns
    )


_NOTHING: Final = np.zeros(0, np.uint8)


def _narrow(column: Integers | Words) -> Column:
    """The same values in as few bytes as they take; addresses of IPv4 as one word of 32 bits."""
    if column.ndim == 2:
        mapped = not column[:, 0].any() and (column[:, 1] & ~_LOWER == _MAPPED).all()
        return column[:, 1].astype(np.uint32) if mapped else column
    low, high = (int(column.min()), int(column.max())) if len(column) else (0, 0)
    for least, most, kind in _NARROW:
        if least <= low and high <= most:
            return column.astype(kind)
    return column


def _widen(name: str, column: Column) -> Any:
    """What :func:`_narrow` was given."""
    if name not in _ADDRESSES:
        return column.astype(np.int64)
    if column.ndim == 2:
        return column
    words = np.zeros((len(column), 2), np.uint64)
    np.bitwise_or(column, _MAPPED, out=words[:, 1])
    return words


_ADDRESSES: Final = frozenset({"source", "destination"})
