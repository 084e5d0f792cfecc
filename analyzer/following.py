"""Following connections through a capture, and telling those that have ended.

:class:`Alone` does so in this process; :mod:`analyzer.sharing` has others do it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from operator import attrgetter
from typing import Final, Generic, Protocol, TypeVar

from analyzer.capture.block import SegmentBlock
from analyzer.capture.facts import DecryptionSecrets
from analyzer.crew import Case, Kept, Promise
from analyzer.judging import Desk
from analyzer.keys import gather
from analyzer.limits import Limits
from analyzer.tcp.evidence import Evidence
from analyzer.tcp.flow import FlowTable
from analyzer.tls.decryption.keylog import Secrets
from analyzer.tls.story import Neighbours

T = TypeVar("T")
BY_STREAM: Final = attrgetter("stream")
_AT_A_TIME: Final = 256  # connections that are told together


class Following(Protocol[T]):
    """Follows connections through a capture."""

    secrets: Secrets | None

    @property
    def count(self) -> int:
        """How many connections have a number, as far as read."""
        ...

    def learn(self, path: str, blocks: Sequence[DecryptionSecrets]) -> None:
        """Take secrets that a capture brought, before the block they came with."""

    def hear(self, block: SegmentBlock | None) -> Iterator[Case[T]]:
        """Take a block; give what was told. None: nothing more is to be expected soon."""

    def finish(self, end: int) -> Iterator[Case[T]]:
        """Give the rest; ``end`` is the time of the latest packet, ns since the epoch."""

    def close(self) -> None:
        """End it, in whatever state things are."""


class Alone(Generic[T]):
    """Follows all connections in this process."""

    def __init__(self, limits: Limits, desk: Desk[T], secrets: Secrets | None) -> None:
        self.secrets = secrets
        self._limits = limits
        self._desk = desk
        self._flows = FlowTable(limits)

    @property
    def count(self) -> int:
        """As :attr:`Following.count`."""
        return self._flows.connections

    def learn(self, path: str, blocks: Sequence[DecryptionSecrets]) -> None:
        """As :meth:`Following.learn`."""
        self.secrets = self.secrets or Secrets(self._limits)
        gather(self.secrets, path, blocks)

    def hear(self, block: SegmentBlock | None) -> Iterator[Case[T]]:
        """As :meth:`Following.hear`."""
        if block is not None:
            self._flows.observe(block)
        ended = sorted(self._flows.ended(quiet=block is None), key=BY_STREAM)
        return self._tell(ended, self._flows.now)

    def finish(self, end: int) -> Iterator[Case[T]]:
        """As :meth:`Following.finish`."""
        return self._tell(self._flows.evidence(), end)

    def judge(self, stream: int, neighbours: Neighbours) -> Promise[T]:
        """As :meth:`Judge.judge`."""
        return Kept(*self._desk.judge([(stream, neighbours)]))

    def close(self) -> None:
        """As :meth:`Following.close`."""

    def _tell(self, evidence: Iterable[Evidence], now: int) -> Iterator[Case[T]]:
        rest = iter(evidence)
        while some := list(islice(rest, _AT_A_TIME)):
            for heard in self._desk.hear(some, now, self.secrets):
                yield Case(heard, self)
