"""The gateway's host name map has no entry for the name that the client asks for, or for none.

## What it looks like
The gateway refuses the ClientHello by unrecognized_name (112), handshake_failure (40) or a bare
close. The listener has an SSLSNIServerProfile whose map has no pattern for the name.

## Why it happens
A new name was pointed at the gateway and not mapped. ``SNIServerDefault`` is no help: it counts only
for clients that send no name at all.

## What it is not
A mapped profile that cannot serve the version is TLS-DPX-006.

## What to do
Add the name, or a wildcard, to the SSLSNIMapping; for clients without SNI set SNIServerDefault.

## Blind spots
A name in an encrypted ClientHello is not visible.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.datapower.predict.answer import answer
from analyzer.diagnosis.causes import Phase
from analyzer.diagnosis.model import Finding, Rank, Rule
from analyzer.rules.datapower import VAGUE, read_case
from analyzer.tls.objects import Leg
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-DPX-005",
    name="host-name-not-mapped",
    cause="sni_unrecognized",
    phase=Phase.CLIENT_HELLO,
    rank=Rank.OBJECT,
    title="The gateway's host name map has no entry for the client's name",
    references=("RFC 6066 §3",),
)


def check(story: Story) -> Iterator[Finding]:
    """Fire where the map has no entry for the name, or no default for none."""
    case = read_case(story, Leg.FRONT)
    names = story.objects.names if story.objects is not None else None
    if case is None or names is None or story.offer is None or not case.gateway_refused:
        return
    refused = answer(names, story.offer).refused
    if refused is None or refused.cause not in _CAUSES:
        return
    if not case.may_be(refused.cause) and case.wire.cause not in VAGUE:
        return
    yield case.finding(
        RULE,
        label=refused.label,
        problem=refused.text,
        why="The host name profile rejects a name that it does not find, even where it has a default.",
        remedy=(f"DataPower: {refused.change}.",),
        remedy_side=case.gateway_side,
        cause=refused.cause,
    )


_CAUSES = frozenset({"sni_unrecognized", "sni_missing"})
