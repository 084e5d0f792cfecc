"""What a server profile answers to a ClientHello, step by step, from the configuration alone.

The steps are those of a server (RFC 8446 section 4.1.3, RFC 5246 section 7.4.1.3): host name, version,
suite, group, signature, certificate, client authentication. What the export does not state is not
assumed: such a step says that it could not tell, and the rest follows as far as it can.
"""

from __future__ import annotations

from dataclasses import dataclass

from analyzer.datapower.predict.suite import choose_group, choose_signature, choose_suite, leaf_of
from analyzer.datapower.predict.talk import Refusal, Refused, Talk
from analyzer.datapower.predict.version import choose_profile, choose_version
from analyzer.tls.message.client_hello import ClientHello
from analyzer.tls.objects import NameProfile, Profile
from analyzer.tls.registry.code_points import AlertDescription, ProtocolVersion
from analyzer.tls.registry.keys import NamedGroup
from analyzer.tls.registry.suites import CipherSuite

_A = AlertDescription
_V = ProtocolVersion


@dataclass(frozen=True, slots=True)
class Answer:
    """What one profile would answer, and why."""

    steps: tuple[str, ...]
    refused: Refused | None = None
    profile: Profile | None = None
    version: ProtocolVersion | None = None
    suite: CipherSuite | None = None
    group: NamedGroup | None = None
    retry: bool = False  # a HelloRetryRequest comes first
    certificate: str | None = None  # the CryptoCertificate
    asks_client: bool = False
    unknown: tuple[str, ...] = ()  # properties that the export does not state
    assumed: frozenset[str] = frozenset()  # properties for which a default of ours was taken


def answer(profile: Profile | NameProfile, hello: ClientHello) -> Answer:
    """Say what a profile answers to a ClientHello."""
    talk = Talk(hello)
    names: NameProfile | None = None
    used: Profile | None = None
    try:
        if isinstance(profile, NameProfile):
            names = profile
            used = choose_profile(talk, profile)
        else:
            used = profile
        return _negotiated(talk, used, names)
    except Refusal as end:
        talk.tell(f"refused: {end.refused.text}; alert {_alert(end.refused.alert)}")
        return Answer(
            tuple(talk.steps),
            end.refused,
            used,
            unknown=tuple(talk.unknown),
            assumed=(used.assumed if used else frozenset()) | (names.assumed if names else set()),
        )


def _alert(alert: AlertDescription) -> str:
    return f"{alert.label} ({int(alert)})"


def _negotiated(talk: Talk, profile: Profile, names: NameProfile | None) -> Answer:
    version = choose_version(talk, profile, names)
    tls13 = version is _V.TLS1_3
    suite = choose_suite(talk, profile, version)
    group, retry = choose_group(talk, profile, suite, tls13=tls13)
    leaf = leaf_of(profile.credential)
    if tls13 and leaf is not None:
        choose_signature(talk, profile, leaf)
    certificate = _identity(talk, profile)
    asks = _client_authentication(talk, profile)
    return Answer(
        steps=tuple(talk.steps),
        profile=profile,
        version=version,
        suite=suite,
        group=group,
        retry=retry,
        certificate=certificate,
        asks_client=asks,
        unknown=tuple(talk.unknown),
        assumed=profile.assumed | (names.assumed if names is not None else frozenset()),
    )


def _identity(talk: Talk, profile: Profile) -> str | None:
    credential = profile.credential
    if credential is None:
        raise Refusal(
            Refused(
                "server_no_certificate",
                _A.HANDSHAKE_FAILURE,
                profile.label,
                _identity_setting(profile),
                f"{_identity_setting(profile)} is empty: the profile has no certificate",
                f"set {_identity_setting(profile)} of {profile.label}",
            )
        )
    if credential.certificate is None:
        talk.miss(f"CryptoIdentCred {credential.name}")
        return None
    above = [c.name for c in credential.intermediates]
    sent = f"with {', '.join(above)}" if above else "alone, without any intermediate"
    talk.tell(f"certificate: {credential.certificate.name} {sent}")
    return credential.certificate.name


def _identity_setting(profile: Profile) -> str:
    return "IdentCredential" if profile.kind == "CryptoProfile" else "Idcred"


def _client_authentication(talk: Talk, profile: Profile) -> bool:
    if not profile.request_client:
        return False
    must = "refuses clients without one" if profile.require_client else "goes on without one"
    trusted = f", judged by CryptoValCred {profile.validation.name}" if profile.validation else ""
    talk.tell(f"client certificate: asked for; the profile {must}{trusted}")
    return True
