"""Name constraints (RFC 5280 section 4.2.1.10): which names of a leaf a CA may not vouch for."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from urllib.parse import urlsplit

from analyzer.tls.x509.facts import CertificateFacts


def violations(authority: CertificateFacts, leaf: CertificateFacts) -> Iterator[str]:
    """Names of the leaf that lie outside what the authority is limited to."""
    return (name for _, name in breaches(authority, leaf))


def breaches(authority: CertificateFacts, leaf: CertificateFacts) -> Iterator[tuple[str, str]]:
    """As :func:`violations`, each with the list that it offends: ``permitted`` or ``excluded``."""
    if not authority.permitted_names and not authority.excluded_names:
        return
    for kind, name in _names(leaf):
        permitted = [base for k, base in authority.permitted_names if k == kind]
        excluded = [base for k, base in authority.excluded_names if k == kind]
        if permitted and not any(_within(kind, name, base) for base in permitted):
            yield "permitted", name
        elif any(_within(kind, name, base) for base in excluded):
            yield "excluded", name


def _names(leaf: CertificateFacts) -> Iterator[tuple[str, str]]:
    yield from (("dns", name) for name in leaf.san_dns)
    yield from (("ip", name) for name in leaf.san_ip)
    yield from (("email", name) for name in leaf.san_email)
    yield from (("uri", _host(name)) for name in leaf.san_uri)
    if leaf.subject:
        yield "dirname", leaf.subject
    if not leaf.san_dns and leaf.subject_cn and "." in leaf.subject_cn:
        yield "dns", leaf.subject_cn


def _host(uri: str) -> str:
    """The host of a URI, or nothing where it has none."""
    try:
        return urlsplit(uri).hostname or ""
    except ValueError:
        return ""


def _within(kind: str, name: str, base: str) -> bool:
    """Whether a name lies in a subtree."""
    if kind == "ip":
        return _address_within(name, base)
    name, base = name.casefold(), base.casefold()
    if kind == "dns":
        bare = base.removeprefix(".")
        below = name.endswith(f".{bare}")
        return not bare or below or (name == bare and not base.startswith("."))
    if kind == "uri":  # the host alone counts; a dot before it means all below, not itself
        return name.endswith(base) if base.startswith(".") else name == base
    if kind == "email":
        host = name.rpartition("@")[2]
        return base in {name, host} or (base.startswith(".") and host.endswith(base))
    return not base or name == base or name.endswith(f",{base}")


def _address_within(name: str, base: str) -> bool:
    try:
        address, network = ipaddress.ip_address(name), ipaddress.ip_network(base, strict=False)
    except ValueError:
        return False
    return address.version == network.version and address in network
