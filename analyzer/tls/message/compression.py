"""Compressed Certificate messages (RFC 8879) are unpacked: by zlib, and by packages that are there."""

from __future__ import annotations

import importlib
import io
import zlib
from collections.abc import Callable, Mapping
from typing import Any, Final

from analyzer.errors import MissingPackageError
from analyzer.tls.registry.code_points import CertificateCompression

# Of a decoder's window: messages are no longer than 16 MiB (RFC 8446 section 4), captured ones less.
_WINDOW_LOG: Final = 24


def unpack(algorithm: CertificateCompression, packed: bytes, most: int) -> bytes | None:
    """Unpack at most ``most`` bytes; None where the data is damaged, or longer than that.

    Raises:
        MissingPackageError: Nobody here knows the algorithm; its text names the package to install,
            and is empty where there is none.
    """
    engine = _ENGINES.get(algorithm)
    if engine is None:
        raise MissingPackageError
    return engine(packed, most)


def _zlib(packed: bytes, most: int) -> bytes | None:
    engine = zlib.decompressobj()
    try:
        message = engine.decompress(packed, most + 1)
    except zlib.error:
        return None
    return message if engine.eof and len(message) <= most else None


def _brotli(packed: bytes, most: int) -> bytes | None:
    brotli = _package("brotli")
    engine = brotli.Decompressor()
    try:
        message: bytes = engine.process(packed, output_buffer_limit=most + 1)
    except brotli.error:
        return None
    except TypeError as error:  # before 1.2 it knows no limit
        raise MissingPackageError("brotli>=1.2") from error
    return message if engine.is_finished() and len(message) <= most else None


def _zstd(packed: bytes, most: int) -> bytes | None:
    zstandard = _package("zstandard")
    engine = zstandard.ZstdDecompressor(max_window_size=1 << _WINDOW_LOG)
    try:
        message: bytes = engine.stream_reader(io.BytesIO(packed)).read(most + 1)
    except zstandard.ZstdError:
        return None
    return message if len(message) <= most else None


def _package(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingPackageError(name) from error


_ENGINES: Final[Mapping[CertificateCompression, Callable[[bytes, int], bytes | None]]] = {
    CertificateCompression.ZLIB: _zlib,
    CertificateCompression.BROTLI: _brotli,
    CertificateCompression.ZSTD: _zstd,
}
