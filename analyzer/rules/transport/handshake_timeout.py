"""A side was to speak and did not, until somebody's patience or the capture ended.

## What it looks like
The handshake stops with one side on turn. TCP works: what was sent is acknowledged. Seconds later the
waiting side closes, or nobody does. A request for TLS that nobody answers counts too: STARTTLS to a mail
server, CONNECT to a proxy.

## Why it happens
The side on turn hangs: a slow revocation check or directory lookup, a hardware module that does not answer,
an overloaded or stopped process behind a listening socket, a proxy that waits for its own backend.

## What it is not
If data, or the close of the side that waited, is sent again and never acknowledged, the path is to blame:
TLS-TCP-011 and TLS-TCP-012.

## What to do
Look at the side that was to speak: what was it doing at this time?

## Blind spots
A server of another protocol that waits for the end of a line or of a command says nothing either (Redis,
memcached): where this one never said a word of TLS, to this client or another, the finding is suspected only.
A capture that stops listening looks alike; it is only taken for silence if all that was sent had been
acknowledged. Where nobody closes either, a path that broke looks alike, too: it is only suspected then.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analyzer.diagnosis.causes import Confidence, FailingSide, Phase, RemedySide
from analyzer.diagnosis.model import Alternative, Evidence, Finding, Rank, Rule
from analyzer.diagnosis.signs.expecting import perhaps_no_tls
from analyzer.diagnosis.signs.passing import PATIENCE_NS
from analyzer.diagnosis.signs.standing import (
    BOTH_WAYS,
    awaited,
    awaited_names,
    client_done,
    end_evidence,
    phase_of,
    starved,
    waited_long,
)
from analyzer.diagnosis.topics import stalling
from analyzer.diagnosis.wording import milliseconds, party
from analyzer.tcp.timeline import Side
from analyzer.tls.story import PreludeEnd, Story, Way

RULE = Rule(
    id="TLS-TCP-008",
    name="handshake-timeout",
    cause="handshake_timeout",
    phase=Phase.CLIENT_HELLO,
    rank=Rank.CLOSED,
    title="A side falls silent in the handshake",
    references=("RFC 9293 §3.8",),
    requires=BOTH_WAYS | {"record_lengths"},
    topic=stalling,
    fallback=True,
)


def check(story: Story) -> Iterator[Finding]:
    """Fire on a handshake that stands still for long with a side on turn."""
    yield from _unanswered(story)
    ending, silent = story.ending, awaited(story)
    if not story.offers or client_done(story) or silent is None or starved(story) is not None:
        return
    if ending.way is not Way.SILENCE and not waited_long(story):
        return
    if ending.way is Way.ALERT and ending.side is silent:
        return
    elsewhere = perhaps_no_tls(story)
    yield RULE.finding(
        *_last_words(story),
        end_evidence(story),
        title=f"{party(story, silent)} falls silent in its handshake with "
        f"{party(story, silent.peer)}: {awaited_names(story)} was due",
        explanation=f"Nothing came for {milliseconds(ending.waited_ns)} although TCP was in order.",
        remedy=(
            (
                f"On the {silent.value}: find out what it waited for at this time (revocation checks, "
                "directory or key store lookups, a backend, load)."
            ),
        ),
        failing_side=FailingSide.of(silent),
        remedy_side=RemedySide.of(silent),
        confidence=_confidence(story, elsewhere),
        phase=phase_of(story),
        alternatives=(
            *elsewhere,
            Alternative("packet_loss_fatal", "a capture on the other side of the path"),
        ),
    )


def _confidence(story: Story, elsewhere: Sequence[Alternative]) -> Confidence:
    """Where nobody ever closes, the path may have broken as well: nothing shows that both still live."""
    doubtful = elsewhere or story.ending.way is Way.SILENCE
    return Confidence.SUSPECTED if doubtful else Confidence.INFERRED


def _unanswered(story: Story) -> Iterator[Finding]:
    """A client that asked for TLS in another protocol, or a proxy for a tunnel, and waited in vain."""
    prelude, ending = story.prelude, story.ending
    if prelude is None or prelude.end is not PreludeEnd.OPEN:
        return
    # Who says that it waits no longer has waited for as long as it meant to.
    waited_ns = ending.time - story.start if prelude.farewell else ending.waited_ns
    left = ending.side is Side.CLIENT and (prelude.farewell or waited_ns >= PATIENCE_NS)
    if story.offers or not (left or ending.way is Way.SILENCE):
        return
    proxied = prelude.tunnel
    yield RULE.finding(
        Evidence(prelude.frame, f"client asked ({prelude.protocol}): {prelude.text}"),
        end_evidence(story),
        title=f"{party(story, Side.SERVER)} falls silent when {party(story, Side.CLIENT)} asks for "
        + (f"a tunnel to {prelude.target}" if prelude.target else f"TLS ({prelude.protocol})"),
        explanation=f"Nothing came for {milliseconds(waited_ns)}; the handshake never began.",
        remedy=(
            "On the proxy: check whether it reaches the target, its name service included."
            if proxied
            else "On the server: find out what it waited for when it was to start TLS.",
        ),
        failing_side=FailingSide.SERVER,
        remedy_side=RemedySide.SERVER,
        confidence=Confidence.INFERRED,
        phase=Phase.CLIENT_HELLO,
        alternatives=(
            Alternative(
                "proxy_refused" if proxied else "starttls_refused",
                "the log of the side that was silent",
            ),
        ),
    )


def _last_words(story: Story) -> tuple[Evidence, ...]:
    """The last message before the end; a hello that a limit kept from being read is none."""
    before = [m for m in story.messages if story.ending.heard(m.sender, m.frame)]
    return tuple(
        Evidence(last.frame, f"{last.sender.value} sent {last.name}, the last of the handshake")
        for last in before[-1:]
    )
