"""Lines about the close of a connection whose handshake completed are no failure of it.

## What it looks like
0x806000c6 "shutdown error, no read/write info" or "unexpected eof while reading" beside a connection
that completed its handshake.

## Why it happens
The peer closed TCP without close_notify, or the firmware closed a connection without a body (APAR
IT14708). RequireClosureNotification in the profile says whether that is logged as an error.

## What it is not
A failed handshake: keys were agreed and used.

## What to do
Nothing, if the application had its answer; else look at who closed first, and update old firmware.

## Blind spots
Whether the application was content is not on the wire.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.datapower.log.codes import Kind, kind_of
from analyzer.datapower.log.reasons import reason_of
from analyzer.diagnosis.causes import Confidence, FailingSide, Phase, RemedySide
from analyzer.diagnosis.log.reading import log_evidence
from analyzer.diagnosis.model import Finding, Rank, Rule
from analyzer.tls.loglines import LogLine, Refuser
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-DPX-034",
    name="log-after-handshake",
    cause="fine",
    phase=Phase.NONE,
    rank=Rank.NOTE,
    title="Lines about the close of a connection are no failed handshake",
    references=("RFC 8446 §6.1",),
)


def check(story: Story) -> Iterator[Finding]:
    """Fire where the handshake completed and lines speak of the close."""
    log = story.log
    if log is None or story.completed is not True or log.contradictions:
        return
    lines = [line for line in log.lines if _is_of_close(line)]
    if not lines:
        return
    yield RULE.finding(
        *log_evidence(story, lines[:1]),
        title="The gateway's log speaks of the close of this connection; its handshake completed",
        explanation="An error while TLS is closed says nothing of certificates, versions or suites.",
        remedy=("Look at who closed first, and whether the answer was complete.",),
        failing_side=FailingSide.NONE,
        remedy_side=RemedySide.CAPTURE,
        confidence=Confidence.INFERRED,
    )


def _is_of_close(line: LogLine) -> bool:
    reason = reason_of(line)
    broke = reason is not None and reason.refuser is Refuser.NOBODY
    return kind_of(line) is Kind.SHUTDOWN or broke
