"""Exports of any container, from file to objects.

An export comes as an archive (``export.xml`` and the firmware's schema), as a domain backup (an
archive of archives), or as one bare file: ``export.xml``, ``.xcfg``, ``.cfg``. Archives are read in
memory, and only the members that matter; nothing is ever unpacked to a disk.
"""

from __future__ import annotations

import gzip
import io
import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from io import BufferedReader
from pathlib import Path, PurePosixPath
from typing import Final, TypeAlias

from analyzer.datapower.export.certificates import certificates_of
from analyzer.datapower.export.cli import looks_like_cli, read_cli
from analyzer.datapower.export.objects import Domain, Export
from analyzer.datapower.export.xml import looks_like_xml, read_schema, read_xml
from analyzer.encodings import as_utf8
from analyzer.errors import CaptureError
from analyzer.limits import DEFAULT, Limits

_ZIP: Final = b"PK\x03\x04"
_GZIP: Final = b"\x1f\x8b"
_CHUNK: Final = 1 << 16
_SYMLINK: Final = 0o120000
_FILE_TYPE: Final = 0o170000
_DECLARED: Final = re.compile(rb"\A\s*<\?xml[^>]*\?>")
_Members: TypeAlias = Mapping[str, Callable[[], bytes]]  # each is unpacked when asked for


def read_export(path: Path, limits: Limits = DEFAULT) -> Export:
    """Read an export of any form.

    Raises:
        CaptureError: The file is no export, is damaged, or is built to do harm.
    """
    with path.open("rb") as file:
        data = _unpacked(file, str(path), limits.export_bytes + 1)
    if len(data) > limits.export_bytes:
        raise _error(str(path), f"larger than {limits.export_bytes >> 20} MiB", "give an export")
    return read_bytes(data, str(path), limits)


def _unpacked(file: BufferedReader, path: str, most: int) -> bytes:
    """What a file holds, packed by gzip or not."""
    if file.peek(2)[:2] != _GZIP:
        return file.read(most)
    try:
        with gzip.GzipFile(fileobj=file) as packed:
            return packed.read(most)
    except (EOFError, OSError, zlib.error) as error:
        hint = "copy the file again, in binary mode"
        raise _error(path, "a damaged gzip file", hint) from error


def read_bytes(data: bytes, path: str, limits: Limits = DEFAULT) -> Export:
    """Read an export from its bytes; ``path`` names it in messages."""
    if data.startswith(_ZIP):
        found = _read_archive(data, path, _Budget(limits), 1)
    else:
        read = _read_text(data, path, limits)
        if read is None:
            raise _error(path, "no DataPower export", "give export.zip, export.xml or a .cfg file")
        found = read
    if not found.domains:
        raise _error(path, "an export without configuration", "export the domain with its objects")
    return replace(found, path=path)


@dataclass(slots=True)
class _Budget:
    """What is left of the limits for one file."""

    limits: Limits
    left: int = field(init=False)

    def __post_init__(self) -> None:
        self.left = self.limits.export_bytes

    def unpack(self, archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: str) -> bytes:
        """Unpack one member; what the archive says of its size is not believed."""
        most = max(member.compress_size, 1) * self.limits.export_ratio + _CHUNK
        parts: list[bytes] = []
        size = 0
        with archive.open(member) as stream:
            while part := stream.read(_CHUNK):
                size += len(part)
                if size > min(most, self.left):
                    raise _error(
                        f"{path}: {member.filename}", "unpacks to far more than it holds", _BOMB
                    )
                parts.append(part)
        self.left -= size
        return b"".join(parts)


_BOMB: Final = "this is an archive bomb, or the export is beyond the limits of this program"


def _read_archive(data: bytes, path: str, budget: _Budget, depth: int) -> Export:
    if depth > budget.limits.export_nesting:
        raise _error(path, f"archives nested more than {depth - 1} deep", _BOMB)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _read_members(_members(archive, path, budget), path, budget, depth)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        problem = "needs a password" if "password" in str(error) else "a damaged archive"
        raise _error(path, problem, "export again, and copy the file in binary mode") from error
    except (OSError, zlib.error, struct.error, lzma.LZMAError) as error:
        raise _error(path, "a damaged archive", "copy the file again, in binary mode") from error


