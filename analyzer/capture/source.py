"""Open captures: a file, a pipe, standard input or any binary stream, told by its first bytes."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from io import UnsupportedOperation
from pathlib import Path
from typing import Any

from analyzer.capture import pcap, pcapng, snoop
from analyzer.capture.block import PacketBlock, Place, SegmentBlock
from analyzer.capture.dissect import Dissector
from analyzer.capture.duplicates import Copies
from analyzer.capture.facts import CaptureFacts, DecryptionSecrets, Notes
from analyzer.capture.following import Followed
from analyzer.capture.foreign import recognise
from analyzer.capture.members import Member, Source
from analyzer.capture.unpack import LAYERS_MOST, UNPACK_ERRORS, Peeked, UnpackingMemoryError, unpack
from analyzer.capture.window import PAUSE_S, Window, more_is_there
from analyzer.errors import CaptureError, MissingPackageError
from analyzer.limits import DEFAULT, Limits

_MAGIC = 4
_HEADER = 28  # bytes of the longest file header
_FOREIGN = 4096  # bytes by which other formats are told


def open_capture(
    source: Source,
    limits: Limits = DEFAULT,
    *,
    follow: bool = False,
) -> Capture:
    """Open a capture; ``-`` is standard input. ``follow``: it is still being written.

    Raises:
        CaptureError: There is no such file, it cannot be read, or it is not a capture.
    """
    path, stream, owned = _open(source)
    beside = source.beside if isinstance(source, Member) else ()
    try:
        return Capture(path, stream, limits, owned=owned, follow=follow, beside=beside)
    except BaseException:
        if owned:
            stream.close()
        raise


def size_of(source: Source) -> int:
    """The bytes of a capture that is a file; 0 for any other source, and where there is none."""
    if isinstance(source, Member):
        return source.size
    if not isinstance(source, (str, os.PathLike)):
        return 0
    try:
        status = Path(source).stat()
    except (OSError, ValueError):
        return 0
    return status.st_size if stat.S_ISREG(status.st_mode) else 0


class Capture:
    """One capture, read once from its beginning to its end.

    Iterate over either :meth:`blocks` or :meth:`segments`; what is known of the capture as a whole
    (:attr:`facts`, and each of them by its name) grows meanwhile.
    """

    def __init__(
        self,
        path: str,
        stream: Any,
        limits: Limits,
        *,
        owned: bool,
        follow: bool = False,
        beside: tuple[str, ...] = (),
    ) -> None:
        self.path = path
        self._limits = limits
        self._owned = stream if owned else None
        self._notes = Notes()
        self._notes.beside((), beside)
        self._secrets_given = 0
        self._dissector = Dissector(limits)
        self._copies = Copies()
        descriptor, self._size = _descriptor(stream)
        piped = self._size == 0 and descriptor >= 0
        self._followed: Followed | None = None
        if follow and descriptor >= 0:
            stream = self._followed = Followed(stream, descriptor, grows=not piped)
            self._size = 0
        self._raw = Peeked(stream)
        top, self.compression = self._unpack()
        self._plain = owned and self._size > 0 and not self.compression
        waits = _always
        if self._followed is not None:
            waits = partial(self._followed.ready, PAUSE_S)
        elif piped:
            waits = partial(more_is_there, descriptor)
        self._window = Window(top, limits.block_bytes, errors=UNPACK_ERRORS, waits=waits)
        self.format, self._blocks = self._recognise(top)

    def blocks(self) -> Iterator[PacketBlock]:
        """Give the packets, block by block; the last block's buffer is overwritten by the next.

        Raises:
            CaptureError: The file is damaged before its first packet.
        """
        try:
            yield from self._blocks
        finally:
            self.close()
        if self._notes.damage is not None and not self._notes.packets:
            raise CaptureError(
                "the capture is damaged before its first packet",
                path=self.path,
                hint="copy it again, in binary mode",
                offset=self._notes.damage,
            )

    def segments(self, *, copies: bool = False) -> Iterator[SegmentBlock]:
        """Give the TCP segments of each block of packets, in blocks that may be empty.

        Args:
            copies: Give segments that were captured twice as often as they were.

        Raises:
            CaptureError: As :meth:`blocks`.
        """
        for packets in self.blocks():
            block = self._dissector.segments(packets)
            if self._plain and block.buffer is self._window.buffer:
                block = replace(block, place=self._place())
            yield block if copies else self._once(block)

    def _place(self) -> Place:
        return Place(self.path, self._window.origin, self._window.filled)

    def _once(self, block: SegmentBlock) -> SegmentBlock:
        copies = self._copies.of(block)
        if not copies.any():
            return block
        self.note_copies(int(copies.sum()))
        return replace(block.rows(~copies), icmp_errors=block.icmp_errors)

    def new_secrets(self) -> tuple[DecryptionSecrets, ...]:
        """Give the secrets that the file has brought since this was asked last."""
        fresh = tuple(self._notes.secrets[self._secrets_given :])
        self._secrets_given += len(fresh)
        return fresh

    def note_copies(self, count: int) -> None:
        """Write down that so many segments were captured twice and given once."""
        self._notes.copies += count

    def ready(self, seconds: float) -> bool:
        """Wait until there is more to read, or the end of it; False if neither comes in time.

        What is not followed is always ready.
        """
        return self._followed is None or self._followed.ready(seconds)

    def close(self) -> None:
        """Close the file, if it was opened here. Reading to the end does so as well.

        What is known of the capture stays; there may be thousands, in a rotation or an archive.
        """
        self._window.release()
        if self._owned is not None:
            self._owned.close()

    @property
    def facts(self) -> CaptureFacts:
        """What is known so far."""
        notes, dissector = self._notes, self._dissector
        return CaptureFacts(
            path=self.path,
            format=self.format,
            compression=self.compression,
            link_types=notes.link_names(),
            packets=notes.packets,
            bytes=notes.bytes,
            first_packet=notes.first,
            last_packet=notes.last,
            snap_lengths=tuple(notes.snap_lengths),
            drops=sum(notes.drops.values()),
            secrets=tuple(notes.secrets),
            caveats=notes.sentences(
                dissector.unknown_links, dissector.incomplete, dissector.unread_errors
            ),
        )

    @property
    def progress(self) -> tuple[int, int]:
        """Bytes of the file taken so far, and its size; 0 where that is unknown, as of a pipe."""
        return self._raw.taken, self._size

    @property
    def frames(self) -> int:
        """The number of the last frame, as Wireshark counts."""
        return self._notes.frames

    @property
    def link_types(self) -> tuple[str, ...]:
        """Names such as EN10MB, in order of first appearance."""
        return self.facts.link_types

    @property
    def packets(self) -> int:
        """How many packets were read."""
        return self._notes.packets

    @property
    def bytes(self) -> int:
        """The sum of the packets' lengths on the wire."""
        return self._notes.bytes

    @property
    def first_packet(self) -> int | None:
        """The earliest time, ns since the epoch; None without packets that have one."""
        return self._notes.first

    @property
    def last_packet(self) -> int | None:
        """The latest time, ns since the epoch."""
        return self._notes.last

    @property
    def caveats(self) -> tuple[str, ...]:
        """What the capture hides, one sentence each."""
        return self.facts.caveats

    def _unpack(self) -> tuple[Peeked, str]:
        """Put decompressors over the stream, as many as it takes."""
        stream, names = self._raw, []
        try:
            for _ in range(LAYERS_MOST):
                stream, name = unpack(stream, self._limits.unpacking_bytes)
                if not name:
                    break
                names.append(name)
                if stream.contents is not None:
                    self._notes.beside(stream.contents.captures[1:], stream.contents.rest)
            stream.peek(1)
        except MissingPackageError as error:
            hint = f"'pip install {error}', or unpack it first"
            raise self._error(f"{error} is needed to unpack it", hint) from error
        except IsADirectoryError as error:
            raise self._error("is a directory", _ONE_FILE) from error
        except UnpackingMemoryError as error:
            raise self._error(str(error), "unpack it first, if you trust it") from error
        except UNPACK_ERRORS as error:
            raise self._error(f"cannot be read ({_why(error)})", _COPY_AGAIN) from error
        return stream, ", ".join(names)

    def _recognise(self, stream: Peeked) -> tuple[str, Iterator[PacketBlock]]:
        """Choose the reader by the first bytes."""
        # No more than needed: what comes slowly through a pipe is worth telling at once.
        head = stream.peek(_HEADER)
        window, notes, limits = self._window, self._notes, self._limits
        name, size = "", 0
        blocks: Iterator[PacketBlock] = iter(())
        if head[:_MAGIC] in pcap.VARIANTS:
            variant = pcap.VARIANTS[head[:_MAGIC]]
            name, size = "pcap", variant.file_header
            blocks = pcap.read_pcap(window, variant, notes, limits)
        elif head.startswith(pcapng.MAGIC):
            name, size = "pcapng", pcapng.SMALLEST
            blocks = pcapng.read_pcapng(window, notes, limits)
        elif head.startswith(snoop.MAGIC):
            name, size = "snoop", snoop.FILE_HEADER
            blocks = snoop.read_snoop(window, notes, limits)
        if not head:
            raise self._error("is empty", "capture again; the capturing program wrote nothing")
        if not name:
            found = recognise(stream.peek(_FOREIGN))
            named = "-" if self.path == _STANDARD_INPUT else self.path
            raise self._error(f"is {found.name}", found.hint.format(path=named))
        if len(head) < size:
            raise self._error(f"ends within its {name} header", _COPY_AGAIN, len(head))
        window.refill(0)
        return name, blocks

    def _error(self, problem: str, hint: str, offset: int | None = None) -> CaptureError:
        return CaptureError(problem, path=self.path, hint=hint, offset=offset)


