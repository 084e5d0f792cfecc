"""What the rest of the capture shows about the two ends of a connection.

A survey counts, for every server, client and pair of them, what was chosen and refused; then each
story gets the counts without its own contribution. Everything is bounded by named constants.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import replace
from typing import Any, Final, TypeAlias

from analyzer.limits import DEFAULT, Limits
from analyzer.tcp.evidence import Endpoint
from analyzer.tcp.timeline import Side
from analyzer.tls.outline import Outline
from analyzer.tls.story import Milestone, Neighbours, Opening, SeenWith, Story, Visibility

_SORTS_MOST: Final = 64  # different sorts of connection counted for one endpoint
_KINDS: Final = ("versions", "cipher_suites", "groups", "sni", "alpn", "alerts")
_NUMBERS: Final = ("established", "failed", "client_certificates", "plaintext")

# What one connection shows of an endpoint: ("versions", "TLSv1.3"), ("established", "") and so on.
_Shown: TypeAlias = frozenset[tuple[str, str]]


class _Tally:
    """Counts for one key. Nothing is kept twice for the many endpoints that are seen once."""

    __slots__ = ("_counts", "_told")

    def __init__(self) -> None:
        self._counts: dict[_Shown, int] = {}
        self._told: dict[_Shown, SeenWith] = {}

    def add(self, shown: _Shown) -> None:
        if shown in self._counts or len(self._counts) < _SORTS_MOST:
            self._counts[shown] = self._counts.get(shown, 0) + 1
            self._told.clear()

    def without(self, shown: _Shown) -> SeenWith:
        """The counts with one connection taken out again."""
        if shown not in self._told:
            self._told[shown] = self._sum(shown)
        return self._told[shown]

    def _sum(self, left_out: _Shown) -> SeenWith:
        numbers = dict.fromkeys(_NUMBERS, 0)
        values: dict[str, Counter[str]] = {kind: Counter() for kind in _KINDS}
        for shown, times in self._counts.items():
            count = times - (shown == left_out)
            for kind, value in shown if count else ():
                if kind in numbers:
                    numbers[kind] += count
                else:
                    values[kind][value] += count
        told: dict[str, Any] = {kind: dict(sorted(c.items())) for kind, c in values.items()}
        return SeenWith(**{**numbers, **told})


class Survey:
    """Collects what connections show, then hands each story its neighbours."""

    def __init__(self, limits: Limits = DEFAULT) -> None:
        self._most = limits.surveyed
        self._tallies: dict[Hashable, _Tally] = {}

    def add(self, story: Story) -> None:
        """Count a story in."""
        self._count(_keys(story.server, story.client), _shown(story))

    def add_outline(self, outline: Outline) -> None:
        """Count in a connection that went well."""
        shown = _shown_by_outline(outline)
        self._count(_keys(outline.server, outline.client), (shown, shown))

    def introduce(self, story: Story) -> Story:
        """The story with its neighbours; it must have been added before."""
        keys = _keys(story.server, story.client)
        server, client = _shown(story)
        none = _Tally()
        seen = [
            self._tallies.get(key, none).without(shown)
            for key, shown in zip(keys, (server, client, server), strict=True)
        ]
        return replace(story, neighbours=Neighbours(*seen))

    def _count(self, keys: tuple[Hashable, ...], shown: tuple[_Shown, _Shown]) -> None:
        server, client = shown
        for key, what in zip(keys, (server, client, server), strict=True):
            tally = self._tallies.get(key)
            if tally is None:
                if len(self._tallies) >= self._most:
                    continue  # nobody is told of this endpoint; those known go on being counted
                tally = self._tallies[key] = _Tally()
            tally.add(what)


def survey(stories: Iterable[Story]) -> Survey:
    """Survey all stories of a capture."""
    found = Survey()
    for story in stories:
        found.add(story)
    return found


def _keys(server: Endpoint, client: Endpoint) -> tuple[Hashable, Hashable, Hashable]:
    """Server, client, and the pair of them; a client's port is its own each time."""
    return ("server", server), ("client", client.ip), ("pair", client.ip, server)


def _shown(story: Story) -> tuple[_Shown, _Shown]:
    """What one story adds, as seen of its server and of its client."""
    done = story.completed is True
    numbers = {
        "established": done,
        "failed": story.completed is False and story.is_tls,
        "client_certificates": done and story.reached(Milestone.CLIENT_CERTIFICATE),
        "plaintext": _plain(story),
    }
    values = {(kind, "") for kind, counts in numbers.items() if counts}
    if story.choice is not None:
        values |= _chosen(story.version, story.cipher_suite, story.group, story.alpn)
    if done and story.offer is not None:
        values.add(("sni", story.offer.server_name or ""))
    return (
        frozenset(values | _fatal(story, Side.SERVER)),
        frozenset(values | _fatal(story, Side.CLIENT)),
    )


def _shown_by_outline(outline: Outline) -> _Shown:
    values = _chosen(outline.version, outline.cipher_suite, outline.group, outline.alpn)
    values |= {("established", ""), ("sni", outline.sni or "")}
    if outline.client_certificate:
        values.add(("client_certificates", ""))
    return frozenset(values)


def _chosen(
    version: str | None, suite: str | None, group: str | None, alpn: str | None
) -> set[tuple[str, str]]:
    named = (("versions", version), ("cipher_suites", suite), ("groups", group), ("alpn", alpn))
    return {(kind, value) for kind, value in named if value}


def _plain(story: Story) -> bool:
    speaks = {Opening.NOTHING, Opening.TLS, Opening.UNKNOWN}
    return not story.is_tls and story.openings[Side.SERVER] not in speaks


def _fatal(story: Story, side: Side) -> set[tuple[str, str]]:
    for alert in story.alerts:
        if alert.sender is side and alert.fatal and alert.visibility is not Visibility.INFERRED:
            name = "" if alert.description is None else alert.description.name.lower()
            return {("alerts", name)}
    return set()
