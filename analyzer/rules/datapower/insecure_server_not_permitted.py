"""The gateway's client profile refuses servers without secure renegotiation.

## What it looks like
The ServerHello of the backend lacks renegotiation_info (RFC 5746), and the gateway gives up right
after it. ``permit-insecure-servers`` is off in SSLClientFeatures (PermitInsecureServers of the
deprecated SSLProxyProfile).

## Why it happens
The backend is older than 2010 in this respect; newer firmware insists.

## What it is not
A backend that does send renegotiation_info is refused for something else.

## What to do
Patch the backend. permit-insecure-servers accepts the risk for this profile.

## Blind spots
None worth naming: both hellos are in clear.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Phase
from analyzer.diagnosis.model import Finding, Rank, Rule
from analyzer.rules.datapower import read_case
from analyzer.tls.objects import Leg
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-DPX-014",
    name="insecure-server-not-permitted",
    cause="legacy_renegotiation",
    phase=Phase.SERVER_HELLO,
    rank=Rank.OBJECT,
    title="The gateway's client profile refuses servers without secure renegotiation",
    references=("RFC 5746 §3.4",),
)


def check(story: Story) -> Iterator[Finding]:
    """Fire where the gateway refuses a server that does not know RFC 5746."""
    case = read_case(story, Leg.BACK)
    profile = case.profile if case is not None else None
    if case is None or profile is None or case.wire.cause != RULE.cause or not case.gateway_refused:
        return
    if profile.insecure_servers is not False:
        return
    deprecated = profile.kind == "CryptoProfile"
    label = profile.via if deprecated and profile.via else profile.label
    setting = (
        "PermitInsecureServers is off"
        if deprecated
        else "SSLClientFeatures lacks permit-insecure-servers"
    )
    yield case.finding(
        RULE,
        label=label,
        problem=f"{setting}, and {case.peer} knows no secure renegotiation",
        why="The gateway refuses servers that do not send renegotiation_info.",
        remedy=(
            "Server: update its TLS library (RFC 5746).",
            f"DataPower: as a stopgap permit insecure servers in {label}.",
        ),
        remedy_side=case.peer_side,
    )
