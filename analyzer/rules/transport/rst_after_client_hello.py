"""The answer to the ClientHello is RST.

## What it looks like
ClientHello, then RST from the server's address, with no TLS in between.

## Why it happens
Windows (http.sys) resets where it has no certificate for the name or dislikes the version; so do some load
balancers. Firewalls and intrusion prevention reset by name, by fingerprint, or because a large ClientHello
(post-quantum key shares) comes in two segments.

## What it is not
With FIN it is TLS-TCP-006.

## What to do
Compare the RST's TTL with that of the server's SYN-ACK: if they differ, a device in between sent it; and so if
the server goes on after it.
Then vary one thing at a time: SNI, version, size of the hello.

## Blind spots
An RST carries no reason. A device close to the server forges RSTs that cannot be told from its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Confidence, FailingSide, Phase, RemedySide
from analyzer.diagnosis.evidence import offer_evidence
from analyzer.diagnosis.model import Alternative, Finding, Rank, Rule
from analyzer.diagnosis.reaching import reach_by_name
from analyzer.diagnosis.signs.expecting import header_blamed, perhaps_no_tls
from analyzer.diagnosis.signs.passing import passed
from analyzer.diagnosis.signs.resets import injected
from analyzer.diagnosis.signs.standing import (
    BOTH_WAYS,
    FULL_SEGMENT,
    end_evidence,
    retried,
    waited_long,
)
from analyzer.diagnosis.topics import closing
from analyzer.diagnosis.wording import client_name, server_name
from analyzer.tcp.timeline import Side
from analyzer.tls.story import Message, Milestone, Story, Way

RULE = Rule(
    id="TLS-TCP-007",
    name="rst-after-client-hello",
    cause="rst_after_client_hello",
    phase=Phase.CLIENT_HELLO,
    rank=Rank.CLOSED,
    title="The ClientHello is answered by RST",
    references=("RFC 9293 §3.5.2",),
    requires=BOTH_WAYS,
    topic=closing,
    fallback=True,
)


def check(story: Story) -> Iterator[Finding]:
    """Fire where the server's whole answer to a ClientHello is RST."""
    ending = story.ending
    if not story.offers or passed(story, Milestone.SERVER_HELLO) or retried(story):
        return
    if story.choice is not None and story.timeline.rst_outlived is None:
        return  # its answer was sent before, and captured late
    device = injected(story)
    if ending.way is not Way.RST or waited_long(story):
        return
    if ending.side is not Side.SERVER and device is None:
        return  # the client left by itself: TLS-TCP-009
    evidence = [*offer_evidence(story, "client sent ClientHello"), end_evidence(story)]
    if device is not None:
        evidence.append(device)
    hello = story.message(Side.CLIENT, "client_hello")
    yield RULE.finding(
        *evidence,
        title=f"The ClientHello of {client_name(story)} to {server_name(story)} is {_answered(story)}"
        + (", apparently by a device in between" if device else ""),
        explanation="The connection was reset instead of an answer; an RST gives no reason.",
        remedy=(
            "Look for a firewall or intrusion prevention on the path; its log names the rule."
            if device
            else "On the server: check its log, the certificate bound to this name, versions, and whether it "
            "expects a PROXY header of a load balancer that this client does not come through; then firewalls on "
            "the path.",
            (
                "To narrow it down, with and without -servername, -tls1_2 and -groups: openssl "
                f"s_client -connect {reach_by_name(story)} -tls1_2 -groups P-256 </dev/null"
            ),
        ),
        failing_side=FailingSide.NETWORK if device else FailingSide.SERVER,
        remedy_side=RemedySide.NETWORK if device else RemedySide.SERVER,
        confidence=Confidence.INFERRED if device else Confidence.SEEN,
        alternatives=(*header_blamed(story), *_alternatives(story, hello)),
    )


def _answered(story: Story) -> str:
    """Devices reset both ways; which of their packets comes first depends on the place."""
    named = story.ending.side
    return "answered by RST" if named is Side.SERVER else "followed by an RST in the client's name"


def _alternatives(story: Story, hello: Message | None) -> tuple[Alternative, ...]:
    found = [
        Alternative("sni_unrecognized", "the same offer with another name, or with none"),
        Alternative("protocol_version", "the same offer with other versions"),
    ]
    if hello is not None and hello.length > FULL_SEGMENT:
        found.append(
            Alternative(
                "mtu_black_hole",
                f"a smaller ClientHello (this one has {hello.length} bytes): leave out key shares",
            )
        )
    return (*found, *perhaps_no_tls(story))
