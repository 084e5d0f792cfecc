"""The client speaks something other than TLS or HTTP to a server that expects TLS.

## What it looks like
The client's first bytes are those of SSH, a mail protocol, a PROXY header, a message queue or nothing
known; the server answers with a TLS alert or closes. Behind a PROXY header a ClientHello may follow: GnuTLS
and Java answer unexpected_message, nginx an HTTP 400, OpenSSL, Go and HAProxy close.

## Why it happens
A wrong port, STARTTLS expected where TLS is implicit, a load balancer that adds a PROXY header which the
server does not know.

## What it is not
HTTP to a TLS port is TLS-PLN-001.

## What to do
Correct the port or the protocol on the client's side; switch the PROXY header off, or on in the server.

## Blind spots
As with TLS-PLN-001, a server that closes without a word does not say what it expected. Where it has completed
handshakes it may expect PROXY headers: its close is then told as such (TLS-TCP-006), and the header as another
explanation.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Confidence, FailingSide, Phase, RemedySide
from analyzer.diagnosis.evidence import offer_evidence
from analyzer.diagnosis.model import Alternative, Evidence, Finding, Rank, Rule
from analyzer.diagnosis.signs.expecting import header_unexpected, tls_expected
from analyzer.diagnosis.signs.standing import end_evidence
from analyzer.diagnosis.topics import foreign
from analyzer.diagnosis.wording import client_name, protocol_name, server_name
from analyzer.tcp.timeline import Side
from analyzer.tls.story import Opening, Story

# By these a client gives no sign that it has to do with TLS: what follows the header is none.
_NAMELESS = frozenset({Opening.TEXT, Opening.BINARY, Opening.PROXY_PROTOCOL})

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
    if story.prelude is not None and story.offers:
        yield from _unexpected_header(story)
        return
    if not spoken.foreign or spoken is Opening.HTTP_REQUEST:
        return
    if story.prelude is not None and story.prelude.unused:
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
        failing_side=FailingSide.SERVER,  # by its words or its close, whoever closed first
        remedy_side=RemedySide.CLIENT,
        confidence=confidence,
        alternatives=()
        if confidence is Confidence.SEEN
        else (Alternative("server_closed_on_accept", "whether this port serves TLS"),),
    )


def _unexpected_header(story: Story) -> Iterator[Finding]:
    """A load balancer adds a PROXY header, and the server takes it for the beginning of TLS."""
    found = header_unexpected(story)
    if found is None:
        return
    confidence, proof = found
    yield RULE.finding(
        Evidence(
            story.first_data[Side.CLIENT], "client sent a PROXY header before its ClientHello"
        ),
        *offer_evidence(story, "client sent ClientHello"),
        proof or end_evidence(story),
        title=f"{client_name(story)} sends a PROXY header before TLS, which {server_name(story)} does "
        "not seem to expect",
        explanation="A server that does not know the header takes it for a broken ClientHello.",
        remedy=(
            "On the load balancer: switch the PROXY header for this server off (HAProxy: send-proxy).",
            "Or on the server: let it accept the header (nginx: listen … proxy_protocol).",
        ),
        failing_side=FailingSide.of(story.ending.side or Side.SERVER),
        remedy_side=RemedySide.CLIENT,
        confidence=confidence,
        alternatives=_OTHERWISE if confidence is Confidence.SUSPECTED else (),
    )


_OTHERWISE = (
    Alternative("server_closed_silently", "whether the server expects a PROXY header"),
    Alternative("tls_to_plaintext", "whether this port serves TLS"),
)
