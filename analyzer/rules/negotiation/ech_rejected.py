"""The client hid its ClientHello (ECH), the server could not open it, and the client insists.

## What it looks like
A ClientHello with encrypted_client_hello, and the name of the provider as SNI. The handshake goes on with that
hello. Once the client has verified the certificate for the provider's name, it sends ech_required (121) and leaves.

## Why it happens
The keys that DNS publishes for the host (HTTPS record, ech=) are not those of the server: they were changed and a cache
still holds the old ones, only some of the machines behind an address have them, or the server does no ECH at all.

## What it is not
Browsers send encrypted_client_hello with nothing in it where they know no keys (GREASE): who does not mean it does not insist.
A client that does not accept the certificate for the provider's name says so by another alert: TLS-CERT-007 and others.

## What to do
Publish the keys that the server has, and let every machine behind the address have them; or withdraw the record.

## Blind spots
The alert is encrypted. Without keys of the session it looks like a close: TLS-END-002 names this as one of its readings.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Confidence, FailingSide, Phase, RemedySide
from analyzer.diagnosis.evidence import ending_evidence, offer_evidence
from analyzer.diagnosis.model import Evidence, Finding, Rank, Rule
from analyzer.diagnosis.refusals.refusal import readable_alert
from analyzer.diagnosis.topics import alerting
from analyzer.diagnosis.wording import client_name, server_name, wanted_name
from analyzer.tcp.timeline import Side
from analyzer.tls.message.late_messages import decode_encrypted_extensions
from analyzer.tls.registry.code_points import AlertDescription
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-NEG-015",
    name="ech-rejected",
    cause="ech_rejected",
    phase=Phase.SERVER_HELLO,
    rank=Rank.FACT,
    title="The server could not open the client's encrypted hello (ECH)",
    references=("RFC 9849 §6.1.6",),
    topic=alerting,
)


def check(story: Story) -> Iterator[Finding]:
    """Fire on a client's ech_required, however far the handshake came."""
    if story.ending.side is not Side.CLIENT:
        return
    if readable_alert(story) is not AlertDescription.ECH_REQUIRED:
        return
    answer = _answer(story)
    yield RULE.finding(
        *offer_evidence(
            story, f"client sent an encrypted hello behind that for {wanted_name(story)}"
        ),
        *answer,
        ending_evidence(story),
        title=f"{server_name(story)} could not open the encrypted hello (ECH) of {client_name(story)}",
        explanation=(
            "The client hides whom it asks for by keys that DNS publishes. The server went on with the hello that is "
            "in clear, and to that the client must not entrust its request."
        ),
        remedy=(
            (
                "Server: let every machine behind this address have the keys that the HTTPS record of the host "
                "publishes (ech=), or withdraw them from the record."
            ),
            "See what is published: dig +short HTTPS and the host that the client asked for.",
            *(
                ["Keys that were changed lately: wait until caches of DNS let go of the old ones."]
                if answer
                else []
            ),
        ),
        failing_side=FailingSide.CLIENT,
        remedy_side=RemedySide.SERVER,
        confidence=Confidence.SEEN,
    )


def _answer(story: Story) -> tuple[Evidence, ...]:
    """The keys that the server has in place of those that the client used, where it sends them."""
    sent = story.message(Side.SERVER, "encrypted_extensions")
    if sent is None or not decode_encrypted_extensions(sent.body)[0].ech_rejected:
        return ()
    return (Evidence(sent.frame, "server sent the ECH keys that it has, for another connection"),)
