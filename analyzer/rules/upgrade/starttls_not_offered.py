"""The client wanted to change to TLS, and the server does not offer it.

## What it looks like
The client asks for the server's capabilities (EHLO, CAPABILITY), STARTTLS is not among them, and the
client leaves without doing anything else. Some servers tell what they can unasked: MySQL and MariaDB in
their greeting (CLIENT_SSL), XMPP in `<stream:features>`, ManageSieve and many IMAP servers as they greet.

## Why it happens
TLS is not configured on the server, or a device in between removes the offer (some firewalls' mail
inspection does).

## What it is not
A server that offers and then refuses is TLS-UPG-002. A client that was told no and goes on in clear did not
fail: that is noted only.

## What to do
Switch TLS on in the server; look for a device that rewrites the list (it often leaves X characters behind).

## Blind spots
That the client wanted TLS is concluded from its leaving. A check that only looks whether the server is up
reads the same (load balancers say EHLO and QUIT): the finding is suspected, and the client's own error message
(MySQL: 2026, "SSL is required") decides. A client that goes on in clear is not reported.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Confidence, FailingSide, Phase, RemedySide
from analyzer.diagnosis.model import Alternative, Evidence, Finding, Rank, Rule
from analyzer.diagnosis.topics import upgrading
from analyzer.diagnosis.wording import client_name, server_name
from analyzer.tcp.timeline import Side
from analyzer.tls.story import Prelude, PreludeEnd, Sought, Story

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
        "RFC 6120 §5.4.1",
        "RFC 5804 §1.7",
    ),
    topic=upgrading,
)


def check(story: Story) -> Iterator[Finding]:
    """Fire where a client reads a list without TLS and leaves, or asks for it nevertheless in vain."""
    prelude = story.prelude
    if prelude is None or prelude.end is not PreludeEnd.NOT_OFFERED or story.choice is not None:
        return
    insists = prelude.sought is Sought.TLS
    if not insists and not _left(story, prelude):
        return
    word = _WORD.get(prelude.protocol, "STARTTLS")
    yield RULE.finding(
        Evidence(
            prelude.frame,
            f"server refused to start TLS, which its capabilities do not hold: {prelude.text}"
            if insists
            else f"server's capabilities hold no {word}: {prelude.text}",
        ),
        title=f"{server_name(story)} does not offer {word} ({prelude.protocol}), and "
        f"{client_name(story)} {_reaction(prelude)}",
        explanation=_EXPLANATIONS[prelude.sought],
        remedy=(
            f"On the server: configure a certificate and switch {word} on.",
            f"On the path: look for mail inspection that removes {word} from the server's answer."
            if prelude.protocol in _MAIL
            else f"On the path: look for a device that removes {word} from what the server offers.",
        ),
        failing_side=_failing_side(prelude),
        remedy_side=RemedySide.SERVER,
        confidence=_CONFIDENCE[prelude.sought],
        rank=Rank.NOTE if prelude.in_clear else RULE.rank,
        alternatives=() if insists else (_ALTERNATIVES[prelude.sought],),
    )


def _reaction(prelude: Prelude) -> str:
    if prelude.in_clear:
        return "goes on in clear"
    return "asks for it in vain" if prelude.sought is Sought.TLS else "leaves"


def _failing_side(prelude: Prelude) -> FailingSide:
    if prelude.in_clear:
        return FailingSide.NONE
    return FailingSide.SERVER if prelude.sought is Sought.TLS else FailingSide.CLIENT


def _left(story: Story, prelude: Prelude) -> bool:
    """Whether the client went of its own accord, having read the list."""
    ending = story.ending
    closed = ending.closed_by(Side.CLIENT)
    if story.blind_to("client_bytes", "client_side", "start", "snap_length"):
        return prelude.farewell  # it may have said what the capture misses
    return prelude.farewell or (closed and ending.frame > prelude.frame)


_MAIL = frozenset({"smtp", "lmtp", "imap", "pop3"})
_WORD = {"pop3": "STLS", "ftp": "AUTH TLS", "mysql": "TLS"}
_EXPLANATIONS = {
    Sought.TLS: "The client asked for TLS although the server's list does not hold it.",
    Sought.LIST: "The client asked what the server can do, found no TLS, and did nothing else.",
    Sought.NOTHING: "The server told what it can do, no TLS in it, and the client left without a word.",
}
_CONFIDENCE = {
    Sought.TLS: Confidence.SEEN,
    Sought.LIST: Confidence.SUSPECTED,
    Sought.NOTHING: Confidence.SUSPECTED,
}
_ALTERNATIVES = {
    Sought.LIST: Alternative(
        "fine", "whether the client insists on TLS, or only looked whether the server is up"
    ),
    Sought.NOTHING: Alternative(
        "fine",
        "the client's own error: whether it insists on TLS, or only looked whether the server is up",
    ),
}
