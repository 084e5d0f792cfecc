"""Which profile answers a ClientHello, and in which version."""

from __future__ import annotations

from collections.abc import Sequence

from analyzer.datapower.ciphers import BIT_OF
from analyzer.datapower.predict.talk import Refusal, Refused, Talk
from analyzer.datapower.view import choose
from analyzer.tls.objects import NameProfile, Profile
from analyzer.tls.registry.code_points import AlertDescription, ProtocolVersion

_A = AlertDescription
_V = ProtocolVersion


def choose_profile(talk: Talk, names: NameProfile) -> Profile:
    """The profile that a host name profile gives the client's name to."""
    asked = talk.hello.server_name
    chosen = choose(names, asked)
    if chosen is not None:
        how = f"{asked} is mapped to" if asked else "no server name was sent; SNIServerDefault is"
        talk.tell(f"name: {how} {chosen.label}")
        return chosen
    if asked:
        where = f"SSLSNIMapping {names.mapping_name}" if names.mapping_name else names.label
        raise Refusal(
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
    raise Refusal(
        Refused(
            "sni_missing",
            _A.UNRECOGNIZED_NAME,
            names.label,
            "SNIServerDefault",
            "SNIServerDefault is empty, and the client sent no server name",
            f"set SNIServerDefault of {names.label}, or let the client send the name (SNI)",
        )
    )


def choose_version(
    talk: Talk, profile: Profile, names: NameProfile | None
) -> ProtocolVersion | None:
    """The highest version that both have; of a host name profile first, since it decides first."""
    offered = [version for version in talk.hello.versions if version in BIT_OF]
    if names is not None and names.versions is not None:
        first = _highest(offered, names.versions)
        if first is None:
            raise Refusal(_version_refused(names.label, names.versions, offered))
        if profile.versions is not None and first not in profile.versions:
            raise Refusal(_disagreement(names, profile, first))
        talk.tell(f"version: {first.label}, decided by {names.label}")
        return first
    if profile.versions is None:
        talk.miss("Protocols")
        return None
    chosen = _highest(offered, profile.versions)
    if chosen is None:
        label, setting = profile.label, _version_setting(profile)
        raise Refusal(_version_refused(label, profile.versions, offered, setting))
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
