"""What tshark sees of TLS in a capture, per stream: the other opinion for differential tests."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

_FIELDS = (
    "tcp.stream",
    "tls.handshake.type",
    "tls.handshake.version",
    "tls.handshake.extensions.supported_version",
    "tls.handshake.ciphersuite",
    "tls.handshake.extensions_server_name",
    "tls.handshake.extensions_alpn_str",
    "tls.alert_message.level",
    "tls.alert_message.desc",
)
_CLIENT_HELLO, _SERVER_HELLO = "1", "2"


@dataclass
class Seen:
    """One stream with TLS, as tshark dissects it unasked and without keys."""

    alerts: list[tuple[int, int]] = field(default_factory=list)  # (level, description)
    version: int | None = None  # chosen
    cipher_suite: int | None = None  # chosen
    sni: str | None = None
    alpn: str | None = None  # chosen, where in clear
    handshake_types: list[int] = field(default_factory=list)


def tls_streams(capture: Path) -> dict[int, Seen]:
    """Run tshark over a capture; skip the calling test where there is none."""
    if shutil.which("tshark") is None:
        pytest.skip("tshark is not installed")
    command = ["tshark", "-n", "-r", str(capture), "-o", "tcp.reassemble_out_of_order:TRUE"]
    command += ["-o", "tls.keylog_file:", "-Y", "tls and tcp", "-T", "fields", "-E", "separator=/t"]
    command += ["-E", "occurrence=a"]
    for name in _FIELDS:
        command += ["-e", name]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    streams: dict[int, Seen] = {}
    for line in done.stdout.splitlines():
        cells = (line.split("\t") + [""] * len(_FIELDS))[: len(_FIELDS)]
        if cells[0]:
            _add(streams.setdefault(int(cells[0].split(",")[0]), Seen()), *cells[1:])
    return streams


def _add(
    seen: Seen,
    types: str,
    versions: str,
    supported: str,
    suites: str,
    names: str,
    alpn: str,
    levels: str,
    descriptions: str,
) -> None:
    kinds = [kind for kind in types.split(",") if kind]
    seen.handshake_types += [int(kind) for kind in kinds]
    if _CLIENT_HELLO in kinds and names and seen.sni is None:
        seen.sni = names.split(",", maxsplit=1)[0]
    if _SERVER_HELLO in kinds and versions and _CLIENT_HELLO not in kinds:
        seen.version = int((supported or versions).split(",")[0], 16)
        seen.cipher_suite = int(suites.split(",", maxsplit=1)[0], 16) if suites else None
        seen.alpn = alpn.split(",", maxsplit=1)[0] or None
    pairs = zip(
        filter(None, levels.split(",")), filter(None, descriptions.split(",")), strict=False
    )
    seen.alerts += [(int(level), int(description)) for level, description in pairs]
