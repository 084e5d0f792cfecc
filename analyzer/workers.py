"""Processes that follow a share of the connections each, as seen from both ends of the pipe.

A worker reads ahead in a thread, so that whoever hands out tasks never waits for whoever answers
them; it answers each task once, in the order given.
"""

from __future__ import annotations

import contextlib
import gc
import queue
import signal
import sys
import threading
import traceback
import warnings
from array import array
from collections import deque
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, TypeAlias, TypeVar

from analyzer.capture.block import Integers
from analyzer.capture.facts import DecryptionSecrets
from analyzer.capture.parcel import Parcel, unpack
from analyzer.crew import Promise
from analyzer.errors import CaptureError, UsageError
from analyzer.following import BY_STREAM
from analyzer.handbook import Handbook
from analyzer.judging import Brevity, Desk, Finish, Heard
from analyzer.keys import gather
from analyzer.limits import Limits
from analyzer.reading import Frames, Span
from analyzer.tcp.evidence import Evidence
from analyzer.tcp.flow import FlowTable
from analyzer.tls.keylog import Secrets
from analyzer.tls.story import Neighbours

if TYPE_CHECKING:
    from multiprocessing.connection import Connection as Pipe
    from multiprocessing.context import ForkContext, SpawnContext

T = TypeVar("T")

_PIPE_BYTES: Final = 1 << 20  # what Linux grants without privileges
_PATIENCE: Final = 5.0  # seconds for a process to end
_TOGETHER: Final = 64  # stories that are judged by one task


class Work(NamedTuple):
    """What a worker has to know. It can be sent to another process."""

    limits: Limits
    several: bool  # files
    finish: Finish[Any]
    brevity: Brevity
    book: Handbook


# What goes to a worker; it gives one answer to each.


class Rows(NamedTuple):
    """The segments of its share of a block; answered by the frames that began connections."""

    parcel: Parcel
    now: int  # the latest time of a segment of any share, ns since the epoch
    spans: Sequence[Span]  # frames of files that were read since the last block
    news: Sequence[tuple[str, Sequence[DecryptionSecrets]]]


class Numbers(NamedTuple):
    """The numbers of the connections that a block began; answered by what is told of that block."""

    streams: list[int]


class _Stories(NamedTuple):
    """Stories to be judged; answered by the results."""

    asked: list[tuple[int, Neighbours]]


class End(NamedTuple):
    """There are no more blocks; answered by what is told of the rest."""

    time: int  # of the latest packet, ns since the epoch


_Task: TypeAlias = Rows | Numbers | _Stories | End


# What comes back


class _Opened(NamedTuple):
    frames: Integers


class _Told(NamedTuple, Generic[T]):
    heard: list[Heard[T]]
    used: Sequence[bool]  # of each source of secrets


class _Judged(NamedTuple, Generic[T]):
    results: list[T]


class _Mistake(NamedTuple):
    """One of ours, made in another process."""

    trace: str


class _Verdict(Generic[T]):
    """What a worker will say of a story."""

    def __init__(self, worker: Worker[T]) -> None:
        self._worker = worker
        self._result: tuple[T, ...] = ()

    @property
    def kept(self) -> bool:
        """As :attr:`Promise.kept`."""
        return bool(self._result)

    def keep(self, result: T) -> None:
        """Note the result."""
        self._result = (result,)

    def wait(self) -> T:
        """As :meth:`Promise.wait`."""
        while not self._result:
            self._worker.ask()
            self._worker.receive()
        return self._result[0]


class Worker(Generic[T]):
    """A process with a share, as seen from here."""

    def __init__(self, work: Work) -> None:
        context = _context()
        tasks, self._tasks = context.Pipe(duplex=False)
        self.answers, answers = context.Pipe(duplex=False)
        _widen(self._tasks)
        _widen(answers)
        self._process = context.Process(target=_work, args=(work, tasks, answers), daemon=True)
        with warnings.catch_warnings():
            # Threads of libraries are no danger to a process that was made before any task.
            warnings.simplefilter("ignore", DeprecationWarning)
            self._process.start()
        tasks.close()
        answers.close()
        self.blocks = 0  # that were sent and not told
        self.unanswered = 0  # tasks
        self.opened: deque[Integers] = deque()
        self.told: deque[list[Heard[T]]] = deque()
        self.used: Sequence[bool] = ()
        self._asked: list[tuple[int, Neighbours]] = []
        self._verdicts: list[_Verdict[T]] = []  # on these
        self._outstanding: deque[list[_Verdict[T]]] = deque()

    def send(self, task: _Task) -> None:
        """Hand out a task.

        Raises:
            UsageError: The process has ended.
        """
        self.ask()
        self.blocks += not isinstance(task, Numbers)
        self._send(task)

    def judge(self, stream: int, neighbours: Neighbours) -> Promise[T]:
        """As :meth:`Judge.judge`; it goes out with others."""
        verdict: _Verdict[T] = _Verdict(self)
        self._asked.append((stream, neighbours))
        self._verdicts.append(verdict)
        if len(self._asked) >= _TOGETHER:
            self.ask()
        return verdict

    def ask(self) -> None:
        """Send the stories that are to be judged and were not sent."""
        if self._asked:
            self._outstanding.append(self._verdicts)
            self._send(_Stories(self._asked))
            self._asked, self._verdicts = [], []

    def take_told(self) -> list[Heard[T]]:
        """What was told of the next block, as soon as it is there."""
        while not self.told:
            self.receive()
        self.blocks -= 1
        return self.told.popleft()

    def receive(self) -> None:
        """Take one answer.

        Raises:
            UsageError: The process has ended.
            CaptureError: It could not read the capture.
        """
        try:
            answer = self.answers.recv()
        except (EOFError, OSError):
            raise _ended() from None
        self.unanswered -= 1
        match answer:
            case _Opened():
                self.opened.append(answer.frames)
            case _Told():
                self.told.append(answer.heard)
                self.used = answer.used
            case _Judged():
                for verdict, result in zip(
                    self._outstanding.popleft(), answer.results, strict=True
                ):
                    verdict.keep(result)
            case CaptureError():
                raise answer
            case _Mistake():
                raise RuntimeError(answer.trace)

    def stop(self) -> None:
        """End the process; what it has not answered is lost."""
        self._process.terminate()
        self._process.join(_PATIENCE)
        self._tasks.close()
        self.answers.close()

    def _send(self, task: _Task) -> None:
        self.unanswered += 1
        try:
            self._tasks.send(task)
        except OSError:
            raise _ended() from None


