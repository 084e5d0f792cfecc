"""Connections that were told and let go: enough of each to know its late packets again.

A late packet of such a connection must not look like the first of a new one, or numbers would no
longer be Wireshark's. 24 bytes are kept for each, in sorted columns.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from analyzer.capture.block import Integers, Mask, Words

_RECENT_MOST: Final = 1 << 13


class Ledger:
    """Keys of connections with the base sequence number of each half (-1: none)."""

    def __init__(self, most: int) -> None:
        """Remember at least ``most`` connections; the oldest are forgotten first."""
        self._most = most
        self._recent_most = _RECENT_MOST
        self._recent: dict[int, tuple[int, int]] = {}
        self._sorted: list[tuple[Words, Integers]] = []  # newest last; bases of shape (n, 2)

    def __len__(self) -> int:
        """The number of connections remembered, those with the same key counted apart."""
        return len(self._recent) + sum(len(keys) for keys, _ in self._sorted)

    def add(self, keys: list[int], bases: list[tuple[int, int]]) -> None:
        """Remember connections; a newer one with the same key takes the place of the older."""
        self._recent.update(zip(keys, bases, strict=True))
        if len(self._recent) >= self._recent_most:
            self._put_away()

    def known(self, keys: Words) -> Mask:
        """Which of the keys belong to a connection that was let go; shape ``(K,)``."""
        found = np.fromiter((key in self._recent for key in keys.tolist()), np.bool_, len(keys))
        for known, _ in self._sorted:
            at = np.minimum(np.searchsorted(known, keys), len(known) - 1)
            found |= known[at] == keys
        return found

    def bases(self, key: int) -> tuple[int, int] | None:
        """The base sequence numbers of the newest connection with a key; None if not known."""
        if key in self._recent:
            return self._recent[key]
        wanted = np.uint64(key)
        for known, bases in reversed(self._sorted):
            at = int(np.searchsorted(known, wanted))
            if at < len(known) and known[at] == wanted:
                return int(bases[at, 0]), int(bases[at, 1])
        return None

    def _put_away(self) -> None:
        """Sort the recent ones into columns, and join columns of like size as they add up."""
        keys = np.array(list(self._recent), np.uint64)
        bases = np.array(list(self._recent.values()), np.int64)
        self._recent = {}
        order = np.argsort(keys)
        self._sorted.append((keys.take(order), bases.take(order, axis=0)))
        while len(self._sorted) > 1 and len(self._sorted[-2][0]) <= 2 * len(self._sorted[-1][0]):
            newer, older = self._sorted.pop(), self._sorted.pop()
            self._sorted.append(_join(older, newer))
        while sum(len(keys) for keys, _ in self._sorted[1:]) >= self._most:
            del self._sorted[0]


def _join(older: tuple[Words, Integers], newer: tuple[Words, Integers]) -> tuple[Words, Integers]:
    keys = np.concatenate([older[0], newer[0]])
    bases = np.concatenate([older[1], newer[1]])
    order = np.argsort(keys, kind="stable")
    keys, bases = keys.take(order), bases.take(order, axis=0)
    # The newer of two with the same key.
    last = np.flatnonzero(np.append(keys[1:] != keys[:-1], np.True_))
    return keys.take(last), bases.take(last, axis=0)
