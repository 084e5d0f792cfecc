"""The server asked for another handshake on a connection that had one, and refused how the client ended it.

## What it looks like
Up to TLS 1.2: on an established connection the server sends a handshake record (a HelloRequest), both sides go
through another handshake under encryption, and the client switches to the new keys. The server does not: it sends
an alert, or closes.

## Why it happens
A server asks for another handshake to get a client certificate for some paths only (SSLVerifyClient in a Directory
or Location of Apache, client certificates of IIS). The client has none, or one that the server does not accept:
unknown issuer, expired, wrong usage.

## What it is not
A side that does not take part in the second handshake at all is TLS-END-001. In TLS 1.3 a server asks without
another handshake, and nothing of it can be seen.

## What to do
On the client: configure a certificate that this server accepts. The server's log names what it minds.

## Blind spots
All of the second handshake is encrypted but its ChangeCipherSpec: what the client showed is not seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from analyzer.diagnosis.causes import Confidence, FailingSide, Phase, RemedySide
from analyzer.diagnosis.model import Alternative, Evidence, Finding, Rank, Rule
from analyzer.diagnosis.signs.renegotiation import SOON_NS, behind_handshake
from analyzer.diagnosis.signs.standing import end_evidence
from analyzer.diagnosis.topics import finishing
from analyzer.diagnosis.wording import alert_phrase, client_name, keys_would_tell, server_name
from analyzer.tcp.timeline import Side
from analyzer.tls.story import Alert, Message, Story

RULE = Rule(
    id="TLS-END-003",
    name="renegotiation-broken-off",
    cause="client_certificate_rejected",
    phase=Phase.POST_HANDSHAKE,
    rank=Rank.STEP,
    title="The server breaks off the handshake that it asked for anew",
    references=("RFC 5246 §7.4.1.1", "RFC 5246 §7.4.6"),
    requires=frozenset({"start", "client_bytes", "server_bytes", "snap_length"}),
    topic=finishing,
)


def check(story: Story) -> Iterator[Finding]:
    """Fire where the client switched to the new keys, and the server left instead of doing so."""
    again = _again(story)
    if not story.completed or story.tls13 or not again or again[0].sender is not Side.SERVER:
        return
    switches = [m for m in again if m.name == "change_cipher_spec"]
    closed = story.timeline.closed_first
    if [m.sender for m in switches] != [Side.CLIENT] or closed is None:
        return
    switched, end = switches[0], end_evidence(story)
    alert = _alert(story, switched)
    given_up = alert is not None or closed[0] is Side.SERVER
    if not given_up or closed[1].time - switched.time > SOON_NS:
        return
    yield RULE.finding(
        Evidence(again[0].frame, "server asked for another handshake"),
        Evidence(switched.frame, "client ended it, and switched to its keys"),
        *([Evidence(alert.frame, alert_phrase(alert))] if alert is not None else []),
        *([] if alert is not None and alert.frame == end.frame else [end]),
        title=f"{server_name(story)} asks {client_name(story)} for another handshake, and refuses the "
        "certificate that it gets, or that there is none",
        explanation="The first handshake completed. Servers ask for another to get a client certificate; this "
        "one left where it had to judge that, or that there was none.",
        remedy=(
            "On the client: configure a certificate, with key and chain, that this server accepts.",
            "On the server: its log at this time names what it minds.",
            *keys_would_tell(story),
        ),
        failing_side=FailingSide.SERVER,
        remedy_side=RemedySide.CLIENT,
        confidence=Confidence.SUSPECTED if alert is None else Confidence.INFERRED,
        alternatives=(
            Alternative(
                "client_cert_missing", "the server's log; what the client is configured with"
            ),
            Alternative("client_cert_untrusted", "the server's log"),
            Alternative("client_cert_expired", "the dates of the client's certificate"),
        ),
    )


def _again(story: Story) -> list[Message]:
    """What belongs to the later handshake: all from its first message on, but for data."""
    return [m for m in behind_handshake(story) if m.name.endswith(_HANDSHAKE)]


_HANDSHAKE: Final = ("encrypted_handshake", "hello_request", "change_cipher_spec")


def _alert(story: Story, switched: Message) -> Alert | None:
    """The server's alert behind the client's switch."""
    found = (a for a in story.alerts if a.sender is Side.SERVER and a.frame >= switched.frame)
    return next(found, None)
