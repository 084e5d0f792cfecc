"""The words for people that stand for the words of the contract."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

STEP: Final[Mapping[str, str]] = {
    "tcp_connect": "while connecting",
    "client_hello": "at the ClientHello",
    "server_hello": "at the ServerHello",
    "server_certificate": "at the server's certificate",
    "key_exchange": "at the key exchange",
    "client_certificate": "at the client's certificate",
    "finished": "at the Finished messages",
    "post_handshake": "after the handshake",
    "none": "",
}
GAVE_UP: Final[Mapping[str, str]] = {
    "client": "the client",
    "server": "the server",
    "network": "the network",
    "none": "nobody",
}
SURE: Final[Mapping[str, str]] = {
    "seen": "seen: stated on the wire",
    "inferred": "inferred: follows from the wire by the protocol's rules",
    "suspected": "suspected: the best of several explanations",
}
CHANGE: Final[Mapping[str, str]] = {
    "client": "What to change, on the client",
    "server": "What to change, on the server",
    "network": "What to change, in the network",
    "capture": "Before anyone changes anything: capture again",
}
NEXT: Final[Mapping[str, str]] = {
    "client": "change on the client",
    "server": "change on the server",
    "network": "change in the network",
    "capture": "capture again",
}
OUTCOME: Final[Mapping[str, str]] = {
    "established": "The handshake completed.",
    "failed": "The handshake failed.",
    "incomplete": "The capture does not show how the handshake ended.",
    "not_tls": "No TLS was spoken on this connection.",
}
SHORT: Final[Mapping[str, str]] = {
    "": "all",
    "established": "established",
    "failed": "failed",
    "incomplete": "incomplete",
    "not_tls": "not TLS",
}


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """``1 chain``, ``12,000 chains``; ``plural`` where that is not made by an s."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"
