"""The XML form of an export: ``export.xml``, ``.xcfg``, and the firmware's schema beside it.

::

    <datapower-configuration version="3">
      <export-details><firmware-version>IDG.10.6.0.1</firmware-version>…</export-details>
      <interface-data><interface name="eth0" ip-addr="192.0.2.1"/></interface-data>
      <configuration domain="payments">
        <SSLServerProfile name="front"><mAdminState>enabled</mAdminState>
          <Protocols><TLSv1d2>on</TLSv1d2></Protocols><Ciphers>…</Ciphers>

Elements repeat where a property has several values. Entities and document types are refused, and
each object is dropped as soon as it is read, so that memory does not grow with the file.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Final
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from analyzer.datapower.export.objects import ConfigObject, Device, Domain, Export, Value, one_form
from analyzer.datapower.export.schema import CLASSES, PROFILE_CLASSES, PropertySpec
from analyzer.datapower.export.secrets import without_secrets
from analyzer.errors import CaptureError
from analyzer.limits import DEFAULT, Limits

_MARKUP: Final = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*<")
_DETAILS: Final = {
    "model": "model",
    "serial-number": "serial",
    "device-name": "name",
    "firmware-version": "firmware",
    "firmware-build": "build",
    "current-date": "exported",
}
_ADDRESS: Final = frozenset({"LocalAddress", "LocalPort"})


def looks_like_xml(data: bytes) -> bool:
    """Whether the text begins as markup."""
    return bool(_MARKUP.match(data[:256]))


def read_xml(data: bytes, path: str, limits: Limits = DEFAULT) -> Export:
    """Read configuration objects, the device and its addresses.

    Raises:
        CaptureError: The text is no well-formed XML, defines entities, or nests without end.
    """
    domains: dict[str, dict[tuple[str, str], ConfigObject]] = {}
    details: dict[str, str] = {}
    addresses: set[str] = set()
    count = 0
    for above, element in _elements(data, path, limits):
        tag = _local(element)
        if above[-1:] == ["configuration"]:
            count += 1
            if count > limits.export_objects:
                raise _error(path, f"more than {limits.export_objects} objects")
            if (made := _object(element)) is not None:
                domains.setdefault(_domain(above), {})[made.kind, made.name] = made
        elif above[-1:] == ["export-details"] and tag in _DETAILS:
            details[_DETAILS[tag]] = (element.text or "").strip()
        elif tag == "interface" and element.get("ip-addr"):
            addresses.add(one_form(str(element.get("ip-addr")).split("/")[0]))
    found = tuple(Domain(name, objects) for name, objects in domains.items() if objects)
    return Export(path, found, Device(**details), frozenset(addresses))


class _Above(list[str]):
    """The names of the elements that are open, and the domain that they speak of."""

    domain: str = ""


def _domain(above: list[str]) -> str:
    return above.domain if isinstance(above, _Above) else ""


def _elements(data: bytes, path: str, limits: Limits) -> Iterator[tuple[list[str], Element]]:
    """Give finished elements that are not part of an object, with the names of those around them.

    An object is given whole. What was given is emptied afterwards.
    """
    above = _Above()
    try:
        for event, element in iterparse(
            io.BytesIO(data), events=("start", "end"), forbid_dtd=True, forbid_external=True
        ):
            if event == "start":
                above.append(_local(element))
                if above[-1] == "configuration":
                    above.domain = element.get("domain") or "default"
                if len(above) > limits.export_depth:
                    raise _error(path, f"elements nested more than {limits.export_depth} deep")
                continue
            above.pop()
            inside = "configuration" in above[:-1]
            if not inside:
                yield above, element
                element.clear()
    except DefusedXmlException as error:
        raise _error(path, "XML with a document type or entities, which no export has") from error
    except (ParseError, LookupError, ValueError) as error:  # the last two: odd encodings
        raise _error(path, f"XML that is damaged: {error}") from error


def _object(element: Element) -> ConfigObject | None:
    """An object of a class that matters; of other classes only what leads to a TLS profile."""
    kind, name = _local(element), element.get("name") or ""
    state = next((c.text for c in element if _local(c) == "mAdminState"), None)
    spec = CLASSES.get(kind)
    kept: dict[str, list[Value]] = {}
    for child in element:
        known = spec.properties.get(_local(child)) if spec is not None else None
        if known is not None:
            kept.setdefault(known.name, []).extend(_values(child, known))
        elif (spec is None and child.get("class") in PROFILE_CLASSES) or (
            spec is None and _local(child) in _ADDRESS
        ):
            kept.setdefault(_local(child), []).append(_text(child))
    if spec is None and not kept.keys() - _ADDRESS:
        return None
    properties = {name: tuple(values) for name, values in kept.items()}
    return ConfigObject(kind, name, (state or "").strip() != "disabled", properties)


def _values(element: Element, spec: PropertySpec) -> Iterator[Value]:
    """The values of one element: of a bit map the bits that are on, of a row its fields."""
    if spec.shape == "bits":
        on = (_local(child) for child in element if (child.text or "").strip() == "on")
        yield from sorted([*on, *filter(None, (element.text or "").strip().split("+"))])
    elif spec.shape == "rows":
        fields = {_local(child): _text(child) for child in element}
        yield {name: fields[name] for name in spec.fields if fields.get(name)}
    else:
        yield _text(element)


def _text(element: Element) -> str:
    return without_secrets((element.text or "").strip())


def _local(element: Element) -> str:
    """The element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def read_schema(data: bytes, path: str, limits: Limits = DEFAULT) -> dict[tuple[str, str], str]:
    """Read the defaults of the classes that matter from the firmware's own schema.

    ::

        <object name="SSLServerProfile">…<properties>
          <property name="RequireClientAuth" type="dmToggle"><default>on</default>…
    """
    found: dict[tuple[str, str], str] = {}
    kind = ""
    depth = 0
    try:
        for event, element in iterparse(
            io.BytesIO(data), events=("start", "end"), forbid_dtd=True, forbid_external=True
        ):
            depth += 1 if event == "start" else -1
            if depth > limits.export_depth:
                raise _error(path, f"elements nested more than {limits.export_depth} deep")
            tag = _local(element)
            if event == "start" and tag == "object":
                kind = element.get("name") or ""
            elif event == "end" and tag == "property" and kind in CLASSES:
                name = element.get("name") or ""
                if (default := _default(element)) and name in CLASSES[kind].properties:
                    found[kind, name] = default
            elif event == "end" and tag in {"object", "type"}:
                kind = ""
                element.clear()
    except DefusedXmlException as error:
        raise _error(path, "XML with a document type or entities, which no export has") from error
    except (ParseError, LookupError, ValueError) as error:  # the last two: odd encodings
        raise _error(path, f"XML that is damaged: {error}") from error
    return found


def _default(element: Element) -> str:
    given = [element.get("default"), *(c.text for c in element if _local(c) == "default")]
    return next((text.strip() for text in given if text and text.strip()), "")


def _error(path: str, problem: str) -> CaptureError:
    return CaptureError(problem, path=path, hint="export again from the appliance")
