"""Distinguished names: from DER to the text of RFC 4514, and compared as RFC 5280 says."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from analyzer.errors import DecodeError
from analyzer.tls.x509.der import OID, SEQUENCE, SET, Value, expect, read_oid, read_value

COMMON_NAME: Final = "2.5.4.3"

# RFC 4514 section 3, and the names that OpenSSL gives to what else is found in certificates.
_SHORT: Final = {
    "2.5.4.3": "CN",
    "2.5.4.4": "SN",
    "2.5.4.5": "serialNumber",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.9": "STREET",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "2.5.4.12": "title",
    "2.5.4.13": "description",
    "2.5.4.15": "businessCategory",
    "2.5.4.17": "postalCode",
    "2.5.4.41": "name",
    "2.5.4.42": "GN",
    "2.5.4.43": "initials",
    "2.5.4.46": "dnQualifier",
    "2.5.4.97": "organizationIdentifier",
    "0.9.2342.19200300.100.1.1": "UID",
    "0.9.2342.19200300.100.1.25": "DC",
    "1.2.840.113549.1.9.1": "emailAddress",
    "1.2.840.113549.1.9.2": "unstructuredName",
    "1.3.6.1.4.1.311.60.2.1.1": "jurisdictionL",
    "1.3.6.1.4.1.311.60.2.1.2": "jurisdictionST",
    "1.3.6.1.4.1.311.60.2.1.3": "jurisdictionC",
}
# X.690 tags of strings, and how their bytes are read. T61String is Latin-1 in practice.
_ENCODINGS: Final = {
    12: "utf-8",
    18: "ascii",
    19: "ascii",
    20: "latin-1",
    22: "ascii",
    26: "ascii",
    28: "utf-32-be",
    30: "utf-16-be",
}
_SPECIAL: Final = re.compile(r'[,+"\\<>;]')


@dataclass(frozen=True, slots=True)
class Attribute:
    """One ``type=value`` of a name; ``first`` where it begins a new RDN."""

    oid: str
    text: str
    first: bool

    @property
    def label(self) -> str:
        """The type as it is printed."""
        return _SHORT.get(self.oid, self.oid)


@functools.lru_cache(maxsize=1024)
def read_name(der: bytes) -> tuple[Attribute, ...]:
    """Read a Name (RFC 5280 section 4.1.2.4), in the order of the encoding.

    Raises:
        DecodeError: It is no name.
    """
    name = expect(read_value(der), SEQUENCE, "Name")
    return tuple(attribute for rdn in name.items() for attribute in _attributes(rdn))


def _attributes(rdn: Value) -> Iterator[Attribute]:
    for index, pair in enumerate(expect(rdn, SET, "RelativeDistinguishedName").items()):
        parts = expect(pair, SEQUENCE, "AttributeTypeAndValue").children()
        if len(parts) != 2:
            continue
        kind, value = parts
        yield Attribute(read_oid(expect(kind, OID, "type").content), _text(value), index == 0)


def _text(value: Value) -> str:
    encoding = _ENCODINGS.get(value.tag)
    if encoding is None:
        return "#" + value.whole.hex()
    try:
        return value.content.decode(encoding)
    except UnicodeDecodeError:
        return value.content.decode("latin-1")


def name_text(der: bytes) -> str:
    """Write a name as RFC 4514 does: the last RDN first; hexadecimal where it is no name."""
    try:
        attributes = read_name(der)
    except DecodeError:
        return "#" + der.hex()
    return _join(attributes)


@functools.lru_cache(maxsize=1024)
def _join(attributes: tuple[Attribute, ...]) -> str:
    rdns: list[str] = []
    for attribute in attributes:
        shown = f"{attribute.label}={_escape(attribute.text)}"
        if attribute.first or not rdns:
            rdns.append(shown)
        else:
            rdns[-1] += f"+{shown}"
    return ",".join(reversed(rdns))


def _escape(text: str) -> str:
    """RFC 4514 section 2.4; what cannot be printed is written in hexadecimal of its UTF-8."""
    escaped = _SPECIAL.sub(lambda found: "\\" + found[0], text)
    if escaped[:1] in {" ", "#"}:
        escaped = "\\" + escaped
    if escaped.endswith(" ") and len(escaped) > 1:
        escaped = escaped[:-1] + "\\ "
    if escaped.isprintable():
        return escaped
    return "".join(c if c.isprintable() else _hexadecimal(c) for c in escaped)


def _hexadecimal(character: str) -> str:
    return "".join(f"\\{byte:02x}" for byte in character.encode("utf-8", "surrogatepass"))


def attribute_of(der: bytes, oid: str) -> str | None:
    """The last attribute of a type: of several common names that is the most specific one."""
    try:
        found = [attribute.text for attribute in read_name(der) if attribute.oid == oid]
    except DecodeError:
        return None
    return found[-1] if found else None


def same_name(one: bytes, other: bytes) -> bool:
    """Whether two names are equal: the same bytes, or the same but for case and spaces.

    RFC 5280 section 7.1.
    """
    return one == other or name_key(one) == name_key(other)


def name_key(der: bytes) -> bytes | tuple[tuple[str, str, bool], ...]:
    """What is equal for names that are the same, to look them up by; the bytes of what is no name."""
    try:
        return _folded(der)
    except DecodeError:
        return der


@functools.lru_cache(maxsize=1024)
def _folded(der: bytes) -> tuple[tuple[str, str, bool], ...]:
    return tuple(
        (attribute.oid, " ".join(attribute.text.split()).casefold(), attribute.first)
        for attribute in read_name(der)
    )
