"""A share of the connections of a capture, followed in a process of its own.

The process reads ahead in a thread, so that whoever hands out tasks never waits for whoever answers
them.
"""

from __future__ import annotations

import contextlib
import gc
import queue
import signal
import threading
import traceback
from array import array
from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from analyzer.capture.parcel import unpack
from analyzer.errors import CaptureError
from analyzer.following import BY_STREAM
from analyzer.judging import Desk
from analyzer.keys import gather
from analyzer.reading import Frames
from analyzer.sharing.tasks import (
    End,
    Judged,
    Mistake,
    Numbers,
    Opened,
    Rows,
    Stories,
    Task,
    Tell,
    Told,
    Work,
)
from analyzer.tcp.evidence import Evidence
from analyzer.tcp.flow import FlowTable
from analyzer.tls.decryption.keylog import Secrets

if TYPE_CHECKING:
    from multiprocessing.connection import Connection as Pipe


class Share:
    """A share of the connections of a capture."""

    def __init__(self, work: Work) -> None:
        self._limits = work.limits
        self._frames = Frames(several=work.several)
        self._flows = FlowTable(work.limits)
        self._desk: Desk[Any] = Desk(
            work.limits, self._frames, work.finish, work.brevity, book=work.book
        )
        self._secrets: Secrets | None = None
        self._streams = array("q")  # by our own numbers
        self._ended: deque[tuple[Iterator[Evidence], int]] = deque()  # of blocks that are not told

    def answer(self, task: Task) -> object:
        """Do what a task asks for."""
        match task:
            case Rows():
                return self._observe(task)
            case Numbers():
                self._streams.extend(task.streams)
            case End():
                self._ended.append((self._flows.evidence(), task.time))
            case Tell():
                return self._tell(task.most)
            case Stories():
                return Judged(self._desk.judge(task.asked))
        return None

    def _observe(self, task: Rows) -> Opened:
        for span in task.spans:
            self._frames.add(span)
        for path, blocks in task.news:
            self._secrets = self._secrets or Secrets(self._limits)
            gather(self._secrets, path, blocks)
        known = self._flows.connections
        self._flows.advance(task.now)
        self._flows.observe(unpack(task.parcel))
        opened = self._flows.opened(known)
        self._ended.append((iter(sorted(self._flows.ended(), key=BY_STREAM)), task.now))
        return Opened(opened)

    def _tell(self, most: int) -> Told[Any]:
        evidence, now = self._ended[0]
        some = [one._replace(stream=self._streams[one.stream]) for one in islice(evidence, most)]
        heard = self._desk.hear(some, now, self._secrets)
        more = len(heard) == most
        if not more:
            self._ended.popleft()
        return Told(heard, more, () if self._secrets is None else self._secrets.used)


def follow_share(work: Work, tasks: Pipe, answers: Pipe) -> None:
    """Answer tasks until there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever handed them out ends this process
    gc.disable()  # stories hold no cycles
    share = Share(work)
    read: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
    threading.Thread(target=_read_ahead, args=(tasks, read), daemon=True).start()
    with contextlib.suppress(OSError):  # nobody waits for the answer
        while (task := read.get()) is not None:
            answer = _answer(share, task)
            if answer is not None:
                answers.send(answer)


def _read_ahead(tasks: Pipe, read: queue.SimpleQueue[Task | None]) -> None:
    """Read tasks until there are no more, or nobody is left to hand them out."""
    from multiprocessing import connection, parent_process  # noqa: PLC0415 - as above

    parent = parent_process()
    assert parent is not None
    with contextlib.suppress(EOFError, OSError):
        # A copied process holds a copy of the other end, too: the pipe alone would not tell.
        while tasks in connection.wait([tasks, parent.sentinel]):
            read.put(tasks.recv())
    read.put(None)


def _answer(share: Share, task: Task) -> object:
    try:
        return share.answer(task)
    except CaptureError as error:
        return error
    except Exception:  # noqa: BLE001 - it is told where the others are
        return Mistake(traceback.format_exc())
