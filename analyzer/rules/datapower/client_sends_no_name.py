"""The gateway's client profile sends no server name (SNI), and the server needs one.

## What it looks like
The gateway's ClientHello to a backend has no server_name, and the server refuses it: 40, 112, or a
bare reset. ``use-sni`` is off in SSLClientFeatures, or the backend is given by address.

## Why it happens
Content networks and ingress controllers serve many names on one address and refuse who names none.
The deprecated SSL proxy profiles send no name at all.

## What it is not
A name that is sent and not known is the server's affair: TLS-NEG-004.

## What to do
Switch use-sni on; for a target by address set UseCustomSNIHostname and CustomSNIHostname.

## Blind spots
A server that refuses without a word may mind something else: the same offer with a name would decide.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.datapower.graph import is_address
from analyzer.diagnosis.causes import Phase
from analyzer.diagnosis.model import Finding, Rank, Rule
from analyzer.rules.datapower import read_case
from analyzer.tls.objects import Leg
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-DPX-012",
    name="client-sends-no-name",
    cause="sni_missing",
    phase=Phase.CLIENT_HELLO,
    rank=Rank.OBJECT,
    title="The gateway's client profile sends no server name",
    references=("RFC 6066 §3",),
)


def check(story: Story) -> Iterator[Finding]:
    """Fire where the server needs a name and the profile makes none."""
    case = read_case(story, Leg.BACK)
    profile = case.profile if case is not None else None
    target = story.objects.target if story.objects is not None else None
    if case is None or profile is None or target is None or story.offer is None:
        return
    if case.wire.cause not in _CAUSES or case.gateway_refused or story.offer.server_name:
        return
    if not case.may_be(RULE.cause):
        return
    if profile.sends_name is False:
        problem = "SSLClientFeatures lacks use-sni"
        change = f"switch use-sni on under SSLClientFeatures of {profile.label}"
    elif profile.kind == "CryptoProfile":
        problem = "a CryptoProfile sends no server name"
        change = "replace the deprecated SSL proxy profile by an SSLClientProfile with use-sni"
    elif is_address(target.host) and not profile.custom_name:
        problem = f"{target.setting} of {target.label} is an address, so no server name is sent"
        change = f"set UseCustomSNIHostname and CustomSNIHostname in {profile.label}"
    else:
        return
    yield case.finding(
        RULE,
        label=profile.label,
        problem=f"{problem}, and {case.peer} needs a name",
        why="The gateway names no host in its ClientHello.",
        remedy=(f"DataPower: {change}.",),
        remedy_side=case.gateway_side,
        confidence=case.wire.confidence,
    )


_CAUSES = frozenset({"sni_missing", "server_internal"})
