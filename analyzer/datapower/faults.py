"""Why a listener cannot be up: what is disabled, missing or expired below it.

An object is up only if all that it refers to is up: one expired certificate takes its validation
credential down, that the profile, and that the handler, which then answers SYN with RST.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from analyzer.datapower.export.objects import ConfigObject, Domain
from analyzer.datapower.graph import EVERYWHERE, Graph, refers_to_server_profile, server_reference
from analyzer.datapower.profiles import Shelf
from analyzer.tls.objects import CertificateObject, Fault, Listener
from analyzer.tls.x509.chain import time_text

_BELOW: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "SSLServerProfile": (("Idcred", "CryptoIdentCred"), ("Valcred", "CryptoValCred")),
    "SSLClientProfile": (("Idcred", "CryptoIdentCred"), ("Valcred", "CryptoValCred")),
    "SSLSNIServerProfile": (
        ("SNIServerMapping", "SSLSNIMapping"),
        ("SNIServerDefault", "SSLServerProfile"),
    ),
    "SSLProxyProfile": (
        ("ReverseCryptoProfile", "CryptoProfile"),
        ("ForwardCryptoProfile", "CryptoProfile"),
    ),
    "CryptoProfile": (("IdentCredential", "CryptoIdentCred"), ("ValCredential", "CryptoValCred")),
    "CryptoIdentCred": (
        ("Key", "CryptoKey"),
        ("Certificate", "CryptoCertificate"),
        ("CA", "CryptoCertificate"),
    ),
    "CryptoValCred": (("Certificate", "CryptoCertificate"),),
}
_DEPTH: Final = 8  # references do not nest deeper; a cycle ends here


def faults_of(graph: Graph, listener: Listener, time: int) -> tuple[Fault, ...]:
    """What keeps a listener from being up at a time (ns), the surest first."""
    found: list[Fault] = []
    for export, domain in graph.domain_of(listener.domain):
        thing = domain.get(listener.kind, listener.name)
        if thing is not None and not _elsewhere(listener, export.addresses):
            shelf = graph.shelf(export, domain)
            found += _of_listener(shelf, thing, time)
    found += _conflicts(graph, listener)
    return tuple(sorted(dict.fromkeys(found), key=lambda fault: (not fault.expired, fault.missing)))


def _of_listener(shelf: Shelf, thing: ConfigObject, time: int) -> Iterator[Fault]:
    if not thing.enabled:
        yield Fault(thing.label, "mAdminState is disabled")
        return
    reference = server_reference(thing)
    if reference is not None:
        yield from _walk(shelf, shelf.domain, *reference, (thing.label,), time)
    elif refers_to_server_profile(thing):
        yield Fault(thing.label, "it refers to no TLS profile")


def _walk(
    shelf: Shelf, domain: Domain, kind: str, name: str, path: tuple[str, ...], time: int
) -> Iterator[Fault]:
    """Go down the references of an object."""
    thing = domain.get(kind, name)
    if thing is None:
        text = "it is referred to, and the export does not hold it"
        yield Fault(f"{kind} {name}", text, path, missing=True)
        return
    if not thing.enabled:
        yield Fault(thing.label, "mAdminState is disabled", path)
        return
    path = (*path, thing.label)
    if kind == "CryptoCertificate":
        yield from _expired(shelf.certificate(name), path, time)
    if len(path) > _DEPTH:
        return
    for setting, below in _BELOW.get(kind, ()):
        for inner in thing.texts(setting) or ():
            yield from _walk(shelf, domain, below, inner, path, time)
    for row in thing.rows("SNIMapping"):
        if mapped := row.get("SSLServer"):
            yield from _walk(shelf, domain, "SSLServerProfile", mapped, path, time)


def _expired(held: CertificateObject | None, path: tuple[str, ...], time: int) -> Iterator[Fault]:
    """A certificate out of its dates takes its object down, unless it is told to ignore that."""
    if held is None or held.ignore_expiration or held.leaf is None:
        return
    leaf = held.leaf
    if leaf.valid_at(time) is False and leaf.not_after is not None and time > leaf.not_after:
        text = f"it expired {time_text(leaf.not_after)} and IgnoreExpiration is off"
        yield Fault(f"CryptoCertificate {held.name}", text, path[:-1], expired=True)


def _conflicts(graph: Graph, listener: Listener) -> Iterator[Fault]:
    """Another listener on the same address and port: only one of them gets it."""
    for other in graph.listeners:
        if other is listener or other.port != listener.port or not other.enabled:
            continue
        if _elsewhere(listener, other.appliance):
            continue
        same = other.address == listener.address
        wide = other.address in EVERYWHERE or listener.address in EVERYWHERE
        if (other.kind, other.name, other.domain) != _identity(listener) and (same or wide):
            text = (
                f"{other.label} of domain {other.domain} has the port too "
                f"({other.address}:{other.port}): only one of them gets it"
            )
            yield Fault(listener.label, text, conflict=True)


def _identity(listener: Listener) -> tuple[str, str, str]:
    return listener.kind, listener.name, listener.domain


def _elsewhere(listener: Listener, appliance: frozenset[str]) -> bool:
    """Whether these are the addresses of another machine than the listener's."""
    known = bool(listener.appliance) and bool(appliance)
    return known and listener.appliance.isdisjoint(appliance)
