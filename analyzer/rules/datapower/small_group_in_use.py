"""A TLS profile of the gateway lists DHE suites, and the group that comes with them is refused.

## What it looks like
A DHE suite was chosen; the client gives up over the server's Diffie-Hellman parameters. Back: the
gateway refuses the group of an old server. Front: an old client cannot use the gateway's.

## Why it happens
Old servers use 1024 bits; Java before version 8 takes no more than 1024. The profile prefers or
allows DHE where both sides have better.

## What it is not
Elliptic curves are TLS-DPX-003.

## What to do
Take the DHE suites out of Ciphers of the profile: ECDHE needs no group of that kind.

## Blind spots
Whether the other side has ECDHE is told by its list only on the front side.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Phase
from analyzer.diagnosis.model import Finding, Rank, Rule
from analyzer.rules.datapower import read_case
from analyzer.tls.registry.suite_facts import facts_of
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-DPX-021",
    name="small-group-in-use",
    cause="dh_key_too_small",
    phase=Phase.KEY_EXCHANGE,
    rank=Rank.OBJECT,
    title="A TLS profile of the gateway lists suites whose Diffie-Hellman group is refused",
    references=("RFC 7919 §1",),
)


def check(story: Story) -> Iterator[Finding]:
    """Fire where a Diffie-Hellman group is refused that the profile allows."""
    case = read_case(story)
    profile = case.profile if case is not None else None
    if case is None or profile is None or case.wire.cause != RULE.cause or profile.suites is None:
        return
    listed = [suite.name for suite in profile.suites if facts_of(suite).key_exchange == "DHE"]
    if story.cipher_suite not in listed or not case.states("Ciphers"):
        return
    yield case.finding(
        RULE,
        label=profile.label,
        problem=f"Ciphers lists {story.cipher_suite}, whose Diffie-Hellman group was refused",
        why="Without DHE in the list both sides would use elliptic curves or RSA.",
        remedy=(
            f"DataPower: take the DHE suites out of Ciphers of {profile.label}; prefer ECDHE.",
            "The server of the two: use a group of 2048 bits or more.",
        ),
        remedy_side=case.wire.remedy_side,
    )
