"""Which object and property of a gateway explains what the wire shows.

The wire is read first, by all other rules. These rules then look for the object that makes a gateway
behave so, and are silent where it says nothing, where it contradicts the wire, or where the export
does not state it: a wrong object is worse than none.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from analyzer import rules
from analyzer.diagnosis.causes import PARENTS, Confidence, FailingSide, RemedySide
from analyzer.diagnosis.engine import Panel
from analyzer.diagnosis.flaws.chains import server_flaws
from analyzer.diagnosis.flaws.flaw import Flaw
from analyzer.diagnosis.log.case import LogCase
from analyzer.diagnosis.log.reading import read_beside, read_log
from analyzer.diagnosis.memo import once_per_story
from analyzer.diagnosis.model import Finding, Rule
from analyzer.tcp.timeline import Side
from analyzer.tls.message.certificate import Certificates
from analyzer.tls.objects import Credential, Leg, ObjectView, Profile
from analyzer.tls.story import Chain, Milestone, Story
from analyzer.tls.x509.chain import chain_facts
from analyzer.tls.x509.names import matches

_OWN: Final = ("TLS-DPX-", "TLS-DPL-")
# What the wire says where a server refuses an offer without a reason that can be read.
VAGUE: Final = frozenset({"negotiation_failed", "server_internal", "server_closed_silently"})


@dataclass(frozen=True, slots=True)
class Case:
    """A failure of a connection whose objects are known: what the wire says, and the objects."""

    story: Story
    view: ObjectView
    wire: Finding

    @property
    def profile(self) -> Profile | None:
        """The TLS profile that took part."""
        return self.view.profile

    @property
    def front(self) -> bool:
        """Whether the gateway was the TLS server."""
        return self.view.leg is Leg.FRONT

    @property
    def gateway_refused(self) -> bool:
        """Whether it was the gateway that gave up."""
        return self.wire.failing_side.value == self.view.gateway.value

    @property
    def gateway_side(self) -> RemedySide:
        """The gateway as the side to change."""
        return RemedySide.SERVER if self.front else RemedySide.CLIENT

    @property
    def peer_side(self) -> RemedySide:
        """The gateway's peer as the side to change."""
        return RemedySide.CLIENT if self.front else RemedySide.SERVER

    @property
    def peer(self) -> str:
        """The gateway's peer as titles name it."""
        return self.story.client.ip if self.front else str(self.story.server)

    def states(self, *settings: str) -> bool:
        """Whether the export states these properties of the profile, or its firmware's schema does."""
        held = self.profile.assumed if self.profile is not None else frozenset[str]()
        of_names = self.view.names.assumed if self.view.names is not None else frozenset[str]()
        return not set(settings) & (held | of_names)

    def may_be(self, cause: str) -> bool:
        """Whether the wire leaves room for a cause: it names it, its parent, or cannot tell."""
        wire = self.wire
        if cause in {wire.cause, *(other.cause for other in wire.alternatives)}:
            return True
        if PARENTS[cause] == wire.cause:
            return True
        return wire.confidence is Confidence.SUSPECTED and PARENTS[cause] == PARENTS[wire.cause]

    def finding(
        self,
        rule: Rule,
        *,
        label: str,
        problem: str,
        why: str,
        remedy: Iterable[str],
        remedy_side: RemedySide,
        cause: str | None = None,
        confidence: Confidence | None = None,
    ) -> Finding:
        """Say which object it is. Evidence, step and sides are those of the wire."""
        wire = self.wire
        cause = cause or rule.cause
        same = cause == wire.cause and wire.confidence is not Confidence.SUSPECTED
        if not self.view.certain:  # the objects, then, do not make a cause surer than the wire does
            confidence = wire.confidence if cause == wire.cause else Confidence.SUSPECTED
        return rule.finding(
            *wire.evidence,
            title=f"{label}: {problem}",
            explanation=f"{why} {self.where} On the wire: {wire.title}.",
            remedy=tuple(remedy),
            failing_side=wire.failing_side,
            remedy_side=remedy_side,
            confidence=confidence or (wire.confidence if same else Confidence.INFERRED),
            cause=cause,
            phase=wire.phase,
            alternatives=() if same or confidence is None else wire.alternatives,
        )

    @property
    def where(self) -> str:
        """How the objects were found, in a sentence."""
        names = f", chosen by {self.view.names.label}" if self.view.names is not None else ""
        via = f" (by {self.profile.via})" if self.profile is not None and self.profile.via else ""
        profile = f" with {self.profile.label}{via}" if self.profile is not None else ""
        return (
            f"The {self.view.leg.value} side of domain {self.view.domain}: {self.view.place}"
            f"{profile}{names}; {self.view.found_by}."
        )


def read_logged(story: Story) -> LogCase | None:
    """A failure with lines of its own; None where there are none that can be relied on."""
    log = story.log
    return read_state(story) if log is not None and log.lines and not log.contradictions else None


def read_state(story: Story) -> LogCase | None:
    """A failure with what the log says of the time before; None where it says nothing."""
    if story.log is None:
        return None
    wire = read_wire(story)
    if wire is None or not wire.failure or wire.failing_side is FailingSide.NONE:
        return None
    return LogCase(story, story.log, wire, _wire_alone(story), read_log(story))


def read_case(story: Story, leg: Leg | None = None) -> Case | None:
    """The failure and its objects; None where there is no failure, or no object is known."""
    view = story.objects
    if view is None or (leg is not None and view.leg is not leg):
        return None
    wire = read_wire(story)
    if wire is None or not wire.failure or wire.failing_side is FailingSide.NONE:
        return None
    return Case(story, view, wire)


def hidden_flaws(story: Story, credential: Credential) -> tuple[Flaw, ...]:
    """Flaws of the chain that the gateway sent under encryption, from its certificate files."""
    files = (credential.certificate, *credential.intermediates)
    held = tuple(one.leaf for one in files if one is not None and one.leaf is not None)
    reached = story.milestones.get(Milestone.SERVER_FLIGHT) or story.milestones.get(
        Milestone.SERVER_HELLO
    )
    if not held or reached is None or credential.certificate is None:
        return ()
    name = story.offer.server_name if story.offer is not None else None
    chain = Chain(
        sender=Side.SERVER,
        frame=reached.frame,
        time=reached.time,
        message=Certificates(),
        certificates=held,
        facts=chain_facts(tuple(one.der for one in held)),
        name_matches=matches(held[0], name) if name else None,
    )
    return server_flaws(replace(story, server_chain=chain))


@once_per_story
def read_wire(story: Story) -> Finding | None:
    """The headline of all rules that know nothing of a gateway's papers, with what its log adds."""
    return read_beside(story, _wire_alone)


@once_per_story
def _wire_alone(story: Story) -> Finding | None:
    return _wire_panel().diagnose(story).headline


@functools.cache
def _wire_panel() -> Panel:
    return Panel(rules.modules(of_gateways=False))
