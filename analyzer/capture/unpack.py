"""Compressed captures, told by their magic; members of zip archives."""

from __future__ import annotations

import bz2
import gzip
import importlib
import io
import lzma
import shutil
import weakref
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import IO, Any

from analyzer.errors import MissingPackageError
from analyzer.limits import DEFAULT

_MAGIC = 8
_STEP = 1 << 18  # bytes unpacked at a time
LAYERS_MOST = 3  # compressed within compressed
ARCHIVE = b"PK\x03\x04"
_CAPTURES = (  # what a member of an archive begins with that is a capture
    *(b"\n\r\r\n", b"snoop\0"),
    *(b"\xa1\xb2", b"\xd4\xc3", b"\x4d\x3c", b"\x34\xcd"),
)
_RESOURCE_FORK = "__MACOSX/"  # what macOS packs beside every file

# What decompressors raise on damaged or cut data.
UNPACK_ERRORS: tuple[type[Exception], ...] = (
    OSError,
    EOFError,
    RuntimeError,  # lz4, and encrypted members of a zip archive
    ValueError,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
)
WILL_NOT_UNPACK: tuple[type[Exception], ...] = (*UNPACK_ERRORS, MissingPackageError)


class UnpackingMemoryError(RuntimeError):
    """Unpacking asks for more memory than a capture is given."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"unpacking it takes more than {limit >> 20} MiB of memory")


class Peeked(io.RawIOBase):
    """A stream whose first bytes can be looked at before it is read, though it cannot seek.

    ``taken`` counts the bytes that readers took, for progress. ``contents`` are those of the
    archive whose first capture this is.
    """

    def __init__(
        self, stream: Any, *, unpacked: bool = False, contents: Contents | None = None
    ) -> None:
        super().__init__()
        self.below = stream
        self.contents = contents
        self._unpacked = unpacked
        self._head = b""
        self._error: Exception | None = None  # met behind the head; raised once that is read
        self.taken = 0

    def peek(self, size: int) -> bytes:
        """Look at the first bytes; fewer only where the stream is shorter, or damaged there."""
        while len(self._head) < size and self._error is None:
            room = bytearray(size - len(self._head))
            try:
                count = _read_into(self.below, memoryview(room))
            except UNPACK_ERRORS as error:
                if not self._head:
                    raise
                self._error = error
                break
            if not count:
                break
            self._head += room[:count]
        return self._head[:size]

    def rewind(self) -> bool:
        """Go back to the first byte, if what is below can.

        Decompressors say that they can, but not over what cannot itself.
        """
        seekable = getattr(self.below, "seekable", None)
        if self._unpacked or seekable is None or not seekable():
            return False
        self.below.seek(0)
        self._head = b""
        return True

    def readable(self) -> bool:
        """Say what the ``io`` classes ask."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what is there, at most the size of *buffer*; 0 at the end."""
        view = memoryview(buffer)
        if self._head:
            count = min(len(view), len(self._head))
            view[:count] = self._head[:count]
            self._head = self._head[count:]
        elif self._error is not None:
            raise self._error
        else:
            count = _read_into(self.below, view)
        self.taken += count
        return count


def unpack(stream: Peeked, memory: int = DEFAULT.unpacking_bytes) -> tuple[Peeked, str]:
    """Put a decompressor over a stream if its magic asks for one; give its name, else ''.

    ``memory`` bounds what the decompressor may take, since a file says how much it needs, bytes.

    Raises:
        MissingPackageError: The format is known, but not to this Python.
    """
    head = stream.peek(_MAGIC)
    for magic, (name, opener) in _OPENERS.items():
        if head.startswith(magic):
            opened = opener(stream, memory)
            if isinstance(opened, Contents):
                return Peeked(opened.first(), unpacked=True, contents=opened), name
            return Peeked(opened, unpacked=True), name
    return stream, ""


@dataclass(frozen=True, slots=True)
class Contents:
    """The files of an archive: captures, and what is none."""

    archive: zipfile.ZipFile
    captures: tuple[str, ...]
    rest: tuple[str, ...]

    def first(self) -> IO[bytes]:
        """Open the first capture, else the first file: reading it says what it is."""
        return self.archive.open((self.captures or self.rest)[0])


def contents_of(stream: Peeked, memory: int) -> Contents:
    """Look into a zip archive.

    Its directory is at its end: one that comes through a pipe is kept in a temporary file.
    """
    if stream.rewind():
        archive = zipfile.ZipFile(stream.below)
    else:
        import tempfile  # noqa: PLC0415 - only for what is packed

        copy = tempfile.SpooledTemporaryFile(1 << 25)  # noqa: SIM115 - lives as long as the stream
        shutil.copyfileobj(stream, copy)
        archive = zipfile.ZipFile(copy)
        weakref.finalize(archive, copy.close)
    if any(member.compress_type == zipfile.ZIP_LZMA for member in archive.infolist()):
        raise UnpackingMemoryError(memory)  # a member says how much; zipfile gives it
    names = [name for name in archive.namelist() if not name.endswith("/")]
    files = [name for name in names if not name.startswith(_RESOURCE_FORK)] or names
    if not files:
        raise zipfile.BadZipFile("the archive has no members")
    captures = dict.fromkeys(name for name in files if _is_capture(archive, name, memory))
    rest = tuple(name for name in files if name not in captures)
    return Contents(archive, tuple(captures), rest)


