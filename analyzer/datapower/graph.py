"""Who listens or connects where, and with which TLS objects: an export as a graph of values."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Final
from urllib.parse import urlsplit

from analyzer.datapower.export.objects import ConfigObject, Domain, Export, one_form
from analyzer.datapower.profiles import Shelf
from analyzer.tcp.timeline import Side
from analyzer.tls.objects import Listener, NameProfile, Profile, Target

EVERYWHERE: Final = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - compared with, not bound to
_SERVICES: Final = ("MultiProtocolGateway", "WSGateway")
_SELF_LISTENING: Final = ("XMLFirewallService", "SSLProxyService")
_PATTERN: Final = re.compile(r"^(https)://([A-Za-z0-9.-]+)(?::(\d+))?(?:[/*]|$)")

_HOST: Final = re.compile(r"(?:^|@)([^@:\[\]]+)(?::\d*)?$")


@dataclass(frozen=True, slots=True)
class Graph:
    """All that exports say about TLS. ``sources`` leads from a listener back to its object."""

    exports: tuple[Export, ...]
    listeners: tuple[Listener, ...]
    targets: tuple[Target, ...]
    profiles: tuple[Profile, ...]  # every profile, used or not, in the order of the exports
    name_profiles: tuple[NameProfile, ...]
    addresses: frozenset[str]  # the appliances' own; empty where no export tells
    files: Mapping[str, tuple[bytes, ...]] = field(repr=False, default_factory=dict)
    given: Mapping[str, tuple[bytes, ...]] = field(repr=False, default_factory=dict)  # beside them

    @property
    def told(self) -> frozenset[str]:
        """Addresses that no export has: those of --dp-address, of whichever appliance."""
        return self.addresses.difference(*(export.addresses for export in self.exports))

    def shelf(self, export: Export, domain: Domain) -> Shelf:
        """The objects of a domain, with the certificates of its own export before those of others."""
        return Shelf(export, domain, _files((*self.exports, export), self.given))

    def domain_of(self, name: str) -> Iterator[tuple[Export, Domain]]:
        """The domains of that name; several appliances may have one each."""
        return ((e, d) for e in self.exports for d in e.domains if d.name == name)


def build_graph(
    exports: Iterable[Export], files: Mapping[str, tuple[bytes, ...]] | None = None
) -> Graph:
    """Follow every reference of the exports; ``files`` are certificates by file name."""
    exports = tuple(exports)
    held = _files(exports, files or {})
    shelves = [
        Shelf(export, domain, _files((*exports, export), files or {}))
        for export in exports
        for domain in export.domains
    ]
    aliases = {id(export): _aliases(exports, export) for export in exports}
    return Graph(
        exports=exports,
        listeners=tuple(
            found for shelf in shelves for found in _listeners(shelf, aliases[id(shelf.export)])
        ),
        targets=tuple(
            found for shelf in shelves for found in _targets(shelf, aliases[id(shelf.export)])
        ),
        profiles=tuple(found for shelf in shelves for found in _profiles(shelf)),
        name_profiles=tuple(
            found
            for shelf in shelves
            for thing in shelf.domain.of("SSLSNIServerProfile")
            if (found := shelf.names(thing.name)) is not None
        ),
        addresses=frozenset().union(*(export.addresses for export in exports)),
        files=held,
        given=files or {},
    )


def _files(
    exports: Iterable[Export], given: Mapping[str, tuple[bytes, ...]]
) -> Mapping[str, tuple[bytes, ...]]:
    """Certificates by file name; what comes later counts before what comes earlier."""
    held = {name: ders for export in exports for name, ders in export.certificates.items()}
    return {**held, **given} if held else given


def _aliases(exports: Iterable[Export], own: Export) -> dict[str, str]:
    """Host aliases that hold in an export: they are defined in one domain and used in others.

    Two appliances may give one name to two addresses: then its own counts, or none.
    """
    found: dict[str, set[str]] = {}
    for name, address in (pair for export in exports for pair in _defined(export)):
        found.setdefault(name, set()).add(address)
    agreed = {name: min(held) for name, held in found.items() if len(held) == 1}
    return agreed | dict(_defined(own))


def _defined(export: Export) -> Iterator[tuple[str, str]]:
    for domain in export.domains:
        for alias in domain.of("HostAlias"):
            yield alias.name, alias.text("IPAddress") or ""


def _profiles(shelf: Shelf) -> Iterator[Profile]:
    for thing in shelf.domain.of("SSLServerProfile", "SSLClientProfile", "SSLProxyProfile"):
        if thing.kind == "SSLServerProfile":
            found = [shelf.server(thing.name)]
        elif thing.kind == "SSLClientProfile":
            found = [shelf.client(thing.name)]
        else:
            found = [shelf.proxy(thing.name, side) for side in (Side.SERVER, Side.CLIENT)]
        yield from (profile for profile in found if profile is not None)


def _listeners(shelf: Shelf, aliases: Mapping[str, str]) -> Iterator[Listener]:
    domain = shelf.domain
    for thing in domain.objects.values():
        port = _port(thing.text("LocalPort") or _DEFAULT_PORTS.get(thing.kind))
        if port is None:
            continue
        address = thing.text("LocalAddress") or "0.0.0.0"  # noqa: S104 - what absence means
        profile = server_profile(shelf, thing)
        plain = thing.kind == "HTTPSourceProtocolHandler"
        yield Listener(
            kind=thing.kind,
            name=thing.name,
            domain=domain.name,
            address=one_form(aliases.get(address, address)),
            port=port,
            tls=not plain and (profile is not None or refers_to_server_profile(thing)),
            profile=profile,
            services=tuple(
                service.label
                for service in domain.of(*_SERVICES)
                if thing.name in (service.texts("FrontProtocol") or ())
            ),
            enabled=thing.enabled,
            appliance=shelf.export.addresses,
        )


_DEFAULT_PORTS: Final = {"HTTPSSourceProtocolHandler": "443", "HTTPSourceProtocolHandler": "80"}


def server_profile(shelf: Shelf, thing: ConfigObject) -> Profile | NameProfile | None:
    """The profile with which an object is a TLS server."""
    reference = server_reference(thing)
    if reference is None:
        return None
    kind, name = reference
    if kind == "SSLServerProfile":
        return shelf.server(name)
    if kind == "SSLSNIServerProfile":
        return shelf.names(name)
    return shelf.proxy(name, Side.SERVER)


def server_reference(thing: ConfigObject) -> tuple[str, str] | None:
    """Which server profile an object refers to, by class and name.

    The type says which of the references counts; without one it is the one that is filled in.
    """
    held = {
        "server": ("SSLServerProfile", thing.text("SSLServer") or thing.text("SSLServerProfile")),
        "sni": ("SSLSNIServerProfile", thing.text("SSLSNIServer")),
        "proxy": ("SSLProxyProfile", thing.text("SSLProxy") or thing.text("SSLProxyProfile")),
    }
    wanted = thing.text("SSLServerConfigType") or thing.text("SSLConfigType")
    order = [wanted] if wanted in held else ["server", "sni", "proxy"]
    for choice in order:
        kind, name = held[str(choice)]
        if name:
            return kind, name
    return None


def refers_to_server_profile(thing: ConfigObject) -> bool:
    """Whether an object is meant to speak TLS, though its profile may be missing."""
    return thing.kind == "HTTPSSourceProtocolHandler" or server_reference(thing) is not None


def _targets(shelf: Shelf, aliases: Mapping[str, str]) -> Iterator[Target]:
    for thing in shelf.domain.of(*_SERVICES):
        url = thing.text("BackendUrl")
        if url and thing.text("Type") in {None, "static-backend"}:
            yield from _by_url(shelf, thing, url, aliases)
        yield from _by_policies(shelf, thing)
    for thing in shelf.domain.of(*_SELF_LISTENING):
        host, port = thing.text("RemoteAddress"), _port(thing.text("RemotePort"))
        if host and port is not None and thing.text("Type") != "loopback-proxy":
            profile = _client_profile(shelf, thing)
            for setting, at in _places(shelf, "RemoteAddress", (host, port), aliases):
                yield _target(shelf, thing, setting, at, profile is not None, profile)
        if thing.kind == "XMLFirewallService":
            yield from _by_policies(shelf, thing)


def _by_url(
    shelf: Shelf, thing: ConfigObject, url: str, aliases: Mapping[str, str]
) -> Iterator[Target]:
    """The backend of a gateway, with the profile of the policy that fits its URL, or its own."""
    place = _place(url)
    if place is None:
        return
    scheme, host, port = place
    tls = scheme == "https"
    profile = (_overriding(shelf, thing, url) or _client_profile(shelf, thing)) if tls else None
    for setting, at in _places(shelf, "BackendUrl", (host, port), aliases):
        yield _target(shelf, thing, setting, at, tls, profile)


def _places(
    shelf: Shelf, setting: str, at: tuple[str, int], aliases: Mapping[str, str]
) -> Iterator[tuple[str, tuple[str, int]]]:
    """Where a property leads: to a host, or to the members of a load balancer group of that name."""
    host, port = at
    group = shelf.domain.get("LoadBalancerGroup", host)
    if group is None:
        yield setting, (aliases.get(host, host), port)
        return
    for member in group.rows("LBGroupMembers"):
        server = member.get("Server", "")
        mapped = _port(member.get("MappedPort")) or port
        yield f"LBGroupMembers of {group.name}", (aliases.get(server, server), mapped)


def _by_policies(shelf: Shelf, thing: ConfigObject) -> Iterator[Target]:
    """Hosts that a user agent's TLS policies name: where dynamic backends go, too."""
    for row in _policies(shelf.domain, thing):
        found = _PATTERN.match(row.get("RegExp", ""))
        profile = _policy_profile(shelf, row)
        if found and profile is not None:
            at = (found[2], int(found[3] or 443))
            yield _target(shelf, thing, "SSLPolicies", at, tls=True, profile=profile)


