"""The gateway's log reads an alert that the capture shows encrypted only.

## What it looks like
The gateway's peer ends the handshake with an encrypted alert; an entry of the gateway's TLS library
names it, as in ``error:0A000418:SSL routines::tlsv1 alert unknown ca``.

## Why it happens
A reason of 1000 or more is an alert that the peer sent: the alert's number plus 1000. In TLS 1.3 the
wire hides which one it was; the gateway decrypted it.

## What it is not
Lines of a reason below 1000 are refusals of the gateway itself: TLS-DPX-026.

## What to do
As for the alert: the explanation names what it stands for, and who must change what.

## Blind spots
The alert is the peer's word. What the peer missed only its own log tells.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Phase
from analyzer.diagnosis.model import Finding, Rank, Rule
from analyzer.rules.datapower import read_logged
from analyzer.tls.loglines import Refuser
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-DPX-028",
    name="log-reads-alert",
    cause="server_certificate_rejected",
    phase=Phase.SERVER_CERTIFICATE,
    rank=Rank.LOG,
    title="The gateway's log reads an encrypted alert of its peer",
    references=("RFC 8446 §6",),
)


def check(story: Story) -> Iterator[Finding]:
    """Fire where a line names an alert that nobody else can read."""
    case = read_logged(story)
    if case is None or case.said is None or case.said.refuser is not Refuser.PEER:
        return
    said = case.said
    if said.alert is None or case.gateway_refused or case.readable:
        return
    of_gateway = f" the certificate of {case.label}" if case.label and case.certificate else ""
    yield case.finding(
        RULE,
        title=f"{case.peer} refused{of_gateway or ' the gateway'} with alert {said.alert.label} "
        f"({int(said.alert)}), by the gateway's log",
        why=f"The gateway's log says: {said.text}.",
        remedy=case.wire.remedy,
    )
