"""The messages around the key exchange: ServerKeyExchange, CertificateRequest, CertificateVerify.

CertificateStatus, the OCSP staple, is decoded here too; what its DER says is for
:mod:`analyzer.tls.x509.ocsp`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from analyzer.errors import DecodeError, Defect
from analyzer.tls.message.extension_bodies import read_blobs
from analyzer.tls.message.extensions import Extension, decode_extensions, lenient, read_schemes
from analyzer.tls.message.moulds import Moulds
from analyzer.tls.registry.code_points import (
    CertificateStatusType,
    ClientCertificateType,
    ECCurveType,
    ExtensionType,
)
from analyzer.tls.registry.keys import NamedGroup, SignatureScheme
from analyzer.tls.registry.suite_facts import SuiteFacts, facts_of
from analyzer.tls.registry.suites import CipherSuite
from analyzer.tls.wire import Reader, printable
from analyzer.tls.x509.dn import name_text
from analyzer.tls.x509.ocsp import Staple, read_staple

_NO_SCHEMES: Final[tuple[SignatureScheme, ...]] = ()
_NO_NAMES: Final[tuple[bytes, ...]] = ()
_schemes = lenient(read_schemes, _NO_SCHEMES)
_authorities = lenient(read_blobs, _NO_NAMES)


@dataclass(frozen=True, slots=True)
class ServerKeyExchange:
    """What a server says for the key exchange, up to TLS 1.2.

    Finite-field groups have ``dh_bits`` (of the prime), ``dh_generator`` and ``dh_prime``; curves
    have ``group`` or, where they are spelled out, a ``curve_type`` only. Lengths are bytes.
    """

    key_exchange: str  # as in SuiteFacts
    group: NamedGroup | None = None
    curve_type: ECCurveType | None = None
    public_length: int = 0  # of the point or of Ys
    dh_prime: bytes = b""
    dh_generator: int | None = None
    psk_identity_hint: str | None = None
    signature_scheme: SignatureScheme | None = None  # TLS 1.2 only
    signature_length: int = 0

    @property
    def dh_bits(self) -> int | None:
        """Size of the Diffie-Hellman prime in bits."""
        return int.from_bytes(self.dh_prime, "big").bit_length() if self.dh_prime else None

    @property
    def group_name(self) -> str | None:
        """The group as it is printed: ``secp256r1``; None for a finite field or a curve of its own."""
        return self.group.label if self.group is not None else None


def decode_server_key_exchange(
    body: bytes, suite: CipherSuite, version: str
) -> tuple[ServerKeyExchange, Defect | None]:
    """Decode a ServerKeyExchange; which form it has depends on the suite.

    RFC 5246 section 7.4.3, RFC 8422 section 5.4, RFC 4279 section 2, RFC 5489 section 2,
    RFC 5054 section 2.5.3::

        struct {
            select (KeyExchangeAlgorithm) {
                case dhe, dh_anon: opaque dh_p<1..2^16-1>, dh_g<1..2^16-1>, dh_Ys<1..2^16-1>;
                case ecdhe: ECCurveType curve_type; NamedCurve namedcurve; opaque point<1..2^8-1>;
                case psk: opaque psk_identity_hint<0..2^16-1>; then those of dhe or ecdhe
            };
            SignatureAndHashAlgorithm algorithm;  // TLS 1.2
            opaque signature<0..2^16-1>;  // not with dh_anon, psk
        } ServerKeyExchange;
    """
    sight = (suite, version, body[:_POINT])
    known = _MOULDS.find(body, sight)
    if known is not None:
        return known, None
    found, defect = _decode_exchange(body, suite, version)
    if defect is None and found.group is not None and found.psk_identity_hint is None:
        point = (_POINT, _POINT + found.public_length)
        signature = (len(body) - found.signature_length, len(body))
        _MOULDS.keep(body, sight, (point, signature), found)
    return found, defect


_POINT: Final = 4  # where the point of a named curve begins
_MOULDS: Final[Moulds[ServerKeyExchange]] = Moulds(512)


def _decode_exchange(
    body: bytes, suite: CipherSuite, version: str
) -> tuple[ServerKeyExchange, Defect | None]:
    facts = facts_of(suite)
    reader = Reader.over(body, "server_key_exchange")
    found: _Found = {}
    defect: Defect | None = None
    try:
        for part in _parts(suite):
            part(reader, found)
        _signature(reader, found, facts, version)
        reader.done()
    except DecodeError as error:
        defect = error.defect
    return ServerKeyExchange(facts.key_exchange, **found), defect


_Found = dict[str, Any]  # fields of a ServerKeyExchange, as far as read
_Part = Callable[[Reader, _Found], None]


@functools.lru_cache(maxsize=512)
def _parts(suite: CipherSuite) -> tuple[_Part, ...]:
    facts = facts_of(suite)
    exchange = facts.key_exchange
    parts: tuple[_Part, ...] = (_hint,) if exchange.endswith("PSK") else ()
    if exchange.startswith(("ECDH", "ECC")):
        return (*parts, _curve) if exchange != "ECC" else ()
    if exchange.startswith("DH"):
        return (*parts, _finite_field)
    if exchange == "RSA" and facts.export:
        return (_rsa_export,)
    return (*parts, _srp) if exchange == "SRP" else parts


def _hint(reader: Reader, found: _Found) -> None:
    found["psk_identity_hint"] = printable(reader.opaque(2, "psk_identity_hint"))


def _finite_field(reader: Reader, found: _Found) -> None:
    prime = reader.opaque(2, "dh_p", low=1)
    generator = reader.opaque(2, "dh_g", low=1)
    public = reader.opaque(2, "dh_Ys", low=1)
    found["dh_prime"] = prime.lstrip(b"\0")
    found["dh_generator"] = int.from_bytes(generator, "big")
    found["public_length"] = len(public)


def _curve(reader: Reader, found: _Found) -> None:
    kind = ECCurveType.of(reader.uint(1, "curve_type"))
    if kind is not ECCurveType.NAMED_CURVE:
        reader.rest()  # RFC 8422 deprecates curves that are spelled out
        found["curve_type"] = kind
        return
    group = NamedGroup.of(reader.uint(2, "namedcurve"))
    found |= {"curve_type": kind, "group": group}
    found["public_length"] = len(reader.opaque(1, "point", low=1))


def _rsa_export(reader: Reader, found: _Found) -> None:
    """RFC 2246 section 7.4.3: a short-lived RSA key."""
    modulus = reader.opaque(2, "rsa_modulus", low=1)
    reader.opaque(2, "rsa_exponent", low=1)
    found["public_length"] = len(modulus)


def _srp(reader: Reader, found: _Found) -> None:
    prime = reader.opaque(2, "srp_N", low=1)
    reader.opaque(2, "srp_g", low=1)
    reader.opaque(1, "srp_s", low=1)
    public = reader.opaque(2, "srp_B", low=1)
    found |= {"dh_prime": prime, "public_length": len(public)}


def _signature(reader: Reader, found: _Found, facts: SuiteFacts, version: str) -> None:
    if facts.authentication in {"anon", "PSK", "SRP"} or facts.key_exchange == "RSA_PSK":
        return
    if found.get("curve_type") not in {None, ECCurveType.NAMED_CURVE}:
        return  # the signature was skipped with the curve
    if version in {"TLSv1.2", "DTLSv1.2"}:
        found["signature_scheme"] = SignatureScheme.of(reader.uint(2, "algorithm"))
    found["signature_length"] = len(reader.opaque(2, "signature"))


@dataclass(frozen=True, slots=True)
class CertificateRequest:
    """What a server asks of the client's certificate.

    ``authorities`` are the names as sent (DER); ``authority_names`` the same as text (RFC 4514).
    """

    certificate_types: tuple[ClientCertificateType, ...] = ()
    signature_algorithms: tuple[SignatureScheme, ...] = ()
    signature_algorithms_cert: tuple[SignatureScheme, ...] = ()
    authorities: tuple[bytes, ...] = ()
    request_context: bytes = b""
    extensions: tuple[Extension, ...] = ()

    @property
    def authority_names(self) -> tuple[str, ...]:
        """The authorities as text; hexadecimal where a name is no DER."""
        return tuple(name_text(der) for der in self.authorities)


def decode_certificate_request(
    body: bytes, version: str
) -> tuple[CertificateRequest, Defect | None]:
    """Decode a CertificateRequest (RFC 5246 section 7.4.4, RFC 8446 section 4.3.2).

    ::

        struct {
            ClientCertificateType certificate_types<1..2^8-1>;
            SignatureAndHashAlgorithm supported_signature_algorithms<2^16-1>;  // TLS 1.2 only
            DistinguishedName certificate_authorities<0..2^16-1>;
        } CertificateRequest;  // up to TLS 1.2

        struct {
            opaque certificate_request_context<0..2^8-1>;
            Extension extensions<2..2^16-1>;
        } CertificateRequest;  // TLS 1.3
    """
    if version.startswith("TLSv1.3"):
        return _late_request(body)
    reader = Reader.over(body, "certificate_request")
    found = CertificateRequest()
    try:
        types = reader.opaque(1, "certificate_types")
        found = replace(found, certificate_types=ClientCertificateType.many(types))
        if version in {"TLSv1.2", "DTLSv1.2"}:
            block = reader.vector(2, "supported_signature_algorithms")
            pairs = range(block.pos, block.end - 1, 2)
            schemes = (int.from_bytes(body[at : at + 2], "big") for at in pairs)
            found = replace(found, signature_algorithms=SignatureScheme.many(schemes))
        names = reader.vector(2, "certificate_authorities")
        listed: list[bytes] = []
        try:
            while names:
                listed.append(names.opaque(2, "distinguished_name", low=1))
        finally:
            found = replace(found, authorities=tuple(listed))
        reader.done()
    except DecodeError as error:
        return found, error.defect
    return found, None


def _late_request(body: bytes) -> tuple[CertificateRequest, Defect | None]:
    reader = Reader.over(body, "certificate_request")
    try:
        context = reader.opaque(1, "certificate_request_context")
    except DecodeError as error:
        return CertificateRequest(), error.defect
    extensions, defect = decode_extensions(reader)
    bodies = {extension.type: extension.body for extension in extensions}
    found = CertificateRequest(
        signature_algorithms=_schemes(bodies.get(ExtensionType.SIGNATURE_ALGORITHMS)),
        signature_algorithms_cert=_schemes(bodies.get(ExtensionType.SIGNATURE_ALGORITHMS_CERT)),
        authorities=_authorities(bodies.get(ExtensionType.CERTIFICATE_AUTHORITIES)),
        request_context=context,
        extensions=extensions,
    )
    return found, defect


@dataclass(frozen=True, slots=True)
class CertificateVerify:
    """The proof that a side holds the key of its certificate; no scheme before TLS 1.2."""

    signature_scheme: SignatureScheme | None = None
    signature_length: int = 0


def decode_certificate_verify(body: bytes, version: str) -> tuple[CertificateVerify, Defect | None]:
    """Decode a CertificateVerify (RFC 5246 section 7.4.8, RFC 8446 section 4.4.3).

    ::

        struct {
            SignatureScheme algorithm;  // since TLS 1.2
            opaque signature<0..2^16-1>;
        } CertificateVerify;
    """
    reader = Reader.over(body, "certificate_verify")
    scheme = None
    try:
        if version.startswith(("TLSv1.2", "TLSv1.3", "DTLSv1.2")):
            scheme = SignatureScheme(reader.uint(2, "algorithm"))
        signature = reader.opaque(2, "signature")
        reader.done()
    except DecodeError as error:
        return CertificateVerify(scheme), error.defect
    return CertificateVerify(scheme, len(signature)), None


@dataclass(frozen=True, slots=True)
class ClientKeyExchange:
    """A client's part of the key exchange; ``psk_identity`` where the suite uses one."""

    length: int  # bytes of the message's body
    psk_identity: str | None = None


