"""The client wanted to change to TLS, and the server does not offer it.

## What it looks like
The client asks for the server's capabilities (EHLO, CAPABILITY), STARTTLS is not among them, and the
client leaves without doing anything else.

## Why it happens
TLS is not configured on the server, or a device in between removes the offer (some firewalls' mail
inspection does).

## What it is not
A server that offers and then refuses is TLS-UPG-002.

## What to do
Switch TLS on in the server; look for a device that rewrites the list (it often leaves X characters behind).

## Blind spots
That the client wanted TLS is concluded from its leaving.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Confidence, FailingSide, Phase, RemedySide
from analyzer.diagnosis.model import Alternative, Evidence, Finding, Rank, Rule
from analyzer.diagnosis.topics import upgrading
from analyzer.diagnosis.wording import client_name, server_name
from analyzer.tls.story import PreludeEnd, Story

RULE = Rule(
    id="TLS-UPG-001",
    name="starttls-not-offered",
    cause="starttls_not_offered",
    phase=Phase.CLIENT_HELLO,
    rank=Rank.DECISIVE,
    title="The server does not offer STARTTLS",
    references=(
        "RFC 3207 §4",
        "RFC 9051 §6.2.1",
    ),
    topic=upgrading,
)


def check(story: Story) -> Iterator[Finding]:
    """Fire where a client reads a list without TLS and leaves, or asks for it nevertheless in vain."""
    prelude = story.prelude
    if prelude is None or prelude.end is not PreludeEnd.NOT_OFFERED or story.choice is not None:
        return
    insists = prelude.asked
    yield RULE.finding(
        Evidence(
            prelude.frame,
            f"server refused to start TLS, which its capabilities do not hold: {prelude.text}"
            if insists
            else f"server's capabilities hold no STARTTLS: {prelude.text}",
        ),
        title=f"{server_name(story)} does not offer STARTTLS ({prelude.protocol}), and "
        f"{client_name(story)} {'asks for it in vain' if insists else 'leaves'}",
        explanation="The client asked for TLS although the server's list does not hold it."
        if insists
        else "The client asked what the server can do, found no TLS, and did nothing else.",
        remedy=(
            "On the server: configure a certificate and switch STARTTLS on.",
            "On the path: look for mail inspection that removes STARTTLS from the server's answer.",
        ),
        failing_side=FailingSide.SERVER if insists else FailingSide.CLIENT,
        remedy_side=RemedySide.SERVER,
        confidence=Confidence.SEEN if insists else Confidence.INFERRED,
        alternatives=() if insists else (Alternative("fine", "whether the client insists on TLS"),),
    )
