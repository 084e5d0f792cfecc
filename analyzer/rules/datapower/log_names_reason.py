"""The gateway's log names the reason for which it refused.

## What it looks like
The gateway gives up, and an entry of its TLS library (0x8120002f) says why: ``no shared cipher``,
``unsupported protocol``, ``peer did not return a certificate``. The finding names the profile that the
line names, and the property that decides.

## Why it happens
A reason below 1000 is the gateway's own refusal. On the wire the same refusal is often an alert that
fits many reasons, or a close without one.

## What it is not
A reason of 1000 or more is an alert that the peer sent: TLS-DPX-028. A certificate that a validation
credential refused is TLS-DPX-027.

## What to do
Compare the named property with what the peer offers, or change the peer.

## Blind spots
Which line belongs to which connection is told by addresses, ports and time; where these leave a
doubt, no line is used.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from analyzer.diagnosis.causes import Phase
from analyzer.diagnosis.model import Finding, Rank, Rule
from analyzer.rules.datapower import read_logged
from analyzer.tls.loglines import Refuser
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-DPX-026",
    name="log-names-reason",
    cause="negotiation_failed",
    phase=Phase.CLIENT_HELLO,
    rank=Rank.LOG,
    title="The gateway's log names the reason of its refusal",
    references=("RFC 5246 §7.2.2",),
)


def check(story: Story) -> Iterator[Finding]:
    """Fire where the gateway refused by itself and a line says why."""
    case = read_logged(story)
    if case is None or case.said is None or case.said.refuser is not Refuser.GATEWAY:
        return
    said = case.said
    if said.credential is not None or not case.gateway_refused or not case.agrees:
        return
    label = case.label or "The gateway"
    held = case.label or "the profile"
    hint = _HINTS.get(said.setting, _COMPARE).format(said.setting, held=held, peer=case.peer)
    own = (f"DataPower: {hint}.",) if said.setting else ()
    yield case.finding(
        RULE,
        title=f"{label} refused {case.peer}: {said.words}",
        why=f"The gateway's log says: {said.text}.",
        remedy=own if own and case.refined else (*own, *case.wire.remedy),
    )


_COMPARE: Final = "compare {0} of {held} with what {peer} offers"
_HINTS: Final = {
    "Valcred": "compare the certificates of the CryptoValCred in {held} with the chain of {peer}",
    "RequireClientAuth": "give {peer} a certificate, or switch RequireClientAuth off in {held}",
    "SSLClientFeatures": "permit-insecure-servers in {held}, as long as {peer} cannot be updated",
}
