"""What a server profile answers to a ClientHello, step by step, from the configuration alone.

The steps are those of a server (RFC 8446 section 4.1.3, RFC 5246 section 7.4.1.3): host name, version,
suite, group, signature, certificate, client authentication. What the export does not state is not
assumed: such a step says that it could not tell, and the rest follows as far as it can.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from analyzer.datapower.ciphers import BIT_OF
from analyzer.datapower.view import choose
from analyzer.tls.client_hello import ClientHello
from analyzer.tls.objects import Credential, NameProfile, Profile
from analyzer.tls.registry import AlertDescription, ProtocolVersion
from analyzer.tls.registry_keys import NamedGroup, SignatureScheme
from analyzer.tls.registry_suites import CipherSuite
from analyzer.tls.suites import SuiteFacts, facts_of
from analyzer.tls.x509 import CertificateFacts

_A = AlertDescription
_V = ProtocolVersion
_SHOWN: Final = 4


@dataclass(frozen=True, slots=True)
class Refused:
    """Why the profile refuses, and which property of which object does it."""

    cause: str
    alert: AlertDescription
    label: str  # SSLServerProfile front
    setting: str  # Protocols
    text: str  # "Protocols lacks TLSv1d3; the client offers TLSv1.3 only"
    change: str  # what to do about it


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


@dataclass(slots=True)
class _Talk:
    """One answer in the making."""

    hello: ClientHello
    steps: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    def tell(self, text: str) -> None:
        self.steps.append(text)

    def miss(self, setting: str) -> None:
        self.unknown.append(setting)
        self.tell(f"{setting}: the export does not state it, so this step is open")


class _Refusal(Exception):  # noqa: N818 - it ends the steps, and is no error
    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.text)
        self.refused = refused


def answer(profile: Profile | NameProfile, hello: ClientHello) -> Answer:
    """Say what a profile answers to a ClientHello."""
    talk = _Talk(hello)
    names: NameProfile | None = None
    used: Profile | None = None
    try:
        if isinstance(profile, NameProfile):
            names = profile
            used = _by_name(talk, profile)
        else:
            used = profile
        return _negotiated(talk, used, names)
    except _Refusal as end:
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


def _negotiated(talk: _Talk, profile: Profile, names: NameProfile | None) -> Answer:
    version = _version(talk, profile, names)
    tls13 = version is _V.TLS1_3
    suite = _suite(talk, profile, version)
    group, retry = _group(talk, profile, suite, tls13=tls13)
    leaf = _leaf(profile.credential)
    if tls13 and leaf is not None:
        _signature(talk, profile, leaf)
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


# --- name -----------------------------------------------------------------------------------------


def _by_name(talk: _Talk, names: NameProfile) -> Profile:
    asked = talk.hello.server_name
    chosen = choose(names, asked)
    if chosen is not None:
        how = f"{asked} is mapped to" if asked else "no server name was sent; SNIServerDefault is"
        talk.tell(f"name: {how} {chosen.label}")
        return chosen
    if asked:
        where = f"SSLSNIMapping {names.mapping_name}" if names.mapping_name else names.label
        raise _Refusal(
            Refused(
                "sni_unrecognized",
                _A.UNRECOGNIZED_NAME,
                where,
                "SNIMapping",
                f"SNIMapping has no entry for {asked} (SNIServerDefault counts only for clients "
                "that send no name)",
                f"add {asked}, or a wildcard that fits it, to {where}",
            )
        )
    raise _Refusal(
        Refused(
            "sni_missing",
            _A.UNRECOGNIZED_NAME,
            names.label,
            "SNIServerDefault",
            "SNIServerDefault is empty, and the client sent no server name",
            f"set SNIServerDefault of {names.label}, or let the client send the name (SNI)",
        )
    )


# --- version --------------------------------------------------------------------------------------


def _version(talk: _Talk, profile: Profile, names: NameProfile | None) -> ProtocolVersion | None:
    """The highest version that both have; of a host name profile first, since it decides first."""
    offered = [version for version in talk.hello.versions if version in BIT_OF]
    if names is not None and names.versions is not None:
        first = _highest(offered, names.versions)
        if first is None:
            raise _Refusal(_version_refused(names.label, names.versions, offered))
        if profile.versions is not None and first not in profile.versions:
            raise _Refusal(_disagreement(names, profile, first))
        talk.tell(f"version: {first.label}, decided by {names.label}")
        return first
    if profile.versions is None:
        talk.miss("Protocols")
        return None
    chosen = _highest(offered, profile.versions)
    if chosen is None:
        label, setting = profile.label, _version_setting(profile)
        raise _Refusal(_version_refused(label, profile.versions, offered, setting))
    talk.tell(f"version: {chosen.label}, the highest that client and {profile.label} have")
    return chosen


def _version_setting(profile: Profile) -> str:
    return "SSLOptions" if profile.kind == "CryptoProfile" else "Protocols"


def _highest(
    offered: Sequence[ProtocolVersion], enabled: frozenset[ProtocolVersion]
) -> ProtocolVersion | None:
    common = [version for version in offered if version in enabled]
    return max(common, key=lambda version: version.rank, default=None)


def _version_refused(
    label: str,
    enabled: frozenset[ProtocolVersion],
    offered: Sequence[ProtocolVersion],
    setting: str = "Protocols",
) -> Refused:
    top = max(offered, key=lambda version: version.rank, default=_V.SSL3)
    has = ", ".join(v.label for v in sorted(enabled, key=lambda v: v.rank)) or "none"
    said = lacks(setting, top)
    return Refused(
        "protocol_version",
        _A.PROTOCOL_VERSION,
        label,
        setting,
        f"{said}; the client offers {top.label} at most, and the profile has {has}",
        f"{enable(setting, top)} in {label}, or raise the client to a version that it has",
    )


def lacks(setting: str, version: ProtocolVersion) -> str:
    """How a profile says that a version is off: ``Protocols lacks TLSv1d3``."""
    bit = BIT_OF.get(version, version.label)
    if setting == "Protocols":
        return f"Protocols lacks {bit}"
    if version is _V.TLS1_3:
        return "a CryptoProfile has no TLS 1.3"
    return f"SSLOptions has {_disabling(version)}"


def enable(setting: str, version: ProtocolVersion) -> str:
    """What to do to have a version on."""
    if setting == "Protocols":
        return f"switch {BIT_OF.get(version, version.label)} on under Protocols"
    if version is _V.TLS1_3:
        return "replace the deprecated profile by an SSL server or client profile with TLSv1d3"
    return f"take {_disabling(version)} out of SSLOptions"


def _disabling(version: ProtocolVersion) -> str:
    bit = BIT_OF.get(version, version.label)
    return f"Disable-{bit.removesuffix('d0')}"


def _disagreement(names: NameProfile, profile: Profile, version: ProtocolVersion) -> Refused:
    bit = BIT_OF[version]
    return Refused(
        "protocol_version",
        _A.PROTOCOL_VERSION,
        profile.label,
        "Protocols",
        f"{names.label} decides for {version.label} before the name is looked up, and Protocols of "
        f"the mapped {profile.label} lacks {bit}",
        f"switch {bit} on under Protocols of {profile.label}, or off in {names.label}: the mapped "
        "profile needs every version of the host name profile",
    )


# --- suite ----------------------------------------------------------------------------------------


def _suite(talk: _Talk, profile: Profile, version: ProtocolVersion | None) -> CipherSuite | None:
    if profile.suites is None:
        talk.miss("Ciphers")
        return None
    if version is None:
        return None
    common = common_suites(profile, talk.hello)
    fitting = [facts for facts in common if _in_version(facts, version)]
    if not fitting:
        raise _Refusal(_no_suite(talk.hello, profile, version, common))
    key = _leaf(profile.credential)
    keyed = [facts for facts in fitting if key is None or key_fits(facts, key)]
    if not keyed:
        raise _Refusal(_wrong_key(profile, fitting, key))
    usable = [facts for facts in keyed if _has_curve(facts, profile, talk.hello)]
    if not usable:
        raise _Refusal(_no_group(talk.hello, profile))
    first = usable[0]
    whose = "the client's" if profile.prefers_own_order is False else "the profile's"
    talk.tell(f"suite: {first.suite.name}, the first in {whose} order that both have")
    return first.suite


def common_suites(profile: Profile, hello: ClientHello) -> list[SuiteFacts]:
    """Suites that profile and client both list, in the order that decides."""
    own, offered = profile.suites or (), hello.cipher_suites
    first, second = (offered, own) if profile.prefers_own_order is False else (own, offered)
    return [facts_of(suite) for suite in first if suite in second]


def _in_version(facts: SuiteFacts, version: ProtocolVersion) -> bool:
    return facts.first_version.rank <= version.rank <= facts.last_version.rank


def key_fits(facts: SuiteFacts, leaf: CertificateFacts) -> bool:
    """Whether a certificate's key can authenticate a suite (RFC 5246 section 7.4.2)."""
    kinds = {
        "RSA": {"RSA", "RSASSA-PSS"},
        "ECDSA": {"EC", "Ed25519", "Ed448"},
        "DSS": {"DSA"},
    }.get(facts.authentication)
    return kinds is None or leaf.key_kind is None or leaf.key_kind in kinds


