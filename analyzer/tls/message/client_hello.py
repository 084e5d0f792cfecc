"""ClientHello: what a client offers, from TLS 1.3 down to SSL 3.0.

A hello keeps what was sent, in order and with duplicates; everything else is a property that decodes
the extension it needs when asked. A damaged extension body reads as absent there; its defect is in
:func:`analyzer.tls.message.hello.extension_defects`.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Iterator
from dataclasses import InitVar, dataclass, field
from typing import Final, Literal, NamedTuple

from analyzer.errors import DecodeError, Defect
from analyzer.tls.message import extension_bodies as bodies
from analyzer.tls.message.extension_bodies import EncryptedClientHello, KeyShare, PskOffer
from analyzer.tls.message.extensions import Extension, decode_extensions, lenient
from analyzer.tls.message.moulds import Hole, Moulds
from analyzer.tls.message.terms import Terms, client_shares
from analyzer.tls.registry.code_points import (
    CertificateCompression,
    CompressionMethod,
    ECPointFormat,
    ExtensionType,
    ProtocolVersion,
)
from analyzer.tls.registry.keys import NamedGroup, SignatureScheme
from analyzer.tls.registry.suites import CipherSuite
from analyzer.tls.wire import Reader

_NO_PSK: Final[PskOffer | None] = None
_NO_ECH: Final[EncryptedClientHello | None] = None

_host = lenient(bodies.read_server_name, None)
_psk_offer = lenient(bodies.read_psk_offer, _NO_PSK)
_encrypted_hello = lenient(bodies.read_encrypted_client_hello, _NO_ECH)
_E = ExtensionType


@dataclass(frozen=True, slots=True)
class ClientHello:
    """A client's offer (RFC 8446 section 4.1.2, RFC 5246 section 7.4.1.2).

    ``v2`` is set where it came in the framing of SSL 2.0; ``random`` is the challenge then. Lists
    are as sent: GREASE, duplicates and unknown numbers included.
    """

    legacy_version: ProtocolVersion
    random: bytes
    legacy_session_id: bytes = b""
    cipher_suites: tuple[CipherSuite, ...] = ()
    compression_methods: tuple[CompressionMethod, ...] = ()
    extensions: tuple[Extension, ...] = ()
    v2: bool = False
    terms: Terms = field(init=False, compare=False, repr=False)
    shared: InitVar[Terms | None] = None  # terms of a hello from the same mould

    def __post_init__(self, shared: Terms | None) -> None:
        own = shared or Terms(self.legacy_version, self.cipher_suites, self.extensions, v2=self.v2)
        object.__setattr__(self, "terms", own)

    @property
    def extension_types(self) -> tuple[ExtensionType, ...]:
        """The types of the extensions, in the order sent."""
        return self.terms.extension_types

    def offers(self, kind: ExtensionType) -> bool:
        """Whether an extension of this type was sent, damaged or not."""
        return kind in self.terms.places

    def body(self, kind: ExtensionType) -> bytes | None:
        """The undecoded body of the first extension of this type."""
        index = self.terms.places.get(kind)
        return None if index is None else self.extensions[index].body

    @property
    def server_name(self) -> str | None:
        """The host name that the client wants (SNI)."""
        return _host(self.body(_E.SERVER_NAME))

    @property
    def supported_versions(self) -> tuple[ProtocolVersion, ...]:
        """The extension of that name; empty where the client does not know TLS 1.3."""
        return self.terms.supported_versions

    @property
    def versions(self) -> tuple[ProtocolVersion, ...]:
        """The versions offered, highest first as a rule, GREASE left out.

        Without supported_versions a hello names the highest only. The list then goes down to TLS 1.0,
        or to the named version where that is lower; how low the client goes the wire does not say.
        """
        return self.terms.versions

    @property
    def max_version(self) -> ProtocolVersion:
        """The highest version offered."""
        return self.terms.max_version

    @property
    def supported_groups(self) -> tuple[NamedGroup, ...]:
        """Groups for the key exchange, in order of preference."""
        return self.terms.supported_groups

    @property
    def ec_point_formats(self) -> tuple[ECPointFormat, ...]:
        """Forms of curve points that the client takes."""
        return self.terms.ec_point_formats

    @property
    def signature_algorithms(self) -> tuple[SignatureScheme, ...]:
        """Signatures that the client takes in the handshake, and in certificates unless it says more."""
        return self.terms.signature_algorithms

    @property
    def signature_algorithms_cert(self) -> tuple[SignatureScheme, ...]:
        """Signatures that the client takes in certificates, where it says so apart."""
        return self.terms.signature_algorithms_cert

    @property
    def alpn(self) -> tuple[str, ...]:
        """Application protocols, in order of preference."""
        return self.terms.alpn

    @property
    def key_shares(self) -> tuple[KeyShare, ...]:
        """Groups that the client sent keys for, with their lengths."""
        return self.terms.key_shares

    @property
    def key_share_groups(self) -> tuple[NamedGroup, ...]:
        """Groups that the client sent keys for."""
        return self.terms.key_share_groups

    @property
    def pre_shared_key(self) -> PskOffer | None:
        """The pre-shared keys offered (TLS 1.3)."""
        return _psk_offer(self.body(_E.PRE_SHARED_KEY))

    @property
    def psk_offered(self) -> bool:
        """Whether the client offers to resume, or to use an external key, by TLS 1.3's way."""
        return _E.PRE_SHARED_KEY in self.terms.places

    @property
    def session_ticket_offered(self) -> bool:
        """Whether the client knows session tickets (RFC 5077)."""
        return _E.SESSION_TICKET in self.terms.places

    @property
    def session_ticket_nonempty(self) -> bool:
        """Whether the client sent a ticket to resume with."""
        return bool(self.body(_E.SESSION_TICKET))

    @property
    def extended_master_secret(self) -> bool:
        """RFC 7627."""
        return _E.EXTENDED_MASTER_SECRET in self.terms.places

    @property
    def encrypt_then_mac(self) -> bool:
        """RFC 7366."""
        return _E.ENCRYPT_THEN_MAC in self.terms.places

    @property
    def secure_renegotiation(self) -> bool:
        """Whether the client knows RFC 5746, by extension or by the signal among its suites."""
        return self.terms.secure_renegotiation

    @property
    def renegotiates(self) -> bool:
        """Whether this hello renews a handshake: renegotiation_info holds the last Finished."""
        return len(self.body(_E.RENEGOTIATION_INFO) or b"") > 1

    @property
    def fallback_scsv(self) -> bool:
        """Whether the client says that it retries with a lower version (RFC 7507)."""
        return self.terms.fallback_scsv

    @property
    def status_request(self) -> bool:
        """Whether the client asks for an OCSP staple."""
        return _E.STATUS_REQUEST in self.terms.places or _E.STATUS_REQUEST_V2 in self.terms.places

    @property
    def early_data(self) -> bool:
        """Whether the client sends data before the server answered (TLS 1.3)."""
        return _E.EARLY_DATA in self.terms.places

    @property
    def application_settings(self) -> bool:
        """Whether the client offers ALPS (draft-vvv-tls-alps), old code point or new."""
        return (
            _E.APPLICATION_SETTINGS in self.terms.places
            or _E.APPLICATION_SETTINGS_NEW in self.terms.places
        )

    @property
    def post_handshake_auth(self) -> bool:
        """Whether the client takes a CertificateRequest later (TLS 1.3)."""
        return _E.POST_HANDSHAKE_AUTH in self.terms.places

    @property
    def compress_certificate(self) -> tuple[CertificateCompression, ...]:
        """Compressions that the client takes for certificates."""
        return self.terms.compress_certificate

    @property
    def ech(self) -> bool:
        """Whether Encrypted Client Hello was sent, in earnest or as GREASE: nobody can tell."""
        return (
            _E.ENCRYPTED_CLIENT_HELLO in self.terms.places
            or _E.ENCRYPTED_SERVER_NAME in self.terms.places
        )

    @property
    def ech_form(self) -> Literal["outer", "inner"] | None:
        """The form of Encrypted Client Hello; the inner one is seen with keys, or at a back end."""
        if not self.ech:
            return None
        sent = _encrypted_hello(self.body(_E.ENCRYPTED_CLIENT_HELLO))
        return "inner" if sent is not None and not sent.outer else "outer"

    @property
    def grease(self) -> bool:
        """Whether the client sends GREASE, as Chromium and its relatives do."""
        return self.terms.grease


