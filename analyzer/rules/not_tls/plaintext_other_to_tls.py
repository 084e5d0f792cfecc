"""The client speaks something other than TLS or HTTP to a server that expects TLS.

## What it looks like
The client's first bytes are those of SSH, a mail protocol, a PROXY header, a message queue or nothing
known; the server answers with a TLS alert or closes.

## Why it happens
A wrong port, STARTTLS expected where TLS is implicit, a load balancer that adds a PROXY header which the
server does not know.

## What it is not
HTTP to a TLS port is TLS-PLN-001.

## What to do
Correct the port or the protocol on the client's side; switch the PROXY header off, or on in the server.

## Blind spots
As with TLS-PLN-001, a server that closes without a word does not say what it expected.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Confidence, Phase, RemedySide
from analyzer.diagnosis.expecting import tls_expected
from analyzer.diagnosis.model import Alternative, Evidence, Finding, Rank, Rule
from analyzer.diagnosis.standing import end_evidence, side_of
from analyzer.diagnosis.topics import foreign
from analyzer.diagnosis.wording import client_name, protocol_name, server_name
from analyzer.tcp.timeline import Side
from analyzer.tls.story import Opening, Story

_OTHERS = frozenset(Opening) - {
    Opening.NOTHING,
    Opening.TLS,
    Opening.UNKNOWN,
    Opening.HTTP_REQUEST,
}
_NAMELESS = frozenset({Opening.TEXT, Opening.BINARY})

RULE = Rule(
    id="TLS-PLN-002",
    name="plaintext-other-to-tls",
    cause="plaintext_other_to_tls",
    phase=Phase.CLIENT_HELLO,
    rank=Rank.DECISIVE,
    title="Another protocol is sent to a TLS port",
    references=("RFC 8446 §5.1",),
    topic=foreign,
)


def check(story: Story) -> Iterator[Finding]:
    """Fire on another protocol sent to a server that shows it wanted TLS."""
    spoken = story.openings[Side.CLIENT]
    if spoken not in _OTHERS or (story.prelude is not None and story.offers):
        return
    expected = tls_expected(story)
    if expected is None:
        return
    confidence, proof = expected
    if confidence is Confidence.SUSPECTED and spoken in _NAMELESS:
        return
    yield RULE.finding(
        Evidence(story.first_data[Side.CLIENT], f"client's first bytes are no TLS: {spoken.value}"),
        proof or end_evidence(story),
        title=f"{client_name(story)} speaks {protocol_name(spoken)} to {server_name(story)}, which expects TLS",
        explanation="The server waited for a ClientHello and got other bytes.",
        remedy=(
            (
                "On the client: check port and protocol; if a load balancer in between adds a PROXY "
                "header, switch it off there or on in the server."
            ),
        ),
        failing_side=side_of(story.ending.side or Side.SERVER),
        remedy_side=RemedySide.CLIENT,
        confidence=confidence,
        alternatives=()
        if confidence is Confidence.SEEN
        else (Alternative("server_closed_on_accept", "whether this port serves TLS"),),
    )
