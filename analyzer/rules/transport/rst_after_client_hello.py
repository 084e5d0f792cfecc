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
Compare the RST's TTL with that of the server's SYN-ACK: if they differ, a device in between sent it.
Then vary one thing at a time: SNI, version, size of the hello.

## Blind spots
An RST carries no reason. A device close to the server forges RSTs that cannot be told from its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Confidence, FailingSide, Phase, RemedySide
from analyzer.diagnosis.expecting import header_blamed
from analyzer.diagnosis.model import Alternative, Evidence, Finding, Rank, Rule
from analyzer.diagnosis.standing import (
    BOTH_WAYS,
    FULL_SEGMENT,
    end_evidence,
    retried,
    waited_long,
)
from analyzer.diagnosis.topics import closing
from analyzer.diagnosis.wording import client_name, offer_evidence, server_name
from analyzer.tcp.timeline import Side
from analyzer.tls.story import Message, Story, Way

_TTL_APART = 2  # hops by which routes of one host may differ

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
    if not story.offers or story.choice is not None or retried(story):
        return
    if ending.way is not Way.RST or ending.side is not Side.SERVER or waited_long(story):
        return
    injected = _injected(story)
    evidence = [*offer_evidence(story, "client sent ClientHello"), end_evidence(story)]
    if injected is not None:
        evidence.append(injected)
    hello = next((m for m in story.messages if m.name == "client_hello"), None)
    yield RULE.finding(
        *evidence,
        title=f"The ClientHello of {client_name(story)} to {server_name(story)} is answered by RST"
        + (", apparently by a device in between" if injected else ""),
        explanation="The connection was reset instead of an answer; an RST gives no reason.",
        remedy=(
            "Look for a firewall or intrusion prevention on the path; its log names the rule."
            if injected
            else "On the server: check its log, the certificate bound to this name, versions; then "
            "firewalls on the path.",
            (
                f"To narrow it down: openssl s_client -connect {server_name(story)} with and without "
                "-servername, with -tls1_2, with -groups P-256."
            ),
        ),
        failing_side=FailingSide.NETWORK if injected else FailingSide.SERVER,
        remedy_side=RemedySide.NETWORK if injected else RemedySide.SERVER,
        confidence=Confidence.INFERRED if injected else Confidence.SEEN,
        alternatives=(*header_blamed(story), *_alternatives(hello)),
    )


def _injected(story: Story) -> Evidence | None:
    """The RST's TTL against that of its supposed sender's other packets."""
    pair = story.timeline.rst_ttl
    if pair is None or abs(pair[0] - pair[1]) <= _TTL_APART:
        return None
    # Stacks may send RSTs with another initial TTL (64, 128, 255) than data.
    if _initial(pair[0]) - pair[0] == _initial(pair[1]) - pair[1]:
        return None
    text = f"the RST has TTL {pair[0]}, the server's other packets have {pair[1]}"
    return Evidence(story.ending.frame, text)


def _initial(ttl: int) -> int:
    return next(start for start in (32, 64, 128, 255) if ttl <= start)


def _alternatives(hello: Message | None) -> tuple[Alternative, ...]:
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
    return tuple(found)
