"""The terms of an offer: what a client's stack says in every hello.

They are decoded when asked for, and once for all hellos that were made from one mould
(:mod:`analyzer.tls.message.moulds`): what is read here must not depend on bytes that differ each time.
"""

from __future__ import annotations

from functools import cached_property
from typing import Final

from analyzer.tls.message import extension_bodies as bodies
from analyzer.tls.message.extension_bodies import KeyShare
from analyzer.tls.message.extensions import (
    Extension,
    first_places,
    lenient,
    read_compressions,
    read_groups,
    read_point_formats,
    read_schemes,
)
from analyzer.tls.registry.code_points import (
    CertificateCompression,
    ECPointFormat,
    ExtensionType,
    ProtocolVersion,
    any_grease,
)
from analyzer.tls.registry.keys import NamedGroup, SignatureScheme
from analyzer.tls.registry.suites import CipherSuite

_NO_GROUPS: Final[tuple[NamedGroup, ...]] = ()
_NO_SCHEMES: Final[tuple[SignatureScheme, ...]] = ()
_NO_NAMES: Final[tuple[str, ...]] = ()
_NO_VERSIONS: Final[tuple[ProtocolVersion, ...]] = ()
_NO_FORMATS: Final[tuple[ECPointFormat, ...]] = ()
_NO_COMPRESSIONS: Final[tuple[CertificateCompression, ...]] = ()
_NO_SHARES: Final[tuple[KeyShare, ...]] = ()

_groups = lenient(read_groups, _NO_GROUPS)
_schemes = lenient(read_schemes, _NO_SCHEMES)
_names = lenient(bodies.read_names, _NO_NAMES)
_versions = lenient(bodies.read_versions, _NO_VERSIONS)
_point_formats = lenient(read_point_formats, _NO_FORMATS)
_compressions = lenient(read_compressions, _NO_COMPRESSIONS)
client_shares = lenient(bodies.read_client_shares, _NO_SHARES)
_E = ExtensionType


class Terms:
    """What a ClientHello says but for random, session id, name, keys and tickets.

    Known by identity: hellos with the same terms may or may not share one object.
    """

    def __init__(
        self,
        legacy_version: ProtocolVersion,
        cipher_suites: tuple[CipherSuite, ...],
        extensions: tuple[Extension, ...],
        *,
        v2: bool,
    ) -> None:
        self.legacy_version = legacy_version
        self.cipher_suites = cipher_suites
        self.v2 = v2
        self.extension_types = tuple([extension.type for extension in extensions])
        self.places = first_places(self.extension_types)
        self._extensions = extensions

    def body(self, kind: ExtensionType) -> bytes | None:
        """The undecoded body of the first extension of a type that says the same each time."""
        index = self.places.get(kind)
        return None if index is None else self._extensions[index].body

    @cached_property
    def supported_versions(self) -> tuple[ProtocolVersion, ...]:
        """The extension of that name; empty where the client does not know TLS 1.3."""
        return _versions(self.body(_E.SUPPORTED_VERSIONS))

    @cached_property
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

    @cached_property
    def max_version(self) -> ProtocolVersion:
        """The highest version offered."""
        return max(self.versions, key=lambda version: version.rank, default=self.legacy_version)

    @cached_property
    def supported_groups(self) -> tuple[NamedGroup, ...]:
        """Groups for the key exchange, in order of preference."""
        return _groups(self.body(_E.SUPPORTED_GROUPS))

    @cached_property
    def ec_point_formats(self) -> tuple[ECPointFormat, ...]:
        """Forms of curve points that the client takes."""
        return _point_formats(self.body(_E.EC_POINT_FORMATS))

    @cached_property
    def signature_algorithms(self) -> tuple[SignatureScheme, ...]:
        """Signatures that the client takes in the handshake, and in certificates unless it says more."""
        return _schemes(self.body(_E.SIGNATURE_ALGORITHMS))

    @cached_property
    def signature_algorithms_cert(self) -> tuple[SignatureScheme, ...]:
        """Signatures that the client takes in certificates, where it says so apart."""
        return _schemes(self.body(_E.SIGNATURE_ALGORITHMS_CERT))

    @cached_property
    def alpn(self) -> tuple[str, ...]:
        """Application protocols, in order of preference."""
        return _names(self.body(_E.APPLICATION_LAYER_PROTOCOL_NEGOTIATION))

    @cached_property
    def key_shares(self) -> tuple[KeyShare, ...]:
        """Groups that the client sent keys for, with their lengths."""
        body = self.body(_E.KEY_SHARE) or self.body(_E.KEY_SHARE_DRAFT)
        return client_shares(body)

    @cached_property
    def key_share_groups(self) -> tuple[NamedGroup, ...]:
        """Groups that the client sent keys for."""
        return tuple([share.group for share in self.key_shares])

    @cached_property
    def secure_renegotiation(self) -> bool:
        """Whether the client knows RFC 5746, by extension or by the signal among its suites."""
        return (
            _E.RENEGOTIATION_INFO in self.places
            or CipherSuite.TLS_EMPTY_RENEGOTIATION_INFO_SCSV in self.cipher_suites
        )

    @cached_property
    def fallback_scsv(self) -> bool:
        """Whether the client says that it retries with a lower version (RFC 7507)."""
        return CipherSuite.TLS_FALLBACK_SCSV in self.cipher_suites

    @cached_property
    def compress_certificate(self) -> tuple[CertificateCompression, ...]:
        """Compressions that the client takes for certificates."""
        return _compressions(self.body(_E.COMPRESS_CERTIFICATE))

    @cached_property
    def grease(self) -> bool:
        """Whether the client sends GREASE, as Chromium and its relatives do."""
        return any_grease(self.cipher_suites) or any_grease(self.extension_types)


_LEGACY: Final = (ProtocolVersion.TLS1_2, ProtocolVersion.TLS1_1, ProtocolVersion.TLS1_0)
