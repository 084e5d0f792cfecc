"""Link types that the tables do not know, through scapy if it is there (extra ``exotic``).

It costs a second to import and 0.1 ms per packet, so it is asked only about such link types, and
no more about one whose first packets hold no IP.
"""

from __future__ import annotations

import functools
import importlib
from typing import Any

import numpy as np

from analyzer.capture.block import Bytes, Integers

_SAMPLE = 64  # packets that decide whether a link type is worth the time


def locate_ip(buffer: Bytes, link_type: int, begin: Integers, end: Integers) -> Integers | None:
    """Find the IP header of packets ``[begin, end)``; -1 where there is none.

    Returns:
        Shape as ``begin``; None where nobody knows the link type, or it does not carry IP.
    """
    layer = _layer(link_type)
    if layer is None:
        return None
    at = np.full(len(begin), -1, np.int64)
    for row, (first, stop) in enumerate(zip(begin.tolist(), end.tolist(), strict=True)):
        if row == _SAMPLE and (at < 0).all():
            break
        offset = _offset(layer, buffer[first:stop].tobytes())
        at[row] = first + offset if offset >= 0 else -1
    return None if (at < 0).all() else at


@functools.cache
def _layer(link_type: int) -> Any:
    """The scapy class of a link type, or None."""
    # It tells about optional packages that it would like; nobody asked.
    import logging  # noqa: PLC0415 - scapy loads it, too

    logging.getLogger("scapy").setLevel(logging.CRITICAL)
    try:
        config = importlib.import_module("scapy.config")
        importlib.import_module("scapy.all")
    except ImportError:
        return None
    return config.conf.l2types.num2layer.get(link_type)


def _offset(layer: Any, packet: bytes) -> int:
    """Where the first IP header begins; -1 if there is none, or the packet defeats scapy."""
    try:
        decoded = layer(packet)
        inner = decoded.getlayer("IP") or decoded.getlayer("IPv6")
    except Exception:  # noqa: BLE001 - dissectors of damaged packets raise whatever they like
        return -1
    return -1 if inner is None else packet.find(inner.original)
