"""The client speaks TLS to a server that does not.

## What it looks like
A ClientHello, and an answer in clear text: an HTTP error, an SSH, SMTP, FTP, IMAP, POP3 or database
greeting. The answer may come from behind a proxy that had just opened the tunnel.

## Why it happens
https:// for a plain port, implicit TLS where STARTTLS is due, a server whose TLS is switched off, or
a proxy that should have been asked by CONNECT first.

## What it is not
A server that closes without answering is TLS-TCP-006.

## What to do
Use the TLS port, or STARTTLS; or switch TLS on in the server.

## Blind spots
None where the answer was captured.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Confidence, FailingSide, Phase, RemedySide
from analyzer.diagnosis.evidence import offer_evidence
from analyzer.diagnosis.model import Evidence, Finding, Rank, Rule
from analyzer.diagnosis.signs.expecting import header_unexpected
from analyzer.diagnosis.signs.passing import passed
from analyzer.diagnosis.topics import foreign
from analyzer.diagnosis.wording import client_name, protocol_name, server_name
from analyzer.tcp.timeline import Side
from analyzer.tls.story import Answer, Milestone, PreludeEnd, Story

RULE = Rule(
    id="TLS-PLN-003",
    name="tls-to-plaintext",
    cause="tls_to_plaintext",
    phase=Phase.CLIENT_HELLO,
    rank=Rank.DECISIVE,
    title="TLS is sent to a plaintext port",
    references=("RFC 8446 §5.1",),
    topic=foreign,
)


def check(story: Story) -> Iterator[Finding]:
    """Fire on a ClientHello whose answer is another protocol."""
    greeting = _greeting_mistaken(story)
    found = greeting or _answer(story)
    if not story.offers or found is None or (story.choice is not None and greeting is None):
        return
    if header_unexpected(story) is not None:
        return  # the answer is to what came before the hello
    answer, frame = found.opening, found.frame
    if greeting is None and any(m.sender is Side.SERVER for m in story.messages):
        return
    yield RULE.finding(
        *offer_evidence(story, "client sent ClientHello"),
        Evidence(frame, f"server's first bytes are no TLS: {answer.value}"),
        title=f"{client_name(story)} offers TLS, but {server_name(story)} speaks {protocol_name(answer)}",
        explanation="The server does not speak TLS on this port, or not at once.",
        remedy=(
            "On the client: use the server's TLS port, or STARTTLS where the protocol has it.",
            "On the server: switch TLS on for this port, if it was meant to be.",
        ),
        failing_side=FailingSide.of(story.ending.side or Side.CLIENT),
        remedy_side=RemedySide.CLIENT,
        confidence=Confidence.SEEN,
    )


def _greeting_mistaken(story: Story) -> Answer | None:
    """What a server said before TLS that the client took for the answer to its hello.

    The server took the hello for the answer to its greeting, as it has to (NATS), but nobody was left.
    """
    prelude, ending = story.prelude, story.ending
    greeted = prelude is not None and prelude.protocol == "unknown"
    left = ending.side is Side.CLIENT and not passed(story, Milestone.SERVER_HELLO)
    if not (greeted and left and story.choice is not None):
        return None
    return _first_words(story)


def _answer(story: Story) -> Answer | None:
    """What answered the hello in clear; behind a proxy's or a mail server's consent, what came then."""
    prelude = story.prelude
    if prelude is not None and prelude.protocol != "unknown":
        return prelude.answer if prelude.end is PreludeEnd.AGREED else None
    return _first_words(story)


def _first_words(story: Story) -> Answer | None:
    """How the server began, where that is no TLS."""
    opening = story.openings[Side.SERVER]
    return Answer(opening, story.first_data[Side.SERVER]) if opening.foreign else None
