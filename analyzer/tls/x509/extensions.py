"""Decoders of certificate extensions (RFC 5280 section 4.2), from DER to plain values."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from analyzer.tls.wire import printable
from analyzer.tls.x509.attestations import decode_timestamps
from analyzer.tls.x509.der import (
    BOOLEAN,
    INTEGER,
    OCTET_STRING,
    SEQUENCE,
    Value,
    context,
    expect,
    read_oid,
    read_value,
)
from analyzer.tls.x509.dn import name_text
from analyzer.tls.x509.tables import KEY_USAGES, PURPOSES

_GENERAL_NAMES: Final = {
    0: "other",
    1: "email",
    2: "dns",
    4: "dirname",
    6: "uri",
    7: "ip",
    8: "rid",
}
_OCSP: Final = "1.3.6.1.5.5.7.48.1"
_CA_ISSUERS: Final = "1.3.6.1.5.5.7.48.2"
_STATUS_REQUEST: Final = 5  # TLS feature (RFC 7633): must staple


def read_extension(oid: str, value: bytes) -> Mapping[str, Any]:
    """Decode an extension to fields of ``CertificateFacts``; nothing for those it has none for.

    Raises:
        DecodeError: The value is not what its definition says.
    """
    decode = _DECODERS.get(oid)
    return decode(read_value(value)) if decode else {}


def _alternative_names(value: Value) -> Mapping[str, Any]:
    found: dict[str, list[str]] = {"dns": [], "ip": [], "email": [], "uri": []}
    for kind, text in _general_names(expect(value, SEQUENCE, "GeneralNames")):
        if kind in found:
            found[kind].append(text)
    return {f"san_{kind}": tuple(texts) for kind, texts in found.items()} | {"has_san": True}


def _general_names(names: Value) -> Iterator[tuple[str, str]]:
    """Kinds and texts of GeneralNames (RFC 5280 section 4.2.1.6)."""
    for name in names.items():
        kind = _GENERAL_NAMES.get(name.tag & 0x1F, f"name_{name.tag & 0x1F}")
        yield kind, _general_name(kind, name)


def _general_name(kind: str, name: Value) -> str:
    if kind == "ip":
        return _address(name.content)
    if kind == "dirname":
        return name_text(read_value(name.content).whole)
    if kind == "rid":
        return read_oid(name.content)
    return printable(name.content)


def _address(raw: bytes) -> str:
    """An address, or a network where name constraints give address and mask."""
    if len(raw) in {4, 16}:
        return str(ipaddress.ip_address(raw))
    if len(raw) in {8, 32}:
        half = len(raw) // 2
        ones = int.from_bytes(raw[half:], "big").bit_count()
        return f"{ipaddress.ip_address(raw[:half])}/{ones}"
    return raw.hex()


def _key_usage(value: Value) -> Mapping[str, Any]:
    """RFC 5280 section 4.2.1.3: a bit string; the first byte counts unused bits."""
    bits = value.content[1:]
    used = {
        name
        for number, name in enumerate(KEY_USAGES)
        if number // 8 < len(bits) and bits[number // 8] & 0x80 >> number % 8
    }
    return {"key_usage": frozenset(used)}


def _extended_key_usage(value: Value) -> Mapping[str, Any]:
    oids = [read_oid(item.content) for item in expect(value, SEQUENCE, "ExtKeyUsage").items()]
    return {"extended_key_usage": tuple(PURPOSES.get(oid, oid) for oid in oids)}


def _basic_constraints(value: Value) -> Mapping[str, Any]:
    """RFC 5280 section 4.2.1.9: ``SEQUENCE { cA BOOLEAN DEFAULT FALSE, pathLen INTEGER OPTIONAL }``."""
    found: dict[str, Any] = {"ca": False}
    for item in expect(value, SEQUENCE, "BasicConstraints").items():
        if item.tag == BOOLEAN:
            found["ca"] = item.content != b"\0"
        elif item.tag == INTEGER:
            found["path_length"] = int.from_bytes(item.content[:8], "big", signed=True)
    return found


def _name_constraints(value: Value) -> Mapping[str, Any]:
    """RFC 5280 section 4.2.1.10: subtrees permitted [0] and excluded [1]."""
    found: dict[str, Any] = {}
    for subtrees in expect(value, SEQUENCE, "NameConstraints").items():
        field = "permitted_names" if subtrees.tag == context(0) else "excluded_names"
        found[field] = tuple(name for subtree in subtrees.items() for name in _base(subtree))
    return found


def _base(subtree: Value) -> Iterator[tuple[str, str]]:
    """The base of a GeneralSubtree: its first item."""
    first = read_value(subtree.data, subtree.body, subtree.end)
    kind = _GENERAL_NAMES.get(first.tag & 0x1F, f"name_{first.tag & 0x1F}")
    yield kind, _general_name(kind, first)


def _authority_key(value: Value) -> Mapping[str, Any]:
    for item in expect(value, SEQUENCE, "AuthorityKeyIdentifier").items():
        if item.tag == context(0, constructed=False):
            return {"authority_key_id": item.content.hex()}
    return {}


def _subject_key(value: Value) -> Mapping[str, Any]:
    return {"subject_key_id": expect(value, OCTET_STRING, "SubjectKeyIdentifier").content.hex()}


def _information_access(value: Value) -> Mapping[str, Any]:
    """RFC 5280 section 4.2.2.1."""
    urls: dict[str, list[str]] = {_OCSP: [], _CA_ISSUERS: []}
    for description in expect(value, SEQUENCE, "AuthorityInfoAccess").items():
        parts = description.children()
        if len(parts) == 2 and parts[1].tag & 0x1F == 6:
            urls.setdefault(read_oid(parts[0].content), []).append(printable(parts[1].content))
    return {"ocsp_urls": tuple(urls[_OCSP]), "issuer_urls": tuple(urls[_CA_ISSUERS])}


def _distribution_points(value: Value) -> Mapping[str, Any]:
    """RFC 5280 section 4.2.1.13: the URLs among the full names."""
    found = [
        printable(name.content)
        for point in expect(value, SEQUENCE, "CRLDistributionPoints").items()
        for field in point.items()
        if field.tag == context(0)
        for kind in field.items()
        if kind.tag == context(0)
        for name in kind.items()
        if name.tag & 0x1F == 6
    ]
    return {"crl_urls": tuple(found)}


def _tls_feature(value: Value) -> Mapping[str, Any]:
    features = [int.from_bytes(item.content[:4], "big") for item in value.items()]
    return {"must_staple": _STATUS_REQUEST in features}


def _timestamps(value: Value) -> Mapping[str, Any]:
    """RFC 6962 section 3.3: the list of TLS within an OCTET STRING."""
    return {"timestamps": decode_timestamps(expect(value, OCTET_STRING, "sct_list").content)[0]}


_DECODERS: Final[Mapping[str, Callable[[Value], Mapping[str, Any]]]] = {
    "2.5.29.14": _subject_key,
    "2.5.29.15": _key_usage,
    "2.5.29.17": _alternative_names,
    "2.5.29.19": _basic_constraints,
    "2.5.29.30": _name_constraints,
    "2.5.29.31": _distribution_points,
    "2.5.29.35": _authority_key,
    "2.5.29.37": _extended_key_usage,
    "1.3.6.1.5.5.7.1.1": _information_access,
    "1.3.6.1.5.5.7.1.24": _tls_feature,
    "1.3.6.1.4.1.11129.2.4.2": _timestamps,
}
