"""The gateway's log names the service whose connection to its backend failed.

## What it looks like
0x80e00126 "Valid backside connection could not be established" or 0x80e00127 "Network Error on Back
interface" beside a connection of the gateway to a server that failed. The finding names the service.

## Why it happens
The log calls every failure of a back side connection so, in TCP and in TLS; what failed the wire
says. A server that refuses the gateway's certificate makes it try again and again: a flood of lines.

## What it is not
A reason of its own: the explanation quotes the finding of the wire.

## What to do
As the wire says; the named service shows where the address, the client profile and its credential are.

## Blind spots
Without an export the profile that the service uses is not known. Where lines name the profile, it is
TLS-DPX-036.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.datapower.log.codes import Kind, kind_of, label_of
from analyzer.diagnosis.causes import Phase
from analyzer.diagnosis.model import Finding, Rank, Rule
from analyzer.rules.datapower import read_logged
from analyzer.tls.objects import Leg
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-DPX-029",
    name="log-names-service",
    cause="connection_refused",
    phase=Phase.TCP_CONNECT,
    rank=Rank.LOG,
    title="The gateway's log names the service whose backend failed",
    references=("RFC 9293 §3.5.2",),
)


def check(story: Story) -> Iterator[Finding]:
    """Fire where a line names a service and the wire shows that its connection failed."""
    case = read_logged(story)
    if case is None or case.log.leg is not Leg.BACK or case.profile is not None:
        return
    if case.said is not None and case.said.cause is not None:
        return
    kinds = {kind_of(line) for line in case.log.lines}
    if Kind.SPOKE_PLAIN in kinds and case.wire.cause == "plaintext_http_to_tls":
        return  # TLS-DPX-035 knows more
    lines = [line for line in case.log.lines if kind_of(line) is Kind.BACK]
    label = next(filter(None, map(label_of, lines)), None)
    if label is None:
        return
    yield case.finding(
        RULE,
        title=f"{label}: its connection to {story.server} failed: {case.wire.cause.replace('_', ' ')}",
        why=f"The gateway's log says: {lines[0].text}.",
        remedy=case.wire.remedy,
        lines=lines,
    )
