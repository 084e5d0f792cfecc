"""A host on the path says by ICMP that the connection cannot be made.

## What it looks like
SYN, and an ICMP or ICMPv6 "destination unreachable" that quotes it: port, host or net unreachable, or
prohibited by an administrator.

## Why it happens
A firewall rejects instead of dropping, a router has no way, or the server's host rejects the port.

## What it is not
"Fragmentation needed" is no rejection; see TLS-TCP-011.

## What to do
The ICMP error names who rejects, and its code says why. Ask there.

## Blind spots
None: the error is stated in clear. Who forged it, if somebody did, is not.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Confidence, FailingSide, Phase, RemedySide
from analyzer.diagnosis.model import Evidence, Finding, Rank, Rule
from analyzer.diagnosis.topics import unheard
from analyzer.diagnosis.wording import client_name, server_name
from analyzer.tcp.evidence import IcmpEvent
from analyzer.tls.story import Milestone, Story

# RFC 792, RFC 1122 section 3.2.2.1, RFC 1812 section 5.2.7.1; RFC 4443 section 3.1.
_V4 = {
    0: "network unreachable",
    1: "host unreachable",
    2: "protocol unreachable",
    3: "port unreachable",
    5: "source route failed",
    6: "network unknown",
    7: "host unknown",
    8: "host isolated",
    9: "network prohibited",
    10: "host prohibited",
    11: "network unreachable for this type of service",
    12: "host unreachable for this type of service",
    13: "communication administratively prohibited",
    14: "host precedence violation",
    15: "precedence cutoff",
}
_V6 = {
    0: "no route",
    1: "communication administratively prohibited",
    3: "address unreachable",
    4: "port unreachable",
    5: "source address failed policy",
    6: "route rejected",
}

RULE = Rule(
    id="TLS-TCP-003",
    name="icmp-rejected",
    cause="icmp_rejected",
    phase=Phase.TCP_CONNECT,
    rank=Rank.DECISIVE,
    title="The connection is rejected by ICMP",
    references=(
        "RFC 792",
        "RFC 4443 §3.1",
    ),
    topic=unheard,
)


def check(story: Story) -> Iterator[Finding]:
    """Fire on an unreachable that quotes a connection which never came to be."""
    if story.reached(Milestone.CONNECTED):
        return
    for event in story.timeline.icmp:
        reason = _reason(event)
        if reason is None:
            continue
        yield RULE.finding(
            Evidence(event.frame, f"{event.reporter} sent ICMP: {reason}"),
            title=f"{event.reporter} rejects the connection of {client_name(story)} to "
            f"{server_name(story)}: {reason}",
            explanation="A host on the path, or the server's own, refused the SYN by an ICMP error.",
            remedy=(
                f"On {event.reporter}: check the firewall rule or route for {server_name(story)}.",
                "On the client: check address and port.",
            ),
            failing_side=FailingSide.NETWORK,
            remedy_side=RemedySide.NETWORK,
            confidence=Confidence.SEEN,
        )
        return


_TOO_FAR = frozenset({(4, 11, 0), (6, 3, 0)})


def _reason(event: IcmpEvent) -> str | None:
    if (event.version, event.type, event.code) in _TOO_FAR:
        return "time to live exceeded (a loop in the routes?)"
    if event.version == 4:
        return _V4.get(event.code) if event.type == 3 else None
    return _V6.get(event.code) if event.type == 1 else None
