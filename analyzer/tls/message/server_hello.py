"""ServerHello: what a server chose, or its wish for another ClientHello."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import InitVar, dataclass, field
from typing import Final, NamedTuple

from analyzer.errors import DecodeError, Defect
from analyzer.tls.message import extension_bodies as bodies
from analyzer.tls.message.extension_bodies import KeyShare
from analyzer.tls.message.extensions import (
    Extension,
    decode_extensions,
    first_places,
    lenient,
    read_version,
)
from analyzer.tls.message.moulds import Hole, Moulds
from analyzer.tls.registry.code_points import CompressionMethod, ExtensionType, ProtocolVersion
from analyzer.tls.registry.keys import NamedGroup
from analyzer.tls.registry.suites import CipherSuite
from analyzer.tls.wire import Reader

# RFC 8446 section 4.1.3: SHA-256 of "HelloRetryRequest" as random makes a ServerHello a retry.
HELLO_RETRY_RANDOM: Final = bytes.fromhex(
    "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c"
)
# Same section: the last bytes of random tell a TLS 1.3 client that its offer was tampered with.
_DOWNGRADES: Final = {
    b"DOWNGRD\x01": ProtocolVersion.TLS1_2,
    b"DOWNGRD\x00": ProtocolVersion.TLS1_1,
}
_NO_NAMES: Final[tuple[str, ...]] = ()
_NO_SHARE: Final[KeyShare | None] = None
_NO_VERSION: Final[ProtocolVersion | None] = None

_names = lenient(bodies.read_names, _NO_NAMES)
_npn = lenient(bodies.read_npn, _NO_NAMES)
_server_share = lenient(bodies.read_server_share, _NO_SHARE)
_version = lenient(read_version, _NO_VERSION)
_E = ExtensionType


@dataclass(frozen=True, slots=True)
class ServerHello:
    """A server's choice (RFC 8446 section 4.1.3, RFC 5246 section 7.4.1.3), or its retry."""

    legacy_version: ProtocolVersion
    random: bytes
    legacy_session_id_echo: bytes = b""
    cipher_suite: CipherSuite = CipherSuite.TLS_NULL_WITH_NULL_NULL
    compression_method: CompressionMethod = CompressionMethod.NULL
    extensions: tuple[Extension, ...] = ()
    extension_types: tuple[ExtensionType, ...] = field(init=False, compare=False, repr=False)
    # The version chosen: supported_versions where present, else the old field.
    version: ProtocolVersion = field(init=False, compare=False, repr=False)
    places: Mapping[int, int] = field(init=False, compare=False, repr=False)
    like: InitVar[ServerHello | None] = None  # a hello from the same mould

    def __post_init__(self, like: ServerHello | None) -> None:
        if like is not None:
            object.__setattr__(self, "extension_types", like.extension_types)
            object.__setattr__(self, "places", like.places)
            object.__setattr__(self, "version", like.version)
            return
        types = tuple([extension.type for extension in self.extensions])
        object.__setattr__(self, "extension_types", types)
        object.__setattr__(self, "places", first_places(types))
        chosen = _version(self.body(_E.SUPPORTED_VERSIONS)) or self.legacy_version
        object.__setattr__(self, "version", chosen)

    def answers(self, kind: ExtensionType) -> bool:
        """Whether an extension of this type was sent, damaged or not."""
        return kind in self.places

    def body(self, kind: ExtensionType) -> bytes | None:
        """The undecoded body of the first extension of this type."""
        index = self.places.get(kind)
        return None if index is None else self.extensions[index].body

    @property
    def version_name(self) -> str:
        """The version chosen, as it is printed."""
        return self.version.label

    @property
    def is_hello_retry_request(self) -> bool:
        """Whether this asks the client for another ClientHello."""
        return self.random == HELLO_RETRY_RANDOM

    @property
    def downgrade_sentinel(self) -> ProtocolVersion | None:
        """What a server that knows more says in ``random``: TLS 1.2, or "TLS 1.1 or lower"."""
        return _DOWNGRADES.get(self.random[-8:])

    @property
    def alpn(self) -> str | None:
        """The application protocol chosen, where it is in clear (up to TLS 1.2)."""
        names = _names(self.body(_E.APPLICATION_LAYER_PROTOCOL_NEGOTIATION))
        return names[0] if names else None

    @property
    def npn(self) -> tuple[str, ...]:
        """Protocols that the server lists for NPN."""
        return _npn(self.body(_E.NEXT_PROTOCOL_NEGOTIATION))

    @property
    def key_share(self) -> KeyShare | None:
        """The server's key, or the group that a retry asks for (TLS 1.3)."""
        return _server_share(self.body(_E.KEY_SHARE) or self.body(_E.KEY_SHARE_DRAFT))

    @property
    def group(self) -> NamedGroup | None:
        """The group of ``key_share``."""
        share = self.key_share
        return share.group if share else None

    @property
    def selected_identity(self) -> int | None:
        """Which of the client's pre-shared keys was chosen, counted from 0."""
        body = self.body(_E.PRE_SHARED_KEY)
        return int.from_bytes(body, "big") if body is not None and len(body) == 2 else None

    @property
    def psk_selected(self) -> bool:
        """Whether the server resumes, or uses an external key, by TLS 1.3's way."""
        return _E.PRE_SHARED_KEY in self.places

    @property
    def secure_renegotiation(self) -> bool:
        """RFC 5746."""
        return _E.RENEGOTIATION_INFO in self.places

    @property
    def extended_master_secret(self) -> bool:
        """RFC 7627."""
        return _E.EXTENDED_MASTER_SECRET in self.places

    @property
    def goes_without(self) -> tuple[str, ...]:
        """What was not agreed on against known attacks, below TLS 1.3, which has no need of it."""
        if self.version.rank >= ProtocolVersion.TLS1_3.rank:
            return ()
        renegotiation = () if self.secure_renegotiation else ("secure_renegotiation",)
        secret = () if self.extended_master_secret else ("extended_master_secret",)
        return renegotiation + secret

    @property
    def encrypt_then_mac(self) -> bool:
        """RFC 7366."""
        return _E.ENCRYPT_THEN_MAC in self.places

    @property
    def status_request(self) -> bool:
        """Whether an OCSP staple is announced."""
        return _E.STATUS_REQUEST in self.places or _E.STATUS_REQUEST_V2 in self.places

    @property
    def session_ticket(self) -> bool:
        """Whether a session ticket is announced."""
        return _E.SESSION_TICKET in self.places

    @property
    def server_name_acknowledged(self) -> bool:
        """Whether the server says that it used the client's SNI."""
        return _E.SERVER_NAME in self.places


