"""All certificates met, each once, with every place where it was seen."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from analyzer.errors import UsageError
from analyzer.pki.stores import Store
from analyzer.tls.story import Chain, Story
from analyzer.tls.x509.chain import CertificateFacts, read_certificate

PLACES_MOST: Final = 1_000  # kept per certificate; more are counted


@dataclass(frozen=True, slots=True)
class Sighting:
    """A place where a certificate was seen; the later fields are those of captures only.

    ``index`` counts from 0 in the file or the message, of ``count``.
    """

    source: str
    kind: str  # "capture", or the kind of the store
    index: int
    count: int
    label: str | None = None
    stream: int | None = None
    frame: int | None = None
    time: int | None = None  # ns
    sender: Literal["client", "server"] | None = None
    address: str | None = None  # of the sender
    sni: str | None = None


@dataclass(frozen=True, slots=True)
class Holding:
    """A certificate and where it was seen: the first places, and how many there are."""

    facts: CertificateFacts
    sightings: tuple[Sighting, ...]
    times: int


class Inventory:
    """Certificates in order of first sight."""

    def __init__(self) -> None:
        self._places: dict[bytes, list[Sighting]] = {}
        self._times: Counter[bytes] = Counter()

    def add_store(self, store: Store) -> None:
        """Add what a file holds."""
        count = len(store.certificates)
        for index, held in enumerate(store.certificates):
            self._add(held.der, Sighting(store.path, store.kind, index, count, held.label))

    def add_story(self, source: str, story: Story) -> None:
        """Add what the two sides of a connection sent in clear."""
        for chain in (story.server_chain, story.client_chain):
            for index, entry in enumerate(chain.message.entries if chain else ()):
                self._add(entry.der, sighting_of(source, story, chain, index))

    def _add(self, der: bytes, place: Sighting) -> None:
        places = self._places.setdefault(der, [])
        if len(places) < PLACES_MOST:
            places.append(place)
        self._times[der] += 1

    def holdings(self) -> Iterator[Holding]:
        """Give the certificates, each with its places."""
        for der, places in self._places.items():
            yield Holding(read_certificate(der), tuple(places), self._times[der])

    @property
    def sightings(self) -> int:
        """How often certificates were seen."""
        return self._times.total()

    def __len__(self) -> int:
        return len(self._places)


def sighting_of(source: str, story: Story, chain: Chain | None, index: int) -> Sighting:
    """Where a chain was sent, and by whom."""
    assert chain is not None
    server = chain is story.server_chain
    return Sighting(
        source=source,
        kind="capture",
        index=index,
        count=len(chain.message.entries),
        stream=story.stream,
        frame=chain.frame,
        time=chain.time,
        sender="server" if server else "client",
        address=str(story.server if server else story.client),
        sni=story.offer.server_name if story.offer else None,
    )


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which certificates were asked for; all that is set must fit."""

    serials: frozenset[int] = frozenset()
    name: str | None = None
    ends_before: int | None = None  # ns

    def takes(self, facts: CertificateFacts) -> bool:
        """Whether a certificate is wanted."""
        if self.serials and int(facts.serial or "0", 16) not in self.serials:
            return False
        if self.name is not None and not self._named(facts):
            return False
        return self.ends_before is None or (
            facts.not_after is not None and facts.not_after < self.ends_before
        )

    def _named(self, facts: CertificateFacts) -> bool:
        part = (self.name or "").casefold()
        names: Iterable[str] = (facts.subject_cn or "", *facts.sans)
        return any(part in name.casefold() for name in names)


_SERIAL = re.compile(r"(?:0x)?([0-9a-f][0-9a-f: ]*)", re.IGNORECASE)


def serials_of(text: str) -> frozenset[int]:
    """The serial numbers that a text may mean: hexadecimal as tools print it, or decimal.

    >>> sorted(serials_of("0a:1F")), sorted(serials_of("16"))
    ([2591], [16, 22])

    Raises:
        UsageError: It is no number.
    """
    match = _SERIAL.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"--serial {text}: no number; write it in hexadecimal or decimal")
    digits = re.sub("[: ]", "", match[1])
    found = {int(digits, 16)}
    if digits == text.strip() and digits.isdecimal():
        found.add(int(digits))
    return frozenset(found)


_SPAN = re.compile(r"(\d{1,6})\s*([smhdwy]?)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "": 86_400, "w": 604_800, "y": 31_536_000}


def span_of(text: str) -> int:
    """A span of time in ns: ``30d``, ``12h``, ``2w``; days where no unit is given.

    >>> span_of("30d") == span_of("30") == 2_592_000_000_000_000
    True

    Raises:
        UsageError: It is no span.
    """
    match = _SPAN.fullmatch(text.strip().lower())
    if match is None:
        raise UsageError(f"{text}: no span of time; write it as in 30d, 12h or 2w")
    return int(match[1]) * _SECONDS[match[2]] * 1_000_000_000
