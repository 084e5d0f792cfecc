"""ClientHellos to be sent: a captured one made fresh, and small ones that ask one question each."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from analyzer.errors import UsageError
from analyzer.tls.message.client_hello import ClientHello
from analyzer.tls.message.extensions import Extension
from analyzer.tls.registry.code_points import CompressionMethod, ExtensionType, ProtocolVersion
from analyzer.tls.registry.keys import NamedGroup, SignatureScheme
from analyzer.tls.registry.suites import CipherSuite

_E = ExtensionType
_RECORD_MOST: Final = 1 << 14  # RFC 8446 section 5.1
_CURVES: Final[dict[int, ec.EllipticCurve]] = {
    NamedGroup.secp256r1: ec.SECP256R1(),
    NamedGroup.secp384r1: ec.SECP384R1(),
    NamedGroup.secp521r1: ec.SECP521R1(),
}
_X25519, _X448 = NamedGroup.x25519.value, NamedGroup.x448.value
# Everything that binds a hello to an earlier session; it would be stale or give a secret away.
_RESUMING: Final = frozenset({_E.PRE_SHARED_KEY, _E.EARLY_DATA, _E.COOKIE})


def serialise(hello: ClientHello, record_version: int = 0x0301) -> bytes:
    """The hello as records (RFC 8446 sections 4.1.2 and 5.1)."""
    extensions = b"".join(
        extension.type.value.to_bytes(2) + _vector(2, extension.body)
        for extension in hello.extensions
    )
    body = (
        hello.legacy_version.value.to_bytes(2)
        + hello.random
        + _vector(1, hello.legacy_session_id)
        + _vector(2, b"".join(suite.value.to_bytes(2) for suite in hello.cipher_suites))
        + _vector(1, bytes(method.value for method in hello.compression_methods))
        + (_vector(2, extensions) if hello.extensions else b"")
    )
    message = b"\x01" + _vector(3, body)
    pieces = (message[at : at + _RECORD_MOST] for at in range(0, len(message), _RECORD_MOST))
    return b"".join(b"\x16" + record_version.to_bytes(2) + _vector(2, piece) for piece in pieces)


def _vector(width: int, data: bytes) -> bytes:
    return len(data).to_bytes(width) + data


def freshened(hello: ClientHello, server_name: str | None = None) -> ClientHello:
    """A captured hello with fresh random bytes and key shares, and without its old sessions.

    ``server_name`` replaces the name that was sent. Shares of groups that we cannot make keys for
    are sent as captured.

    Raises:
        UsageError: The hello has the framing of SSL 2.0.
    """
    if hello.v2:
        raise UsageError("this ClientHello has the framing of SSL 2.0 and is not sent again")
    extensions = [_fresh(extension, server_name) for extension in hello.extensions]
    return ClientHello(
        hello.legacy_version,
        os.urandom(32),
        os.urandom(len(hello.legacy_session_id)),
        hello.cipher_suites,
        hello.compression_methods,
        tuple(extension for extension in extensions if extension.type not in _RESUMING),
    )


def _fresh(extension: Extension, server_name: str | None) -> Extension:
    kind, body = extension.type, extension.body
    if kind == _E.SERVER_NAME and server_name is not None:
        body = _name(server_name)
    elif kind == _E.SESSION_TICKET:
        body = b""
    elif kind == _E.KEY_SHARE:
        body = _shares(body)
    return Extension(kind, body)


def _name(name: str) -> bytes:
    return _vector(2, b"\0" + _vector(2, name.encode("idna")))


def _shares(body: bytes) -> bytes:
    """RFC 8446 section 4.2.8: group and key, again and again; a damaged list stays as it is."""
    at, made = 2, b""
    while at + 4 <= len(body):
        group, length = int.from_bytes(body[at : at + 2]), int.from_bytes(body[at + 2 : at + 4])
        key = body[at + 4 : at + 4 + length]
        made += group.to_bytes(2) + _vector(2, _key(group, key))
        at += 4 + length
    return _vector(2, made) if at == len(body) else body


def _key(group: int, key: bytes) -> bytes:
    """A new public key of the group; the private one is thrown away."""
    if group in {_X25519, _X448}:
        return os.urandom(len(key))  # any string of the length is a key: RFC 7748 section 5
    if group == NamedGroup.X25519MLKEM768 and len(key) > 32:
        return key[:-32] + os.urandom(32)
    if group in _CURVES:
        public = ec.generate_private_key(_CURVES[group]).public_key()
        return public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return key


@dataclass(frozen=True, slots=True)
class Question:
    """What a small hello offers. Without key shares a TLS 1.3 server asks for a group by a retry."""

    versions: tuple[ProtocolVersion, ...]
    suites: tuple[CipherSuite, ...]
    groups: tuple[NamedGroup, ...]
    server_name: str | None = None
    alpn: tuple[str, ...] = ()


_SCHEMES: Final = tuple(
    SignatureScheme(number)
    for number in (
        *(0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0804, 0x0805, 0x0806, 0x0809, 0x080A, 0x080B),
        *(0x0401, 0x0501, 0x0601, 0x0301, 0x0303, 0x0201, 0x0203, 0x0202, 0x0402),
    )
)


def asking(question: Question) -> bytes:
    """The question as records."""
    top = max(version.value for version in question.versions)
    tls13 = top >= ProtocolVersion.TLS1_3
    extensions = list(_extensions(question, tls13=tls13))
    hello = ClientHello(
        ProtocolVersion.TLS1_2 if tls13 else ProtocolVersion(top),
        os.urandom(32),
        os.urandom(32) if tls13 else b"",
        (*question.suites, CipherSuite.TLS_EMPTY_RENEGOTIATION_INFO_SCSV),
        (CompressionMethod.NULL,),
        tuple(extensions) if top > ProtocolVersion.SSL3 else (),
    )
    return serialise(hello, min(top, ProtocolVersion.TLS1_0))


def _extensions(question: Question, *, tls13: bool) -> Sequence[Extension]:
    found: list[Extension] = []
    if question.server_name:
        found.append(Extension(_E.SERVER_NAME, _name(question.server_name)))
    if question.groups:
        found.append(Extension(_E.SUPPORTED_GROUPS, _numbers(question.groups)))
        found.append(Extension(_E.EC_POINT_FORMATS, b"\x01\x00"))
    found.append(Extension(_E.SIGNATURE_ALGORITHMS, _numbers(_SCHEMES)))
    if question.alpn:
        names = b"".join(_vector(1, name.encode()) for name in question.alpn)
        found.append(Extension(_E.APPLICATION_LAYER_PROTOCOL_NEGOTIATION, _vector(2, names)))
    found.append(Extension(_E.EXTENDED_MASTER_SECRET, b""))
    if tls13:
        versions = b"".join(version.value.to_bytes(2) for version in question.versions)
        found.append(Extension(_E.SUPPORTED_VERSIONS, _vector(1, versions)))
        found.append(Extension(_E.PSK_KEY_EXCHANGE_MODES, b"\x01\x01"))
        found.append(Extension(_E.KEY_SHARE, b"\0\0"))
    return found


def _numbers(points: Sequence[NamedGroup] | Sequence[SignatureScheme]) -> bytes:
    return _vector(2, b"".join(point.value.to_bytes(2) for point in points))
