"""How far the records of one side are counted: their numbers are part of what protects them."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import Final

from analyzer.tls.decryption.record_protection import Protection
from analyzer.tls.record.records import HEADER, Record

_GAP: Final = 64  # records that a gap may have swallowed
_DOUBT_MOST: Final = 64


@dataclass(slots=True, repr=False)
class ProtectedSide:
    """The protection of what one side sends, and how far its records are counted."""

    protection: Protection | None = None
    number: int = 0  # of the next record under this protection
    doubt: int = 0  # how many records more may have been sent than were seen
    expected: int = -1  # where in the stream the next record begins
    secrets: list[bytes] = field(default_factory=list)  # TLS 1.3: those still to come
    secret: bytes = b""  # TLS 1.3: the one in use
    inflater: zlib._Decompress | None = None
    switched: bool = False  # sent ChangeCipherSpec
    opened: int = 0
    failed: int = 0
    failing: list[Record] = field(default_factory=list)  # in a row
    damaged: list[Record] = field(default_factory=list)

    def change(self, protection: Protection | None) -> None:
        """Count anew under other keys."""
        self.protection, self.number, self.doubt = protection, 0, 0
        self.failing = []

    def took(self, number: int) -> None:
        """Count a record that was opened.

        Those before it that did not verify were changed if they, and no others, account for the
        numbers between: the keys fit, and the count did.
        """
        if number - self.number == len(self.failing):
            self.damaged += self.failing
        self.number, self.doubt, self.failing = number + 1, 0, []
        self.opened += 1

    def refused(self, record: Record, *, counted: bool = True) -> None:
        """Count a record that was not opened, and take it for one of the sequence or not."""
        self.failed += 1
        if counted:
            self.doubt = min(self.doubt + 1, _DOUBT_MOST)
            self.failing.append(record)

    def meet(self, record: Record) -> None:
        """Doubt the count where bytes before a record were not captured."""
        if record.offset != self.expected >= 0:
            self.doubt = min(self.doubt + _GAP, _DOUBT_MOST)
        self.expected = record.offset + HEADER + record.length

    @property
    def numbers(self) -> range:
        """The numbers that the next record can have."""
        return range(self.number, self.number + self.doubt + 1)