def decode_client_hello(body: bytes) -> tuple[ClientHello | None, Defect | None]:
    """Decode a ClientHello (RFC 8446 section 4.1.2).

    ::

        struct {
            ProtocolVersion legacy_version = 0x0303;
            Random random;
            opaque legacy_session_id<0..32>;
            CipherSuite cipher_suites<2..2^16-2>;
            opaque legacy_compression_methods<1..2^8-1>;
            Extension extensions<8..2^16-1>;
        } ClientHello;

    Returns:
        What could be read, None where not even ``random`` is whole; and the first defect.
    """
    at = 35 + body[34] if len(body) > 34 else 0
    sight = body[at : at + _SIGHT]  # suites, as a rule
    cast = _MOULDS.find(body, sight)
    if cast is not None:
        return cast.again(body), None
    hello, defect = _decode(body)
    if hello is not None and defect is None and len(body) <= _CAST_MOST and not hello.grease:
        _MOULDS.keep(body, sight, _holes(hello), _Cast(hello, _varying(hello)))
    return hello, defect


_SIGHT: Final = 32
_CAST_MOST: Final = 2048  # bytes of a hello that is worth remembering
# Extensions whose bodies differ each time; of key shares only the keys do.
_OWN: Final = frozenset(
    {
        _E.SERVER_NAME,
        _E.SESSION_TICKET,
        _E.PRE_SHARED_KEY,
        _E.COOKIE,
        _E.ENCRYPTED_CLIENT_HELLO,
    }
)
_KEYS: Final = frozenset({_E.KEY_SHARE, _E.KEY_SHARE_DRAFT})


