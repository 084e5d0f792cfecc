"""One zip of all parts. The same case gives the same bytes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import TextIOWrapper
from typing import Final, TypeAlias

from analyzer.mustgather import certificates, configuration, loglines, openssl
from analyzer.mustgather.checklist import Item, checklist, items
from analyzer.mustgather.material import TRACE, Material
from analyzer.report.formats import Format, Style, renderer
from analyzer.report.schema import Report

Members: TypeAlias = Mapping[str, bytes]

_REPORTS: Final = {
    "report.txt": Format.TEXT,
    "report.html": Format.HTML,
    "report.json": Format.JSON,
}
_DATE: Final = (1980, 1, 1, 0, 0, 0)  # the earliest that the format knows
_MODE: Final = 0o600 << 16
_PLAIN: Final = Style(verbose=True, colour=False)


@dataclass(frozen=True, slots=True)
class Bundle:
    """What goes into the zip, and how complete it is."""

    members: Members
    items: tuple[Item, ...]

    def zipped(self) -> bytes:
        """The zip: members sorted, without dates."""
        sink = io.BytesIO()
        with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as file:
            for name, data in sorted(self.members.items()):
                entry = zipfile.ZipInfo(name, _DATE)
                entry.external_attr = _MODE
                entry.compress_type = zipfile.ZIP_DEFLATED
                file.writestr(entry, data)
        return sink.getvalue()


def bundle(material: Material) -> Bundle:
    """Make all parts of a case."""
    used = certificates.certificates(material)
    listed = items(material, len(used))
    members = dict(_parts(material, used))
    names = sorted([*members, "checklist.md"])
    members["checklist.md"] = checklist(listed, names).encode()
    return Bundle(members, tuple(listed))


def _parts(material: Material, used: list[certificates.Used]) -> Iterator[tuple[str, bytes]]:
    if material.trace is not None:
        yield TRACE, material.trace.extract.data
        for name, form in _REPORTS.items():
            yield name, _rendered(material.trace.report, form)
    for texts in (
        certificates.members(used),
        configuration.members(material.graph),
        loglines.members(material),
        openssl.members(material),
        ((f"openssl/{name}", text) for name, text in material.notes.items()),
    ):
        for name, text in texts:
            yield name, text.encode("utf-8", "backslashreplace")


def _rendered(report: Report, form: Format) -> bytes:
    sink = io.BytesIO()
    text = TextIOWrapper(sink, encoding="utf-8", newline="\n")
    renderer(form)(report, text, _PLAIN)
    text.flush()
    return sink.getvalue()
