"""A process with a share of the connections, as seen by the one that hands out tasks."""

from __future__ import annotations

import contextlib
import sys
import threading
import warnings
from collections import deque
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from analyzer.capture.block import Integers
from analyzer.crew import Case, Promise
from analyzer.errors import CaptureError, UsageError
from analyzer.sharing.share import follow_share
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
from analyzer.tls.story import Neighbours

if TYPE_CHECKING:
    from multiprocessing.connection import Connection as Pipe
    from multiprocessing.context import ForkContext, SpawnContext

T = TypeVar("T")

_PIPE_BYTES: Final = 1 << 20  # what Linux grants without privileges
_PATIENCE: Final = 5.0  # seconds for a process to end
_TOGETHER: Final = 64  # stories that are judged by one task
_AT_A_TIME: Final = 512  # connections that are told by one task


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
        self._process = context.Process(
            target=follow_share, args=(work, tasks, answers), daemon=True
        )
        with warnings.catch_warnings():
            # Threads of libraries are no danger to a process that was made before any task.
            warnings.simplefilter("ignore", DeprecationWarning)
            self._process.start()
        tasks.close()
        answers.close()
        self.blocks = 0  # that were sent and not told to the end
        self.unanswered = 0  # tasks
        self.opened: deque[Integers] = deque()
        self._told: deque[Told[Any]] = deque()
        self.used: Sequence[bool] = ()
        self._asked: list[tuple[int, Neighbours]] = []
        self._verdicts: list[_Verdict[T]] = []  # on these
        self._outstanding: deque[list[_Verdict[T]]] = deque()

    def send(self, task: Task) -> None:
        """Hand out a task.

        Raises:
            UsageError: The process has ended.
        """
        self.ask()
        self._send(task)
        self.blocks += not isinstance(task, Numbers)
        if not isinstance(task, Rows):  # a block can be told of, or all that is left
            self._send(Tell(_AT_A_TIME))

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
            self._send(Stories(self._asked))
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
                self._send(Tell(_AT_A_TIME))
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
            case Opened():
                self.opened.append(answer.frames)
            case Told():
                self._told.append(answer)
            case Judged():
                for verdict, result in zip(
                    self._outstanding.popleft(), answer.results, strict=True
                ):
                    verdict.keep(result)
            case CaptureError():
                raise answer
            case Mistake():
                raise RuntimeError(answer.trace)

    def stop(self) -> None:
        """End the process; what it has not answered is lost."""
        self._process.terminate()
        self._process.join(_PATIENCE)
        self._tasks.close()
        self.answers.close()

    def _send(self, task: Task) -> None:
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
