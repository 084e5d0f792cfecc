"""Desks at which connections are told and judged: one here, others in processes of their own.

All take the same tasks and answer them in the order given. A process reads ahead in a thread, so
that whoever hands out tasks never waits for whoever answers them.
"""

from __future__ import annotations

import contextlib
import gc
import queue
import signal
import threading
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, Protocol, TypeAlias, TypeVar

from analyzer.errors import UsageError
from analyzer.handbook import Handbook
from analyzer.judging import Desk, Heard, Told
from analyzer.limits import Limits
from analyzer.reading import Frames, Span
from analyzer.tcp.evidence import Evidence
from analyzer.tls.keylog import Secrets
from analyzer.tls.story import Neighbours

if TYPE_CHECKING:
    from multiprocessing.connection import Connection as Pipe

T = TypeVar("T")
Finish: TypeAlias = Callable[[Told, Frames], T]  # makes a result of what was told
Batch: TypeAlias = Sequence[Evidence]

_PIPE_BYTES: Final = 1 << 20  # what Linux grants without privileges
_PATIENCE: Final = 5.0  # seconds for a process to end


class Promise(Generic[T]):
    """Something that a desk will give."""

    __slots__ = ("_kept",)

    def __init__(self, *kept: T) -> None:
        self._kept = kept

    @property
    def kept(self) -> bool:
        """Whether it was given."""
        return bool(self._kept)

    @property
    def value(self) -> T:
        """What was given."""
        return self._kept[0]

    def keep(self, value: T) -> None:
        """Give it."""
        self._kept = (value,)


class Worker(Protocol[T]):
    """A desk, wherever it is."""

    def tell(self, batch: Batch, now: int, secrets: Secrets | None) -> Promise[list[Heard]]:
        """Take evidence; ``now`` is the time up to which the capture was read."""

    def judge(self, stream: int, neighbours: Neighbours) -> Promise[T]:
        """Judge a story that was told here."""


class Here(Generic[T]):
    """A desk in this process: it keeps its promises at once."""

    def __init__(self, desk: Desk, frames: Frames, finish: Finish[T]) -> None:
        self._desk = desk
        self._frames = frames
        self._finish = finish

    def tell(self, batch: Batch, now: int, secrets: Secrets | None) -> Promise[list[Heard]]:
        """As :meth:`Worker.tell`."""
        return Promise([self._desk.hear(one, now, secrets) for one in batch])

    def judge(self, stream: int, neighbours: Neighbours) -> Promise[T]:
        """As :meth:`Worker.judge`."""
        return Promise(self._finish(self._desk.judge(stream, neighbours), self._frames))


class _Task(NamedTuple):
    """What goes to a process: stories to be judged, then connections to be told."""

    stories: Sequence[tuple[int, Neighbours]]
    batch: Batch
    now: int
    spans: Sequence[Span]  # frames of files that were read since the last task


class _Answer(NamedTuple, Generic[T]):
    judged: list[T]
    heard: list[Heard]


class _Mistake(NamedTuple):
    """One of ours, made in another process."""

    trace: str


class There(Generic[T]):
    """A desk in a process of its own. It is given no secrets."""

    def __init__(self, limits: Limits, frames: Frames, finish: Finish[T], book: Handbook) -> None:
        import multiprocessing  # noqa: PLC0415 - only with other processes

        context = multiprocessing.get_context("spawn")  # threads of this process do no harm
        tasks, self._tasks = context.Pipe(duplex=False)
        self.answers, answers = context.Pipe(duplex=False)
        _widen(self._tasks)
        arguments = (tasks, answers, limits, frames.several, finish, book)
        self._process = context.Process(target=_work, args=arguments, daemon=True)
        self._process.start()
        tasks.close()
        answers.close()
        self._frames = frames
        self._spans = 0  # that were sent
        self._stories: list[tuple[int, Neighbours]] = []
        self._verdicts: list[Promise[T]] = []  # for these stories
        self._asked: deque[tuple[list[Promise[T]], Promise[list[Heard]]]] = deque()

    @property
    def busy(self) -> int:
        """How many tasks have not been answered."""
        return len(self._asked)

    def tell(self, batch: Batch, now: int, secrets: Secrets | None) -> Promise[list[Heard]]:
        """As :meth:`Worker.tell`."""
        assert secrets is None
        heard: Promise[list[Heard]] = Promise()
        spans = self._frames.since(self._spans)
        self._spans += len(spans)
        self._send(_Task(self._stories, batch, now, spans))
        self._asked.append((self._verdicts, heard))
        self._stories, self._verdicts = [], []
        return heard

    def judge(self, stream: int, neighbours: Neighbours) -> Promise[T]:
        """As :meth:`Worker.judge`; it goes out with the next batch, or when urged."""
        verdict: Promise[T] = Promise()
        self._stories.append((stream, neighbours))
        self._verdicts.append(verdict)
        return verdict

    def urge(self) -> None:
        """Send what has not been sent."""
        if self._stories:
            self.tell((), 0, None)

    def receive(self) -> None:
        """Take one answer.

        Raises:
            UsageError: The process has ended.
        """
        try:
            answer = self.answers.recv()
        except (EOFError, OSError):
            raise _ended() from None
        if isinstance(answer, _Mistake):
            raise RuntimeError(answer.trace)  # noqa: TRY004 - it is no matter of types
        verdicts, heard = self._asked.popleft()
        for verdict, judged in zip(verdicts, answer.judged, strict=True):
            verdict.keep(judged)
        heard.keep(answer.heard)

    def stop(self) -> None:
        """End the process; what it has not answered is lost."""
        self._process.terminate()
        self._process.join(_PATIENCE)
        self._tasks.close()
        self.answers.close()

    def _send(self, task: _Task) -> None:
        try:
            self._tasks.send(task)
        except OSError:
            raise _ended() from None


def _ended() -> UsageError:
    return UsageError(
        "a process beside this one has ended (out of memory?); analyse again with --jobs 1"
    )


def _widen(pipe: Pipe) -> None:
    """Let a batch fit into a pipe, where the system can, so that nobody waits to hand it over."""
    with contextlib.suppress(ImportError, AttributeError, OSError):
        import fcntl  # noqa: PLC0415 - not on every system

        fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


# In the other process


def _work(
    tasks: Pipe,
    answers: Pipe,
    limits: Limits,
    several: bool,
    finish: Finish[T],
    book: Handbook,
) -> None:
    """Answer tasks until there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever handed them out ends this process
    gc.disable()  # stories hold no cycles
    frames = Frames(several=several)
    desk = Here(Desk(limits, book=book), frames, finish)
    read: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
    threading.Thread(target=_read_ahead, args=(tasks, read), daemon=True).start()
    with contextlib.suppress(OSError):  # nobody waits for the answer
        while (task := read.get()) is not None:
            answers.send(_answer(desk, frames, task))


def _read_ahead(tasks: Pipe, read: queue.SimpleQueue[_Task | None]) -> None:
    with contextlib.suppress(EOFError, OSError):
        while True:
            read.put(tasks.recv())
    read.put(None)


def _answer(desk: Here[T], frames: Frames, task: _Task) -> _Answer[T] | _Mistake:
    for span in task.spans:
        frames.add(span)
    try:
        judged = [desk.judge(stream, neighbours).value for stream, neighbours in task.stories]
        return _Answer(judged, desk.tell(task.batch, task.now, None).value)
    except Exception:  # noqa: BLE001 - it is told where the others are
        return _Mistake(traceback.format_exc())
