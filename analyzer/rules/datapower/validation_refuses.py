"""A validation credential of the gateway refuses the peer's certificate; why is not on the wire.

## What it looks like
The gateway gives up over the client's certificate (front) or the server's (back) by an alert that
names no reason, or one that is no matter of trust or dates: revoked, wrong usage.

## Why it happens
In TLS 1.3 certificates are encrypted; DataPower's own check answers with any alert of 42 to 48.

## What it is not
Where the wire says trust it is TLS-DPX-008, where it says dates TLS-DPX-009. Where host names are
validated as well the two cannot be told apart, and no object is named.

## What to do
Look for 0x8060010a and 0x81200026 in the debug log of the domain: they name the certificate and the
reason. Then compare with the list and mode of the CryptoValCred.

## Blind spots
Everything about the certificate itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.datapower.wording import listed_certificates
from analyzer.diagnosis.causes import Phase
from analyzer.diagnosis.model import Finding, Rank, Rule
from analyzer.diagnosis.refusals.refusal import readable_alert
from analyzer.diagnosis.signs.alerts import CERTIFICATE_ALERTS
from analyzer.rules.datapower import Case, read_case
from analyzer.tls.objects import Profile
from analyzer.tls.registry.code_points import AlertDescription
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-DPX-025",
    name="validation-refuses",
    cause="client_certificate_rejected",
    phase=Phase.CLIENT_CERTIFICATE,
    rank=Rank.OBJECT,
    title="A validation credential of the gateway refuses the peer's certificate",
    references=("RFC 5280 §6.1",),
)


def check(story: Story) -> Iterator[Finding]:
    """Fire where the gateway refuses a certificate and the wire does not say what it lacks."""
    case = read_case(story)
    profile = case.profile if case is not None else None
    validation = profile.validation if profile is not None else None
    if case is None or profile is None or validation is None or not case.gateway_refused:
        return
    causes = _CLIENT if case.front else _SERVER
    if case.wire.cause not in causes or profile.validates is False:
        return
    if case.wire.cause == "server_certificate_rejected" and not _judged(case, profile):
        return
    peer = "client" if case.front else "server"
    yield case.finding(
        RULE,
        label=f"CryptoValCred {validation.name}",
        problem=f"it refuses the certificate of {case.peer} ({case.wire.cause.replace('_', ' ')})",
        why=f"{profile.label} judges the {peer}'s certificate by it: {listed_certificates(validation)}.",
        remedy=(
            "DataPower: look for 0x8060010a in the debug log; it names the certificate and the reason.",
            f"DataPower: compare the {peer}'s chain with CryptoValCred {validation.name}.",
        ),
        remedy_side=case.wire.remedy_side,
        cause=case.wire.cause,
        confidence=case.wire.confidence,
    )


_CLIENT = frozenset(
    {"client_certificate_rejected", "client_cert_revoked", "client_cert_wrong_usage"}
)
_SERVER = frozenset(
    {
        *("server_certificate_rejected", "cert_revoked", "wrong_key_cert_usage"),
        *("invalid_ca", "name_constraints", "critical_extension"),
    }
)


def _judged(case: Case, profile: Profile) -> bool:
    """Whether an alert in clear speaks of trust: weak keys and names are refused elsewhere."""
    alert = readable_alert(case.story)
    if alert is AlertDescription.BAD_CERTIFICATE or profile.validates_name:
        return False
    return alert in CERTIFICATE_ALERTS
