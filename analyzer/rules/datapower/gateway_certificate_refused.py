"""The backend refuses the certificate that the gateway's client profile shows.

## What it looks like
The backend asked for a certificate, the gateway sent one, and the backend gave up: 42, 46, 48, or a
bare close. The finding names the CryptoIdentCred of the client profile.

## Why it happens
The backend does not trust the issuer, was not told of a renewal, or the certificate is expired or not
meant for clients. An intermediate that is not sent has the same effect.

## What it is not
No certificate at all is TLS-DPX-013.

## What to do
Have the backend accept the certificate or its authority; or give the credential another one.

## Blind spots
What the backend trusts is not on the wire, unless its request lists authorities.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import PARENTS, Phase
from analyzer.diagnosis.model import Finding, Rank, Rule
from analyzer.rules.datapower import read_case
from analyzer.tls.objects import Leg
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-DPX-023",
    name="gateway-certificate-refused",
    cause="client_certificate_rejected",
    phase=Phase.CLIENT_CERTIFICATE,
    rank=Rank.OBJECT,
    title="The backend refuses the certificate of the gateway's client profile",
    references=("RFC 5246 §7.4.6",),
)


def check(story: Story) -> Iterator[Finding]:
    """Fire where the backend gives up over the gateway's certificate."""
    case = read_case(story, Leg.BACK)
    profile = case.profile if case is not None else None
    credential = profile.credential if profile is not None else None
    if case is None or profile is None or credential is None or case.gateway_refused:
        return
    family = RULE.cause in {case.wire.cause, PARENTS.get(case.wire.cause)}
    if not family or case.wire.cause == "client_cert_missing":
        return
    shown = credential.certificate.name if credential.certificate is not None else "its certificate"
    yield case.finding(
        RULE,
        label=f"CryptoIdentCred {credential.name}",
        problem=f"{case.peer} refuses its certificate {shown} "
        f"({case.wire.cause.replace('_', ' ')})",
        why=f"{profile.label} shows it to the backend.",
        remedy=(
            "Backend: trust the certificate's authority, or register the renewed certificate.",
            f"DataPower: check dates, usage and intermediates of CryptoIdentCred {credential.name}.",
        ),
        remedy_side=case.wire.remedy_side,
        cause=case.wire.cause,
        confidence=case.wire.confidence,
    )
