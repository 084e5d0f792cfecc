"""A validation credential of the gateway requires a certificate revocation list (CRL).

## What it looks like
The gateway refuses a certificate that its CryptoValCred does lead to and whose dates are right.
RequireCRL is on, or CRLDPHandling is "require".

## Why it happens
The list of that issuer is not in the cache: CRL retrieval is configured in the default domain only,
and has no entry for the issuer, or its source cannot be reached.

## What it is not
A certificate that the credential does not lead to is TLS-DPX-008.

## What to do
Add a CRL update policy for the issuer in the default domain, or switch RequireCRL off.

## Blind spots
Needs the certificate files (``--cert-dir``) to know that trust was not the reason. The log says
"unable to get certificate CRL".
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.datapower.judge import judge
from analyzer.diagnosis.causes import Confidence, Phase
from analyzer.diagnosis.model import Finding, Rank, Rule
from analyzer.rules.datapower import read_case
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-DPX-016",
    name="revocation-list-required",
    cause="client_certificate_rejected",
    phase=Phase.CLIENT_CERTIFICATE,
    rank=Rank.OBJECT,
    title="A validation credential requires a revocation list",
    references=("RFC 5280 §6.3",),
)


def check(story: Story) -> Iterator[Finding]:
    """Fire where trust is in order and a revocation list is required."""
    case = read_case(story)
    validation = case.profile.validation if case is not None and case.profile is not None else None
    if case is None or validation is None or not case.gateway_refused:
        return
    if case.wire.cause not in _CAUSES or not (
        validation.require_crl or validation.crl_distribution_points == "require"
    ):
        return
    chain = story.client_chain if case.front else story.server_chain
    if chain is None or not judge(validation, chain.certificates).trusted:
        return
    setting = "RequireCRL is on" if validation.require_crl else "CRLDPHandling is require"
    yield case.finding(
        RULE,
        label=f"CryptoValCred {validation.name}",
        problem=f"{setting}, and it refuses {case.peer} though it leads to its certificate",
        why="Trust and dates are in order; what is left is the revocation list.",
        remedy=(
            "DataPower: in domain default, check CRL retrieval for the issuer of the certificate.",
            f"DataPower: or ease RequireCRL and CRLDPHandling of CryptoValCred {validation.name}.",
        ),
        remedy_side=case.gateway_side,
        cause="client_certificate_rejected" if case.front else "server_certificate_rejected",
        confidence=Confidence.SUSPECTED,
    )


_CAUSES = frozenset(
    {
        *("client_certificate_rejected", "client_cert_untrusted", "client_cert_revoked"),
        *("server_certificate_rejected", "untrusted_ca", "cert_revoked", "incomplete_chain"),
    }
)