def _members(archive: zipfile.ZipFile, path: str, budget: _Budget) -> _Members:
    """The files of an archive by name, checked before any of them is opened."""
    listed = archive.infolist()
    if len(listed) > budget.limits.export_members:
        raise _error(path, f"an archive of {len(listed)} files", _BOMB)
    found: dict[str, Callable[[], bytes]] = {}
    for member in listed:
        _check_name(member, path)
        if not member.is_dir():
            found[member.filename] = _opener(archive, member, path, budget)
    return found


def _opener(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: str, budget: _Budget
) -> Callable[[], bytes]:
    return lambda: budget.unpack(archive, member, path)


def _check_name(member: zipfile.ZipInfo, path: str) -> None:
    """Refuse names that lead out of the archive, though nothing is unpacked to them."""
    name = member.orig_filename
    parts = PurePosixPath(name.replace("\\", "/")).parts
    link = (member.external_attr >> 16) & _FILE_TYPE == _SYMLINK
    if ".." in parts or name.startswith(("/", "\\")) or name[1:2] == ":" or "\0" in name or link:
        raise _error(path, f"the member {name!r} leads out of the archive", "do not use this file")


def _read_members(members: _Members, path: str, budget: _Budget, depth: int) -> Export:
    """Put together what an archive holds: configuration, schema, certificates, inner archives."""
    found = Export(path)
    for name, unpack in _of(members, ".zip"):
        inner = _read_archive(unpack(), f"{path}: {name}", budget, depth + 1)
        found = _joined(found, inner)
    for name, unpack in _of(members, "export.xml", ".xcfg"):
        read = _read_text(unpack(), f"{path}: {name}", budget.limits)
        found = _joined(found, read) if read is not None else found
    if not found.domains:  # the same configuration in its other form
        for name, unpack in _of(members, ".cfg"):
            read = _read_text(unpack(), f"{path}: {name}", budget.limits)
            found = _joined(found, read) if read is not None else found
    for name, unpack in _of(members, "drMgmt.xml"):
        own = read_schema(unpack(), f"{path}: {name}", budget.limits)
        found = replace(found, defaults={**own, **found.defaults})
    return _with_certificates(found, members)


def _of(members: _Members, *endings: str) -> Iterator[tuple[str, Callable[[], bytes]]]:
    return ((name, unpack) for name, unpack in members.items() if name.endswith(endings))


def _with_certificates(found: Export, members: _Members) -> Export:
    """Add the certificates that old firmware put into exports (``cert/``)."""
    held = dict(found.certificates)
    for name, unpack in members.items():
        if name.split("/")[0] in {"cert", "pubcert", "sharedcert"}:
            held.update(
                {PurePosixPath(name).name: ders} if (ders := certificates_of(unpack())) else {}
            )
    return replace(found, certificates=held)


def _read_text(data: bytes, path: str, limits: Limits) -> Export | None:
    """Read XML or .cfg; None where it is neither."""
    data = _in_utf8(data)
    if looks_like_xml(data):
        return read_xml(data, path, limits)
    if looks_like_cli(data):
        return read_cli(data, path, limits)
    return None


def _in_utf8(data: bytes) -> bytes:
    """A text of Windows in UTF-8: then the encoding that XML declares is another."""
    try:
        converted = as_utf8(data)
    except UnicodeDecodeError:
        return data
    return data if converted == data else _DECLARED.sub(b"", converted, count=1)


def _joined(first: Export, second: Export) -> Export:
    """Two parts of one export: domains side by side, the same domain merged."""
    domains: dict[str, Domain] = {domain.name: domain for domain in first.domains}
    for domain in second.domains:
        held = domains.get(domain.name)
        objects = {**held.objects, **domain.objects} if held else domain.objects
        domains[domain.name] = Domain(domain.name, objects)
    return Export(
        path=first.path,
        domains=tuple(domains.values()),
        device=second.device if second.device.firmware or second.device.build else first.device,
        addresses=first.addresses | second.addresses,
        defaults={**first.defaults, **second.defaults},
        certificates={**first.certificates, **second.certificates},
        caveats=first.caveats + second.caveats,
    )


def _error(path: str, problem: str, hint: str) -> CaptureError:
    return CaptureError(problem, path=path, hint=hint)
