"""Error reports: a MIME message whose parts are logs, configuration and a capture (RFC 2046).

The parts are mostly base64. One at a time is held, each within a limit; what is cut off or damaged is
decoded as far as it goes.
"""

from __future__ import annotations

import binascii
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from analyzer.limits import DEFAULT, Limits

_MULTIPART: Final = re.compile(rb"(?im)^content-type:\s*multipart/")
_PART: Final = re.compile(rb"(?im)^--\S{1,200}\r?\n(?:content-|mime-)")
_BOUNDARY: Final = re.compile(r'boundary="?([^";\s]{1,200})', re.IGNORECASE)
_NAME: Final = re.compile(r'(?:file)?name="?([^";]{1,200})', re.IGNORECASE)
_HEADERS_MOST: Final = 100
_GZIP: Final = b"\x1f\x8b"


def is_error_report(head: bytes) -> bool:
    """Whether a file begins as a MIME message of several parts."""
    return bool(_MULTIPART.search(head) or _PART.search(head))


@dataclass(frozen=True, slots=True)
class Section:
    """One decoded part. ``cut`` says that a limit left some of it out."""

    name: str
    data: bytes = field(repr=False)
    cut: bool = False


def read_sections(lines: Iterable[bytes], limits: Limits = DEFAULT) -> Iterator[Section]:
    """Give the parts of a message from its lines; parts within parts are given in their order."""
    reader = _Reader(limits)
    for count, part in enumerate(reader.parts(lines)):
        if count >= limits.log_members:
            return
        if part.size:
            yield part.section(limits)


@dataclass(slots=True)
class _Part:
    """A part while it is read."""

    headers: dict[str, str] = field(default_factory=dict)
    lines: list[bytes] = field(default_factory=list)
    size: int = 0
    cut: bool = False

    @property
    def name(self) -> str:
        """What the part is called: its Content-ID without the host, or its file name."""
        id_ = self.headers.get("content-id", "").strip("<> ")
        if id_:
            return id_.removesuffix("@datapower.ibm.com")
        told = self.headers.get("content-disposition", "") + self.headers.get("content-type", "")
        found = _NAME.search(told)
        return found[1].strip() if found else "section"

    def add(self, line: bytes, limits: Limits) -> None:
        """Keep a line of the body, within the limit."""
        if self.size + len(line) > limits.log_section_bytes:
            self.cut = True
            return
        self.lines.append(line)
        self.size += len(line)

    def section(self, limits: Limits) -> Section:
        """Decode the body."""
        data = b"".join(self.lines)
        encoding = self.headers.get("content-transfer-encoding", "").strip().lower()
        if encoding == "base64":
            data = _base64(data)
        elif encoding == "quoted-printable":
            data = binascii.a2b_qp(data)
        cut = self.cut
        if data.startswith(_GZIP):
            data, more = _gunzip(data, limits.log_section_bytes)
            cut = cut or more
        return Section(self.name, data, cut)


class _Reader:
    """Splits lines into parts."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._boundaries: list[bytes] = []
        self._part = _Part()
        self._in_headers = True
        self._last = ""  # the header that a folded line goes on with

    def parts(self, lines: Iterable[bytes]) -> Iterator[_Part]:
        """Give the parts that have a body."""
        for line in lines:
            if line.startswith(b"--") and self._is_boundary(line.rstrip()):
                yield self._part
                self._part, self._in_headers, self._last = _Part(), True, ""
            elif self._in_headers:
                self._header(line)
            else:
                self._part.add(line, self._limits)
        yield self._part

    def _is_boundary(self, line: bytes) -> bool:
        """Whether a line ends a part; without a header that tells, the first such line does."""
        if not self._boundaries and self._in_headers and not self._part.headers and line != b"--":
            self._boundaries.append(line)
        return line in self._boundaries or line.removesuffix(b"--") in self._boundaries

    def _header(self, line: bytes) -> None:
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        headers = self._part.headers
        if not text.strip():
            self._in_headers = False
            self._enter(headers.get("content-type", ""))
        elif text[0].isspace() and self._last:
            headers[self._last] += " " + text.strip()[:1_000]
        elif len(headers) < _HEADERS_MOST:
            name, _, value = text.partition(":")
            self._last = name.strip().lower()[:100]
            headers[self._last] = value.strip()[:1_000]

    def _enter(self, kind: str) -> None:
        found = _BOUNDARY.search(kind)
        if found and kind.lower().startswith("multipart/") and len(self._boundaries) < 8:
            self._boundaries.append(b"--" + found[1].encode())


def _base64(data: bytes) -> bytes:
    """Decode as far as it goes: a part that was cut ends in the middle of a group."""
    clean = re.sub(rb"[^A-Za-z0-9+/]", b"", data)
    clean = clean[: len(clean) - (1 if len(clean) % 4 == 1 else 0)]
    return binascii.a2b_base64(clean + b"=" * (-len(clean) % 4))


def _gunzip(data: bytes, most: int) -> tuple[bytes, bool]:
    """Unpack within a limit; whether that left something out."""
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        found = unpacker.decompress(data, most)
    except zlib.error:
        return data, False
    return found, bool(unpacker.unconsumed_tail)
