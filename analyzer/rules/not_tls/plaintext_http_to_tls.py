"""The client speaks plain HTTP to a server that expects TLS.

## What it looks like
The client's first bytes are an HTTP request. The server answers with a TLS alert, with an HTTP 400 that
names HTTPS, or by closing without a word.

## Why it happens
A URL with http:// for a port that serves HTTPS, a health check of the wrong kind, or a proxy whose
backend was given without TLS. On a DataPower: a BackendUrl with http://.

## What it is not
A plain HTTP server that answers requests is no failure and not told here.

## What to do
Use https:// on the client's side, or point it to the plain port.

## Blind spots
A server that closes without a word could be a plain one with troubles of its own: then the finding is
suspected only, unless other connections show that it speaks TLS. One that answers others in clear is not
suspected.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Confidence, FailingSide, Phase, RemedySide
from analyzer.diagnosis.model import Alternative, Evidence, Finding, Rank, Rule
from analyzer.diagnosis.signs.expecting import tls_expected
from analyzer.diagnosis.signs.standing import end_evidence
from analyzer.diagnosis.topics import foreign
from analyzer.diagnosis.wording import client_name, server_name
from analyzer.tcp.timeline import Side
from analyzer.tls.story import Opening, Story

RULE = Rule(
    id="TLS-PLN-001",
    name="plaintext-http-to-tls",
    cause="plaintext_http_to_tls",
    phase=Phase.CLIENT_HELLO,
    rank=Rank.DECISIVE,
    title="Plain HTTP is sent to a TLS port",
    references=(
        "RFC 9110 §4.2.2",
        "RFC 8446 §5.1",
    ),
    topic=foreign,
)


def check(story: Story) -> Iterator[Finding]:
    """Fire on an HTTP request to a server that shows it wanted TLS."""
    if story.openings[Side.CLIENT] is not Opening.HTTP_REQUEST or story.prelude is not None:
        return
    expected = tls_expected(story)
    if expected is None:
        return
    confidence, proof = expected
    yield RULE.finding(
        Evidence(story.first_data[Side.CLIENT], "client sent a plain HTTP request"),
        proof or end_evidence(story),
        title=f"{client_name(story)} speaks plain HTTP to {server_name(story)}, which expects TLS",
        explanation="The server waited for a ClientHello and got an HTTP request.",
        remedy=(
            (
                "On the client: use https:// for this address, or the server's plain HTTP port; on a "
                "DataPower, check the BackendUrl and whether a TLS client profile is set."
            ),
        ),
        failing_side=FailingSide.SERVER,  # by its words or its close, whoever closed first
        remedy_side=RemedySide.CLIENT,
        confidence=confidence,
        alternatives=()
        if confidence is Confidence.SEEN
        else (
            Alternative("server_closed_on_accept", "whether this port serves TLS"),
            Alternative("server_internal", "the server's log; whether what is behind it answers"),
        ),
    )
