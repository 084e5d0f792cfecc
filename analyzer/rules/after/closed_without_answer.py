"""The handshake completed, the client asked for something, and the server closed without an answer.

## What it looks like
Both sides finished, and the client sent data. The server acknowledged it, sent none of its own, and closed or reset
the connection, by itself and soon.

## Why it happens
The server, or what it ends TLS for (a load balancer, stunnel), failed at the request: a backend that cannot be
reached, a crash, a limit, a filter. It expects another protocol than the client speaks. It judged the client's
certificate above TLS and did not like it.

## What it is not
A failed handshake: TLS did its work. A connection that nobody used is TLS-END-002.

## What to do
Read the server's log, and that of what is behind it, at that time. With the session's keys the request can be read.

## Blind spots
Protocols in which only the client speaks (syslog, metrics) look the same where their server leaves soon after the
first data; one that leaves later is taken for one of these, unless the client offered HTTP alone. A farewell without
an answer (LDAP's unbind) is shorter than what counts as a request. In TLS 1.3 an answer in a single record behind the
request cannot be told from a session ticket: only where lengths show tickets alone, or nothing, is it said.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from analyzer.diagnosis.causes import Confidence, FailingSide, Phase, RemedySide
from analyzer.diagnosis.model import Alternative, Evidence, Finding, Rank, Rule
from analyzer.diagnosis.signs.passing import passed
from analyzer.diagnosis.signs.resets import injected
from analyzer.diagnosis.signs.standing import BOTH_WAYS, end_evidence
from analyzer.diagnosis.topics import finishing
from analyzer.diagnosis.wording import client_name, keys_would_tell, server_name
from analyzer.tcp.timeline import Side
from analyzer.tls.story import Message, Milestone, Story, Way

RULE = Rule(
    id="TLS-END-004",
    name="closed-without-answer",
    cause="request_unanswered",
    phase=Phase.POST_HANDSHAKE,
    rank=Rank.UNUSED,
    title="The server takes a request and closes without an answer",
    references=("RFC 8446 §6.1",),
    requires=BOTH_WAYS | {"start", "record_lengths"},
    topic=finishing,
)

_SOON_NS: Final = 10_000_000_000
_FAREWELL_MOST: Final = 64  # bytes of a record with a goodbye, sealed and padded
_HTTP: Final = frozenset({"h2", "http/1.1", "http/1.0"})


def check(story: Story) -> Iterator[Finding]:
    """Fire on a completed handshake behind which only the client spoke until the server left."""
    ending = story.ending
    request = _request(story)
    if not story.completed or request is None or ending.side is not Side.SERVER:
        return
    if ending.way in {Way.OPEN, Way.SILENCE} or not passed(story, Milestone.CLIENT_DATA):
        return
    if not _unanswered(story, request):
        return
    if ending.time - request.time > _SOON_NS and not _speaks_http(story):
        return
    device = injected(story)
    yield RULE.finding(
        Evidence(request.frame, "client sent data, the first behind the handshake"),
        end_evidence(story),
        *([device] if device else []),
        title=f"{server_name(story)} takes what {client_name(story)} sends over TLS, and closes without an answer",
        explanation="TLS itself succeeded: what the client asked for failed behind it."
        + (" The reset seems to come from a device in between." if device else ""),
        remedy=(
            (
                "Read the server's log at this time; if it ends TLS for a service behind it (a load balancer, stunnel), "
                "see whether that service can be reached, and its log."
            ),
            "See whether both speak the same protocol over TLS.",
            *keys_would_tell(story),
        ),
        failing_side=FailingSide.NETWORK if device else FailingSide.SERVER,
        remedy_side=RemedySide.NETWORK if device else RemedySide.SERVER,
        confidence=Confidence.SUSPECTED,
        alternatives=(
            Alternative("server_internal", "the server's log; whether what is behind it answers"),
            *([_CERTIFICATE] if _asked_for_certificate(story) else []),
            Alternative("fine", "whether the protocol has answers at all"),
        ),
    )


_CERTIFICATE: Final = Alternative("client_certificate_rejected", "the server's log")


def _request(story: Story) -> Message | None:
    """The client's first data, where it is more than a farewell."""
    asked = story.milestones.get(Milestone.CLIENT_DATA)
    if asked is None:
        return None
    sent = [m for m in story.messages if m.sender is Side.CLIENT and m.name in _DATA]
    first = next((m for m in sent if m.frame == asked.frame), None)
    return first if first is not None and first.length > _FAREWELL_MOST else None


_DATA: Final = frozenset({"application_data", "encrypted_record"})


def _unanswered(story: Story, request: Message) -> bool:
    """Whether the server said nothing from the request on but alerts and, in TLS 1.3, tickets."""
    if story.reached(Milestone.SERVER_DATA):
        return False
    if story.tls13:
        return Milestone.SERVER_WENT_ON in story.denied
    said = [m for m in story.messages if m.sender is Side.SERVER and m.frame > request.frame]
    return all(message.name == "alert" for message in said)


def _speaks_http(story: Story) -> bool:
    """Whether the client offered HTTP alone: there a server answers whatever it is asked."""
    offered = story.offer.alpn if story.offer is not None else ()
    return bool(offered) and _HTTP.issuperset(offered)


def _asked_for_certificate(story: Story) -> bool:
    if story.tls13:
        return Milestone.CERTIFICATE_REQUEST not in story.denied
    return story.reached(Milestone.CERTIFICATE_REQUEST)
