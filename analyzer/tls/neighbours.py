"""What the rest of the capture shows about the two ends of a connection.

A survey counts, for every server, client and pair of them, what was chosen and refused; then each
story gets the counts without its own contribution. Everything is bounded by named constants.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from analyzer.tcp.timeline import Side
from analyzer.tls.story import Milestone, Neighbours, Opening, SeenWith, Story, Visibility

_VALUES_MOST: Final = 64  # distinct values of one kind kept for one endpoint
_KINDS: Final = ("versions", "cipher_suites", "groups", "sni", "alpn", "alerts")


@dataclass(slots=True)
class _Tally:
    """Counts for one key; ``values`` holds a counter for each kind of :data:`_KINDS`."""

    numbers: Counter[str] = field(default_factory=Counter)
    values: dict[str, Counter[str]] = field(
        default_factory=lambda: {kind: Counter() for kind in _KINDS}
    )

    def add(self, numbers: Mapping[str, int], values: Mapping[str, str]) -> None:
        self.numbers.update(numbers)
        for kind, value in values.items():
            counter = self.values[kind]
            if value in counter or len(counter) < _VALUES_MOST:
                counter[value] += 1

    def without(self, numbers: Mapping[str, int], values: Mapping[str, str]) -> SeenWith:
        """The counts with one connection taken out again."""
        left = {
            kind: {
                value: count
                for value, seen in sorted(counter.items())
                if (count := seen - (values.get(kind) == value))
            }
            for kind, counter in self.values.items()
        }
        return SeenWith(
            established=self.numbers["established"] - numbers.get("established", 0),
            failed=self.numbers["failed"] - numbers.get("failed", 0),
            client_certificates=self.numbers["client_certificates"]
            - numbers.get("client_certificates", 0),
            plaintext=self.numbers["plaintext"] - numbers.get("plaintext", 0),
            **left,
        )


class Survey:
    """Collects what stories show, then hands each story its neighbours."""

    def __init__(self) -> None:
        self._tallies: dict[Hashable, _Tally] = {}

    def add(self, story: Story) -> None:
        """Count a story in."""
        numbers, server, client = _contribution(story)
        for key, values in _keys(story, server, client):
            self._tallies.setdefault(key, _Tally()).add(numbers, values)

    def introduce(self, story: Story) -> Story:
        """The story with its neighbours; it must have been added before."""
        numbers, server, client = _contribution(story)
        seen = [
            self._tallies[key].without(numbers, values)
            for key, values in _keys(story, server, client)
        ]
        return replace(story, neighbours=Neighbours(*seen))


def survey(stories: Iterable[Story]) -> Survey:
    """Survey all stories of a capture."""
    found = Survey()
    for story in stories:
        found.add(story)
    return found


def _keys(
    story: Story, server: Mapping[str, str], client: Mapping[str, str]
) -> tuple[tuple[Hashable, Mapping[str, str]], ...]:
    return (
        (("server", story.server), server),
        (("client", story.client.ip), client),
        (("pair", story.client.ip, story.server), server),
    )


def _contribution(
    story: Story,
) -> tuple[Mapping[str, int], Mapping[str, str], Mapping[str, str]]:
    """What one story adds: numbers, and the values chosen by its server and met by its client."""
    done = story.completed is True
    numbers = {
        "established": int(done),
        "failed": int(story.completed is False and story.is_tls),
        "client_certificates": int(done and story.reached(Milestone.CLIENT_CERTIFICATE)),
        "plaintext": int(_plain(story)),
    }
    chosen = {
        "versions": story.version,
        "cipher_suites": story.cipher_suite,
        "groups": story.group,
        "alpn": story.alpn,
    }
    values = {kind: value for kind, value in chosen.items() if value} if story.choice else {}
    if done and story.offer is not None:
        values["sni"] = story.offer.server_name or ""
    return (
        numbers,
        {**values, **_fatal(story, Side.SERVER)},
        {**values, **_fatal(story, Side.CLIENT)},
    )


def _plain(story: Story) -> bool:
    speaks = {Opening.NOTHING, Opening.TLS, Opening.UNKNOWN}
    return not story.is_tls and story.openings[Side.SERVER] not in speaks


def _fatal(story: Story, side: Side) -> dict[str, str]:
    for alert in story.alerts:
        if alert.sender is side and alert.fatal and alert.visibility is not Visibility.INFERRED:
            return {"alerts": "" if alert.description is None else alert.description.name.lower()}
    return {}
