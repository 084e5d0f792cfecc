"""The client refuses the certificate of the gateway's identification credential.

## What it looks like
The client gives up over the gateway's certificate: expired, for another name, weak, of an authority
that it does not know. The finding names the CryptoCertificate and the CryptoIdentCred that hold it.

## Why it happens
See the rule of the wire that the explanation quotes; dates, names and keys are facts of the
certificate, trust is a setting of the client.

## What it is not
An intermediate that is not sent is TLS-DPX-010. A browser that does not know the certificate of the
web management is harmless.

## What to do
Replace the file of the CryptoCertificate (and its key), or let the client trust its authority.

## Blind spots
In TLS 1.3 the certificate is encrypted; the alert alone speaks.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import PARENTS, Phase
from analyzer.diagnosis.model import Finding, Rank, Rule
from analyzer.diagnosis.refusals.refusal import readable_alert
from analyzer.diagnosis.signs.alerts import CERTIFICATE_ALERTS
from analyzer.rules.datapower import hidden_flaws, read_case
from analyzer.tls.objects import CertificateObject, Leg
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-DPX-018",
    name="identity-refused",
    cause="server_certificate_rejected",
    phase=Phase.SERVER_CERTIFICATE,
    rank=Rank.OBJECT,
    title="The client refuses the certificate of the gateway's credential",
    references=("RFC 5246 §7.4.2",),
)


def check(story: Story) -> Iterator[Finding]:
    """Fire where the client gives up over the gateway's certificate."""
    case = read_case(story, Leg.FRONT)
    profile = case.profile if case is not None else None
    credential = profile.credential if profile is not None else None
    if case is None or profile is None or credential is None or case.gateway_refused:
        return
    certificate = credential.certificate
    if certificate is None or case.wire.phase is not Phase.SERVER_CERTIFICATE:
        return
    if PARENTS.get(case.wire.cause) != RULE.cause and case.wire.cause != RULE.cause:
        return
    if not _same(story, certificate):
        return
    flaw = None
    if story.server_chain is None and case.wire.cause == RULE.cause:
        flaw = next((f for f in hidden_flaws(story, credential) if f.hard), None)
        if flaw is None and readable_alert(story) not in CERTIFICATE_ALERTS:
            return  # an encrypted alert in the dark may speak of keys as well
    cause = flaw.cause if flaw is not None else case.wire.cause
    yield case.finding(
        RULE,
        label=f"CryptoCertificate {certificate.name}",
        problem=f"{case.peer} refuses it ({cause.replace('_', ' ')}); CryptoIdentCred "
        f"{credential.name} of {profile.label} presents it",
        why=f"Its file is {certificate.file or 'not named'}{f'; {flaw.text}' if flaw else ''}.",
        remedy=(
            (
                f"DataPower: replace {certificate.file or 'the file'} of CryptoCertificate "
                f"{certificate.name}, with its key, or point CryptoIdentCred {credential.name} to another."
            ),
            *case.wire.remedy,
        ),
        remedy_side=case.wire.remedy_side,
        cause=cause,
        confidence=None if flaw is not None else case.wire.confidence,
    )


def _same(story: Story, certificate: CertificateObject) -> bool:
    """Whether the certificate on the wire is the object's, as far as both are known."""
    chain, leaf = story.server_chain, certificate.leaf
    if chain is None or chain.leaf is None or leaf is None:
        return True
    return chain.leaf.der == leaf.der
