"""A validation credential of the gateway does not hold what it takes to trust the peer's certificate.

## What it looks like
The gateway answers a certificate with unknown_ca (48), certificate_unknown (46) or bad_certificate
(42): the client's on the front side, the server's on the back side. The CryptoValCred of the profile
does not lead to it.

## Why it happens
``legacy`` wants the certificate or its immediate issuer in the list, ``pkix`` a path to a root in the
list, ``exact-match`` the certificate itself: a renewed one is refused although its authority is the
same. A peer that leaves out its intermediate is refused unless the list has it.

## What it is not
Dates are TLS-DPX-009, revocation lists TLS-DPX-016. If the files of the credential (``--cert-dir``)
do lead to the certificate, this rule is silent.

## What to do
Add the certificate that the finding names to the CryptoValCred, or let the peer send its chain.

## Blind spots
Without the certificate files only the credential can be named, not what it lacks. In TLS 1.3 the
peer's certificate is encrypted.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.datapower.judge import judge
from analyzer.datapower.wording import listed_certificates, short_name
from analyzer.diagnosis.causes import Phase
from analyzer.diagnosis.model import Finding, Rank, Rule
from analyzer.rules.datapower import read_case
from analyzer.tls.objects import Validation
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-DPX-008",
    name="validation-lacks-issuer",
    cause="client_cert_untrusted",
    phase=Phase.CLIENT_CERTIFICATE,
    rank=Rank.OBJECT,
    title="A validation credential does not hold what it takes to trust the peer",
    references=("RFC 5280 §6.1",),
)


def check(story: Story) -> Iterator[Finding]:
    """Fire where the gateway refuses a certificate that its credential does not lead to."""
    case = read_case(story)
    profile = case.profile if case is not None else None
    validation = profile.validation if profile is not None else None
    if case is None or profile is None or validation is None or not case.gateway_refused:
        return
    if case.wire.cause not in _TRUST or profile.validates is False:
        return
    chain = story.client_chain if case.front else story.server_chain
    verdict = judge(validation, chain.certificates if chain is not None else ())
    if verdict.trusted:
        return
    peer = "the client's certificate" if case.front else "the server's certificate"
    lack = short_name(verdict.missing) if verdict.missing else None
    mode = f" ({validation.mode})" if validation.mode else ""
    problem = f"holds no certificate of {lack}" if lack else f"does not lead to {peer}"
    add = f"the certificate of {lack}" if lack else f"the authority of {peer}"
    yield case.finding(
        RULE,
        label=f"CryptoValCred {validation.name}{mode}",
        problem=f"{problem}; it refuses {case.peer}",
        why=f"{profile.label} judges {peer} by it: {listed_certificates(validation)}.",
        remedy=(f"DataPower: add {add} to CryptoValCred {validation.name}.", *_hint(validation)),
        remedy_side=case.gateway_side,
        cause=case.wire.cause,
    )


_TRUST = frozenset({"client_cert_untrusted", "untrusted_ca", "incomplete_chain", "self_signed"})


def _hint(validation: Validation) -> tuple[str, ...]:
    """What the mode of the credential asks for."""
    return {
        "pkix": ("pkix needs the root, and every intermediate that the peer does not send.",),
        "legacy": ("legacy needs the peer's certificate or its immediate issuer.",),
        "exact-match": (
            "exact-match needs the peer's own certificate, again after every renewal.",
        ),
    }.get(validation.mode or "", ())