def receive(workers: Sequence[Worker[T]]) -> None:
    """Take answers that have come; wait for one."""
    from multiprocessing.connection import wait  # noqa: PLC0415 - only with other processes

    busy = [worker for worker in workers if worker.unanswered]
    answered = wait([worker.answers for worker in busy])
    for worker in busy:
        if worker.answers in answered:
            worker.receive()


def _ended() -> UsageError:
    return UsageError(
        "a process beside this one has ended (out of memory?); analyse again with --jobs 1"
    )


def _context() -> ForkContext | SpawnContext:
    """How processes are made: a copy of this one takes a tenth of the time, but no threads along."""
    import multiprocessing  # noqa: PLC0415 - only with other processes

    copied = sys.platform == "linux" and threading.active_count() == 1
    return multiprocessing.get_context("fork") if copied else multiprocessing.get_context("spawn")


def _widen(pipe: Pipe) -> None:
    """Let a task fit into a pipe, where the system can, so that nobody waits to hand it over."""
    with contextlib.suppress(ImportError, AttributeError, OSError):
        import fcntl  # noqa: PLC0415 - not on every system

        fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


# In the other process


class _Share:
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
        self._ended: deque[tuple[list[Evidence], int]] = deque()  # of blocks without numbers yet

    def answer(self, task: _Task) -> object:
        """Do what a task asks for."""
        match task:
            case Rows():
                return self._observe(task)
            case Numbers():
                self._streams.extend(task.streams)
                return self._tell(*self._ended.popleft())
            case End():
                return self._tell(self._flows.evidence(), task.time)
            case _Stories():
                return _Judged([self._desk.judge(*story) for story in task.asked])

    def _observe(self, task: Rows) -> _Opened:
        for span in task.spans:
            self._frames.add(span)
        for path, blocks in task.news:
            self._secrets = self._secrets or Secrets(self._limits)
            gather(self._secrets, path, blocks)
        known = self._flows.connections
        self._flows.advance(task.now)
        self._flows.observe(unpack(task.parcel))
        opened = self._flows.opened(known)
        self._ended.append((sorted(self._flows.ended(), key=BY_STREAM), task.now))
        return _Opened(opened)

    def _tell(self, evidence: Iterable[Evidence], now: int) -> _Told[Any]:
        heard = [
            self._desk.hear(one._replace(stream=self._streams[one.stream]), now, self._secrets)
            for one in evidence
        ]
        return _Told(heard, () if self._secrets is None else self._secrets.used)


def _work(work: Work, tasks: Pipe, answers: Pipe) -> None:
    """Answer tasks until there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever handed them out ends this process
    gc.disable()  # stories hold no cycles
    share = _Share(work)
    read: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
    threading.Thread(target=_read_ahead, args=(tasks, read), daemon=True).start()
    with contextlib.suppress(OSError):  # nobody waits for the answer
        while (task := read.get()) is not None:
            answers.send(_answer(share, task))


def _read_ahead(tasks: Pipe, read: queue.SimpleQueue[_Task | None]) -> None:
    """Read tasks until there are no more, or nobody is left to hand them out."""
    from multiprocessing import connection, parent_process  # noqa: PLC0415 - as above

    parent = parent_process()
    assert parent is not None
    with contextlib.suppress(EOFError, OSError):
        # A copied process holds a copy of the other end, too: the pipe alone would not tell.
        while tasks in connection.wait([tasks, parent.sentinel]):
            read.put(tasks.recv())
    read.put(None)


def _answer(share: _Share, task: _Task) -> object:
    try:
        return share.answer(task)
    except CaptureError as error:
        return error
    except Exception:  # noqa: BLE001 - it is told where the others are
        return _Mistake(traceback.format_exc())
