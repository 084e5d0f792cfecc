"""Hellos at a glance: what an outline needs of them, at a fraction of the price of decoding them.

The hellos of one stack differ in random, session id and keys only. Leave these out, and what is
left is the same again and again; a choice is decoded once. An offer is only asked for its name.
"""

from __future__ import annotations

import functools
import struct
from typing import Final, NamedTuple

from analyzer.tls.extension_bodies import read_server_name
from analyzer.tls.extensions import lenient
from analyzer.tls.registry import ExtensionType
from analyzer.tls.server_hello import HELLO_RETRY_RANDOM, ServerHello, decode_server_hello

_RANDOM: Final = slice(2, 34)
_SESSION_ID: Final = 34  # its length; RFC 8446 sections 4.1.2 and 4.1.3
_NO_RANDOM: Final = bytes(32)
_EXTENSION: Final = struct.Struct(">HH")  # type, length
_KEYS: Final = frozenset({ExtensionType.KEY_SHARE.value, ExtensionType.KEY_SHARE_DRAFT.value})
_BEFORE_KEY: Final = 4  # group and length, in a server's key_share
_TOO_SHORT: Final = (IndexError, struct.error)

_name = lenient(read_server_name, None)


class Asked(NamedTuple):
    """What a client asks for."""

    server_name: str | None


def asked(body: bytes) -> Asked | None:
    """Read a whole ClientHello; None where it is damaged."""
    try:
        at = _SESSION_ID + 1 + body[_SESSION_ID]
        at += 2 + (body[at] << 8 | body[at + 1])  # cipher suites
        at += 1 + body[at]  # compression methods
        found = _bodies(body, at)
    except _TOO_SHORT:
        return None
    if found is None:
        return None
    named = next((span for kind, span in found if kind == ExtensionType.SERVER_NAME), None)
    return Asked(None if named is None else _name(body[named]))


def chosen(body: bytes) -> ServerHello | None:
    """Read a whole ServerHello; None where it is damaged, or asks for another ClientHello.

    Returns:
        A hello that chooses the same. Random, session id and key are not those that were sent.
    """
    if body[_RANDOM] == HELLO_RETRY_RANDOM:
        return None
    try:
        at = _SESSION_ID + 1 + body[_SESSION_ID]
        found = _bodies(body, at + 3)  # behind suite and compression method
    except _TOO_SHORT:
        return None
    if found is None:
        return None
    choices = body[at:]
    for kind, span in found:
        if kind in _KEYS and span.stop - span.start > _BEFORE_KEY:
            key = span.start + _BEFORE_KEY
            choices = body[at:key] + bytes(span.stop - key) + body[span.stop :]
    return _decoded(body[: _RANDOM.start] + _NO_RANDOM + b"\0" + choices)


@functools.lru_cache(maxsize=1024)
def _decoded(body: bytes) -> ServerHello | None:
    hello, defect = decode_server_hello(body)
    return hello if defect is None else None


def _bodies(hello: bytes, at: int) -> list[tuple[int, slice]] | None:
    """Types of the extensions and where their bodies are; None unless they end with the hello."""
    size = len(hello)
    if at == size:
        return []  # as is legal up to TLS 1.2
    if at + 2 + (hello[at] << 8 | hello[at + 1]) != size:
        return None
    at += 2
    found = []
    while at < size:
        kind, length = _EXTENSION.unpack_from(hello, at)
        found.append((kind, slice(at + 4, at + 4 + length)))
        at += 4 + length
    return found if at == size else None
