"""What can go wrong, split by whose fault it is.

* :class:`CaptureError`: the *file* cannot be analysed. Raised, shown to the user in one line, exit
  status 2.
* :class:`Defect`: a *peer or the capture* produced bytes that do not decode. Never raised past a
  decoder: it is a value kept beside what could be decoded, so that a rule can report it.
* :class:`UsageError`: the *command line* asks for what cannot be done. As above.
* Anything else is *our* bug. The engine turns it into a finding of that one connection and goes on.
"""

from __future__ import annotations

import enum
import functools
from dataclasses import dataclass
from typing import Any


class CaptureError(Exception):
    """The input cannot be analysed: what is wrong, where, and what to do about it.

    ``offset`` counts bytes from the start of the (decompressed) file; None where no place in the
    file is to blame, as with a file that is missing.
    """

    def __init__(self, problem: str, *, path: str, hint: str, offset: int | None = None) -> None:
        where = "" if offset is None else f" at byte {offset}"
        self.complaint = f"{problem}{where}; {hint}"  # where the path is told beside it
        super().__init__(f"{path}: {self.complaint}")
        self.problem = problem
        self.path = path
        self.offset = offset
        self.hint = hint

    def __reduce__(self) -> tuple[Any, ...]:
        """Let it be raised again in another process."""
        again = functools.partial(CaptureError, path=self.path, hint=self.hint, offset=self.offset)
        return again, (self.problem,)


class UsageError(Exception):
    """The command line cannot be used; the text says what is wrong and what to do."""


def no_such_stream(path: str, stream: int, count: int) -> UsageError:
    """The complaint that a capture of so many connections does not have one of this number."""
    has = {0: "it has none", 1: "it has only 0"}.get(count, f"it has 0 to {count - 1}")
    return UsageError(f"{path}: no TCP stream {stream} ({has}); use Wireshark's tcp.stream number")


class DefectKind(enum.Enum):
    """Why bytes could not be decoded. Only the last three accuse the peer."""

    MISSING = "missing"  # lost from the capture: gap, snap length, end of file
    OVERRUN = "overrun"  # a length field points past its container
    TRAILING = "trailing"  # bytes left over inside a container
    OUT_OF_RANGE = "out-of-range"  # a length or value that the RFC forbids


@dataclass(frozen=True, slots=True)
class Defect:
    """One decoding problem, located well enough to find it in Wireshark.

    ``offset`` counts bytes from the start of what was decoded (a handshake message's body, a
    record); ``field`` is the path in the RFC's presentation language, as in
    ``client_hello.extensions.server_name.host_name``.
    """

    kind: DefectKind
    field: str
    offset: int
    detail: str


class DecodeError(Exception):
    """Carries a :class:`Defect` up to the nearest decoder boundary."""

    def __init__(self, defect: Defect) -> None:
        super().__init__(f"{defect.field} @ {defect.offset}: {defect.detail}")
        self.defect = defect


class MissingPackageError(Exception):
    """Something was recognised that only a package reads which is not there; its text names it."""