class _Cast(NamedTuple):
    """A hello, and which of its extensions differ in others from the same mould: index, type, span."""

    hello: ClientHello
    varying: tuple[tuple[int, ExtensionType, int, int], ...]

    def again(self, body: bytes) -> ClientHello:
        """The hello in ``body``, which was made from the same mould."""
        first = self.hello
        extensions = list(first.extensions)
        for index, kind, begin, end in self.varying:
            extensions[index] = Extension(kind, body[begin:end], begin)
        return ClientHello(
            first.legacy_version,
            body[2:34],
            body[35 : 35 + len(first.legacy_session_id)],
            first.cipher_suites,
            first.compression_methods,
            tuple(extensions),
            shared=first.terms,
        )


_MOULDS: Final = Moulds[_Cast](512)


def _varying(hello: ClientHello) -> tuple[tuple[int, ExtensionType, int, int], ...]:
    return tuple(
        (index, kind, offset, offset + len(body))
        for index, (kind, body, offset) in enumerate(hello.extensions)
        if kind in _OWN or kind in _KEYS
    )


def _holes(hello: ClientHello) -> list[Hole]:
    """Where the bytes are that differ each time, in order."""
    holes = [(2, 34), (35, 35 + len(hello.legacy_session_id))]
    for kind, body, offset in hello.extensions:
        if kind in _OWN:
            holes.append((offset, offset + len(body)))
        elif kind in _KEYS:
            holes += _keys(body, offset + 2)
    return holes


def _keys(body: bytes, at: int) -> Iterator[Hole]:
    """The keys of client_shares, whose first entry begins at ``at``; none where they are damaged."""
    for share in client_shares(body):
        yield at + 4, at + 4 + share.length
        at += 4 + share.length


def _decode(body: bytes) -> tuple[ClientHello | None, Defect | None]:
    reader = Reader.over(body, "client_hello")
    try:
        version = ProtocolVersion(reader.uint(2, "legacy_version"))
        random = reader.raw(32, "random")
    except DecodeError as error:
        return None, error.defect
    session_id, suites, compressions = b"", b"", b""
    broken: Defect | None = None
    try:
        session_id = reader.opaque(1, "legacy_session_id")
        suites = reader.opaque(2, "cipher_suites")
        compressions = reader.opaque(1, "legacy_compression_methods")
    except DecodeError as error:
        broken = error.defect
        suites = suites or _begun_suites(reader, broken)
    extensions, defect = decode_extensions(reader) if broken is None else ((), broken)
    hello = ClientHello(
        version,
        random,
        session_id,
        _suites(suites),
        CompressionMethod.many(compressions),
        extensions,
    )
    return hello, defect


def _begun_suites(reader: Reader, defect: Defect) -> bytes:
    """What there is of a list of suites that was cut."""
    if not defect.field.endswith("cipher_suites") or reader.end - reader.pos < 2:
        return b""
    return reader.data[reader.pos : reader.end]


@functools.lru_cache(maxsize=1024)
def _suites(raw: bytes) -> tuple[CipherSuite, ...]:
    """Two-byte suites; an odd byte at the end is left out."""
    count = len(raw) // 2
    return CipherSuite.many(struct.unpack_from(f">{count}H", raw))
