"""An identification credential of the gateway does not send the intermediate that issued its certificate.

## What it looks like
The gateway's Certificate message holds one certificate, the client finds no path to a root it
knows: unknown_ca (48), certificate_unknown (46), bad_certificate (42). ``CA`` of the CryptoIdentCred
is empty.

## Why it happens
The certificate was uploaded without the bundle of its authority. Browsers fetch what is missing;
programs do not.

## What it is not
A root that the client does not know cannot be mended on the gateway: TLS-DPX-018 names the
certificate then.

## What to do
Make a CryptoCertificate of the intermediate and list it under "Intermediate CA Certificate" of the
credential.

## Blind spots
In TLS 1.3 the chain is encrypted: the certificate file (``--cert-dir``) then shows whether it has an
intermediate above it.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.datapower.wording import short_name
from analyzer.diagnosis.causes import Phase
from analyzer.diagnosis.model import Finding, Rank, Rule
from analyzer.pki.path import looks_intermediate
from analyzer.rules.datapower import read_case
from analyzer.tls.objects import Leg
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-DPX-010",
    name="identity-without-intermediate",
    cause="incomplete_chain",
    phase=Phase.SERVER_CERTIFICATE,
    rank=Rank.OBJECT,
    title="An identification credential does not send the intermediate",
    references=("RFC 5246 §7.4.2", "RFC 8446 §4.4.2"),
)


def check(story: Story) -> Iterator[Finding]:
    """Fire where the client finds no path and the credential lists no intermediate."""
    case = read_case(story, Leg.FRONT)
    credential = case.profile.credential if case is not None and case.profile is not None else None
    if case is None or credential is None or credential.certificate is None:
        return
    if case.gateway_refused or credential.intermediates or case.wire.cause not in _CAUSES:
        return
    chain = story.server_chain
    leaf = chain.leaf if chain is not None else credential.certificate.leaf
    if leaf is None or leaf.self_issued or (chain is not None and len(chain.certificates) > 1):
        return
    if case.wire.cause != RULE.cause and not looks_intermediate(leaf):
        return
    yield case.finding(
        RULE,
        label=f"CryptoIdentCred {credential.name}",
        problem=f"CA is empty, so {short_name(leaf.issuer)} is not sent with "
        f"{credential.certificate.name}",
        why="A server sends its intermediates along; only the root may be left out.",
        remedy=(
            (
                f"DataPower: add the certificate of {short_name(leaf.issuer)} as intermediate CA certificate "
                f"to CryptoIdentCred {credential.name}."
            ),
        ),
        remedy_side=case.gateway_side,
    )


_CAUSES = frozenset({"incomplete_chain", "untrusted_ca", "server_certificate_rejected"})
