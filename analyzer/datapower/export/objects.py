"""An export as plain objects: class, name, properties; whatever form it came in.

A property is a tuple of values in the order of the export, since order is preference. A value is
text, or a mapping where the product nests (a row of a host name map, say). Bit maps are the sorted
names of the bits that are on. Only properties named in :mod:`analyzer.datapower.export.schema` are kept:
passwords and keys are not among them, so that nothing later can show one.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

Value: TypeAlias = str | Mapping[str, str]
Properties: TypeAlias = Mapping[str, tuple[Value, ...]]


def one_form(host: str) -> str:
    """An address in the one form in which packets are told; a name as it is.

    >>> one_form("2001:DB8:0:0::1"), one_form("192.0.2.1"), one_form("Orders_LB")
    ('2001:db8::1', '192.0.2.1', 'Orders_LB')
    """
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return host


@dataclass(frozen=True, slots=True)
class ConfigObject:
    """One object of a domain."""

    kind: str  # its class, as in XML
    name: str
    enabled: bool = True  # an object that is disabled is as good as absent
    properties: Properties = field(default_factory=dict)

    @property
    def label(self) -> str:
        """The object as an operator looks it up."""
        return f"{self.kind} {self.name}".rstrip()

    def texts(self, name: str) -> tuple[str, ...] | None:
        """All values of a property; None where the export does not state it."""
        values = self.properties.get(name)
        return None if values is None else tuple(v for v in values if isinstance(v, str) and v)

    def text(self, name: str) -> str | None:
        """The first value of a property; None where it is empty or not stated."""
        return next(iter(self.texts(name) or ()), None)

    def rows(self, name: str) -> tuple[Mapping[str, str], ...]:
        """The nested values of a property."""
        return tuple(v for v in self.properties.get(name, ()) if not isinstance(v, str))


@dataclass(frozen=True, slots=True)
class Domain:
    """The objects of one application domain, by class and name."""

    name: str
    objects: Mapping[tuple[str, str], ConfigObject]

    def get(self, kind: str, name: str | None) -> ConfigObject | None:
        """An object, enabled or not."""
        return self.objects.get((kind, name)) if name else None

    def of(self, *kinds: str) -> Iterator[ConfigObject]:
        """All objects of some classes, in the order of the export."""
        return (thing for thing in self.objects.values() if thing.kind in kinds)


@dataclass(frozen=True, slots=True)
class Device:
    """Which appliance the export is of."""

    model: str = ""
    serial: str = ""
    name: str = ""
    firmware: str = ""  # IDG.10.6.0.1
    build: str = ""
    exported: str = ""  # as the export says it


@dataclass(frozen=True, slots=True)
class Export:
    """What was read from one file."""

    path: str
    domains: tuple[Domain, ...] = ()
    device: Device = Device()
    addresses: frozenset[str] = frozenset()  # the appliance's own
    defaults: Mapping[tuple[str, str], str] = field(default_factory=dict)  # of this firmware
    certificates: Mapping[str, tuple[bytes, ...]] = field(default_factory=dict)  # DER by file name
    caveats: tuple[str, ...] = ()
