"""By how much the log's clock is ahead of the capture's.

On the gateway itself both are one clock. A capture from elsewhere, or a log whose times name no zone,
differs by an amount that is the same for all connections: it is found where several agree, or where
lines name both addresses and ports; a single pair that could as well be chance decides nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final, TypeAlias

from analyzer.datapower.log.times import SECOND

End: TypeAlias = tuple[str, int]

_EARLY: Final = SECOND * 3 // 2  # a line may be this much older than the end of its connection
_LATE: Final = 3 * SECOND
_BIN: Final = SECOND // 2
_PAIRS_MOST: Final = 200_000
_AGREE: Final = 3  # pairs that are no chance
_ZONE: Final = 15 * 60 * SECOND  # zones differ by quarters of an hour
_ZONE_MOST: Final = 14 * 60 * 60 * SECOND
_ZONE_ERROR: Final = 5 * SECOND


@dataclass(frozen=True, slots=True)
class Happening:
    """A failure as one of the two tells it: when, to whom, and between which ends."""

    time: int
    client: str
    ends: tuple[End, End] | None = None


@dataclass(frozen=True, slots=True)
class Clock:
    """The log's clock less the capture's, and how that is known."""

    offset: int  # ns
    text: str

    @property
    def seconds(self) -> float:
        """The offset as people give it."""
        return self.offset / SECOND


def fits(difference: int) -> bool:
    """Whether a line so long after the end of a connection can be about it."""
    return -_EARLY <= difference <= _LATE


def find_clock(
    logged: Sequence[Happening], captured: Sequence[Happening], *, zone_known: bool
) -> Clock | None:
    """Find the offset between what the log and the capture tell; None where nothing decides."""
    exact = _by_ends(logged, captured)
    if exact:
        offset = int(median(exact))
        lines = "a line names" if len(exact) == 1 else f"{len(exact)} lines name"
        return Clock(0 if fits(offset) else offset, f"{lines} both addresses and ports")
    differences = list(_by_client(logged, captured))
    if any(fits(one) for one in differences):
        return Clock(0, "clients and times agree")
    return _by_vote(differences, zone_known=zone_known)


def _by_ends(logged: Iterable[Happening], captured: Iterable[Happening]) -> list[int]:
    """Differences of connections that both tell with addresses and ports; reused ports tell nothing."""
    held: dict[tuple[End, End], list[int]] = defaultdict(list)
    for one in captured:
        if one.ends is not None:
            held[one.ends].append(one.time)
    found = [(one.time, held.get(one.ends, ())) for one in logged if one.ends is not None]
    return [time - others[0] for time, others in found if len(others) == 1]


def _by_client(logged: Iterable[Happening], captured: Iterable[Happening]) -> Iterable[int]:
    """Differences between all failures of the same client, up to a number of pairs."""
    held: dict[str, list[int]] = defaultdict(list)
    for one in captured:
        held[one.client].append(one.time)
    count = 0
    for one in logged:
        for other in held.get(one.client, ()):
            if count >= _PAIRS_MOST:
                return
            count += 1
            yield one.time - other


def _by_vote(differences: Sequence[int], *, zone_known: bool) -> Clock | None:
    """The difference that several pairs agree on; one pair counts if it is off by a zone."""
    bins: dict[int, list[int]] = defaultdict(list)
    for one in differences:
        bins[one // _BIN].append(one)
    votes = {at: bins[at] + bins.get(at + 1, []) for at in list(bins)}
    ranked = sorted(votes.items(), key=lambda item: (-len(item[1]), abs(item[0])))
    if not ranked:
        return None
    at, best = ranked[0]
    rivals = [len(v) for other, v in ranked[1:] if abs(other - at) > 1]
    second = max(rivals, default=0)
    offset = int(median(best))
    if len(best) >= _AGREE and len(best) > 2 * second:
        return Clock(offset, f"{len(best)} failures agree on it")
    if not zone_known and second == 0 and _is_zone(offset):
        return Clock(round(offset / _ZONE) * _ZONE, "the log's times name no zone")
    return None


def _is_zone(offset: int) -> bool:
    nearest = round(offset / _ZONE) * _ZONE
    return abs(nearest) <= _ZONE_MOST and -_ZONE_ERROR <= offset - nearest <= _ZONE_ERROR
