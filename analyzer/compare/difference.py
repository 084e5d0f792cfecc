"""What a difference is, and the pieces to make one from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from analyzer.tls.registry.code_points import CodePoint

_LISTED_MOST: Final = 6
NONE: Final = "–"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing in which the two connections differ.

    ``part`` names it for machines: ``offer.cipher_suites``. ``telling`` is how much it says by
    itself, before anybody asks why the bad connection failed: 0 little, 3 "what the server chose
    for the good client the bad one does not even offer". ``shown`` is False where the difference
    itself is not visible and follows from the diagnosis.
    """

    part: str
    side: str  # client, server, path
    good: str
    bad: str
    text: str
    telling: int = 1
    shown: bool = True


def listed(points: Iterable[CodePoint | str]) -> str:
    """A list as it is printed, of bounded length."""
    names = [point if isinstance(point, str) else point.label for point in points]
    more = f" and {len(names) - _LISTED_MOST} more" if len(names) > _LISTED_MOST else ""
    return (", ".join(names[:_LISTED_MOST]) + more) or NONE


def known(value: object) -> str:
    """A value as it is printed."""
    return NONE if value is None or value == "" else str(value)


def changed(
    part: str, side: str, what: str, good: object, bad: object, *, telling: int = 1
) -> Iterator[Difference]:
    """A difference of two values, where both are known and differ."""
    if good == bad:
        return
    text = f"{what}: {known(bad)} instead of {known(good)}"
    yield Difference(part, side, known(good), known(bad), text, telling)


def lists(
    part: str,
    what: str,
    good: Sequence[CodePoint | str],
    bad: Sequence[CodePoint | str],
) -> Iterator[Difference]:
    """A difference of two offers: what the bad one lacks, and what it has beyond the good one."""
    mine, other = _plain(bad), _plain(good)
    if mine == other:
        return
    lost = [name for name in other if name not in mine]
    added = [name for name in mine if name not in other]
    parts = [f"lacks {listed(lost)}"] if lost else []
    parts += [f"adds {listed(added)}"] if added else []
    words = " and ".join(parts) or "lists them in another order"
    telling = 2 if lost else 1
    text = f"{what}: the failing client {words}"
    yield Difference(part, "client", listed(other), listed(mine), text, telling if parts else 0)


def _plain(points: Sequence[CodePoint | str]) -> list[str]:
    return [
        p if isinstance(p, str) else p.label for p in points if isinstance(p, str) or not p.grease
    ]
