"""The server reads the ClientHello and closes the connection without an alert.

## What it looks like
ClientHello, then FIN from the server. No ServerHello, no alert.

## Why it happens
Stacks and devices that say nothing when they do not like an offer: an SNI they have no certificate for, a
version or suites they do not serve, a proxy or load balancer whose backend is gone. Some servers close
like this on a ClientHello that is too large.

## What it is not
With RST instead of FIN it is TLS-TCP-007; after a long wait it is TLS-TCP-008.

## What to do
Ask the server's log. Try the same offer with and without SNI, and with other versions:
`openssl s_client -connect HOST:PORT -servername NAME -tls1_2`.

## Blind spots
The reason is not on the wire; other connections of this server may show what it takes.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Confidence, FailingSide, Phase, RemedySide
from analyzer.diagnosis.evidence import offer_evidence
from analyzer.diagnosis.model import Alternative, Finding, Rank, Rule
from analyzer.diagnosis.reaching import reach_by_name
from analyzer.diagnosis.signs.expecting import header_blamed, perhaps_no_tls
from analyzer.diagnosis.signs.standing import BOTH_WAYS, end_evidence, retried, waited_long
from analyzer.diagnosis.topics import closing
from analyzer.diagnosis.wording import client_name, server_name
from analyzer.tcp.timeline import Side
from analyzer.tls.story import Opening, Story, Way

RULE = Rule(
    id="TLS-TCP-006",
    name="server-closed-silently",
    cause="server_closed_silently",
    phase=Phase.CLIENT_HELLO,
    rank=Rank.CLOSED,
    title="The server closes after the ClientHello without an alert",
    references=(
        "RFC 8446 §6",
        "RFC 5246 §7.2",
    ),
    requires=BOTH_WAYS,
    topic=closing,
    fallback=True,
)

_SILENT = frozenset({Opening.NOTHING, Opening.TLS})  # TLS: a HelloRetryRequest


def check(story: Story) -> Iterator[Finding]:
    """Fire where the server's whole answer to a ClientHello is FIN."""
    ending = story.ending
    if not story.offers or story.choice is not None or retried(story):
        return
    if ending.way is not Way.FIN or ending.side is not Side.SERVER or waited_long(story):
        return
    if story.openings[Side.SERVER] not in _SILENT and story.prelude is None:
        return
    if story.prelude is not None and story.prelude.answer is not None:
        return
    if story.retry is None and any(m.sender is Side.SERVER for m in story.messages):
        return  # it said something, and the capture misses what
    yield RULE.finding(
        *offer_evidence(story, "client sent ClientHello"),
        end_evidence(story),
        title=f"{server_name(story)} answers the ClientHello of {client_name(story)} by closing, "
        "without an alert",
        explanation="The server did not accept the offer, or could not serve it, and did not say why.",
        remedy=(
            (
                "On the server: read its log at this time; check SNI mapping, versions and suites, "
                "whether a backend behind it is up, and whether it expects a PROXY header of a load balancer "
                "that this client does not come through."
            ),
            (
                "To narrow it down, with and without -servername, and with -tls1_3 instead: "
                f"openssl s_client -connect {reach_by_name(story)} -tls1_2 </dev/null"
            ),
        ),
        failing_side=FailingSide.SERVER,
        remedy_side=RemedySide.SERVER,
        confidence=Confidence.INFERRED if ending.unseen else Confidence.SEEN,
        alternatives=(
            *header_blamed(story),
            Alternative("sni_unrecognized", "the same offer with another name, or with none"),
            Alternative("protocol_version", "the same offer with other versions"),
            Alternative("no_shared_cipher", "the server's list of suites"),
            *perhaps_no_tls(story),
        ),
    )
