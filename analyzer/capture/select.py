"""Column masks that say which rows can matter to TLS."""

from __future__ import annotations

import numpy as np

from analyzer.capture.block import Integers, Mask, SegmentBlock


def like_alert_or_handshake(block: SegmentBlock, rows: Integers) -> Mask:
    """Rows whose payload begins like a TLS alert or handshake record (RFC 8446 section 5.1).

    Args:
        block: The segments.
        rows: Indices into its columns, shape ``(K,)``.

    Returns:
        Shape ``(K,)``.
    """
    begin = block.begin[rows]
    whole = block.end[rows] - begin >= 5
    at = np.where(whole, begin, 0)
    byte = block.buffer
    if not len(byte):
        return whole
    kind, major, minor = byte[at], byte[at + 1 * whole], byte[at + 2 * whole]
    alike: Mask = whole & ((kind == 21) | (kind == 22)) & (major == 3) & (minor <= 4)
    return alike
