"""Messages that differ in a few bytes are decoded once.

A stack sends the same hello each time, but for random, session id, keys and tickets. The form of such
messages is called a mould here: where the bytes are that differ. Messages of the same length that agree
in all other bytes, compared one by one, were made from one mould, and what was decoded of the first
holds for all. Nothing is taken on trust: lengths of what differs are among the bytes compared.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from operator import itemgetter
from typing import Any, Generic, NamedTuple, TypeVar

Value = TypeVar("Value")
Hole = tuple[int, int]
"""Begin and end of bytes that differ each time."""


class _Form(NamedTuple):
    ends: tuple[int, ...]  # of holes and of what lies between them
    between: itemgetter[Any]  # gives what lies between the holes


class Moulds(Generic[Value]):
    """Remembers what was decoded by all bytes but those in holes; at most ``most`` of them."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._forms: dict[tuple[int, Hashable], _Form] = {}
        self._values: dict[tuple[Hashable, tuple[int, ...], tuple[bytes, ...]], Value] = {}

    def find(self, message: bytes, sight: Hashable) -> Value | None:
        """What was decoded of another message from the same mould.

        ``sight`` are a few bytes of the message to choose the mould by, which is then tried; with
        what else decoding depends on.
        """
        form = self._forms.get((len(message), sight))
        return None if form is None else self._values.get((sight, form.ends, form.between(message)))

    def keep(self, message: bytes, sight: Hashable, holes: Sequence[Hole], value: Value) -> None:
        """Remember what was decoded; the first byte is in no hole, ``holes`` are in order and apart."""
        if len(self._values) >= self._most:  # whoever comes again is soon known again
            self._forms.clear()
            self._values.clear()
        ends = tuple([at for hole in holes for at in hole])
        begins = (0, *ends[1::2])
        form = _Form(ends, itemgetter(*map(slice, begins, (*ends[::2], len(message)))))
        self._forms[len(message), sight] = form
        self._values[sight, ends, form.between(message)] = value
