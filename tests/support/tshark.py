"""What tshark sees of TLS in a capture, per stream: the other opinion for differential tests."""

from __future__ import annotations

import functools
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

_FIELDS = (
    "tcp.stream",
    "tcp.srcport",
    "tls.handshake.type",
    "tls.handshake.version",
    "tls.handshake.extensions.supported_version",
    "tls.handshake.session_id",
    "tls.handshake.ciphersuite",
    "tls.handshake.cipherspec",  # SSL 2.0
    "tls.handshake.extension.type",
    "tls.handshake.extensions_server_name",
    "tls.handshake.extensions_supported_group",
    "tls.handshake.sig_hash_alg",
    "tls.handshake.extensions_alpn_str",
    "tls.handshake.certificate",
    "x509af.serialNumber",
    "tls.alert_message.level",
    "tls.alert_message.desc",
)
_CLIENT_HELLO, _SERVER_HELLO = 1, 2


@dataclass(frozen=True)
class Hello:
    """A hello as tshark lists it; lists in the order sent, GREASE included."""

    versions: tuple[int, ...]
    session_id: str
    cipher_suites: tuple[int, ...]
    extensions: tuple[int, ...]
    sni: str | None
    groups: tuple[int, ...]
    signature_algorithms: tuple[int, ...]  # of all extensions that list schemes
    alpn: tuple[str, ...]


@dataclass
class Spoken:
    """What one side of a stream said."""

    types: list[int] = field(default_factory=list)  # of handshake messages, in order
    alerts: list[tuple[int, int]] = field(default_factory=list)  # (level, description)
    offers: list[Hello] = field(default_factory=list)
    choices: list[Hello] = field(default_factory=list)
    certificates: list[bytes] = field(default_factory=list)  # DER, of all messages
    serials: list[int] = field(default_factory=list)  # certificates', then those in staples


Seen = dict[int, Spoken]  # by the sender's port


@functools.cache
def tls_streams(capture: Path) -> dict[int, Seen]:
    """Run tshark over a capture, unasked and without keys; skip the test where there is none."""
    if shutil.which("tshark") is None:
        pytest.skip("tshark is not installed")
    command = ["tshark", "-n", "-r", str(capture), "-o", "tcp.reassemble_out_of_order:TRUE"]
    command += ["-o", "tls.keylog_file:", "-Y", "tls and tcp", "-T", "fields", "-E", "separator=/t"]
    command += ["-E", "occurrence=a"]
    for name in _FIELDS:
        command += ["-e", name]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return read_rows(done.stdout.splitlines())


def read_rows(lines: Sequence[str]) -> dict[int, Seen]:
    """Read a line of cells for each packet with TLS in it."""
    streams: dict[int, Seen] = {}
    for line in lines:
        cells = dict(zip(_FIELDS, line.split("\t"), strict=False))
        if not cells["tcp.stream"]:
            continue
        seen = streams.setdefault(_numbers(cells["tcp.stream"])[0], {})
        sender = _numbers(cells["tcp.srcport"])[-1]
        _add(seen.setdefault(sender, Spoken()), cells)
    return streams


def _add(spoken: Spoken, cells: dict[str, str]) -> None:
    types = _numbers(cells["tls.handshake.type"])
    spoken.types += types
    levels, texts = cells["tls.alert_message.level"], cells["tls.alert_message.desc"]
    spoken.alerts += zip(_numbers(levels), _numbers(texts), strict=False)
    spoken.certificates += map(bytes.fromhex, _texts(cells["tls.handshake.certificate"]))
    spoken.serials += (int(text, 16) for text in _texts(cells["x509af.serialNumber"]))
    if types.count(_CLIENT_HELLO) == 1 and _SERVER_HELLO not in types:
        spoken.offers.append(_hello(cells))
    if types.count(_SERVER_HELLO) == 1 and _CLIENT_HELLO not in types:
        hello = _hello(cells)  # the schemes of a packet are those of messages behind ServerHello
        spoken.choices.append(replace(hello, signature_algorithms=(), groups=(), sni=None))


def _hello(cells: dict[str, str]) -> Hello:
    """The hello of a packet."""
    supported = _numbers(cells["tls.handshake.extensions.supported_version"])
    return Hello(
        versions=tuple(supported or _numbers(cells["tls.handshake.version"])[:1]),
        session_id=next(iter(_texts(cells["tls.handshake.session_id"])), ""),
        cipher_suites=tuple(
            _numbers(cells["tls.handshake.ciphersuite"] or cells["tls.handshake.cipherspec"])
        ),
        extensions=tuple(_numbers(cells["tls.handshake.extension.type"])),
        sni=next(iter(_texts(cells["tls.handshake.extensions_server_name"])), None),
        groups=tuple(_numbers(cells["tls.handshake.extensions_supported_group"])),
        signature_algorithms=tuple(_numbers(cells["tls.handshake.sig_hash_alg"])),
        alpn=tuple(_texts(cells["tls.handshake.extensions_alpn_str"])),
    )


def _texts(cell: str) -> Iterator[str]:
    return (text for text in cell.split(",") if text)


def _numbers(cell: str) -> list[int]:
    return [int(text, 0) for text in _texts(cell)]