def decode_server_hello(body: bytes) -> tuple[ServerHello | None, Defect | None]:
    """Decode a ServerHello (RFC 8446 section 4.1.3).

    ::

        struct {
            ProtocolVersion legacy_version = 0x0303;
            Random random;
            opaque legacy_session_id_echo<0..32>;
            CipherSuite cipher_suite;
            uint8 legacy_compression_method = 0;
            Extension extensions<6..2^16-1>;
        } ServerHello;

    Drafts of TLS 1.3 up to 21 had no session id and no compression, and a HelloRetryRequest of
    another form, which is recognised here and given the ``random`` of today's.

    Returns:
        What could be read, None where it ends before the suite; and the first defect.
    """
    at = 35 + body[34] if len(body) > 34 else 0
    sight = body[at : at + _SIGHT]  # the suite and what follows
    cast = _MOULDS.find(body, sight)
    if cast is not None:
        return cast.again(body), None
    hello, defect = _decode(body)
    if hello is not None and defect is None and _is_cast(hello, body):
        _MOULDS.keep(body, sight, _holes(hello), _Cast(hello))
    return hello, defect


_SIGHT: Final = 16
_CAST_MOST: Final = 512  # bytes of a hello that is worth remembering
_KEYS: Final = frozenset({_E.KEY_SHARE, _E.KEY_SHARE_DRAFT})


class _Cast(NamedTuple):
    """A hello from which those from the same mould are made."""

    hello: ServerHello

    def again(self, body: bytes) -> ServerHello:
        """The hello in ``body``, which was made from the same mould."""
        first = self.hello
        extensions = [
            Extension(one.type, body[one.offset : one.offset + len(one.body)], one.offset)
            if one.type in _KEYS
            else one
            for one in first.extensions
        ]
        return ServerHello(
            first.legacy_version,
            body[2:34],
            body[35 : 35 + len(first.legacy_session_id_echo)],
            first.cipher_suite,
            first.compression_method,
            tuple(extensions),
            like=first,
        )


_MOULDS: Final = Moulds[_Cast](512)


def _is_cast(hello: ServerHello, body: bytes) -> bool:
    """Whether a hello has the form of today: in drafts other fields stand where random is now."""
    return hello.legacy_version <= ProtocolVersion.TLS1_3 and len(body) <= _CAST_MOST


def _holes(hello: ServerHello) -> list[Hole]:
    """Where the bytes are that differ each time, in order: of a key share that is the key."""
    holes = [(2, 34), (35, 35 + len(hello.legacy_session_id_echo))]
    for kind, body, at in hello.extensions:
        share = _server_share(body) if kind in _KEYS else None
        if share is not None and share.length:
            holes.append((at + 4, at + 4 + share.length))
    return holes


def _decode(body: bytes) -> tuple[ServerHello | None, Defect | None]:
    reader = Reader.over(body, "server_hello")
    try:
        version = ProtocolVersion.of(reader.uint(2, "legacy_version"))
        draft = version > ProtocolVersion.TLS1_3 and version.tls13
        if draft and _is_draft_retry(body):
            return _draft_retry(reader, version)
        random = reader.raw(32, "random")
        session_id = b"" if draft else reader.opaque(1, "legacy_session_id_echo")
        suite = CipherSuite.of(reader.uint(2, "cipher_suite"))
        method = 0 if draft else reader.uint(1, "legacy_compression_method")
    except DecodeError as error:
        return None, error.defect
    extensions, defect = decode_extensions(reader)
    compression = CompressionMethod.of(method)
    hello = ServerHello(version, random, session_id, suite, compression, extensions)
    return hello, defect


def _is_draft_retry(body: bytes) -> bool:
    """Whether a length of extensions stands where a draft's HelloRetryRequest has it."""
    return any(
        len(body) >= at and int.from_bytes(body[at - 2 : at], "big") == len(body) - at
        for at in (4, 6)
    )


def _draft_retry(
    reader: Reader, version: ProtocolVersion
) -> tuple[ServerHello | None, Defect | None]:
    """A HelloRetryRequest of the drafts: version, suite (since draft 19), extensions."""
    suite = CipherSuite.TLS_NULL_WITH_NULL_NULL
    if int.from_bytes(reader.data[2:4], "big") != len(reader.data) - 4:
        suite = CipherSuite(reader.uint(2, "cipher_suite"))
    extensions, defect = decode_extensions(reader)
    hello = ServerHello(
        version,
        HELLO_RETRY_RANDOM,
        cipher_suite=suite,
        extensions=extensions,
    )
    return hello, defect
