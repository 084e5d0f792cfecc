"""Profiles that contradict themselves, and settings that are weak."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from analyzer.datapower.ciphers import BIT_OF
from analyzer.datapower.lint.issues import Issue, Severity
from analyzer.datapower.predict.suite import key_fits
from analyzer.tcp.timeline import Side
from analyzer.tls.objects import Profile
from analyzer.tls.registry.code_points import ProtocolVersion
from analyzer.tls.registry.suite_facts import SuiteFacts, facts_of

_V = ProtocolVersion
_OLD: Final = (_V.SSL3, _V.TLS1_0, _V.TLS1_1)  # RFC 7568, RFC 8996
_BROKEN: Final = ("RC4", "RC2", "DES_", "DES40", "3DES", "NULL", "IDEA")  # RFC 7465, RFC 8429 …
_USUAL_GROUPS: Final = frozenset({"secp256r1", "x25519"})
_SHOWN: Final = 3
ERROR, WARNING, NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE


def lint_profile(profile: Profile) -> Iterator[Issue]:
    """Everything that one TLS profile, client or server, has against itself."""
    for check in _CHECKS:
        yield from check(profile)
    yield from (_server(profile) if profile.side is Side.SERVER else _client(profile))


def _issue(
    profile: Profile, check: str, severity: Severity, setting: str, text: str, change: str
) -> Issue:
    return Issue(check, severity, profile.domain, profile.label, setting, text, change)


def _versions(profile: Profile) -> Iterator[Issue]:
    if profile.versions is None:
        return
    setting = "SSLOptions" if profile.kind == "CryptoProfile" else "Protocols"
    if not profile.versions:
        text, change = f"{setting} leaves no version on", "switch TLSv1d2 and TLSv1d3 on"
        yield _issue(profile, "no-version", ERROR, setting, text, change)
    old = [BIT_OF[version] for version in _OLD if version in profile.versions]
    if old:
        text = f"{', '.join(old)} {'is' if len(old) == 1 else 'are'} on; these versions are broken"
        yield _issue(profile, "old-version", WARNING, setting, text, f"switch {', '.join(old)} off")


def _suites(profile: Profile) -> Iterator[Issue]:
    if profile.suites is None or profile.versions is None:
        return
    facts = [facts_of(suite) for suite in profile.suites]
    listed = profile.kind != "CryptoProfile"  # a string selects more than anybody listed
    unusable = [f for f in facts if not any(f.allowed_in(v) for v in profile.versions)]
    if unusable and listed and profile.versions:
        text = f"no version that is on can use {_names(unusable)}"
        yield _issue(
            *(profile, "unusable-suite", WARNING, "Ciphers", text),
            "take these suites out, or switch their version on",
        )
    for version in sorted(profile.versions, key=_rank):
        if not any(f.allowed_in(version) for f in facts):
            bit = BIT_OF[version]
            text = f"{bit} is on, and Ciphers has no suite for it"
            change = f"add a suite for {bit}, or switch it off"
            # The newest common version is agreed on before suites are looked at.
            severity = ERROR if version is max(profile.versions, key=_rank) else WARNING
            yield _issue(profile, "version-without-suite", severity, "Ciphers", text, change)
    yield from _weak_suites(profile, facts)


def _rank(version: ProtocolVersion) -> int:
    return version.rank


def _weak_suites(profile: Profile, facts: list[SuiteFacts]) -> Iterator[Issue]:
    weak = [f for f in facts if f.cipher.startswith(_BROKEN) or f.export]
    weak += [f for f in facts if f.authentication == "anon" and f not in weak]
    if weak:
        text = f"weak suites: {_names(weak)}"
        yield _issue(profile, "weak-suite", WARNING, "Ciphers", text, "take them out of Ciphers")
    if facts and all(f.key_exchange == "RSA" for f in facts):
        text = "every suite is RSA key exchange: no forward secrecy, and many peers refuse it"
        yield _issue(profile, "rsa-only", WARNING, "Ciphers", text, "add ECDHE suites")


def _names(facts: list[SuiteFacts]) -> str:
    names = [f.suite.name.removeprefix("TLS_") for f in facts]
    rest = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + rest


def _groups(profile: Profile) -> Iterator[Issue]:
    if profile.groups is None:
        return
    names = {group.name for group in profile.groups}
    if not names & _USUAL_GROUPS:
        text = f"EllipticCurves ({', '.join(sorted(names)) or 'none'}) lacks secp256r1"
        yield _issue(
            *(profile, "unusual-groups", WARNING, "EllipticCurves", text),
            "add secp256r1, which every peer has",
        )


def _key(profile: Profile) -> Iterator[Issue]:
    """A key of one kind and suites of the other."""
    certificate = profile.credential.certificate if profile.credential is not None else None
    leaf = certificate.leaf if certificate is not None else None
    if leaf is None or profile.suites is None or profile.side is not Side.SERVER:
        return
    facts = [facts_of(suite) for suite in profile.suites]
    tied = [f for f in facts if f.authentication in {"RSA", "ECDSA", "DSS"}]
    fitting = [f for f in tied if key_fits(f, leaf)]
    if not tied or len(fitting) == len(tied):
        return
    dead = [f for f in tied if f not in fitting]
    tls13 = any(f.key_exchange == "TLS13" for f in facts)
    severity = NOTE if fitting else WARNING if tls13 else ERROR
    text = f"the key is {leaf.key_text}, which {_names(dead)} cannot use"
    yield _issue(
        *(profile, "key-does-not-fit", severity, "Ciphers", text),
        f"add suites for a key of kind {leaf.key_kind}, or use a key of the other kind",
    )


def _deprecated(profile: Profile) -> Iterator[Issue]:
    if profile.via is not None:
        text = f"{profile.via} and {profile.label} are deprecated: no TLS 1.3, no server name"
        change = "move to an SSLServerProfile or SSLClientProfile, and compare the lists"
        yield _issue(profile, "deprecated", NOTE, "", text, change)


_CHECKS: Final[tuple[Callable[[Profile], Iterator[Issue]], ...]] = (
    *(_versions, _suites, _groups, _key, _deprecated),
)


def _server(profile: Profile) -> Iterator[Issue]:
    if profile.credential is None:
        setting = "IdentCredential" if profile.kind == "CryptoProfile" else "Idcred"
        text = f"{setting} is empty: a server needs a certificate"
        yield _issue(profile, "no-credential", ERROR, setting, text, "set a CryptoIdentCred")
    yield from _client_authentication(profile)
    if profile.legacy_renegotiation:
        text = "AllowLegacyRenegotiation is on (CVE-2009-3555)"
        yield _issue(
            *(profile, "legacy-renegotiation", WARNING, "AllowLegacyRenegotiation", text),
            "switch it off once no client needs it",
        )


def _client_authentication(profile: Profile) -> Iterator[Issue]:
    if profile.request_client and profile.validates and profile.validation is None:
        text = "client certificates are asked for and judged, and Valcred is empty"
        yield _issue(profile, "no-validation", ERROR, "Valcred", text, "set a CryptoValCred")
    if profile.request_client and profile.validates is False:
        text = "client certificates are asked for and not judged: anybody's will do"
        change = "switch ValidateClientCert on"
        yield _issue(profile, "unjudged-clients", WARNING, "ValidateClientCert", text, change)
    if profile.request_client is False and profile.validation is not None:
        text = "Valcred is set, and RequestClientAuth is off: no client is ever asked"
        change = "switch RequestClientAuth on, or empty Valcred"
        yield _issue(profile, "unused-validation", NOTE, "RequestClientAuth", text, change)
    if profile.request_client and profile.send_authorities is False:
        text = (
            "the request names no authorities: some clients then pick a wrong certificate or none"
        )
        change = "switch SendClientAuthCAList on"
        yield _issue(profile, "no-authorities", NOTE, "SendClientAuthCAList", text, change)


def _client(profile: Profile) -> Iterator[Issue]:
    if profile.validates is False:
        text = "the server's certificate is not judged: anybody can answer for the backend"
        setting = "ValidateServerCert" if profile.kind != "CryptoProfile" else "ValCredential"
        change = "judge it by a CryptoValCred"
        yield _issue(profile, "unjudged-server", WARNING, setting, text, change)
    elif profile.validation is None and profile.validates:
        text = "the server's certificate is judged, and Valcred is empty"
        yield _issue(profile, "no-validation", WARNING, "Valcred", text, "set a CryptoValCred")
    if profile.sends_name is False:
        text = "use-sni is off: servers with several names present a wrong certificate or refuse"
        change = "switch use-sni on"
        yield _issue(profile, "no-server-name", WARNING, "SSLClientFeatures", text, change)
    if profile.insecure_servers:
        text = "servers without secure renegotiation are permitted (CVE-2009-3555)"
        change = "switch permit-insecure-servers off once no server needs it"
        yield _issue(profile, "insecure-servers", WARNING, "SSLClientFeatures", text, change)
    if profile.validates_name and profile.name_is_fatal is False:
        text = "a wrong host name is only logged"
        change = "switch HostnameValidationFailOnError on"
        setting = "HostnameValidationFailOnError"
        yield _issue(profile, "host-name-only-logged", NOTE, setting, text, change)
