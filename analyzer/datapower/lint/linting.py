"""Everything that an export has against itself, without any failure at hand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Final

from analyzer.datapower.ciphers import BIT_OF, unknown_suites
from analyzer.datapower.export.objects import Domain
from analyzer.datapower.faults import faults_of
from analyzer.datapower.graph import Graph, is_address
from analyzer.datapower.lint.issues import Issue, Severity
from analyzer.datapower.lint.profiles import lint_profile
from analyzer.datapower.lint.trust import lint_certificate, lint_credential, lint_validation
from analyzer.datapower.profiles import Shelf
from analyzer.tls.objects import Listener, NameProfile, Target

ERROR, WARNING, NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE
_REMINDER: Final = 30  # days; the default of CertMonitor's ReminderTime


def lint(graph: Graph, at: int, days: int | None = None) -> tuple[Issue, ...]:
    """Check a graph at a time (ns); the worst comes first.

    ``days`` is how long before its end a certificate is called out; without it the CertMonitor of
    the export says so.
    """
    found = [
        *(issue for profile in graph.profiles for issue in lint_profile(profile)),
        *(issue for names in graph.name_profiles for issue in _names(names)),
        *(issue for listener in graph.listeners for issue in _listener(graph, listener, at)),
        *(issue for target in graph.targets for issue in _target(target)),
        *_shelves(graph, at, days),
    ]
    unique = dict.fromkeys(found)
    return tuple(sorted(unique, key=lambda i: (-i.severity, i.domain, i.label, i.check)))


def _names(names: NameProfile) -> Iterator[Issue]:
    for index, (pattern, profile) in enumerate(names.mapping):
        mapping = f"SSLSNIMapping {names.mapping_name}"
        if profile is None:
            text = f"{pattern} leads to a server profile that the export does not hold"
            change = "correct the entry"
            yield Issue("dangling-name", ERROR, names.domain, mapping, "SNIMapping", text, change)
            continue
        missing = (names.versions or frozenset()) - (profile.versions or names.versions or set())
        if missing:
            bits = ", ".join(sorted(BIT_OF[version] for version in missing))
            text = (
                f"{names.label} has {bits} on and the mapped {profile.label} has not: clients that "
                f"offer it fail for {pattern}"
            )
            change = f"switch {bits} on under Protocols of {profile.label}, or off in {names.label}"
            yield Issue(
                *("versions-disagree", ERROR, names.domain, profile.label, "Protocols"),
                *(text, change),
            )
        before = [p for p, _ in names.mapping[:index] if fnmatchcase(pattern.lower(), p.lower())]
        if before:
            text = f"{pattern} is never reached: {before[0]} comes first"
            change = "put the special entry before the general one"
            yield Issue(
                *("shadowed-name", WARNING, names.domain, mapping, "SNIMapping", text, change)
            )
    if names.default is None:
        text = "clients that send no server name are refused"
        change = "set SNIServerDefault, if there are such clients"
        yield Issue(
            *("no-default", NOTE, names.domain, names.label, "SNIServerDefault", text, change)
        )


def _listener(graph: Graph, listener: Listener, at: int) -> Iterator[Issue]:
    if not listener.enabled:
        return
    for fault in faults_of(graph, listener, at):
        if fault.expired:  # told once, at the certificate
            continue
        severity = WARNING if fault.missing or fault.conflict else ERROR
        path = f" (by {' → '.join(fault.path)})" if fault.path else ""
        yield Issue(
            *("listener-down", severity, listener.domain, fault.label, ""),
            f"{fault.text}: {listener.label} cannot be up{path}",
            f"correct it; {listener.label} listens on {listener.address}:{listener.port}",
        )


def _target(target: Target) -> Iterator[Issue]:
    where = f"{target.host}:{target.port}"
    if target.tls and target.profile is None:
        text = f"{where} is https, and there is no TLS client profile for it"
        change = "set SSLClient"
        yield Issue(
            *("no-client-profile", ERROR, target.domain, target.label, "SSLClient", text, change)
        )
    if not target.tls and target.port == 443:
        text = f"{where} is http on the port of https"
        change = "use https, with a TLS client profile"
        yield Issue(
            *("plain-to-https", WARNING, target.domain, target.label, target.setting),
            *(text, change),
        )
    profile = target.profile
    if profile is None or not profile.sends_name or profile.custom_name:
        return
    if is_address(target.host):
        text = f"{where} is an address, so no server name is sent although use-sni is on"
        change = f"use the name, or UseCustomSNIHostname in {profile.label}"
        yield Issue(
            *("address-without-name", NOTE, target.domain, target.label, target.setting),
            *(text, change),
        )


def _shelves(graph: Graph, at: int, days: int | None) -> Iterator[Issue]:
    domains = (domain for export in graph.exports for domain in export.domains)
    lists = any(f.rows("CRLFetchConfig") for domain in domains for f in domain.of("CRLFetch"))
    for export in graph.exports:
        for domain in export.domains:
            shelf = graph.shelf(export, domain)
            yield from _domain(shelf, at, _reminder(shelf) if days is None else days, lists=lists)


def _reminder(shelf: Shelf) -> int:
    texts = (monitor.text("ReminderTime") for monitor in shelf.domain.of("CertMonitor"))
    return next((int(text) for text in texts if text and text.isdecimal()), _REMINDER)


def _domain(shelf: Shelf, at: int, days: int, *, lists: bool) -> Iterator[Issue]:
    domain = shelf.domain
    for thing in domain.of("CryptoIdentCred"):
        if (credential := shelf.credential(thing.name)) is not None:
            yield from lint_credential(domain.name, credential)
    for thing in domain.of("CryptoValCred"):
        if (validation := shelf.validation(thing.name)) is not None:
            yield from lint_validation(domain.name, validation, lists=lists)
    roles = _roles(shelf)
    for thing in domain.of("CryptoCertificate"):
        if (held := shelf.certificate(thing.name)) is not None:
            yield from lint_certificate(domain.name, held, roles[thing.name], at, days)
    yield from _texts(domain)


def _roles(shelf: Shelf) -> defaultdict[str, list[str]]:
    """Which credentials use each certificate."""
    roles: defaultdict[str, list[str]] = defaultdict(list)
    for thing in shelf.domain.of("CryptoIdentCred", "CryptoValCred"):
        for name in (*(thing.texts("Certificate") or ()), *(thing.texts("CA") or ())):
            roles[name].append(thing.label)
    return roles


def _texts(domain: Domain) -> Iterator[Issue]:
    """What only the text of the export shows."""
    for thing in domain.of("SSLServerProfile", "SSLClientProfile"):
        if unknown := unknown_suites(thing.texts("Ciphers") or ()):
            text = f"Ciphers holds names that no registry knows: {', '.join(unknown[:3])}"
            yield Issue(
                *("unknown-suite", NOTE, domain.name, thing.label, "Ciphers", text),
                "correct them; they were left out of every check",
            )
    for thing in domain.of("CertMonitor"):
        if thing.text("DisableExpiredCerts") == "on":
            text = "expired certificates are taken down at once, and every listener above them"
            change = "renew in time; certificates that expire soon are listed here"
            yield Issue(
                *("disables-expired", NOTE, domain.name, thing.label, "DisableExpiredCerts"),
                *(text, change),
            )
