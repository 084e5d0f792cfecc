"""The gateway's log names the TLS profile of a handshake that failed.

## What it looks like
The wire says what failed and who gave up; lines of the gateway's log that belong to the connection
name the profile, and through it the certificate, the lists and the options that took part.

## Why it happens
As the finding of the wire says, which the explanation quotes.

## What it is not
A reason of its own: where the log gives one it is TLS-DPX-026, TLS-DPX-027 or TLS-DPX-028.

## What to do
As the wire says, in the named profile where the gateway is the side to change.

## Blind spots
Which property it is only an export tells (``--dp-export``).
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Phase
from analyzer.diagnosis.model import Finding, Rank, Rule
from analyzer.rules.datapower import read_logged
from analyzer.tls.loglines import Refuser
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-DPX-036",
    name="log-names-profile",
    cause="server_certificate_rejected",
    phase=Phase.SERVER_CERTIFICATE,
    rank=Rank.LOG,
    title="The gateway's log names the profile of a failed handshake",
    references=("RFC 5246 §7.2.2",),
)


def check(story: Story) -> Iterator[Finding]:
    """Fire where lines name the profile and leave the reason to the wire."""
    case = read_logged(story)
    if case is None or case.profile is None:
        return
    if case.said is not None and case.said.refuser is Refuser.GATEWAY and case.gateway_refused:
        return
    if case.said is not None and case.said.alert is not None and not case.readable:
        return
    yield case.finding(
        RULE,
        title=f"{case.profile}: {case.wire.title}",
        why=case.wire.explanation,
        remedy=case.wire.remedy,
    )
