"""What known messages are about, by their code; by their text where firmware writes no code.

The product's full catalogue is not public: a message that the table lacks keeps its text, and counts
by its category.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from typing import Final

from analyzer.datapower.export.schema import COMMANDS
from analyzer.tls.loglines import LogLine, Severity


class Kind(enum.Enum):
    """What a message is evidence of."""

    __hash__ = object.__hash__  # members are single; the default hashes their names each time

    LIBRARY = "library"  # an entry of OpenSSL's error queue: the primary evidence
    COMPANION = "companion"  # follows every failed handshake, whatever its reason
    INVALID = "invalid"  # a certificate failed its validation credential; says why
    VALID = "valid"  # a certificate passed
    FRONT = "front"  # a client's handshake failed
    BACK = "back"  # a connection to a server failed, in TCP or in TLS
    SPOKE_PLAIN = "spoke plain"  # the answer of a server could not be read as HTTP
    ENDED = "ended"  # a connection ended; names both addresses and ports
    ENDED_TLS = "ended tls"  # the same, with a layer of TLS
    DOWN = "down"  # an object or a listener is not up
    UP = "up"
    HARDWARE = "hardware"  # the crypto engine is at fault
    SHUTDOWN = "shutdown"  # after the handshake: the close of TLS
    OTHER = "other"


_TABLE: Final = """
0x8120002f library     SSL library error
0x81200025 companion   SSL peer did not send a certificate
0x81200026 invalid     SSL handshake certificate validation error
0x8060010a invalid     certificate validation failed for
0x8060010b valid       certificate validation succeeded for
0x80e00130 front       could not establish SSL for incoming connection
0x80e00161 front       -
0x80e00126 back        Valid backside connection could not be established
0x80e00127 back        Network Error on Back interface
0x01130006 back        Failed to establish a backside connection
0x01130007 back        Failed to establish backend connection
0x01130009 back        -
0x0113001e back        -
0x00c3000f back        -
0x00030004 back        -
0x01130011 spoke+plain Failed to process response headers
0x80e00531 ended       Starting termination of connection
0x80e0052e ended+tls   Starting SSL termination of connection
0x80e00116 down        Cannot be started. Already used by another gateway
0x80e00386 down        Request to activate gateway on
0x00330091 down        A SSL proxy profile is not configured correctly
0x00330061 down        A dependent object could not be found
0x00330019 down        Operation state transition to up failed
0x00350015 down        Operational state down
0x00b30002 down        Failed to install on port
0x00350014 up          Operational state up
0x00350016 up          Service installed on port
0x8060010d hardware    crypto accelerator not detected
0x8060016b hardware    Runtime error detected in crypto engine
0x806000c6 shutdown    shutdown error, no read/write info
"""
_ROWS: Final = [line.split(maxsplit=2) for line in _TABLE.strip().splitlines()]
_BY_CODE: Final[Mapping[int, Kind]] = {
    int(code, 16): Kind(kind.replace("+", " ")) for code, kind, _ in _ROWS
}
_BY_TEXT: Final[Mapping[str, Kind]] = {
    text: Kind(kind.replace("+", " ")) for _, kind, text in _ROWS if text != "-"
}

# Companions in error strings, where the error itself is on another line of the transaction.
_TLS_CATEGORIES: Final = frozenset({"ssl", "crypto"})
_CLASSES: Final = frozenset({"ssl-server", "ssl-client", "ssl-sni-server", "valcred", "sslproxy"})


def kind_of(line: LogLine) -> Kind:
    """What a line is evidence of; its text decides where it has no code, or one of several uses."""
    if line.code is not None and line.code in _BY_CODE:
        kind = _BY_CODE[line.code]
        if kind not in {Kind.UP, Kind.DOWN}:
            return kind
        return _of_text(line.text, kind)
    return _of_text(line.text, Kind.OTHER)


def _of_text(text: str, otherwise: Kind) -> Kind:
    return next((kind for said, kind in _BY_TEXT.items() if said in text), otherwise)


def says_something(line: LogLine) -> bool:
    """Whether an entry can say something of TLS, or of what keeps an object down."""
    if line.code in _BY_CODE or line.category in _TLS_CATEGORIES or line.kind in _CLASSES:
        return True
    return line.severity is not None and line.severity <= Severity.ERROR


def label_of(line: LogLine) -> str | None:
    """The object of a line as an operator looks it up: ``SSLServerProfile front``.

    A class that no command is known for keeps the log's own name.
    """
    if line.kind is None or line.name is None:
        return None
    return f"{class_of(line)} {line.name}"


def class_of(line: LogLine) -> str:
    """The class of a line's object as exports name it."""
    spec = COMMANDS.get(line.kind or "")
    return spec.name if spec is not None else (line.kind or "")


_ENDS: Final = re.compile(
    r"connection \[?(?P<a>[0-9A-Fa-f:.]{2,45})\]?:(?P<ap>\d{1,5}) "
    r"\[?(?P<b>[0-9A-Fa-f:.]{2,45})\]?:(?P<bp>\d{1,5})(?!\d)"
)
_CREDENTIAL: Final = re.compile(
    r"with validation credentials? (?P<name>[^\s:]{1,128}): ?(?P<why>.{0,200})"
)
_AGAINST: Final = re.compile(
    r"certificate validation (?:failed|succeeded) for '(?P<who>[^']{0,1000})' "
    r"against '(?P<name>[^']{1,128})'(?:: ?(?P<why>.{0,200}))?"
)
_URL: Final = re.compile(
    r"url: (?P<scheme>https?|\w{2,20})://\[?(?P<host>[A-Za-z0-9._:-]{1,253}?)\]?(?::(?P<port>\d{1,5}))?(?:[/\s]|\Z)"
)
_ACTIVATE: Final = re.compile(
    r"activate gateway on \[?(?P<host>[0-9A-Fa-f:.]{2,45})\]?:(?P<port>\d{1,5})\b"
)


def ends_of(line: LogLine) -> tuple[tuple[str, int], tuple[str, int]] | None:
    """Both ends of a connection that a line names, the client first."""
    found = _ENDS.search(line.text)
    return ((found["a"], int(found["ap"])), (found["b"], int(found["bp"]))) if found else None


def verdict_of(line: LogLine) -> tuple[str, str, str] | None:
    """The validation credential, the reason and the certificate's subject (else '') of a line."""
    if (found := _AGAINST.search(line.text)) is not None:
        return found["name"], (found["why"] or "").strip(), found["who"]
    found = _CREDENTIAL.search(line.text)
    return (found["name"], found["why"].strip(), "") if found is not None else None


def target_of(line: LogLine) -> tuple[str, str, int | None] | None:
    """Scheme, host and port of the server that a line names."""
    found = _URL.search(line.text)
    if found is None:
        return None
    port = int(found["port"]) if found["port"] else {"https": 443, "http": 80}.get(found["scheme"])
    return found["scheme"], found["host"], port


def listener_of(line: LogLine) -> tuple[str, int] | None:
    """Address and port that a line says could not be had."""
    found = _ACTIVATE.search(line.text)
    return (found["host"], int(found["port"])) if found is not None else None
