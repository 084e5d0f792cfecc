"""A line that follows every failed handshake, "SSL peer did not send a certificate", is no reason.

## What it looks like
0x81200025 stands among the lines of a failed handshake, and nothing else says that a client
certificate was asked for and missing.

## Why it happens
DataPower writes this line after nearly every handshake that fails, whatever the reason.

## What it is not
A missing client certificate: then 0x8120002f says "peer did not return a certificate", and the wire
shows an empty Certificate message.

## What to do
Nothing about certificates of clients; read the headline of this connection.

## Blind spots
A log of a level above error lacks the line that would tell.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.datapower.log.codes import Kind, kind_of
from analyzer.diagnosis.causes import Confidence, FailingSide, Phase, RemedySide
from analyzer.diagnosis.log.reading import log_evidence
from analyzer.diagnosis.model import Finding, Rank, Rule
from analyzer.rules.datapower import read_logged
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-DPX-032",
    name="log-red-herring",
    cause="fine",
    phase=Phase.NONE,
    rank=Rank.NOTE,
    title="A line that follows every failed handshake is not its reason",
    references=("RFC 5246 §7.4.6",),
)


def check(story: Story) -> Iterator[Finding]:
    """Fire where the line stands beside a failure of another kind."""
    case = read_logged(story)
    if case is None or case.wire.cause == "client_cert_missing":
        return
    lines = [line for line in case.log.lines if kind_of(line) is Kind.COMPANION]
    if not lines:
        return
    yield RULE.finding(
        *log_evidence(story, lines[:1]),
        title='"SSL peer did not send a certificate" in the gateway\'s log is not the reason here',
        explanation="DataPower writes this line after nearly every handshake that fails.",
        remedy=("Read the headline; leave the clients' certificates alone.",),
        failing_side=FailingSide.NONE,
        remedy_side=RemedySide.CAPTURE,
        confidence=Confidence.INFERRED,
    )
