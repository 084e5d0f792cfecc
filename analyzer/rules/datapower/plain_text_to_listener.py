"""A client speaks plain text to a TLS listener of the gateway.

## What it looks like
The first bytes are an HTTP request, SSH, or another protocol, and the gateway closes without an
alert; the log says "http request" or "unknown protocol".

## Why it happens
A client or a health check uses http:// on the https port, or the wrong port altogether.

## What it is not
A plain request of the gateway to its backend is TLS-DPX-017.

## What to do
Correct the client's URL or port; for a health check use TLS, or a handler without.

## Blind spots
None worth naming: the bytes are in clear.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Phase
from analyzer.diagnosis.model import Finding, Rank, Rule
from analyzer.rules.datapower import read_case
from analyzer.tls.objects import Leg, Profile
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-DPX-019",
    name="plain-text-to-listener",
    cause="plaintext_http_to_tls",
    phase=Phase.CLIENT_HELLO,
    rank=Rank.OBJECT,
    title="A client speaks plain text to the gateway's TLS listener",
    references=("RFC 8446 §5.1",),
)


def check(story: Story) -> Iterator[Finding]:
    """Fire where the first bytes to a TLS listener are no TLS."""
    case = read_case(story, Leg.FRONT)
    listener = story.objects.listener if story.objects is not None else None
    if case is None or listener is None or not listener.tls or case.wire.cause not in _CAUSES:
        return
    what = "plain HTTP" if case.wire.cause == RULE.cause else "another protocol"
    yield case.finding(
        RULE,
        label=listener.label,
        problem=f"{case.peer} speaks {what} to {story.server}, a TLS port",
        why=f"The listener speaks TLS with {_profile(case.profile)}.",
        remedy=(
            "Client: use https:// (or the right port); the same for health checks of load balancers.",
            "DataPower: if plain HTTP is wanted, listen with an HTTP handler on a port of its own.",
        ),
        remedy_side=case.peer_side,
        cause=case.wire.cause,
    )


_CAUSES = frozenset({"plaintext_http_to_tls", "plaintext_other_to_tls"})


def _profile(profile: Profile | None) -> str:
    return profile.label if profile is not None else "its profile"