def _policies(domain: Domain, thing: ConfigObject) -> tuple[Mapping[str, str], ...]:
    manager = domain.get("XMLManager", thing.text("XMLManager") or "default")
    agent = domain.get("HTTPUserAgent", manager.text("UserAgent") if manager else None)
    return agent.rows("SSLPolicies") if agent is not None and agent.enabled else ()


def _overriding(shelf: Shelf, thing: ConfigObject, url: str) -> Profile | None:
    """The profile of the first policy whose pattern fits the backend's URL."""
    for row in _policies(shelf.domain, thing):
        if fnmatchcase(url.lower(), row.get("RegExp", "").lower()):
            return _policy_profile(shelf, row)
    return None


def _policy_profile(shelf: Shelf, row: Mapping[str, str]) -> Profile | None:
    client, proxy = row.get("SSLClient"), row.get("SSLProxyProfile")
    if client and (row.get("SSLClientConfigType") != "proxy" or not proxy):
        return shelf.client(client)
    return shelf.proxy(proxy, Side.CLIENT)


def _client_profile(shelf: Shelf, thing: ConfigObject) -> Profile | None:
    """The profile with which a service is a TLS client."""
    wanted = thing.text("SSLClientConfigType") or thing.text("SSLConfigType")
    client, proxy = thing.text("SSLClient"), thing.text("SSLProxy")
    if client and wanted != "proxy":
        return shelf.client(client)
    return shelf.proxy(proxy, Side.CLIENT) if proxy and wanted in {None, "proxy"} else None


def _target(
    shelf: Shelf,
    thing: ConfigObject,
    setting: str,
    at: tuple[str, int],
    tls: bool,
    profile: Profile | None,
) -> Target:
    return Target(
        kind=thing.kind,
        name=thing.name,
        domain=shelf.domain.name,
        setting=setting,
        host=one_form(at[0]),
        port=at[1],
        tls=tls,
        profile=profile,
        enabled=thing.enabled,
        appliance=shelf.export.addresses,
    )


def _place(url: str) -> tuple[str, str, int] | None:
    """Scheme, host and port of a backend over HTTP; other protocols are not followed.

    The host keeps its letters: it may be the name of a group or an alias.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return None
    written = _HOST.search(parts.netloc)
    host = written[1] if written else parts.hostname
    return parts.scheme, host, port or (443 if parts.scheme == "https" else 80)


def _port(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() and 0 < int(text) < 65_536 else None


def is_address(host: str) -> bool:
    """Whether a host is given by address."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
