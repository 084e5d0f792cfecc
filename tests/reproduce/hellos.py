"""ClientHellos of real programs: those of recorded captures, and those that a command sends."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from analyzer.pipeline import Analysis
from analyzer.reproduce.shape import Shape, shape_of
from analyzer.tls.message.client_hello import ClientHello, decode_client_hello
from analyzer.tls.story import Story

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "sample_pcaps"
RECORDED = ROOT / "tests" / "bench" / "recorded"


def stories(*folders: Path) -> Iterator[Story]:
    """One story for each distinct shape of a ClientHello in these folders."""
    seen: set[Shape] = set()
    for folder in folders:
        for path in sorted([*folder.glob("*.pcap"), *folder.glob("*.pcapng")]):
            for judged in Analysis([path]).judged():
                if judged.story.offers and (shape := shape_of(judged.story.offers[0])) not in seen:
                    seen.add(shape)
                    yield judged.story


@cache
def recorded() -> tuple[Story, ...]:
    """Stories of every recorded client."""
    return tuple(stories(SAMPLES, RECORDED))


def sent_by(command: str, port_word: str = "PORT") -> ClientHello | None:
    """Run a command against a port of loopback that only listens, and read its ClientHello.

    ``PORT`` in the command stands for the port.
    """
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5)
        words = command.replace(port_word, str(server.getsockname()[1]))
        process = subprocess.Popen(
            ["sh", "-c", f"exec {words}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        try:
            connection, _ = server.accept()
            with connection:
                connection.settimeout(5)
                return _hello(connection)
        except TimeoutError:
            return None
        finally:
            process.kill()
            process.communicate()


def _hello(connection: socket.socket) -> ClientHello | None:
    data = b""
    while len(data) < 5 or len(data) < 5 + int.from_bytes(data[3:5], "big"):
        more = connection.recv(16_384)
        if not more:
            return None
        data += more
    return decode_client_hello(data[9:])[0]
