"""Which of several targets a connection was made for, as far as its ClientHello tells.

Services of one domain or of several may lead to one backend, each with a profile of its own. A client profile
cannot send what it does not hold; whatever else it may have left out proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from analyzer.datapower.graph import is_address
from analyzer.tls.message.client_hello import ClientHello
from analyzer.tls.objects import Profile, Target
from analyzer.tls.registry.suite_facts import facts_of

_SHOWN: Final = 4  # settings
_LISTED: Final = 2  # of what a list has alone


def may_have_sent(target: Target, offer: ClientHello | None) -> bool:
    """Whether nothing in a ClientHello speaks against a target and its profile."""
    if offer is None:
        return True
    if not target.tls:
        return False
    return target.profile is None or not any(_misfits(target, target.profile, offer))


def _misfits(target: Target, profile: Profile, offer: ClientHello) -> Iterator[bool]:
    """What the profile does not hold; a default that was merely assumed says nothing."""
    if profile.versions and not profile.assumed & {"Protocols", "SSLOptions"}:
        yield offer.max_version is not max(profile.versions, key=lambda version: version.rank)
    if profile.suites is not None and "Ciphers" not in profile.assumed:
        sent = {s for s in offer.cipher_suites if not s.grease and not facts_of(s).scsv}
        yield not sent <= set(profile.suites)
    if profile.groups is not None and "EllipticCurves" not in profile.assumed:
        yield not {group for group in offer.supported_groups if not group.grease} <= set(
            profile.groups
        )
    if profile.sends_name is not None and "SSLClientFeatures" not in profile.assumed:
        named = profile.custom_name is not None or not is_address(target.host)
        yield (offer.server_name is not None) != (profile.sends_name and named)


def differences(targets: Sequence[Target]) -> str:
    """What sets the profiles of several targets apart, in a clause."""
    told = [text for setting in _SETTINGS if (text := _difference(setting, targets)) is not None]
    shown = "; ".join(told[:_SHOWN])
    return shown + (f"; and {len(told) - _SHOWN} more" if len(told) > _SHOWN else "")


# What an operator would compare, in the order of a handshake, by the fields of a profile.
_SETTINGS: Final = {
    "versions": "versions",
    "suites": "suites",
    "groups": "curves",
    "sends_name": "SNI",
    "custom_name": "custom SNI",
    "validates": "validation of the server's certificate",
    "validation": "validation credential",
    "validates_name": "host name validation",
    "credential": "identification credential",
    "insecure_servers": "insecure servers",
}


def _difference(setting: str, targets: Sequence[Target]) -> str | None:
    """One setting, where they are not alike in it."""
    profiles = [target.profile for target in targets]
    values = [None if one is None else getattr(one, setting) for one in profiles]
    shared = set.intersection(*(set(v) if isinstance(v, tuple) else set() for v in values))
    told = [_told(value, shared) for value in values]
    return f"{_SETTINGS[setting]}: {' or '.join(told)}" if len(set(told)) > 1 else None


def _told(value: object, shared: set[object]) -> str:
    """The value of a setting as text; of a list what it has that not all have."""
    if value is None:
        return "not stated"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        own = [one.label for one in value if one not in shared]
        more = f" and {len(own) - _LISTED} more" if len(own) > _LISTED else ""
        return (", ".join(own[:_LISTED]) or "no more") + more
    if isinstance(value, frozenset):
        return ", ".join(one.label for one in sorted(value, key=lambda version: version.rank))
    return str(getattr(value, "name", value))
