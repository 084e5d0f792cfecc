"""Decryption against tshark's, message by message, with the same keys."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from analyzer.capture.source import open_capture
from analyzer.keys import read_secrets
from analyzer.pipeline import Analysis
from analyzer.tls.registry.code_points import HandshakeType
from analyzer.tls.story import Story, Visibility
from tests.support.shared import shared

pytestmark = [pytest.mark.corpus, pytest.mark.peer, pytest.mark.slow]

RECORDED: Final = Path(__file__).parents[1] / "bench" / "recorded"
KEYED: Final = RECORDED.parent / "keyed"
SERVER_KEY: Final = KEYED / "server.pem"
_FIELDS: Final = (
    *("tcp.stream", "tls.handshake.type", "tls.alert_message.level", "tls.alert_message.desc"),
)


@dataclass
class Read:
    """What was read of one connection."""

    messages: list[int] = field(default_factory=list)  # handshake types, in order
    alerts: list[tuple[int, int]] = field(default_factory=list)


def theirs(capture: Path, key_log: Path | None) -> dict[int, Read]:
    """What tshark reads. The server's key opens its part of the bench's captures."""
    command = ["tshark", "-n", "-r", str(capture), "-o", "tcp.reassemble_out_of_order:TRUE"]
    command += ["-o", f"tls.keylog_file:{key_log or ''}", "-Y", "tls and tcp"]
    if capture.parent == KEYED and key_log is None:
        command += ["-o", f'uat:rsa_keys:"{SERVER_KEY}",""']
    command += ["-T", "fields", "-E", "occurrence=a"]
    for name in _FIELDS:
        command += ["-e", name]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    found: dict[int, Read] = {}
    for line in done.stdout.splitlines():
        stream, types, levels, descriptions = (line.split("\t") + [""] * 4)[:4]
        if not stream:
            continue
        read = found.setdefault(int(stream.split(",")[0]), Read())
        read.messages += _numbers(types)
        read.alerts += zip(_numbers(levels), _numbers(descriptions), strict=False)
    return found


def _numbers(cell: str) -> list[int]:
    return [int(number) for number in cell.split(",") if number]


def ours(capture: Path, key_log: Path | None) -> dict[int, Read]:
    """What we read."""
    private = [SERVER_KEY] if capture.parent == KEYED and key_log is None else []
    secrets = read_secrets([key_log] if key_log else [], private)
    judged = Analysis([capture], secrets=secrets).judged()
    return {one.story.stream: _of(one.story) for one in judged if one.story.is_tls}


def _of(story: Story) -> Read:
    read = Read()
    for message in story.messages:
        if message.visibility is not Visibility.INFERRED and message.name.upper() in _TYPES:
            read.messages.append(_TYPES[message.name.upper()])
    for alert in story.alerts:
        if alert.level is not None and alert.description is not None:
            read.alerts.append((int(alert.level), int(alert.description)))
    return read


# A HelloRetryRequest is a ServerHello by its number.
_TYPES: Final[Mapping[str, int]] = {
    **HandshakeType.__members__,
    "HELLO_RETRY_REQUEST": HandshakeType.SERVER_HELLO,
}


def differences(capture: Path, key_log: Path | None) -> list[str]:
    """Where the two disagree about a capture."""
    mine, other = ours(capture, key_log), theirs(capture, key_log)
    return [
        f"{capture.name} stream {stream}: {mine.get(stream)} but tshark {read}"
        for stream, read in other.items()
        if (read.messages or read.alerts) and mine.get(stream) != read
    ]


# Captures, by the beginning of their names, that tshark reads less or more of, and why.
KNOWN: Final[Mapping[str, str]] = {
    "tampered-": "behind a record that was changed on its way tshark decrypts nothing",
    "mtu-black-hole-python-nginx-tls12": "tshark counts the alerts of retransmitted segments again",
}


def _is_known(difference: str) -> bool:
    return difference.startswith(tuple(KNOWN))


def with_keys() -> Iterator[tuple[Path, Path | None]]:
    """The bench's captures with their key logs; where there is none, the server's key opens them."""
    for key_log in sorted(RECORDED.glob("*.keys")):
        yield key_log.with_suffix(".pcap"), key_log
    for capture in sorted(KEYED.glob("*.pcap")):
        key_log = capture.with_suffix(".keys")
        yield capture, key_log if key_log.exists() else None
        if capture.name.startswith("rsa-"):
            yield capture, None


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
def test_the_recorded_failures_are_decrypted_as_tshark_does() -> None:
    with ThreadPoolExecutor(2) as pool:
        found = [text for some in pool.map(_of_pair, with_keys()) for text in some]

    assert [text for text in found if not _is_known(text)] == []


def _of_pair(pair: tuple[Path, Path | None]) -> list[str]:
    return differences(*pair)


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
def test_captures_that_bring_their_keys_are_decrypted_as_tshark_does() -> None:
    captures = sorted(shared("corpus/tls").glob("*.pcapng"))
    bringing = [path for path in captures if _brings_secrets(path)]

    assert len(bringing) >= 2
    assert [text for path in bringing for text in differences(path, None)] == []


def _brings_secrets(path: Path) -> bool:
    capture = open_capture(path)
    for _ in capture.blocks():
        pass
    return bool(capture.facts.secrets)
