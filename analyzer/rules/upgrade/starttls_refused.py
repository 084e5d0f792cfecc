"""The client asked to change to TLS in the middle of its protocol, and the server refused.

## What it looks like
STARTTLS (AUTH TLS, STLS, an SSLRequest …) from the client, and a refusal from the server: 454, NO, -ERR, N.
In TDS (SQL Server) both say in their PRELOGIN what they want: a client with ENCRYPT_ON and a server with
ENCRYPT_NOT_SUP cannot agree.

## Why it happens
TLS is switched off or broken on the server (no certificate, no key), or not allowed at this point.

## What it is not
A server that does not list STARTTLS, and is not asked, is TLS-UPG-001; one that wants TLS where the client does
none is TLS-UPG-004. A client that prefers TLS and goes on in clear (PostgreSQL's `sslmode=prefer`, mail between
servers) did not fail: that is noted only.

## What to do
The server's answer says what it says; its log says why.

## Blind spots
None: request and refusal are in clear.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Confidence, FailingSide, Phase, RemedySide
from analyzer.diagnosis.model import Alternative, Evidence, Finding, Rank, Rule
from analyzer.diagnosis.topics import upgrading
from analyzer.diagnosis.wording import client_name, server_name
from analyzer.tcp.timeline import Side
from analyzer.tls.story import PreludeEnd, Sought, Story

RULE = Rule(
    id="TLS-UPG-002",
    name="starttls-refused",
    cause="starttls_refused",
    phase=Phase.CLIENT_HELLO,
    rank=Rank.DECISIVE,
    title="The server refuses STARTTLS",
    references=(
        "RFC 3207 §4",
        "RFC 4217 §4",
        "MS-TDS §2.2.6.5",
    ),
    topic=upgrading,
)


def check(story: Story) -> Iterator[Finding]:
    """Fire on a refused request for TLS."""
    prelude = story.prelude
    if prelude is None or story.choice is not None:
        return
    if story.offers and prelude.end is not PreludeEnd.REFUSED:
        return
    closed = prelude.end is PreludeEnd.OPEN and story.ending.closed_by(Side.SERVER)
    if prelude.end is not PreludeEnd.REFUSED and not closed:
        return
    if prelude.tunnel:
        return
    if prelude.sought is Sought.NOTHING:
        return  # it was the server that wanted TLS: TLS-UPG-004
    in_clear = prelude.in_clear
    yield RULE.finding(
        Evidence(story.ending.frame, "server closed the connection instead of an answer")
        if closed
        else Evidence(prelude.frame, f"server refused to start TLS: {prelude.text}"),
        title=f"{server_name(story)} refuses to start TLS in {prelude.protocol} for "
        f"{client_name(story)}{', which goes on in clear' if in_clear else ''}: {prelude.text}",
        explanation="The client asked for TLS before the handshake, and the server said no."
        + (" It went on without." if in_clear else ""),
        remedy=(
            (
                "On the server: check that TLS is switched on and that its certificate and key load; its "
                "log at this time names the reason."
            ),
        ),
        failing_side=FailingSide.NONE if in_clear else FailingSide.SERVER,
        remedy_side=RemedySide.SERVER,
        confidence=Confidence.SUSPECTED if closed else Confidence.SEEN,
        rank=Rank.NOTE if in_clear else Rank.CLOSED if closed else RULE.rank,
        alternatives=(
            (
                Alternative("server_closed_silently", "the log of the side that closed"),
                Alternative("plaintext_other_to_tls", "whether this port expects TLS at once"),
            )
            if closed
            else ()
        ),
    )
