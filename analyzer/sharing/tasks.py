"""What goes to a worker, and what comes back: a worker answers each task once, but for numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

from analyzer.capture.block import Integers
from analyzer.capture.facts import DecryptionSecrets
from analyzer.capture.parcel import Parcel
from analyzer.handbook import Handbook
from analyzer.judging import Brevity, Finish, Heard
from analyzer.limits import Limits
from analyzer.reading import Span
from analyzer.tls.story import Neighbours

T = TypeVar("T")


class Work(NamedTuple):
    """What a worker has to know. It can be sent to another process."""

    limits: Limits
    several: bool  # files
    finish: Finish[Any]
    brevity: Brevity
    book: Handbook


class Rows(NamedTuple):
    """The segments of its share of a block; answered by the frames that began connections."""

    parcel: Parcel
    now: int  # the latest time of a segment of any share, ns since the epoch
    spans: Sequence[Span]  # frames of files that were read since the last block
    news: Sequence[tuple[str, Sequence[DecryptionSecrets]]]


class Numbers(NamedTuple):
    """The numbers of the connections that a block began, so that it can be told of."""

    streams: list[int]


class Stories(NamedTuple):
    """Stories to be judged; answered by the results."""

    asked: list[tuple[int, Neighbours]]


class Tell(NamedTuple):
    """Tell some more of the earliest block that is not told; answered by that."""

    most: int


class End(NamedTuple):
    """There are no more blocks; the rest can be told of like a block."""

    time: int  # of the latest packet, ns since the epoch


Task: TypeAlias = Rows | Numbers | Tell | Stories | End


# What comes back


class Opened(NamedTuple):
    """The frames that began connections, in order."""

    frames: Integers


class Told(NamedTuple, Generic[T]):
    """What was told of a block, in order of stream numbers."""

    heard: list[Heard[T]]
    more: bool  # of the same block
    used: Sequence[bool]  # of each source of secrets


class Judged(NamedTuple, Generic[T]):
    """The results of stories, in the order asked for."""

    results: list[T]


class Mistake(NamedTuple):
    """One of ours, made in another process."""

    trace: str
