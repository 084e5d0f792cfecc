"""A proxy refuses to open the tunnel in which TLS was to run.

## What it looks like
CONNECT (or a SOCKS request) from the client, and an answer other than success: 403, 407, 502, 503 …

## Why it happens
407: the proxy wants credentials. 403: its policy forbids the target. 502 to 504: it cannot reach the
target.

## What it is not
A refusal by the target itself; the proxy never let the handshake begin.

## What to do
Credentials and policy on the proxy; for a DataPower, the proxy policy in its HTTP user agent.

## Blind spots
Why the proxy could not reach the target is in the proxy's log only.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Confidence, FailingSide, Phase, RemedySide
from analyzer.diagnosis.model import Alternative, Evidence, Finding, Rank, Rule
from analyzer.diagnosis.topics import upgrading
from analyzer.diagnosis.wording import client_name, server_name
from analyzer.tcp.timeline import Side
from analyzer.tls.story import PreludeEnd, Story

_LOGIN = (" 407 ", " log in ", " password ")  # in answers that ask for credentials, or refuse them

RULE = Rule(
    id="TLS-UPG-003",
    name="proxy-refused",
    cause="proxy_refused",
    phase=Phase.CLIENT_HELLO,
    rank=Rank.DECISIVE,
    title="The proxy refuses the tunnel",
    references=(
        "RFC 9110 §9.3.6",
        "RFC 1928 §6",
    ),
    topic=upgrading,
)


def check(story: Story) -> Iterator[Finding]:
    """Fire on a refused CONNECT or SOCKS request."""
    prelude = story.prelude
    if prelude is None or story.offers:
        return
    closed = prelude.end is PreludeEnd.OPEN and story.ending.closed_by(Side.SERVER)
    if prelude.end is not PreludeEnd.REFUSED and not closed:
        return
    if not prelude.tunnel:
        return
    target = f" to {prelude.target}" if prelude.target else ""
    wants_login = any(word in f" {prelude.text} " for word in _LOGIN)
    yield RULE.finding(
        Evidence(story.ending.frame, "proxy closed the connection instead of an answer")
        if closed
        else Evidence(prelude.frame, f"proxy answered: {prelude.text}"),
        title=f"The proxy {server_name(story)} closes instead of an answer to {client_name(story)}, which "
        f"asks for a tunnel{target}"
        if closed
        else f"The proxy {server_name(story)} refuses {client_name(story)} a tunnel{target}: "
        f"{prelude.text}",
        explanation="The handshake never began: the proxy did not open the way to the target.",
        remedy=(
            "On the client: give it credentials for the proxy."
            if wants_login
            else "On the proxy: check its policy for this target, and whether it can reach it.",
        ),
        failing_side=FailingSide.SERVER,
        remedy_side=RemedySide.CLIENT if wants_login else RemedySide.SERVER,
        confidence=Confidence.SUSPECTED if closed else Confidence.SEEN,
        rank=Rank.CLOSED if closed else RULE.rank,
        alternatives=(
            (
                Alternative("server_closed_silently", "the log of the side that closed"),
                Alternative(
                    "plaintext_http_to_tls", "whether the port is a proxy's, or expects TLS"
                ),
            )
            if closed
            else ()
        ),
    )
