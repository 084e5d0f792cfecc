"""Whether a certificate is for a name: RFC 9525 (RFC 6125 before), and RFC 2818 for old ones."""

from __future__ import annotations

import functools
import ipaddress
from dataclasses import dataclass

from analyzer.tls.x509.facts import CertificateFacts


@dataclass(frozen=True, slots=True)
class NameMatch:
    """How a certificate fits a name.

    ``by`` is what fitted: ``dns``, ``ip``, ``wildcard``; ``dot`` where the certificate's name ends in the
    dot of the root, which few clients take off; or ``cn`` where there is no subject alternative name
    of the kind: clients of today do not look at the common name then; old ones do.
    """

    matches: bool
    by: str | None = None
    presented: tuple[str, ...] = ()  # what it was compared with


def matches(certificate: CertificateFacts, host: str) -> bool | None:
    """Whether the certificate is for ``host``; None where it is too damaged to tell."""
    found = match_name(certificate, host)
    return None if found is None else found.matches


@functools.lru_cache(maxsize=1024)
def match_name(certificate: CertificateFacts, host: str) -> NameMatch | None:
    """Compare a certificate with a host name or an address."""
    if certificate.defect is not None and not certificate.sans:
        return None
    address = _address(host)
    if address is not None:
        return _match_address(certificate, address, host)
    wanted = _folded(host)
    fitting = [(how, name) for name in certificate.san_dns if (how := _fits(_folded(name), wanted))]
    for how, name in fitting:
        if not name.endswith("."):
            return NameMatch(True, how, certificate.san_dns)
    if fitting:
        return NameMatch(True, "dot", certificate.san_dns)
    if certificate.san_dns:
        return NameMatch(False, None, certificate.san_dns)
    return _match_common_name(certificate, wanted)


def _match_address(
    certificate: CertificateFacts,
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
    host: str,
) -> NameMatch:
    """RFC 9525 section 6.2: an address is compared as a number, with addresses only."""
    if any(_address(name) == address for name in certificate.san_ip):
        return NameMatch(True, "ip", certificate.san_ip)
    if certificate.has_san:
        return NameMatch(False, None, certificate.san_ip)
    return _match_common_name(certificate, host)


def _match_common_name(certificate: CertificateFacts, wanted: str) -> NameMatch:
    name = certificate.subject_cn
    if name is None:
        return NameMatch(False)
    fits = _fits(_folded(name), wanted) is not None
    return NameMatch(fits, "cn" if fits else None, (name,))


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return None


def _folded(name: str) -> str:
    """Lower case, without the dot of the root, letters beyond ASCII as the wire has them."""
    name = name.removesuffix(".").lower()
    if name.isascii():
        return name
    try:
        return name.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return name


def _fits(presented: str, wanted: str) -> str | None:
    """How a presented name fits: the same, or a wildcard for its whole left-most label.

    RFC 9525 section 6.3: a wildcard stands for exactly one label; ``*.com`` fits nothing, since no
    public authority may issue it and clients refuse it.
    """
    if presented == wanted:
        return "dns" if wanted else None
    first, _, parent = presented.partition(".")
    label, _, above = wanted.partition(".")
    if first == "*" and label and parent == above and "." in parent:
        return "wildcard"
    return None
