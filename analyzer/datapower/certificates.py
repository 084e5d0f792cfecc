"""Certificate files: what an export names and does not hold. Keys beside them are left alone."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from analyzer.errors import UsageError
from analyzer.limits import DEFAULT, Limits

_PEM: Final = re.compile(
    rb"-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END"
)
_SEQUENCE: Final = b"\x30"


def certificates_of(data: bytes) -> tuple[bytes, ...]:
    """The certificates of a file, PEM or DER, in its order; nothing else of it is kept."""
    if data.startswith(_SEQUENCE):
        return (data,) if _looks_like_certificate(data) else ()
    found: list[bytes] = []
    for match in _PEM.finditer(data):
        try:
            der = base64.b64decode(b"".join(match[1].split()), validate=True)
        except binascii.Error:
            continue
        if der.startswith(_SEQUENCE):
            found.append(der)
    return tuple(found)


def _looks_like_certificate(data: bytes) -> bool:
    """Tell a certificate from a DER key: SEQUENCE of SEQUENCE, not of a version number."""
    return data[1:2] >= b"\x81" and data[2 + (data[1] & 0x7F) :][:1] == _SEQUENCE


def read_folder(folder: Path, limits: Limits = DEFAULT) -> Mapping[str, tuple[bytes, ...]]:
    """Read the certificate files of a folder and those below it, by file name.

    Raises:
        UsageError: There is no such folder, or it holds no certificate.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder; give the one that holds the certificate files")
    found: dict[str, tuple[bytes, ...]] = {}
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    for path in files[: limits.certificate_files]:
        if path.stat().st_size > limits.certificate_file_bytes:
            continue
        if ders := certificates_of(path.read_bytes()):
            found[path.name] = ders
    if not found:
        raise UsageError(f"{folder}: no certificate in it; PEM and DER files are read")
    return found
