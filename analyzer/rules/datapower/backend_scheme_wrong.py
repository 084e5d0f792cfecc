"""The gateway's backend URL has the wrong scheme for the port behind it.

## What it looks like
The gateway sends a plain HTTP request to a port that wants TLS (BackendUrl is http://), or a
ClientHello to a port that answers in clear (BackendUrl is https://).

## Why it happens
The backend was moved to TLS, or the port was changed and the scheme was not.

## What it is not
A client that speaks HTTP to the gateway's own TLS port is TLS-DPX-019.

## What to do
Correct scheme or port of the BackendUrl; for https:// set a TLS client profile.

## Blind spots
None worth naming: the first bytes of both sides are in clear.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Phase
from analyzer.diagnosis.model import Finding, Rank, Rule
from analyzer.rules.datapower import read_case
from analyzer.tls.objects import Leg
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-DPX-017",
    name="backend-scheme-wrong",
    cause="plaintext_http_to_tls",
    phase=Phase.CLIENT_HELLO,
    rank=Rank.OBJECT,
    title="The gateway's backend URL has the wrong scheme",
    references=("RFC 9110 §4.2.2",),
)


def check(story: Story) -> Iterator[Finding]:
    """Fire where the first bytes do not fit the scheme of the target."""
    case = read_case(story, Leg.BACK)
    target = story.objects.target if story.objects is not None else None
    if case is None or target is None or case.wire.cause not in _CAUSES:
        return
    plain = case.wire.cause != "tls_to_plaintext"
    if plain == target.tls:
        return
    scheme, other = ("http", "https") if plain else ("https", "http")
    what = "expects TLS" if plain else "answers in clear"
    yield case.finding(
        RULE,
        label=target.label,
        problem=f"{target.setting} is {scheme}://{target.host}:{target.port}, and that port {what}",
        why="Scheme and port do not belong together.",
        remedy=(
            f"DataPower: use {other}:// in {target.setting} of {target.label}"
            + (", and set its SSLClient" if plain else "")
            + ", or the backend's other port.",
        ),
        remedy_side=case.gateway_side,
        cause=case.wire.cause,
    )


_CAUSES = frozenset({"plaintext_http_to_tls", "tls_to_plaintext"})
