"""Several processes follow, tell and judge a share of the connections each.

This process reads the capture and finds the segments of each block. It deals the rows out by
connection, hears which frames began connections, and numbers these as Wireshark does; each worker
follows its share in a table of its own, tells what has ended, and keeps the stories until it is
asked to judge them. What was told comes back in order of stream numbers, block by block, so that
whoever listens cannot know how many worked.
"""

from __future__ import annotations

import contextlib
import heapq
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final, Generic, TypeVar

from analyzer.capture.block import SegmentBlock
from analyzer.capture.facts import DecryptionSecrets
from analyzer.capture.parcel import pack
from analyzer.crew import Case
from analyzer.handbook import Handbook
from analyzer.judging import Brevity, Finish
from analyzer.keys import gather
from analyzer.limits import Limits
from analyzer.reading import Frames
from analyzer.sharing.tasks import End, Numbers, Rows, Work
from analyzer.sharing.worker import Worker, receive
from analyzer.tcp.dealing import Dealer, numbered
from analyzer.tls.decryption.keylog import Secrets

T = TypeVar("T")

_AHEAD: Final = 3  # blocks that a worker may have before it


class Shares(Generic[T]):
    """Follows connections with the help of so many processes.

    Args:
        workers: How many.
        limits: Bounds; those on what is open at a time are shared among the workers.
        frames: Where merged frames are; they grow as the capture is read.
        finish: Makes results; a function of a module.
        brevity: Where an outline is enough.
        book: What is judged by.
    """

    def __init__(
        self,
        workers: int,
        limits: Limits,
        frames: Frames,
        finish: Finish[T],
        brevity: Brevity,
        book: Handbook,
    ) -> None:
        self.secrets: Secrets | None = None
        self.count = 0
        self._limits = limits
        self._frames = frames
        self._now = 0
        self._spans = 0  # that were sent
        self._news: list[tuple[str, Sequence[DecryptionSecrets]]] = []
        self._dealer = Dealer(workers)
        work = Work(_shared(limits, workers), frames.several, finish, brevity, book)
        self._workers: list[Worker[T]] = []
        with contextlib.ExitStack() as undone:
            undone.callback(self.close)
            self._workers.extend(Worker(work) for _ in range(workers))
            undone.pop_all()

    def learn(self, path: str, blocks: Sequence[DecryptionSecrets]) -> None:
        """As :meth:`Following.learn`; these secrets are in the file that all can read."""
        self.secrets = self.secrets or Secrets(self._limits)
        gather(self.secrets, path, blocks)
        self._news.append((path, blocks))

    def hear(self, block: SegmentBlock | None) -> Iterator[Case[T]]:
        """As :meth:`Following.hear`."""
        assert block is not None, "captures that grow are followed alone"
        if len(block.time):
            self._now = max(self._now, int(block.time.max()))
        spans, news = self._frames.since(self._spans), self._news
        self._spans += len(spans)
        self._news = []
        for worker, rows in zip(self._workers, self._dealer.deal(block), strict=True):
            worker.send(Rows(pack(rows), self._now, spans, news))
        yield from self._told(_AHEAD)

    def finish(self, end: int) -> Iterator[Case[T]]:
        """As :meth:`Following.finish`."""
        yield from self._told(0)
        for worker in self._workers:
            worker.send(End(end))
        yield from self._merged()
        if self.secrets is not None:
            for worker in self._workers:
                self.secrets.note_used(worker.used)

    def close(self) -> None:
        """As :meth:`Following.close`."""
        for worker in self._workers:
            worker.stop()

    def _told(self, most: int) -> Iterator[Case[T]]:
        """Give what was told of blocks, until no more than so many are out."""
        while True:
            self._number()
            if all(worker.tells for worker in self._workers):
                yield from self._merged()
            elif max(worker.blocks for worker in self._workers) <= most:
                return
            else:
                receive(self._workers)

    def _number(self) -> None:
        """Number the connections of blocks of which all have said what began."""
        while all(worker.opened for worker in self._workers):
            frames = [worker.opened.popleft() for worker in self._workers]
            numbers = numbered(frames, self.count)
            self.count += sum(map(len, numbers))
            for worker, mine in zip(self._workers, numbers, strict=True):
                worker.send(Numbers(mine))

    def _merged(self) -> Iterator[Case[T]]:
        """What all told of the next block, in order of stream numbers."""
        told = [worker.told() for worker in self._workers]
        return heapq.merge(*told, key=lambda case: case.heard.stream)


def _shared(limits: Limits, workers: int) -> Limits:
    """The limits of each worker: what is open at a time is open in all of them together."""
    return replace(
        limits,
        open_connections=max(1, limits.open_connections // workers),
        open_bytes=max(1, limits.open_bytes // workers),
        remembered=max(1, limits.remembered // workers),
    )
