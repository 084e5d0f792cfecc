"""ClientHello: what a client offers, from TLS 1.3 down to SSL 3.0.

A hello keeps what was sent, in order and with duplicates; everything else is a property that decodes
the extension it needs when asked. A damaged extension body reads as absent there; its defect is in
:func:`analyzer.tls.hello.extension_defects`.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from analyzer.errors import DecodeError, Defect
from analyzer.tls import extension_bodies as bodies
from analyzer.tls.extension_bodies import EncryptedClientHello, KeyShare, PskOffer
from analyzer.tls.extensions import (
    Extension,
    decode_extensions,
    first_bodies,
    lenient,
    read_compressions,
    read_groups,
    read_point_formats,
    read_schemes,
)
from analyzer.tls.registry import (
    CertificateCompression,
    CompressionMethod,
    ECPointFormat,
    ExtensionType,
    ProtocolVersion,
    any_grease,
)
from analyzer.tls.registry_keys import NamedGroup, SignatureScheme
from analyzer.tls.registry_suites import CipherSuite
from analyzer.tls.wire import Reader

_NO_GROUPS: Final[tuple[NamedGroup, ...]] = ()
_NO_SCHEMES: Final[tuple[SignatureScheme, ...]] = ()
_NO_NAMES: Final[tuple[str, ...]] = ()
_NO_VERSIONS: Final[tuple[ProtocolVersion, ...]] = ()
_NO_FORMATS: Final[tuple[ECPointFormat, ...]] = ()
_NO_COMPRESSIONS: Final[tuple[CertificateCompression, ...]] = ()
_NO_SHARES: Final[tuple[KeyShare, ...]] = ()
_NO_PSK: Final[PskOffer | None] = None
_NO_ECH: Final[EncryptedClientHello | None] = None

_groups = lenient(read_groups, _NO_GROUPS)
_schemes = lenient(read_schemes, _NO_SCHEMES)
_names = lenient(bodies.read_names, _NO_NAMES)
_versions = lenient(bodies.read_versions, _NO_VERSIONS)
_point_formats = lenient(read_point_formats, _NO_FORMATS)
_compressions = lenient(read_compressions, _NO_COMPRESSIONS)
_host = lenient(bodies.read_server_name, None)
_client_shares = lenient(bodies.read_client_shares, _NO_SHARES)
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
    extension_types: tuple[ExtensionType, ...] = field(init=False, compare=False, repr=False)
    _bodies: Mapping[int, bytes] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        types = tuple([extension.type for extension in self.extensions])
        object.__setattr__(self, "extension_types", types)
        object.__setattr__(self, "_bodies", first_bodies(self.extensions))

    def offers(self, kind: ExtensionType) -> bool:
        """Whether an extension of this type was sent, damaged or not."""
        return kind in self._bodies

    def body(self, kind: ExtensionType) -> bytes | None:
        """The undecoded body of the first extension of this type."""
        return self._bodies.get(kind)

    @property
    def server_name(self) -> str | None:
        """The host name that the client wants (SNI)."""
        return _host(self._bodies.get(_E.SERVER_NAME))

    @property
    def supported_versions(self) -> tuple[ProtocolVersion, ...]:
        """The extension of that name; empty where the client does not know TLS 1.3."""
        return _versions(self._bodies.get(_E.SUPPORTED_VERSIONS))

    @property
    def versions(self) -> tuple[ProtocolVersion, ...]:
        """The versions offered, highest first as a rule, GREASE left out.

        Without supported_versions a hello names the highest only. The list then goes down to TLS 1.0,
        or to the named version where that is lower; how low the client goes the wire does not say.
        """
        listed = self.supported_versions
        if listed:
            return tuple([version for version in listed if not version.grease])
        top = self.legacy_version
        lower = (v for v in _LEGACY if v.rank < top.rank)
        return (top, *lower)

    @property
    def max_version(self) -> ProtocolVersion:
        """The highest version offered."""
        return max(self.versions, key=lambda version: version.rank, default=self.legacy_version)

    @property
    def supported_groups(self) -> tuple[NamedGroup, ...]:
        """Groups for the key exchange, in order of preference."""
        return _groups(self._bodies.get(_E.SUPPORTED_GROUPS))

    @property
    def ec_point_formats(self) -> tuple[ECPointFormat, ...]:
        """Forms of curve points that the client takes."""
        return _point_formats(self._bodies.get(_E.EC_POINT_FORMATS))

    @property
    def signature_algorithms(self) -> tuple[SignatureScheme, ...]:
        """Signatures that the client takes in the handshake, and in certificates unless it says more."""
        return _schemes(self._bodies.get(_E.SIGNATURE_ALGORITHMS))

    @property
    def signature_algorithms_cert(self) -> tuple[SignatureScheme, ...]:
        """Signatures that the client takes in certificates, where it says so apart."""
        return _schemes(self._bodies.get(_E.SIGNATURE_ALGORITHMS_CERT))

    @property
    def alpn(self) -> tuple[str, ...]:
        """Application protocols, in order of preference."""
        return _names(self._bodies.get(_E.APPLICATION_LAYER_PROTOCOL_NEGOTIATION))

    @property
    def key_shares(self) -> tuple[KeyShare, ...]:
        """Groups that the client sent keys for, with their lengths."""
        body = self._bodies.get(_E.KEY_SHARE) or self._bodies.get(_E.KEY_SHARE_DRAFT)
        return _client_shares(body)

    @property
    def key_share_groups(self) -> tuple[NamedGroup, ...]:
        """Groups that the client sent keys for."""
        return tuple([share.group for share in self.key_shares])

    @property
    def pre_shared_key(self) -> PskOffer | None:
        """The pre-shared keys offered (TLS 1.3)."""
        return _psk_offer(self._bodies.get(_E.PRE_SHARED_KEY))

    @property
    def psk_offered(self) -> bool:
        """Whether the client offers to resume, or to use an external key, by TLS 1.3's way."""
        return _E.PRE_SHARED_KEY in self._bodies

    @property
    def session_ticket_offered(self) -> bool:
        """Whether the client knows session tickets (RFC 5077)."""
        return _E.SESSION_TICKET in self._bodies

    @property
    def session_ticket_nonempty(self) -> bool:
        """Whether the client sent a ticket to resume with."""
        return bool(self._bodies.get(_E.SESSION_TICKET))

    @property
    def extended_master_secret(self) -> bool:
        """RFC 7627."""
        return _E.EXTENDED_MASTER_SECRET in self._bodies

    @property
    def encrypt_then_mac(self) -> bool:
        """RFC 7366."""
        return _E.ENCRYPT_THEN_MAC in self._bodies

    @property
    def secure_renegotiation(self) -> bool:
        """Whether the client knows RFC 5746, by extension or by the signal among its suites."""
        return (
            _E.RENEGOTIATION_INFO in self._bodies
            or CipherSuite.TLS_EMPTY_RENEGOTIATION_INFO_SCSV in self.cipher_suites
        )

    @property
    def renegotiates(self) -> bool:
        """Whether this hello renews a handshake: renegotiation_info holds the last Finished."""
        return len(self._bodies.get(_E.RENEGOTIATION_INFO) or b"") > 1

    @property
    def fallback_scsv(self) -> bool:
        """Whether the client says that it retries with a lower version (RFC 7507)."""
        return CipherSuite.TLS_FALLBACK_SCSV in self.cipher_suites

    @property
    def status_request(self) -> bool:
        """Whether the client asks for an OCSP staple."""
        return _E.STATUS_REQUEST in self._bodies or _E.STATUS_REQUEST_V2 in self._bodies

    @property
    def early_data(self) -> bool:
        """Whether the client sends data before the server answered (TLS 1.3)."""
        return _E.EARLY_DATA in self._bodies

    @property
    def application_settings(self) -> bool:
        """Whether the client offers ALPS (draft-vvv-tls-alps), old code point or new."""
        return (
            _E.APPLICATION_SETTINGS in self._bodies or _E.APPLICATION_SETTINGS_NEW in self._bodies
        )

    @property
    def post_handshake_auth(self) -> bool:
        """Whether the client takes a CertificateRequest later (TLS 1.3)."""
        return _E.POST_HANDSHAKE_AUTH in self._bodies

    @property
    def compress_certificate(self) -> tuple[CertificateCompression, ...]:
        """Compressions that the client takes for certificates."""
        return _compressions(self._bodies.get(_E.COMPRESS_CERTIFICATE))

    @property
    def ech(self) -> bool:
        """Whether Encrypted Client Hello was sent, in earnest or as GREASE: nobody can tell."""
        return _E.ENCRYPTED_CLIENT_HELLO in self._bodies or _E.ENCRYPTED_SERVER_NAME in self._bodies

    @property
    def ech_form(self) -> Literal["outer", "inner"] | None:
        """The form of Encrypted Client Hello; the inner one is seen with keys, or at a back end."""
        if not self.ech:
            return None
        sent = _encrypted_hello(self._bodies.get(_E.ENCRYPTED_CLIENT_HELLO))
        return "inner" if sent is not None and not sent.outer else "outer"

    @property
    def grease(self) -> bool:
        """Whether the client sends GREASE, as Chromium and its relatives do."""
        return any_grease(self.cipher_suites) or any_grease(self.extension_types)


_LEGACY: Final = (ProtocolVersion.TLS1_2, ProtocolVersion.TLS1_1, ProtocolVersion.TLS1_0)


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