def decode_client_key_exchange(
    body: bytes, suite: CipherSuite
) -> tuple[ClientKeyExchange, Defect | None]:
    """Read what a ClientKeyExchange shows: its length, and a PSK's identity (RFC 4279 section 2)."""
    if not facts_of(suite).key_exchange.endswith("PSK"):
        return ClientKeyExchange(len(body)), None
    try:
        identity = Reader.over(body, "client_key_exchange").opaque(2, "psk_identity")
    except DecodeError as error:
        return ClientKeyExchange(len(body)), error.defect
    return ClientKeyExchange(len(body), printable(identity)), None


def decode_certificate_status(body: bytes) -> tuple[Staple, Defect | None]:
    """Decode a CertificateStatus, or the same in a TLS 1.3 certificate entry (RFC 6066 section 8).

    ::

        struct {
            CertificateStatusType status_type;
            select (status_type) {
                case ocsp: opaque OCSPResponse<1..2^24-1>;
                case ocsp_multi: opaque OCSPResponse<0..2^24-1> list<1..2^24-1>;  // RFC 6961
            } response;
        } CertificateStatus;

    Of a list, the first response is the leaf's.
    """
    reader = Reader.over(body, "certificate_status")
    try:
        kind = CertificateStatusType(reader.uint(1, "status_type"))
        if kind is CertificateStatusType.OCSP_MULTI:
            reader = reader.vector(3, "ocsp_response_list", low=1)
        der = reader.opaque(3, "ocsp_response")
    except DecodeError as error:
        return Staple(response_status="unreadable"), error.defect
    return read_staple(der)