def _has_curve(facts: SuiteFacts, profile: Profile, hello: ClientHello) -> bool:
    """Up to TLS 1.2 an ECDHE suite needs a common curve (RFC 8422 section 4)."""
    offered = hello.supported_groups
    if facts.key_exchange != "ECDHE" or profile.groups is None or not offered:
        return True
    return bool(set(profile.groups) & set(offered))


def _no_suite(
    hello: ClientHello,
    profile: Profile,
    version: ProtocolVersion,
    common: Sequence[SuiteFacts],
) -> Refused:
    offered = [facts_of(suite) for suite in hello.cipher_suites]
    real = [f.suite for f in offered if not f.scsv and f.key_exchange and _in_version(f, version)]
    names = ", ".join(suite.name.removeprefix("TLS_") for suite in real[:_SHOWN]) or "none"
    rest = f" and {len(real) - _SHOWN} more" if len(real) > _SHOWN else ""
    if common:
        text = f"Ciphers shares with the client only suites that {version.label} cannot use"
    else:
        text = "Ciphers holds none of the client's suites"
    return Refused(
        "no_shared_cipher",
        _A.HANDSHAKE_FAILURE,
        profile.label,
        "Ciphers",
        f"{text}; for {version.label} the client offers {names}{rest}",
        f"add one of the client's suites to Ciphers of {profile.label} "
        f"({names}{rest}), or let the client offer one that is there",
    )


