"""Fingerprints of hellos: JA3, JA3S and JA4 (the client's; its relatives are not under a free licence).

GREASE never counts. A fingerprint names a build of a stack at best; it is a hint, no proof.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable
from typing import Final

from analyzer.tls.message.hello import ClientHello, ServerHello
from analyzer.tls.message.terms import Terms
from analyzer.tls.registry.code_points import CodePoint, ExtensionType, ProtocolVersion

_REMEMBERED: Final = 1024  # clients repeat: their hellos differ in little but random bytes
_NOTHING: Final = "000000000000"
_VERSIONS: Final = {
    0x0002: "s2",
    0x0300: "s3",
    0x0301: "10",
    0x0302: "11",
    0x0303: "12",
    0x0304: "13",
    0xFEFF: "d1",
    0xFEFD: "d2",
    0xFEFC: "d3",
}


def ja3_text(hello: ClientHello) -> str:
    """What JA3 hashes: version, suites, extensions, groups and point formats in decimal."""
    return _ja3_text(hello.terms)


@functools.lru_cache(maxsize=_REMEMBERED)
def _ja3_text(terms: Terms) -> str:
    greased = (terms.cipher_suites, terms.extension_types, terms.supported_groups)
    shown = [_decimal(points) for points in greased]
    formats = _decimal(terms.ec_point_formats, keep=True)
    return ",".join((str(int(terms.legacy_version)), *shown, formats))


def ja3(hello: ClientHello) -> str | None:
    """JA3 of a client; None for the framing of SSL 2.0, which it does not cover."""
    return None if hello.v2 else _md5(ja3_text(hello))


def ja3s_text(hello: ServerHello) -> str:
    """What JA3S hashes: version, suite and extensions in decimal."""
    version, suite = int(hello.legacy_version), int(hello.cipher_suite)
    return f"{version},{suite},{_decimal(hello.extension_types)}"


def ja3s(hello: ServerHello) -> str | None:
    """JA3S of a server's answer; None for SSL 2.0, which it does not cover."""
    return None if hello.legacy_version is ProtocolVersion.SSL2 else _md5(ja3s_text(hello))


def _decimal(points: Iterable[CodePoint], *, keep: bool = False) -> str:
    return "-".join([str(int(point)) for point in points if keep or not point.grease])


@functools.lru_cache(maxsize=_REMEMBERED)
def _md5(text: str) -> str:
    # JA3 is defined by MD5; nothing is protected by it.
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12] if text else _NOTHING


def ja4(hello: ClientHello, transport: str = "t") -> str | None:
    """JA4 of a client: ``t13d1516h2_8daaf6152771_e5627efa2ab1``.

    Three parts: what can be read at a glance, a hash of the suites, a hash of extensions and
    signature algorithms. Suites and extensions are sorted, so shuffling them changes nothing.
    None for the framing of SSL 2.0.

    Args:
        hello: The client's.
        transport: ``t`` for TCP, ``q`` for QUIC, ``d`` for DTLS.
    """
    return None if hello.v2 else _ja4(hello.terms, transport, raw=False)


def ja4_raw(hello: ClientHello, transport: str = "t") -> str:
    """JA4 before hashing (``JA4_r``), to compare two clients by eye."""
    return _ja4(hello.terms, transport, raw=True)


@functools.lru_cache(maxsize=_REMEMBERED)
def _ja4(terms: Terms, transport: str, *, raw: bool) -> str:
    offered = [version for version in terms.supported_versions if not version.grease]
    version = _VERSIONS.get(max(offered, default=terms.legacy_version), "00")
    named = "d" if ExtensionType.SERVER_NAME in terms.places else "i"
    suites = sorted(int(suite) for suite in terms.cipher_suites if not suite.grease)
    extensions = [int(kind) for kind in terms.extension_types if not kind.grease]
    schemes = [int(scheme) for scheme in terms.signature_algorithms if not scheme.grease]
    counts = f"{min(len(suites), 99):02}{min(len(extensions), 99):02}"
    first = f"{transport}{version}{named}{counts}{_alpn(terms)}"
    kinds = _hexadecimal(sorted(kind for kind in extensions if kind not in _LEFT_OUT))
    tail = f"{kinds}_{_hexadecimal(schemes)}" if schemes else kinds
    if raw:
        return f"{first}_{_hexadecimal(suites)}_{tail}"
    return f"{first}_{_short(_hexadecimal(suites))}_{_short(tail)}"


# Both vary with what is asked for, not with the client.
_LEFT_OUT: Final = frozenset(
    {ExtensionType.SERVER_NAME, ExtensionType.APPLICATION_LAYER_PROTOCOL_NEGOTIATION}
)


def _alpn(terms: Terms) -> str:
    """First and last character of the first protocol; of its hexadecimal form where they are odd."""
    body = terms.body(ExtensionType.APPLICATION_LAYER_PROTOCOL_NEGOTIATION) or b""
    name = body[3 : 3 + body[2]] if len(body) > 3 and len(body) >= 3 + body[2] else b""
    if not name:
        return "00"
    ends = bytes((name[0], name[-1]))
    if ends.isalnum() and ends.isascii():
        return ends.decode("ascii")
    shown = name.hex()
    return shown[0] + shown[-1]


def _hexadecimal(numbers: Iterable[int]) -> str:
    return ",".join([f"{number:04x}" for number in numbers])
