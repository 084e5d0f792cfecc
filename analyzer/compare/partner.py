"""The best partner for a failed connection: the good one that is most like it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from analyzer.judging import Judged
from analyzer.tls.story import Story


def examples(judged: Iterable[Judged]) -> tuple[Judged, ...]:
    """One failed connection of every kind: by cause and server, the first of each."""
    found: dict[tuple[str, object], Judged] = {}
    for entry in judged:
        if entry.outcome == "failed" and entry.diagnosis.headline is not None:
            found.setdefault((entry.diagnosis.headline.cause, entry.story.server), entry)
    return tuple(found.values())


def partner(bad: Judged, candidates: Sequence[Judged]) -> Judged | None:
    """The established connection that has most in common with the failed one."""
    good = [entry for entry in candidates if entry.outcome == "established"]
    return max(good, key=lambda entry: likeness(entry.story, bad.story), default=None)


def likeness(good: Story, bad: Story) -> tuple[int, int]:
    """How much two connections have in common, and how close they are in time."""
    a, b = good.offer, bad.offer
    points = 0
    points += 8 * (good.server == bad.server) + 4 * (good.server.ip == bad.server.ip)
    points += 4 * (good.client.ip == bad.client.ip)
    if a is not None and b is not None:
        points += 6 * (a.server_name == b.server_name)
        points += 3 * (a.cipher_suites == b.cipher_suites)
        points += 2 * (frozenset(a.extension_types) == frozenset(b.extension_types))
        points += 1 * (a.versions == b.versions)
    return points, -abs(good.start - bad.start)