def _wrong_key(
    profile: Profile, fitting: Sequence[SuiteFacts], leaf: CertificateFacts | None
) -> Refused:
    key = leaf.key_text if leaf is not None else "key"
    wanted = " or ".join(dict.fromkeys(facts.authentication for facts in fitting))
    name = profile.credential.name if profile.credential is not None else ""
    return Refused(
        "no_shared_cipher",
        _A.HANDSHAKE_FAILURE,
        profile.label,
        "Idcred",
        f"Idcred {name} has a key of kind {key}, and the suites in common need {wanted}",
        f"add suites for a key of kind {key} to Ciphers of {profile.label}, or give CryptoIdentCred "
        f"{name} a certificate with a key for {wanted}",
    )


# --- group, signature -----------------------------------------------------------------------------


def _group(
    talk: _Talk, profile: Profile, suite: CipherSuite | None, *, tls13: bool
) -> tuple[NamedGroup | None, bool]:
    """The group of the key exchange, and whether it takes a HelloRetryRequest to get there."""
    if suite is None or facts_of(suite).key_exchange not in {"ECDHE", "TLS13"}:
        return None, False
    if profile.groups is None:
        talk.miss("EllipticCurves")
        return None, False
    offered = talk.hello.supported_groups
    common = [group for group in profile.groups if group in offered]
    if not common:
        if not tls13 and not offered:
            return None, False
        raise _Refusal(_no_group(talk.hello, profile))
    shares = {share.group for share in talk.hello.key_shares} if tls13 else set(common)
    at_once = next((group for group in common if group in shares), None)
    chosen = at_once or common[0]
    asks = "" if at_once else ", asked for by HelloRetryRequest"
    talk.tell(f"group: {chosen.name}{asks}")
    return chosen, at_once is None


def _no_group(hello: ClientHello, profile: Profile) -> Refused:
    offered = ", ".join(group.name for group in hello.supported_groups if group.registered)
    has = ", ".join(group.name for group in profile.groups or ())
    return Refused(
        "no_shared_group",
        _A.HANDSHAKE_FAILURE,
        profile.label,
        "EllipticCurves",
        f"EllipticCurves ({has}) holds none of the client's groups ({offered})",
        f"add a group of the client to EllipticCurves of {profile.label}, or let the client offer "
        "secp256r1 as well",
    )


def _signature(talk: _Talk, profile: Profile, leaf: CertificateFacts) -> None:
    """In TLS 1.3 the certificate's key must fit a scheme of the client (RFC 8446 section 4.2.3)."""
    offered = talk.hello.signature_algorithms
    if not offered or leaf.key_kind not in {"RSA", "EC"}:
        return
    fitting = [scheme for scheme in offered if _signs(scheme, leaf)]
    if not fitting:
        name = profile.credential.name if profile.credential is not None else ""
        raise _Refusal(
            Refused(
                "no_shared_sigalg",
                _A.HANDSHAKE_FAILURE,
                profile.label,
                "Idcred",
                f"Idcred {name} has a key of kind {leaf.key_text}, and the client takes no signature "
                "of such a key",
                f"give CryptoIdentCred {name} a certificate with a key of the other kind (RSA or "
                "ECDSA), or let the client take such signatures",
            )
        )
    talk.tell(f"signature: {fitting[0].name}")


def _signs(scheme: SignatureScheme, leaf: CertificateFacts) -> bool:
    if leaf.key_kind == "RSA":
        return scheme.name.startswith("rsa_pss_rsae")
    if not scheme.name.startswith("ecdsa_"):
        return False
    return leaf.curve is None or leaf.curve in scheme.name


# --- identity, client authentication --------------------------------------------------------------


def _leaf(credential: Credential | None) -> CertificateFacts | None:
    certificate = credential.certificate if credential is not None else None
    return certificate.leaf if certificate is not None else None


def _identity(talk: _Talk, profile: Profile) -> str | None:
    credential = profile.credential
    if credential is None:
        raise _Refusal(
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


def _client_authentication(talk: _Talk, profile: Profile) -> bool:
    if not profile.request_client:
        return False
    must = "refuses clients without one" if profile.require_client else "goes on without one"
    trusted = f", judged by CryptoValCred {profile.validation.name}" if profile.validation else ""
    talk.tell(f"client certificate: asked for; the profile {must}{trusted}")
    return True
