"""A gateway's log as values that a rule may see: one line, and the lines of one connection.

Lines are read and joined in :mod:`analyzer.datapower.log`. What a form of the log does not tell is
None; the text is kept as it was written, whatever its code.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Final

from analyzer.tls.objects import Leg


class Severity(enum.IntEnum):
    """The product's severities, in its spelling; the numbers are those of syslog (RFC 5424)."""

    EMERG = 0
    ALERT = 1
    CRITIC = 2
    ERROR = 3
    WARN = 4
    NOTICE = 5
    INFO = 6
    DEBUG = 7

    @property
    def label(self) -> str:
        """As in the log: ``critic``."""
        return self.name.lower()


SEVERITIES: Final = {severity.label: severity for severity in Severity}


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One entry of a log.

    ``time`` is ns since the epoch. Without ``zone_known`` it was written in some zone and is read as
    UTC; without ``year_known`` its year is 1972, which has all days. ``domain`` is None where the line
    names none: the product leaves it out for domain default, pasted fragments lose it.
    """

    text: str
    time: int | None = None
    zone_known: bool = False
    year_known: bool = True
    domain: str | None = None
    category: str | None = None  # ssl, crypto, mpgw …
    code: int | None = None
    severity: Severity | None = None
    kind: str | None = None  # the object's class as the log spells it: ssl-server
    name: str | None = None  # the object's name
    transaction: int | None = None
    global_transaction: str | None = None
    direction: str | None = None  # request, response, error
    client: str | None = None  # the address of the transaction's client
    file: str = ""
    number: int = 0  # the first line of the entry in its file, 1-based

    @property
    def code_text(self) -> str:
        """``0x8120002f``; empty where the line has none."""
        return "" if self.code is None else f"0x{self.code:08x}"

    @property
    def object_text(self) -> str:
        """The object as the log names it: ``ssl-server(front)``."""
        if self.kind is None:
            return ""
        return self.kind if self.name is None else f"{self.kind}({self.name})"

    @property
    def place(self) -> str:
        """Where the line stands: ``default-log:12``."""
        return f"{self.file}:{self.number}"


class Refuser(enum.Enum):
    """Whom the gateway's TLS library holds the failure to."""

    PEER = "peer"  # it sent the alert that the gateway read
    GATEWAY = "gateway"  # it refused by itself
    NOBODY = "nobody"  # the connection broke: a companion of whatever happened


@dataclass(frozen=True, slots=True)
class Reason:
    """One entry of OpenSSL's error queue, as a line quotes it.

    OpenSSL up to 1.1.1 packs library, function and reason in 8, 12 and 12 bits, 3.x library and reason
    in 9 and 23 (the flags of a system error left out). A reason of 1000 or more is an alert that the
    peer sent: the alert's number plus 1000.
    """

    packed: int
    library: int
    function: int | None  # a number up to 1.1.1; 3.x has none
    reason: int
    function_name: str
    text: str  # "no shared cipher", in the library's words
    alert: int | None
    refuser: Refuser


@dataclass(frozen=True, slots=True)
class LogView:
    """The lines of a log that belong to one connection, and how that is known.

    ``state`` are earlier lines that say how the objects were before, latest first; ``contradictions``
    are sentences on what lines and packets cannot both be right about. Lines that contradict the wire
    are kept, and nothing is concluded from them.
    """

    lines: tuple[LogLine, ...]
    found_by: str
    leg: Leg | None = None
    domain: str | None = None
    transaction: int | None = None
    offset_ns: int = 0  # the log's clock less the capture's
    state: tuple[LogLine, ...] = ()
    contradictions: tuple[str, ...] = field(default=())
