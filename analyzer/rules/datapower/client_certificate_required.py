"""The gateway's server profile requires a client certificate, and the client shows none.

## What it looks like
A CertificateRequest, an empty Certificate of the client, then handshake_failure (40), or
certificate_required (116) in TLS 1.3. The profile has RequestClientAuth and RequireClientAuth on; in
a deprecated CryptoProfile a validation credential turns both on.

## Why it happens
The client has no certificate, or none of an authority that the gateway names in its request:
SendClientAuthCAList sends those of the CryptoValCred.

## What it is not
A certificate that the gateway refuses is TLS-DPX-008. "SSL peer did not send a certificate" in the log
follows any failed handshake and proves nothing.

## What to do
Give the client a certificate of a listed authority; or switch RequireClientAuth off if a certificate
is a wish and no condition.

## Blind spots
Whether the client has a certificate that it chose not to send is not on the wire.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.datapower.wording import listed_certificates
from analyzer.diagnosis.causes import Phase
from analyzer.diagnosis.model import Finding, Rank, Rule
from analyzer.rules.datapower import read_case
from analyzer.tls.objects import Leg, Profile
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-DPX-007",
    name="client-certificate-required",
    cause="client_cert_missing",
    phase=Phase.CLIENT_CERTIFICATE,
    rank=Rank.OBJECT,
    title="The gateway's profile requires a certificate that the client does not show",
    references=("RFC 5246 §7.4.6", "RFC 8446 §4.4.2.4"),
)


def check(story: Story) -> Iterator[Finding]:
    """Fire where the profile insists on a certificate and none was shown."""
    case = read_case(story, Leg.FRONT)
    profile = case.profile if case is not None else None
    if case is None or profile is None or case.wire.cause != RULE.cause or not case.gateway_refused:
        return
    if not (profile.request_client and profile.require_client):
        return
    deprecated = profile.kind == "CryptoProfile"
    setting = (
        "ValCredential turns client authentication on" if deprecated else "RequireClientAuth is on"
    )
    ease = (
        f"ClientAuthOptional of {profile.via}"
        if deprecated
        else f"RequireClientAuth of {profile.label}"
    )
    trusted = profile.validation
    listed = f" (trusted: {listed_certificates(trusted)})" if trusted is not None else ""
    yield case.finding(
        RULE,
        label=profile.label,
        problem=f"{setting}, and {case.peer} shows no certificate",
        why=f"The profile refuses clients without a certificate{listed}.",
        remedy=(
            "Client: configure a certificate with its key, of an authority that the gateway trusts.",
            f"DataPower: if a certificate is not needed here, change {ease}.",
            *_authorities(profile),
        ),
        remedy_side=case.peer_side,
    )


def _authorities(profile: Profile) -> tuple[str, ...]:
    """What the list of authorities in the request may do to the client's choice."""
    if not profile.send_authorities or profile.validation is None:
        return ()
    return (
        (
            f"If the client does have a certificate: its authority may be missing in CryptoValCred "
            f"{profile.validation.name}, whose names SendClientAuthCAList sends."
        ),
    )
