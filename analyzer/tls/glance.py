"""Hellos at a glance: what an outline needs of them, at a fraction of the price of decoding them.

The hellos of one stack differ in random, session id and keys only. Leave these out, and what is
left is the same again and again; a choice is decoded once. An offer is only asked for its name.
"""

from __future__ import annotations

import functools
import struct
from typing import Final, NamedTuple

from analyzer.tls.message.extension_bodies import read_server_name
from analyzer.tls.message.extensions import lenient
from analyzer.tls.message.server_hello import HELLO_RETRY_RANDOM, decode_server_hello
from analyzer.tls.registry.code_points import ExtensionType
from analyzer.tls.registry.suite_facts import facts_of
from analyzer.tls.registry.suites import CipherSuite

_RANDOM: Final = slice(2, 34)
_SESSION_ID: Final = 34  # its length; RFC 8446 sections 4.1.2 and 4.1.3
_NO_RANDOM: Final = bytes(32)
_extension = struct.Struct(">HH").unpack_from  # type, length
_SERVER_NAME: Final = ExtensionType.SERVER_NAME.value
_NAMES: Final = frozenset({_SERVER_NAME})
_KEYS: Final = frozenset({ExtensionType.KEY_SHARE.value, ExtensionType.KEY_SHARE_DRAFT.value})
_BEFORE_KEY: Final = 4  # group and length, in a server's key_share
_TOO_SHORT: Final = (IndexError, struct.error)

_name = lenient(read_server_name, None)


class Asked(NamedTuple):
    """What a client asks for."""

    server_name: str | None


class Chosen(NamedTuple):
    """What a server chose."""

    version: str
    cipher_suite: CipherSuite
    suite_name: str
    group: str | None  # of key_share
    alpn: str | None
    psk_selected: bool
    key_exchange: str  # as in :class:`~analyzer.tls.registry.suite_facts.SuiteFacts`
    sealing: int  # bytes that an encrypted record of TLS 1.3 is longer than its content
    finished: int  # length of the record that holds a Finished of TLS 1.3, not padded
    goes_without: tuple[str, ...]  # as in :class:`~analyzer.tls.message.server_hello.ServerHello`


def asked(body: bytes) -> Asked | None:
    """Read a whole ClientHello; None where it is damaged."""
    try:
        at = _SESSION_ID + 1 + body[_SESSION_ID]
        at += 2 + (body[at] << 8 | body[at + 1])  # cipher suites
        at += 1 + body[at]  # compression methods
        found = _extensions(body, at, _NAMES)
    except _TOO_SHORT:
        return None
    if found is None:
        return None
    named = found.get(_SERVER_NAME)
    return _NAMELESS if named is None else Asked(_name(body[named : _end(body, named)]))


_NAMELESS: Final = Asked(None)


def chosen(body: bytes) -> Chosen | None:
    """Read a whole ServerHello; None where it is damaged, or asks for another ClientHello.

    Equal choices give the same object: random, session id and key are not looked at.
    """
    if body[_RANDOM] == HELLO_RETRY_RANDOM:
        return None
    try:
        at = _SESSION_ID + 1 + body[_SESSION_ID]
        found = _extensions(body, at + 3, _KEYS)  # behind suite and compression method
    except _TOO_SHORT:
        return None
    if found is None:
        return None
    choices = body[at:]
    for share in found.values():
        key, end = share + _BEFORE_KEY, _end(body, share)
        if key < end:
            choices = body[at:key] + bytes(end - key) + body[end:]
    return _decoded(body[: _RANDOM.start] + _NO_RANDOM + b"\0" + choices)


@functools.lru_cache(maxsize=1024)
def _decoded(body: bytes) -> Chosen | None:
    hello, defect = decode_server_hello(body)
    if hello is None or defect is not None:
        return None
    facts = facts_of(hello.cipher_suite)
    sealing = 1 + (facts.tag_length or 16)  # the content type, RFC 8446 section 5.2
    return Chosen(
        version=hello.version_name,
        cipher_suite=hello.cipher_suite,
        suite_name=hello.cipher_suite.name,
        group=hello.group.name if hello.group is not None else None,
        alpn=hello.alpn,
        psk_selected=hello.psk_selected,
        key_exchange=facts.key_exchange,
        sealing=sealing,
        finished=4 + (48 if facts.hash == "SHA384" else 32) + sealing,
        goes_without=hello.goes_without,
    )


def _extensions(hello: bytes, at: int, wanted: frozenset[int]) -> dict[int, int] | None:
    """Where the first body of each type wanted is; None unless all extensions end with the hello."""
    size = len(hello)
    found: dict[int, int] = {}
    if at == size:
        return found  # as is legal up to TLS 1.2
    if at + 2 + (hello[at] << 8 | hello[at + 1]) != size:
        return None
    at += 2
    while at < size:
        kind, length = _extension(hello, at)
        at += 4
        if kind in wanted and kind not in found:
            found[kind] = at
        at += length
    return found if at == size else None


def _end(hello: bytes, begin: int) -> int:
    """Where the body of an extension ends that begins at ``begin``."""
    return begin + (hello[begin - 2] << 8 | hello[begin - 1])
