"""Which chains there are to verify: what each side of a connection sent, and what files hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from analyzer.pki.inventory import Sighting, sighting_of
from analyzer.pki.path import Trust
from analyzer.pki.stores import Store
from analyzer.pki.verify import Purpose, Settings, Verdict, verify_chain
from analyzer.tls.story import Chain, Story
from analyzer.tls.x509.chain import CertificateFacts, read_certificate
from analyzer.tls.x509.ocsp import Staple


@dataclass(frozen=True, slots=True)
class Target:
    """A chain to verify: certificates with the leaf first, and how the receiving side uses it.

    ``time`` is that of the packet, None for files; ``place`` is where the leaf was seen.
    """

    sent: tuple[bytes, ...]
    place: Sighting
    time: int | None = None
    purpose: Purpose | None = None
    hostname: str | None = None
    staple: Staple | None = None


def chains_of(source: str, story: Story) -> Iterator[Target]:
    """The chains that the two sides of a connection sent in clear."""
    if story.server_chain and story.server_chain.message.entries:
        name = story.offer.server_name if story.offer else None
        place = sighting_of(source, story, story.server_chain, 0)
        sent, time = _ders(story.server_chain), story.server_chain.time
        yield Target(sent, place, time, Purpose.SERVER, name, story.staple)
    if story.client_chain and story.client_chain.message.entries:
        place = sighting_of(source, story, story.client_chain, 0)
        sent, time = _ders(story.client_chain), story.client_chain.time
        yield Target(sent, place, time, Purpose.CLIENT)


def _ders(chain: Chain) -> tuple[bytes, ...]:
    return tuple(entry.der for entry in chain.message.entries)


def of_store(store: Store, held: Trust, *, authorities: bool) -> Iterator[Target]:
    """The certificates of a file, each with what may be above it among all that is held.

    ``authorities`` chooses those that are authorities; else those that are not.
    """
    count = len(store.certificates)
    for index, each in enumerate(store.certificates):
        facts = read_certificate(each.der)
        if (facts.ca is True) is authorities:
            place = Sighting(store.path, store.kind, index, count, each.label)
            yield Target((each.der, *_above(facts, held)), place)


_ABOVE_MOST: Final = 64  # as many as a Certificate message may have


def _above(leaf: CertificateFacts, held: Trust) -> tuple[bytes, ...]:
    """All that lead upwards from a leaf by name, nearest first."""
    found: dict[bytes, CertificateFacts] = {}
    waiting = [leaf]
    while waiting and len(found) < _ABOVE_MOST:
        for parent in held.named(waiting.pop(0).issuer_der):
            if parent.der not in found and parent.der != leaf.der:
                found[parent.der] = parent
                waiting.append(parent)
    return tuple(found)[:_ABOVE_MOST]


class Targets:
    """Each chain once for every use of it, with how often it was met; the first stands for all."""

    def __init__(self) -> None:
        self._met: dict[object, tuple[Target, int]] = {}

    def add(self, targets: Iterable[Target]) -> None:
        """Take chains in."""
        for target in targets:
            order = target.sent if target.time is not None else frozenset(target.sent)
            key = (target.sent[0], order, target.purpose, target.hostname, target.staple)
            first, count = self._met.get(key, (target, 0))
            self._met[key] = (first, count + 1)

    def __iter__(self) -> Iterator[tuple[Target, int]]:
        return iter(self._met.values())

    def __len__(self) -> int:
        return len(self._met)


@dataclass(frozen=True, slots=True)
class Judged:
    """A chain before the receiving side: as of its packet (None for files), and as of now."""

    target: Target
    count: int  # how often it was met
    then: Verdict | None
    now: Verdict

    @property
    def decisive(self) -> Verdict:
        """The verdict as of the packet, where there is one."""
        return self.then or self.now


def judge(
    targets: Iterable[tuple[Target, int]],
    trust: Trust,
    settings: Settings,
    *,
    now: int,
    at: int | None = None,
) -> Iterator[Judged]:
    """Verify every chain once for every use of it.

    Args:
        targets: The chains, each with how often it was met.
        trust: What is trusted.
        settings: Of the receiving side; purpose and host name come from the target where they are
            not set here, the staple always.
        now: ns since the epoch.
        at: A time to take instead of the packets'.
    """
    for target, count in targets:
        chosen = replace(
            settings,
            purpose=settings.purpose or target.purpose,
            hostname=settings.hostname or target.hostname,
            staple=target.staple,
        )
        time = target.time if at is None else at
        then = (
            None if time is None else verify_chain(target.sent, trust, time=time, settings=chosen)
        )
        current = verify_chain(target.sent, trust, time=now, settings=chosen)
        described = replace(target, purpose=chosen.purpose, hostname=chosen.hostname)
        yield Judged(described, count, then, current)
