"""The gateway's log names the service that speaks plain HTTP to a TLS port.

## What it looks like
The gateway sends HTTP to a server that speaks TLS; 0x01130011 "Failed to process response headers"
names the service.

## Why it happens
The service's BackendUrl begins with http:// and leads to a port where TLS is spoken.

## What it is not
A server that answers HTTPS with an error page: there a handshake goes before.

## What to do
Write https:// in the BackendUrl and give the service a client profile.

## Blind spots
Where the URL is set dynamically, the property to change is in a style sheet or rule.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.datapower.log.codes import Kind, kind_of, label_of
from analyzer.diagnosis.causes import Phase
from analyzer.diagnosis.model import Finding, Rank, Rule
from analyzer.rules.datapower import read_logged
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-DPX-035",
    name="log-names-plain-service",
    cause="plaintext_http_to_tls",
    phase=Phase.CLIENT_HELLO,
    rank=Rank.LOG,
    title="The gateway's log names the service that speaks plain HTTP",
    references=("RFC 9110 §4.2.2",),
)


def check(story: Story) -> Iterator[Finding]:
    """Fire where the gateway speaks HTTP to a TLS port and a line names the service."""
    case = read_logged(story)
    if case is None or case.wire.cause != RULE.cause:
        return
    lines = [line for line in case.log.lines if kind_of(line) is Kind.SPOKE_PLAIN]
    label = next(filter(None, map(label_of, lines)), None)
    if label is None:
        return
    yield case.finding(
        RULE,
        title=f"{label}: BackendUrl says http:// and {story.server} speaks TLS",
        why=f"The gateway's log says: {lines[0].text}.",
        remedy=(f"DataPower: https:// in BackendUrl of {label}, and a client profile.",),
        lines=lines,
    )
