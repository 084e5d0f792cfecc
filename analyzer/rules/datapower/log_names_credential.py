"""The gateway's log names the validation credential that refused a certificate, and why.

## What it looks like
0x8060010a or 0x81200026 beside a handshake that the gateway ended: "certificate has expired",
"certificate not trusted", "unable to get certificate CRL". The finding names the CryptoValCred.

## Why it happens
DataPower's own check answers with any alert of 42 to 48, in TLS 1.3 under encryption: the wire tells
that it refused, the log tells why.

## What it is not
0x8060010b says that a certificate passed: then look elsewhere.

## What to do
Expired: renew the certificate. Not trusted: add the certificate, its issuer or the root, as the mode
of the credential asks. No revocation list: add a CRL update policy in the default domain, or switch
RequireCRL off.

## Blind spots
The text is the gateway's; what is in the credential only an export tells.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from analyzer.diagnosis.causes import Phase
from analyzer.diagnosis.model import Finding, Rank, Rule
from analyzer.rules.datapower import read_logged
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-DPX-027",
    name="log-names-credential",
    cause="client_certificate_rejected",
    phase=Phase.CLIENT_CERTIFICATE,
    rank=Rank.LOG,
    title="The gateway's log names the validation credential that refused",
    references=("RFC 5280 §6.1",),
)


def check(story: Story) -> Iterator[Finding]:
    """Fire where a line names the credential by which the gateway refused."""
    case = read_logged(story)
    if case is None or case.said is None:
        return
    said = case.said
    credential = said.credential
    if credential is None or not case.gateway_refused or not case.agrees:
        return
    advice = _advice(credential, case.peer, said.text)
    whose = f" ({said.subject[:200]})" if said.subject else ""
    yield case.finding(
        RULE,
        title=f"CryptoValCred {credential} refuses the certificate of {case.peer}: {said.words}",
        why=f"The gateway's log says of the certificate{whose}: {said.text}.",
        remedy=(advice,) if advice else case.wire.remedy,
    )


_ADVICE: Final = (
    ("crl", "DataPower: add a CRL update policy for the issuer in domain default, or RequireCRL off in {held}."),
    ("not yet valid", "Check the clocks of both sides (NTP); else {peer} shows its new certificate too early."),
    ("expired", "{peer} renews its certificate, with its intermediates; check the clocks of both sides (NTP)."),
    ("not trusted", "DataPower: add the certificate, its issuer or the root to {held}, as its mode asks."),
    ("revoked", "{peer} needs a new certificate; ask its authority why this one was revoked."),
    ("purpose", "{peer} needs a certificate whose extended key usage allows this side of TLS."),
    ("usage", "{peer} needs a certificate whose key usage allows this side of TLS."),
    ("self signed", "DataPower: add the certificate, or the root above it, to {held}."),
    ("issuer", "DataPower: add the missing issuer to {held}, or let {peer} send it."),
)  # fmt: skip


def _advice(credential: str, peer: str, text: str) -> str | None:
    """What to change for a verdict; None for one that is not known."""
    found = (advice for words, advice in _ADVICE if words in text.lower())
    advice = next(found, None)
    return advice and advice.format(held=f"CryptoValCred {credential}", peer=peer)
