"""The gateway's client profile validates the host name, and the server's certificate is for another.

## What it looks like
The gateway refuses a certificate whose names do not hold the backend's host. ValidateHostname and
HostnameValidationFailOnError are on in the SSLClientProfile.

## Why it happens
The backend is addressed by an alias or by address, or its certificate was issued for another name.

## What it is not
With HostnameValidationFailOnError off the gateway only logs the mismatch and goes on.

## What to do
Have the certificate issued for the name that the gateway uses, or address the backend by a name of
the certificate.

## Blind spots
Which of the HostnameValidationFlags change the comparison is not looked at.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Phase
from analyzer.diagnosis.model import Finding, Rank, Rule
from analyzer.rules.datapower import read_case
from analyzer.tls.objects import Leg
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-DPX-015",
    name="host-name-validated",
    cause="hostname_mismatch",
    phase=Phase.SERVER_CERTIFICATE,
    rank=Rank.OBJECT,
    title="The gateway's client profile validates the host name, and it does not fit",
    references=("RFC 9525 §6",),
)


def check(story: Story) -> Iterator[Finding]:
    """Fire where the gateway refuses a certificate for its names."""
    case = read_case(story, Leg.BACK)
    profile = case.profile if case is not None else None
    if case is None or profile is None or case.wire.cause != RULE.cause or not case.gateway_refused:
        return
    if not (profile.validates_name and profile.name_is_fatal):
        return
    yield case.finding(
        RULE,
        label=profile.label,
        problem=f"ValidateHostname is on, and the certificate of {case.peer} is for another name",
        why="HostnameValidationFailOnError makes the mismatch end the handshake.",
        remedy=(
            "Server: present a certificate for the name that the gateway uses.",
            (
                "DataPower: address the backend by a name of its certificate; only as a stopgap, "
                f"HostnameValidationFailOnError off in {profile.label}."
            ),
        ),
        remedy_side=case.peer_side,
    )
