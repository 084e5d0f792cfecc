"""The gateway's client profile has no certificate, and the backend requires one.

## What it looks like
The backend asks for a certificate, the gateway answers with an empty Certificate message, and the
backend gives up: 40, 42, or 116 in TLS 1.3. ``Idcred`` of the SSLClientProfile is empty.

## Why it happens
The backend began to require client certificates, or the profile is shared with backends that do not.

## What it is not
A certificate that the backend refuses is TLS-DPX-023.

## What to do
Set Idcred of the client profile, and have the certificate registered at the backend.

## Blind spots
A credential that is set and not sent (no fitting authority in the request) is left to the log.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Phase
from analyzer.diagnosis.model import Finding, Rank, Rule
from analyzer.rules.datapower import read_case
from analyzer.tls.objects import Leg
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-DPX-013",
    name="client-without-certificate",
    cause="client_cert_missing",
    phase=Phase.CLIENT_CERTIFICATE,
    rank=Rank.OBJECT,
    title="The gateway's client profile has no certificate to show",
    references=("RFC 5246 §7.4.6", "RFC 8446 §4.4.2"),
)


def check(story: Story) -> Iterator[Finding]:
    """Fire where the backend requires a certificate and the profile has none."""
    case = read_case(story, Leg.BACK)
    profile = case.profile if case is not None else None
    if case is None or profile is None or case.wire.cause != RULE.cause or case.gateway_refused:
        return
    if profile.credential is not None:
        return
    setting = "IdentCredential" if profile.kind == "CryptoProfile" else "Idcred"
    yield case.finding(
        RULE,
        label=profile.label,
        problem=f"{setting} is empty, and {case.peer} requires a client certificate",
        why="Without an identification credential the gateway has no certificate to send.",
        remedy=(
            f"DataPower: set {setting} of {profile.label} to a CryptoIdentCred.",
            "Server: register that certificate or its authority.",
        ),
        remedy_side=case.gateway_side,
    )