def _is_capture(archive: zipfile.ZipFile, name: str, memory: int) -> bool:
    """Whether a member begins as captures do, unpacked; archives within are not looked into."""
    try:
        with archive.open(name) as member:
            stream = Peeked(member)
            for _ in range(LAYERS_MOST):
                if stream.peek(_MAGIC).startswith((*_CAPTURES, ARCHIVE)):
                    break
                stream, _ = unpack(stream, memory)
            return stream.peek(_MAGIC).startswith(_CAPTURES)
    except WILL_NOT_UNPACK:
        return False  # if it is the only one, opening it says why


def _read_into(stream: Any, view: memoryview) -> int:
    """Read once, from any binary stream.

    A decompressor gives what one step unpacked: a larger read would lose what comes before the
    place where the data is damaged.
    """
    if hasattr(stream, "readinto") and not hasattr(stream, "read1"):
        return stream.readinto(view) or 0
    read = getattr(stream, "read1", stream.read)
    data = read(min(len(view), _STEP))
    view[: len(data)] = data
    return len(data)


class _Xz(io.RawIOBase):
    """As :class:`lzma.LZMAFile`, which cannot be told how much memory it may take."""

    def __init__(self, stream: Peeked, memory: int) -> None:
        super().__init__()
        self._stream = stream
        self._memory = memory
        self._decompressor = lzma.LZMADecompressor(memlimit=memory)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)
        data = b""
        while not data:
            more = self._more()
            if more is None:
                return 0
            data = self._unpacked(more, len(view))
        view[: len(data)] = data
        return len(data)

    def _more(self) -> bytes | None:
        """Packed bytes that are wanted; None at the end. Streams may follow each other."""
        if self._decompressor.eof:
            rest = self._decompressor.unused_data
            while not (rest := rest.lstrip(b"\0")):  # zeros may stand between streams
                rest = self._stream.read(_STEP) or b""
                if not rest:
                    return None
            self._decompressor = lzma.LZMADecompressor(memlimit=self._memory)
            return rest
        if not self._decompressor.needs_input:
            return b""
        more = self._stream.read(_STEP)
        if not more:
            raise EOFError("the compressed data ends before its end marker")
        return more

    def _unpacked(self, more: bytes, most: int) -> bytes:
        try:
            return self._decompressor.decompress(more, most)
        except lzma.LZMAError as error:
            if "emory" in str(error):
                raise UnpackingMemoryError(self._memory) from error
            raise


class _Alike(io.RawIOBase):
    """A decompressor whose own kind of error becomes one that every reader knows."""

    def __init__(self, unpacked: Any, error: type[Exception]) -> None:
        super().__init__()
        self._unpacked = unpacked
        self._error = error

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)
        try:
            data = self._unpacked.read(min(len(view), _STEP))
        except self._error as error:
            raise OSError(str(error)) from error
        view[: len(data)] = data
        return len(data)


def _zstandard(stream: Peeked, memory: int) -> Any:
    for module in ("compression.zstd", "backports.zstd"):  # Python 3.14, and its backport
        try:
            zstd = importlib.import_module(module)
        except ImportError:
            continue
        window = {zstd.DecompressionParameter.window_log_max: memory.bit_length() - 1}
        return _Alike(zstd.ZstdFile(stream, options=window), zstd.ZstdError)
    try:
        zstandard = importlib.import_module("zstandard")
    except ImportError as error:
        raise MissingPackageError("zstandard") from error
    decompressor = zstandard.ZstdDecompressor(max_window_size=memory)
    reader = decompressor.stream_reader(stream, read_across_frames=True)
    return _Alike(reader, zstandard.ZstdError)


def _lz4(stream: Peeked, _: int) -> Any:
    try:
        return importlib.import_module("lz4.frame").LZ4FrameFile(stream)
    except ImportError as error:
        raise MissingPackageError("lz4") from error


_OPENERS: Mapping[bytes, tuple[str, Callable[[Peeked, int], Any]]] = {
    b"\x1f\x8b": ("gzip", lambda stream, _: gzip.GzipFile(fileobj=stream, mode="rb")),
    b"BZh": ("bzip2", lambda stream, _: bz2.BZ2File(stream)),
    b"\xfd7zXZ\0": ("xz", _Xz),
    b"\x28\xb5\x2f\xfd": ("zstd", _zstandard),
    b"\x04\x22\x4d\x18": ("lz4", _lz4),
    ARCHIVE: ("zip", contents_of),
}
