"""The gateway's log says why nobody listens: an object or a listener is down.

## What it looks like
RST answers the client's SYN. Before that the log says of the handler, or of this port, that it is not
up: 0x00330091, 0x80e00386, 0x80e00116, 0x00b30002, "Operational state down".

## Why it happens
A handler without a valid profile, two listeners on one port, or a chain of references that one expired
certificate took down: CryptoCertificate, CryptoValCred, profile, handler.

## What it is not
A firewall that answers with RST leaves no line in the log.

## What to do
Follow the lines: the first that went down is the cause, the others depend on it. Then bring it up
again: replace the certificate, correct the profile, change the port.

## Blind spots
Lines name objects, not ports: without an export only those count that name this port.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.datapower.log.codes import Kind, kind_of, label_of, listener_of
from analyzer.diagnosis.causes import Phase
from analyzer.diagnosis.model import Finding, Rank, Rule
from analyzer.rules.datapower import read_state
from analyzer.tls.loglines import LogLine
from analyzer.tls.objects import Leg
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-DPX-030",
    name="log-names-listener",
    cause="connection_refused",
    phase=Phase.TCP_CONNECT,
    rank=Rank.LOG,
    title="The gateway's log says why nobody listens",
    references=("RFC 9293 §3.5.2",),
)


def check(story: Story) -> Iterator[Finding]:
    """Fire where nobody answers on a port and a line says what keeps its listener down."""
    case = read_state(story)
    if case is None or case.wire.cause != RULE.cause:
        return
    lines = [one for one in case.log.state if kind_of(one) is Kind.DOWN and _is_of(one, story)]
    if not lines:
        return
    label = next(filter(None, map(label_of, lines)), f"The listener on port {story.server.port}")
    yield case.finding(
        RULE,
        title=f"{label} is down, says the gateway's log: {lines[0].text.rstrip('.')}",
        why=f"Nobody listens on {story.server}.",
        remedy=("DataPower: follow these lines to the first object that went down.",),
        lines=lines,
    )


def _is_of(line: LogLine, story: Story) -> bool:
    """Whether a line is about this port, or about the listener that the export has for it."""
    place = listener_of(line)
    if place is not None:
        return place[1] == story.server.port and place[0] in {"0.0.0.0", "::", story.server.ip}  # noqa: S104 - compared with
    view = story.objects
    if view is None or view.leg is not Leg.FRONT or view.listener is None:
        return False
    return label_of(line) == view.listener.label and line.domain in {None, view.domain}
