"""A cautious guess at the TLS stack of each side, from the shape of its hello.

Stacks write extensions in the order of a table of their own, whatever they are configured to offer:
the order says more than the lists, which users change. A hello fits a stack when its extensions are
a part of that stack's table in the same order, and when what the stack always or never sends is
there or not. A guess is made only when exactly one stack fits. It helps to rank explanations and to
word remedies; it proves nothing.
"""

from __future__ import annotations

import enum
import functools
from dataclasses import dataclass
from typing import Final

from analyzer.tls.message.client_hello import ClientHello
from analyzer.tls.message.server_hello import ServerHello
from analyzer.tls.message.terms import Terms
from analyzer.tls.registry.code_points import ExtensionType, any_grease


class Likelihood(enum.Enum):
    """How much of the hello spoke for the guess."""

    LIKELY = "likely"  # many extensions, all in the order of one stack alone
    POSSIBLE = "possible"  # few extensions, or only some of what the stack is known by


@dataclass(frozen=True, slots=True)
class StackGuess:
    """A family of stacks: curl, nginx, Node and Python, say, are ``openssl`` in most builds."""

    name: str
    confidence: Likelihood


@dataclass(frozen=True, slots=True)
class _Shape:
    """One generation of a stack: the order of its table, what it always and never sends."""

    stack: str
    order: tuple[int, ...]
    always: frozenset[int] = frozenset()
    never: frozenset[int] = frozenset()
    formats: bool | None = None  # servers: answers ec_point_formats with ECDHE suites


_LAST: Final = frozenset({int(ExtensionType.PADDING), int(ExtensionType.PRE_SHARED_KEY)})
_MANY: Final = 6  # extensions of a client that make a guess likely
_FEW: Final = 4  # extensions of a client below which any order is chance
_SERVER_FEW: Final = 3

# The order is that of each stack's sources, checked against recorded handshakes. Extensions that stand
# last in every stack (padding, pre_shared_key) are left out before comparing.
_CLIENTS: Final = (
    _Shape(
        "openssl",  # 1.1.0 and later, LibreSSL left aside: ssl/statem/extensions.c
        (
            *(65281, 0, 1, 12, 11, 10, 35, 5, 13172, 16, 14, 22, 19, 20, 23, 18, 49, 13, 50),
            *(43, 45, 51, 42, 44, 47, 27),
        ),
        always=frozenset({13}),
    ),
    _Shape(
        "openssl",  # up to 1.0.2: ssl/t1_lib.c
        (65281, 0, 12, 11, 10, 35, 13, 5, 13172, 16, 14, 15),
        never=frozenset({22, 23, 43}),
    ),
    _Shape(
        "gnutls",  # lib/hello_ext.c
        (
            1,
            5,
            19,
            20,
            10,
            11,
            13,
            14,
            15,
            16,
            22,
            23,
            35,
            51,
            43,
            49,
            65281,
            0,
            44,
            42,
            45,
            28,
            27,
        ),
        always=frozenset({22, 65281}),
    ),
    _Shape(
        "go",  # crypto/tls up to 1.21
        (13172, 0, 5, 10, 11, 35, 13, 50, 65281, 23, 16, 18, 43, 44, 51, 42, 45),
        always=frozenset({5, 18, 65281}),
        never=frozenset({22}),
    ),
    _Shape(
        "go",  # crypto/tls from 1.22 on
        (0, 11, 35, 65281, 23, 18, 42, 57, 65037, 5, 10, 13, 50, 16, 43, 44, 51, 45),
        always=frozenset({5, 18, 65281}),
        never=frozenset({22}),
    ),
    _Shape(
        "java",  # JSSE: sun.security.ssl.SSLExtension, from 11 and 8u261 on
        (0, 1, 5, 10, 11, 16, 17, 23, 35, 13, 43, 45, 44, 47, 50, 51, 65281),
        always=frozenset({13, 50}),
    ),
    _Shape(
        "nss",  # lib/ssl/ssl3ext.c
        (0, 23, 65281, 10, 11, 35, 13172, 16, 5, 34, 18, 51, 43, 13, 44, 45, 49, 42, 28, 27, 65037),
        always=frozenset({23, 13}),
    ),
    _Shape(
        "schannel",  # Windows 8.1 to 10, TLS 1.2
        (0, 5, 10, 11, 13, 35, 16, 23, 24, 65281),
        always=frozenset({10, 11, 13, 23, 65281}),
        never=frozenset({22}),
    ),
    _Shape(
        "mbedtls",  # library/ssl_cli.c of 2.x
        (0, 65281, 13, 10, 11, 256, 54, 1, 4, 22, 23, 16, 14, 35),
        always=frozenset({13, 22, 23}),
    ),
)

