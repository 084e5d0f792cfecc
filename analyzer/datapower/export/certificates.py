"""Certificate files: what an export names and does not hold. Keys beside them are left alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Final

from analyzer.errors import CaptureError, DecodeError, UsageError
from analyzer.limits import DEFAULT, Limits
from analyzer.pki.stores import store_of

_SEQUENCE: Final = b"\x30"


def certificates_of(data: bytes) -> tuple[bytes, ...]:
    """The certificates of a file in its order; nothing else of it is kept.

    PEM, DER, PKCS#7, keystores of Java, and PKCS#12 without a password.
    """
    try:
        store = store_of(data, "")
    except (CaptureError, DecodeError, ValueError):
        return ()
    held = store.certificates if store is not None else ()
    return tuple(one.der for one in held if one.der.startswith(_SEQUENCE))


def read_folder(folder: Path, limits: Limits = DEFAULT) -> Mapping[str, tuple[bytes, ...]]:
    """Read the certificate files of a folder and those below it, by file name.

    Of files that have one name and differ, each is kept by its path below the folder.

    Raises:
        UsageError: There is no such folder, or it holds no certificate.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder; give the one that holds the certificate files")
    found: dict[str, dict[str, tuple[bytes, ...]]] = {}
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    for path in files[: limits.certificate_files]:
        if path.stat().st_size > limits.certificate_file_bytes:
            continue
        if ders := certificates_of(path.read_bytes()):
            found.setdefault(path.name, {})[path.relative_to(folder).as_posix()] = ders
    if not found:
        raise UsageError(f"{folder}: no certificate in it; PEM, DER and PKCS#7 files are read")
    named: dict[str, tuple[bytes, ...]] = {}
    for name, held in found.items():
        contents = set(held.values())
        named |= {name: contents.pop()} if len(contents) == 1 else held
    return named


def content_of(files: Mapping[str, tuple[bytes, ...]], url: str, domain: str) -> tuple[bytes, ...]:
    """The certificates behind ``cert:///gateway.pem``; nothing where it is open which file is meant.

    Each domain has a directory ``cert:`` of its own: of several files of that name the one counts
    that lies below a folder with the name of the domain, or else of the directory.
    """
    directory, _, path = url.rpartition("///")
    name = PurePosixPath(path).name
    if name in files:
        return files[name]
    same = [key for key in files if PurePosixPath(key).name == name]
    for word in (domain, directory.rstrip(":")):
        below = [key for key in same if word in PurePosixPath(key).parts[:-1]]
        if len(below) == 1:
            return files[below[0]]
        same = below or same
    return ()