def _always() -> bool:
    return True


_STANDARD_INPUT = "standard input"
_ONE_FILE = "name the capture files in it"
_COPY_AGAIN = "copy the file again, in binary mode"


def _open(source: Source) -> tuple[str, Any, bool]:
    """Give a name for messages, the stream, and whether it is ours to close."""
    if isinstance(source, Member):
        return source.path, source.open(), True
    if not isinstance(source, (str, os.PathLike)):
        return str(getattr(source, "name", "<stream>")), source, False
    path = os.fspath(source)
    if path == "-":
        buffer = sys.stdin.buffer
        return _STANDARD_INPUT, getattr(buffer, "raw", buffer), False
    try:
        return path, Path(path).open("rb", buffering=0), True
    except IsADirectoryError as error:
        raise CaptureError("is a directory", path=path, hint=_ONE_FILE) from error
    except (OSError, ValueError) as error:
        hint = "check the path and who may read it"
        problem = f"cannot be opened ({_why(error)})"
        raise CaptureError(problem, path=path, hint=hint) from error


def _descriptor(stream: Any) -> tuple[int, int]:
    """Give a stream's file descriptor (-1 without) and its size (0 if it is no regular file)."""
    try:
        descriptor = stream.fileno()
        status = os.fstat(descriptor)
    except (AttributeError, OSError, UnsupportedOperation, ValueError):
        return -1, 0
    return descriptor, status.st_size if stat.S_ISREG(status.st_mode) else 0


def _why(error: Exception) -> str:
    """Say in words what an exception says, without paths and numbers."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return (text or type(error).__name__)[:1].lower() + (text or type(error).__name__)[1:]
