"""A TLS profile of the gateway lacks a version that the other side needs.

## What it looks like
Front: protocol_version (70) answers the ClientHello, or the client refuses the version that the
gateway chose. Back: the server refuses the gateway's offer with 70, or the gateway refuses the
server's choice. ``Protocols`` of the profile lacks the version (``SSLOptions`` of the deprecated
CryptoProfile switches it off).

## Why it happens
Upgraded configurations keep their old list of versions; new partners have left the old ones.

## What it is not
A host name profile and its mapped profile that disagree are TLS-DPX-006.

## What to do
Switch the version on in the profile that the finding names, or move the other side to one that the
profile has.

## Blind spots
A client without supported_versions does not say how low it would go.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.datapower.predict.answer import answer
from analyzer.datapower.predict.version import enable, lacks
from analyzer.diagnosis.causes import Phase
from analyzer.diagnosis.model import Finding, Rank, Rule
from analyzer.rules.datapower import Case, read_case
from analyzer.tls.message.client_hello import ClientHello
from analyzer.tls.objects import Profile
from analyzer.tls.registry.code_points import ProtocolVersion
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-DPX-001",
    name="profile-lacks-version",
    cause="protocol_version",
    phase=Phase.CLIENT_HELLO,
    rank=Rank.OBJECT,
    title="A TLS profile of the gateway lacks a version that the other side needs",
    references=("RFC 8446 §4.1.3",),
)


def check(story: Story) -> Iterator[Finding]:
    """Fire where a version is what failed, and the profile has it off."""
    case = read_case(story)
    profile = case.profile if case is not None else None
    if case is None or profile is None or profile.versions is None or story.offer is None:
        return
    setting = "SSLOptions" if profile.kind == "CryptoProfile" else "Protocols"
    wanted = _wanted(case, profile, story.offer)
    if wanted is None or not case.states(setting) or not case.may_be(RULE.cause):
        return
    yield case.finding(
        RULE,
        label=profile.label,
        problem=f"{lacks(setting, wanted)}, which {case.peer} needs",
        why=f"The profile has {_listed(profile.versions)}.",
        remedy=(f"DataPower: {enable(setting, wanted)} in {profile.label}.",),
        remedy_side=case.gateway_side,
    )


def _wanted(case: Case, profile: Profile, offer: ClientHello) -> ProtocolVersion | None:
    """The version that is missing; None where versions are not what failed."""
    chosen = _chosen(case)
    if case.front and case.gateway_refused:
        refused = answer(profile, offer).refused
        return offer.max_version if refused and refused.cause == RULE.cause else None
    if case.wire.cause != RULE.cause or profile.versions is None:
        return None
    if case.front:  # the client refuses what the gateway chose
        above = offer.max_version
        return above if chosen is not None and above.rank > chosen.rank else None
    if case.gateway_refused:
        return chosen if chosen is not None and chosen not in profile.versions else None
    return None if case.wire.alternatives else _next(profile, offer)


def _chosen(case: Case) -> ProtocolVersion | None:
    return next((v for v in ProtocolVersion if v.label == case.story.version), None)


def _next(profile: Profile, offer: ClientHello) -> ProtocolVersion | None:
    """A version of today that a client profile has off, where its hello is what the profile makes."""
    held = profile.versions or frozenset()
    if offer.max_version not in held or any(v.rank > offer.max_version.rank for v in held):
        return None
    modern = (ProtocolVersion.TLS1_2, ProtocolVersion.TLS1_3)
    return next((version for version in modern if version not in held), None)


def _listed(versions: frozenset[ProtocolVersion]) -> str:
    return ", ".join(v.label for v in sorted(versions, key=lambda v: v.rank)) or "no version"
