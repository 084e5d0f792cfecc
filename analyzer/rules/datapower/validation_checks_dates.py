"""A validation credential of the gateway refuses a certificate for its dates.

## What it looks like
The gateway answers a certificate that has expired, or is not valid yet, with an alert of 42 to 46.
The CryptoValCred of the profile has CheckDates on.

## Why it happens
The peer did not renew in time; or a clock is wrong: compare the time of the packets with the dates.

## What it is not
An expired certificate among those that the gateway itself holds takes the listener down:
TLS-DPX-011.

## What to do
The peer renews its certificate. CheckDates off accepts expired certificates from everybody: a stopgap.

## Blind spots
In TLS 1.3 the certificate is encrypted, and the alert alone speaks of dates.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Phase
from analyzer.diagnosis.model import Finding, Rank, Rule
from analyzer.rules.datapower import read_case
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-DPX-009",
    name="validation-checks-dates",
    cause="client_cert_expired",
    phase=Phase.CLIENT_CERTIFICATE,
    rank=Rank.OBJECT,
    title="A validation credential refuses a certificate for its dates",
    references=("RFC 5280 §4.1.2.5",),
)


def check(story: Story) -> Iterator[Finding]:
    """Fire where dates are what failed, and the credential looks at them."""
    case = read_case(story)
    validation = case.profile.validation if case is not None and case.profile is not None else None
    if case is None or validation is None or case.wire.cause not in _CAUSES:
        return
    if not case.gateway_refused or not validation.check_dates:
        return
    peer = "client" if case.front else "server"
    yield case.finding(
        RULE,
        label=f"CryptoValCred {validation.name}",
        problem=f"CheckDates is on, and the certificate of {case.peer} is out of its dates",
        why="The credential refuses certificates outside their validity.",
        remedy=(
            f"The {peer}: renew the certificate, and check the clocks (NTP).",
            f"DataPower: only as a stopgap, CheckDates off in CryptoValCred {validation.name}.",
        ),
        remedy_side=case.peer_side,
        cause=case.wire.cause,
    )


_CAUSES = frozenset(
    {
        *("client_cert_expired", "client_cert_not_yet_valid"),
        *("cert_expired", "cert_not_yet_valid", "intermediate_expired"),
    }
)
