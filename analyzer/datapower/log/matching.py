"""Which of several transactions belongs to which of several connections, by time.

A transaction belongs to the connection that is nearest among all that could be it, and only if that
one has no nearer transaction which says something else. Transactions that say the same of as many
connections are given out in their order: it does not matter which is whose.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from analyzer.datapower.log.clock import End, fits
from analyzer.datapower.log.times import SECOND
from analyzer.datapower.log.transactions import Part

_CLEAR: Final = SECOND // 10  # parts that say something else are not that near
_AROUND: Final = 24  # parts and connections on either side that are weighed; more are a flood


@dataclass(frozen=True, slots=True)
class Met:
    """A connection, as far as joining needs it."""

    stream: int
    client: End
    server: End
    time: int  # when it ended, or somebody gave up
    failed: bool


def time_of(one: Part | Met) -> int:
    """By what parts and connections are sorted."""
    return one.time


_T = TypeVar("_T", Part, Met)


@dataclass(frozen=True, slots=True)
class Matcher:
    """Weighs parts against connections; ``offset`` is the log's clock less the capture's, in ns."""

    offset: int

    def gap(self, part: Part, met: Met) -> int:
        """Ns from the end of a connection to a part's first word of failure."""
        return part.time - self.offset - met.time

    def may_be(self, part: Part, met: Met) -> bool:
        """Whether a part can be about a connection, by time; some forms tell whole seconds."""
        return fits(self.gap(part, met))

    def near(self, parts: Sequence[Part], met: Met) -> list[Part]:
        """The parts, of some in order of time, that may be about a connection."""
        around = _around(parts, met.time + self.offset)
        return [part for part in around if self.may_be(part, met)]

    def choose(self, fitting: Sequence[Part], met: Met, rivals: Sequence[Met]) -> Part | None:
        """The part that belongs to a connection, whose rivals are in order of time."""
        if not fitting:
            return None
        around = _around(rivals, met.time)
        others = [one for one in around if one.failed and one.stream != met.stream]
        return self._by_order(fitting, met, others) or self._nearest(fitting, met, others)

    def _by_order(self, parts: Sequence[Part], met: Met, others: Sequence[Met]) -> Part | None:
        rivals = [one for one in others if any(self.may_be(part, one) for part in parts)]
        alike = len({part.content for part in parts}) == 1
        if not alike or len(rivals) + 1 != len(parts):
            return None
        return parts[sum((one.time, one.stream) < (met.time, met.stream) for one in rivals)]

    def _nearest(self, parts: Sequence[Part], met: Met, others: Sequence[Met]) -> Part | None:
        own = [part for part in parts if self._is_nearest(part, met, others)]
        own.sort(key=lambda part: abs(self.gap(part, met)))
        if not own:
            return None
        clear = max(abs(self.gap(own[0], met)) * 3, _CLEAR)
        unlike = (part for part in own[1:] if part.content != own[0].content)
        return None if any(abs(self.gap(part, met)) <= clear for part in unlike) else own[0]

    def _is_nearest(self, part: Part, met: Met, others: Sequence[Met]) -> bool:
        """Whether no other connection that failed is nearer to a part."""
        gap = abs(self.gap(part, met))
        return not any(
            abs(self.gap(part, other)) < gap for other in others if self.may_be(part, other)
        )


def _around(sorted_: Sequence[_T], time: int) -> Sequence[_T]:
    """Those nearest to a time, of some in order of time."""
    at = bisect_left(sorted_, time, key=time_of)
    return sorted_[max(at - _AROUND, 0) : at + _AROUND]