# BoringSSL alone sends GREASE among suites and extensions at once (Chromium and its relatives,
# Android, Apple's own fork); from Chromium 110 on it shuffles, so no order is asked of it.
_BORING_ALWAYS: Final = frozenset({23, 65281, 10, 13})

_SERVERS: Final = (
    _Shape(
        "openssl",
        (65281, 0, 1, 11, 35, 5, 13172, 16, 14, 22, 23),
        always=frozenset({65281}),
        formats=True,
    ),
    _Shape("go", (5, 35, 65281, 23, 16, 18, 0, 11), always=frozenset({65281, 11}), formats=True),
    _Shape("java", (0, 1, 5, 16, 17, 23, 35, 65281), always=frozenset({65281}), formats=False),
    _Shape(
        "gnutls",
        (1, 5, 10, 11, 13, 14, 15, 16, 22, 23, 35, 65281, 0),
        always=frozenset({65281}),
        formats=True,
    ),
    _Shape(
        "nss",
        (0, 11, 16, 5, 23, 65281, 35, 18),
        always=frozenset({65281}),
        formats=True,
    ),
)


def guess_client(hello: ClientHello) -> StackGuess | None:
    """The stack that wrote a ClientHello; None where none fits, or more than one."""
    if hello.v2:
        return None
    return _client_by(hello.terms)


@functools.lru_cache(maxsize=1024)
def _client_by(terms: Terms) -> StackGuess | None:
    types = tuple([int(kind) for kind in terms.extension_types if not kind.grease])
    greased = any_grease(terms.cipher_suites)
    return _client(types, greased=greased, both=any_grease(terms.extension_types))


@functools.lru_cache(maxsize=1024)
def _client(types: tuple[int, ...], *, greased: bool, both: bool) -> StackGuess | None:
    sent = tuple([kind for kind in types if kind not in _LAST])
    if greased and both and set(sent) >= _BORING_ALWAYS:
        return StackGuess("boringssl", Likelihood.LIKELY)
    if greased or len(sent) < _FEW:
        return None
    fitting = {shape.stack for shape in _CLIENTS if _fits(shape, sent)}
    if len(fitting) != 1:
        return None
    sure = len(sent) >= _MANY
    return StackGuess(fitting.pop(), Likelihood.LIKELY if sure else Likelihood.POSSIBLE)


def guess_server(choice: ServerHello, offer: ClientHello | None) -> StackGuess | None:
    """The stack that wrote a ServerHello.

    From TLS 1.3 on it holds two extensions, whose order several stacks share: no guess is made. What
    a server answers depends on what it was asked, hence the offer. NSS answers in the order in which it
    was asked: where a client shuffles, an answer in the client's order may be any stack's or that.
    """
    if choice.version.tls13 or offer is None:
        return None
    types = tuple([int(kind) for kind in choice.extension_types])
    if offer.grease and _follows(types, offer):
        return None
    asked = offer.offers(ExtensionType.EC_POINT_FORMATS) and "ECDHE" in choice.cipher_suite.name
    return _server(types, asked_for_formats=asked)


@functools.lru_cache(maxsize=1024)
def _server(types: tuple[int, ...], *, asked_for_formats: bool) -> StackGuess | None:
    if len(types) < _SERVER_FEW:
        return None
    fitting = {
        shape.stack
        for shape in _SERVERS
        if _fits(shape, types)
        and (
            not asked_for_formats or (int(ExtensionType.EC_POINT_FORMATS) in types) is shape.formats
        )
    }
    if len(fitting) != 1:
        return None
    return StackGuess(fitting.pop(), Likelihood.POSSIBLE)


def _follows(types: tuple[int, ...], offer: ClientHello) -> bool:
    """Whether the answers stand in the order of the questions."""
    asked = iter([int(kind) for kind in offer.extension_types])
    return all(kind in asked for kind in types)


def _fits(shape: _Shape, types: tuple[int, ...]) -> bool:
    sent = set(types)
    if not shape.always <= sent or shape.never & sent:
        return False
    following = iter(shape.order)
    return all(kind in following for kind in types)  # each is sought behind the one before
