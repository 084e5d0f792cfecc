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
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, TypeAlias, TypeVar

from analyzer.capture.block import Integers
from analyzer.capture.facts import DecryptionSecrets
from analyzer.capture.parcel import Parcel, unpack
from analyzer.crew import Case, Promise
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
_AT_A_TIME: Final = 512  # connections that are told by one task


class Work(NamedTuple):
    """What a worker has to know. It can be sent to another process."""

    limits: Limits
    several: bool  # files
    finish: Finish[Any]
    brevity: Brevity
    book: Handbook


# What goes to a worker; it answers each task once, but for numbers.


class Rows(NamedTuple):
    """The segments of its share of a block; answered by the frames that began connections."""

    parcel: Parcel
    now: int  # the latest time of a segment of any share, ns since the epoch
    spans: Sequence[Span]  # frames of files that were read since the last block
    news: Sequence[tuple[str, Sequence[DecryptionSecrets]]]


class Numbers(NamedTuple):
    """The numbers of the connections that a block began, so that it can be told of."""

    streams: list[int]


class _Stories(NamedTuple):
    """Stories to be judged; answered by the results."""

    asked: list[tuple[int, Neighbours]]


class _Tell(NamedTuple):
    """Tell some more of the earliest block that is not told; answered by that."""

    most: int


class End(NamedTuple):
    """There are no more blocks; the rest can be told of like a block."""

    time: int  # of the latest packet, ns since the epoch


_Task: TypeAlias = Rows | Numbers | _Tell | _Stories | End


# What comes back


class _Opened(NamedTuple):
    frames: Integers


class _Told(NamedTuple, Generic[T]):
    heard: list[Heard[T]]
    more: bool  # of the same block
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
        self.blocks = 0  # that were sent and not told to the end
        self.unanswered = 0  # tasks
        self.opened: deque[Integers] = deque()
        self._told: deque[_Told[Any]] = deque()
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
        self._send(task)
        self.blocks += not isinstance(task, Numbers)
        if not isinstance(task, Rows):  # a block can be told of, or all that is left
            self._send(_Tell(_AT_A_TIME))

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

    @property
    def tells(self) -> bool:
        """Whether something was told of the next block."""
        return bool(self._told)

    def told(self) -> Iterator[Case[T]]:
        """What is told of the next block, as soon as it is there."""
        more = True
        while more:
            while not self._told:
                self.receive()
            heard, more, self.used = self._told.popleft()
            if more:
                self._send(_Tell(_AT_A_TIME))
            yield from [Case(one, self) for one in heard]
        self.blocks -= 1

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
                self._told.append(answer)
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
        self.unanswered += not isinstance(task, Numbers | End)
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
        self._ended: deque[tuple[Iterator[Evidence], int]] = deque()  # of blocks that are not told

    def answer(self, task: _Task) -> object:
        """Do what a task asks for."""
        match task:
            case Rows():
                return self._observe(task)
            case Numbers():
                self._streams.extend(task.streams)
            case End():
                self._ended.append((self._flows.evidence(), task.time))
            case _Tell():
                return self._tell(task.most)
            case _Stories():
                return _Judged(self._desk.judge(task.asked))
        return None

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
        self._ended.append((iter(sorted(self._flows.ended(), key=BY_STREAM)), task.now))
        return _Opened(opened)

    def _tell(self, most: int) -> _Told[Any]:
        evidence, now = self._ended[0]
        some = [one._replace(stream=self._streams[one.stream]) for one in islice(evidence, most)]
        heard = self._desk.hear(some, now, self._secrets)
        more = len(heard) == most
        if not more:
            self._ended.popleft()
        return _Told(heard, more, () if self._secrets is None else self._secrets.used)


def _work(work: Work, tasks: Pipe, answers: Pipe) -> None:
    """Answer tasks until there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever handed them out ends this process
    gc.disable()  # stories hold no cycles
    share = _Share(work)
    read: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
    threading.Thread(target=_read_ahead, args=(tasks, read), daemon=True).start()
    with contextlib.suppress(OSError):  # nobody waits for the answer
        while (task := read.get()) is not None:
            answer = _answer(share, task)
            if answer is not None:
                answers.send(answer)


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
