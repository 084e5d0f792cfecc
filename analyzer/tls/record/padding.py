"""Records padded to whole blocks, whose lengths do not tell what they hold (RFC 8446 section 5.4).

OpenSSL pads so when it is told to (``-record_padding 512``). What then tells an alert from all else
is that an alert never needs a second block, and that nobody sends many.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

_BLOCK_STEP: Final = 32  # bytes; a Finished in a record of its own, unpadded, is no multiple of it
_BLOCK_LEAST: Final = 64
_FULL: Final = 1 << 14  # such a record has no room for padding
_ALERTS_MOST: Final = 2  # a fatal one, and close_notify


def block_of(lengths: Sequence[int]) -> int:
    """The block to whose multiples a side pads its records; 0 if it does not.

    ``lengths`` are those of contents: the byte of the inner type is padded along with them.
    """
    sizes = [length + 1 for length in lengths if length < _FULL]
    block = math.gcd(*sizes)
    padded = len(sizes) > 1 and block >= _BLOCK_LEAST and block % _BLOCK_STEP == 0
    return block if padded else 0


def beyond_alerts(lengths: Sequence[int], block: int) -> int:
    """The first of a side's last records that shows that it went on, and did not give up.

    That is one of several blocks, or the one after as many as could be alerts; behind the last where
    there is none.
    """
    longer = (index for index, length in enumerate(lengths) if length >= block)
    return next(longer, min(len(lengths), _ALERTS_MOST))
