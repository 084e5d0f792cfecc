"""Decoders of extension bodies: one function for each form that bodies have.

Each takes a reader that is bounded by ``extension_data`` and raises
:class:`~analyzer.errors.DecodeError` where a length or value is wrong; the callers in
:mod:`analyzer.tls.message.extensions` turn that into a value.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TypeVar

from analyzer.tls.registry.code_points import (
    CertificateStatusType,
    CodePoint,
    HeartbeatMode,
    ProtocolVersion,
    PskKeyExchangeMode,
)
from analyzer.tls.registry.keys import NamedGroup
from analyzer.tls.wire import Reader, printable

Points = TypeVar("Points", bound=CodePoint)


@dataclass(frozen=True, slots=True)
class KeyShare:
    """A key share; the key itself is noise, its length is not. A retry names the group only."""

    group: NamedGroup
    length: int


@dataclass(frozen=True, slots=True)
class PskOffer:
    """The pre-shared keys of a ClientHello: lengths of identities and binders, ages in ms."""

    identities: tuple[int, ...]
    obfuscated_ages: tuple[int, ...]
    binders: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class StatusRequest:
    """Which proof of revocation status a client asks for."""

    status_type: CertificateStatusType
    responder_ids: int
    request_extensions: int  # bytes


@dataclass(frozen=True, slots=True)
class EncryptedClientHello:
    """RFC 9849 section 5: the outer form carries the sealed hello, the inner is an empty mark."""

    outer: bool
    kdf: int = 0
    aead: int = 0
    config_id: int = 0
    encapsulated_key: int = 0  # bytes
    payload: int = 0  # bytes


def read_points(reader: Reader, kind: type[Points], prefix: int, width: int) -> tuple[Points, ...]:
    """Decode a list of code points, ``uint<width> list<..>`` behind a length of ``prefix`` bytes."""
    raw = reader.opaque(prefix, "list")
    reader.done()
    if len(raw) % width:
        raise reader.wrong("list", f"length {len(raw)} is no multiple of {width}")
    return kind.many(raw if width == 1 else struct.unpack(f">{len(raw) // 2}H", raw))


def read_point(reader: Reader, kind: type[Points], width: int) -> Points:
    """Decode a single code point that fills the body."""
    value = kind(reader.uint(width, "value"))
    reader.done()
    return value


def read_uint(reader: Reader, width: int) -> int:
    """Decode a single number that fills the body."""
    value = reader.uint(width, "value")
    reader.done()
    return value


def read_server_name(reader: Reader) -> str | None:
    """Decode the first host name of a client's list (RFC 6066 section 3).

    ::

        struct {
            NameType name_type;
            select (name_type) { case host_name: HostName; } name;
        } ServerName;
        opaque HostName<1..2^16-1>;
        struct { ServerName server_name_list<1..2^16-1> } ServerNameList;

    An empty body, as servers send it, gives None.
    """
    if not reader:
        return None
    names = reader.vector(2, "server_name_list", low=1)
    reader.done()
    host: str | None = None
    while names:
        kind = names.uint(1, "name_type")
        name = names.opaque(2, "host_name", low=1)
        if kind == 0 and host is None:
            host = printable(name)
    return host


def read_names(reader: Reader) -> tuple[str, ...]:
    """Decode ALPN's list of protocols (RFC 7301 section 3.1).

    ::

        opaque ProtocolName<1..2^8-1>;
        struct { ProtocolName protocol_name_list<2..2^16-1> } ProtocolNameList;
    """
    names = reader.vector(2, "protocol_name_list", low=2)
    reader.done()
    found: list[str] = []
    while names:
        found.append(printable(names.opaque(1, "protocol_name", low=1)))
    return tuple(found)


def read_npn(reader: Reader) -> tuple[str, ...]:
    """Decode NPN's list of protocols: as ALPN's, without the length in front."""
    found: list[str] = []
    while reader:
        found.append(printable(reader.opaque(1, "protocol_name", low=1)))
    return tuple(found)


def read_client_shares(reader: Reader) -> tuple[KeyShare, ...]:
    """Decode a client's key shares (RFC 8446 section 4.2.8).

    ::

        struct { NamedGroup group; opaque key_exchange<1..2^16-1>; } KeyShareEntry;
        struct { KeyShareEntry client_shares<0..2^16-1>; } KeyShareClientHello;
    """
    shares = reader.vector(2, "client_shares")
    reader.done()
    found: list[KeyShare] = []
    while shares:
        found.append(_share(shares))
    return tuple(found)


def read_server_share(reader: Reader) -> KeyShare:
    """Decode a server's key share, or the group alone that a HelloRetryRequest asks for."""
    if reader.end - reader.pos == 2:
        return KeyShare(NamedGroup(reader.uint(2, "selected_group")), 0)
    share = _share(reader)
    reader.done()
    return share


def _share(reader: Reader) -> KeyShare:
    group = NamedGroup(reader.uint(2, "group"))
    return KeyShare(group, len(reader.opaque(2, "key_exchange", low=1)))


def read_psk_offer(reader: Reader) -> PskOffer:
    """Decode a client's pre-shared keys (RFC 8446 section 4.2.11).

    ::

        struct { opaque identity<1..2^16-1>; uint32 obfuscated_ticket_age; } PskIdentity;
        opaque PskBinderEntry<32..255>;
        struct {
            PskIdentity identities<7..2^16-1>;
            PskBinderEntry binders<33..2^16-1>;
        } OfferedPsks;
    """
    identities: list[int] = []
    ages: list[int] = []
    binders: list[int] = []
    offered = reader.vector(2, "identities")
    while offered:
        identities.append(len(offered.opaque(2, "identity", low=1)))
        ages.append(offered.uint(4, "obfuscated_ticket_age"))
    proofs = reader.vector(2, "binders") if reader else reader  # drafts up to 18 had none
    while proofs:
        binders.append(len(proofs.opaque(1, "binder")))
    reader.done()
    return PskOffer(tuple(identities), tuple(ages), tuple(binders))


def read_psk_modes(reader: Reader) -> tuple[PskKeyExchangeMode, ...]:
    """Decode psk_key_exchange_modes (RFC 8446 section 4.2.9)."""
    return read_points(reader, PskKeyExchangeMode, 1, 1)


def read_versions(reader: Reader) -> tuple[ProtocolVersion, ...]:
    """Decode a client's supported_versions (RFC 8446 section 4.2.1).

    ::

        ProtocolVersion versions<2..254>;
    """
    return read_points(reader, ProtocolVersion, 1, 2)


def read_status_request(reader: Reader) -> StatusRequest:
    """Decode a client's status_request (RFC 6066 section 8).

    ::

        struct {
            CertificateStatusType status_type;
            ResponderID responder_id_list<0..2^16-1>;
            Extensions request_extensions;
        } CertificateStatusRequest;
    """
    kind = CertificateStatusType(reader.uint(1, "status_type"))
    return _status_request(reader, kind)


def _status_request(reader: Reader, kind: CertificateStatusType) -> StatusRequest:
    responders = reader.vector(2, "responder_id_list")
    count = 0
    while responders:
        responders.opaque(2, "responder_id", low=1)
        count += 1
    extensions = reader.opaque(2, "request_extensions")
    reader.done()
    return StatusRequest(kind, count, len(extensions))


def read_status_requests(reader: Reader) -> tuple[StatusRequest, ...]:
    """Decode a client's status_request_v2: a list of the above, each with a length (RFC 6961)."""
    items = reader.vector(2, "certificate_status_req_list", low=1)
    reader.done()
    found: list[StatusRequest] = []
    while items:
        kind = CertificateStatusType(items.uint(1, "status_type"))
        found.append(_status_request(items.vector(2, "request"), kind))
    return tuple(found)


def read_lengths(reader: Reader) -> tuple[int, ...]:
    """Lengths of the items of a list of byte strings: SCTs (RFC 6962 section 3.3)."""
    items = reader.vector(2, "list", low=1)
    reader.done()
    found: list[int] = []
    while items:
        found.append(len(items.opaque(2, "item", low=1)))
    return tuple(found)


def read_blobs(reader: Reader) -> tuple[bytes, ...]:
    """Decode ``opaque DistinguishedName<1..2^16-1>``, listed (RFC 8446 section 4.2.4)."""
    items = reader.vector(2, "authorities")
    reader.done()
    found: list[bytes] = []
    while items:
        found.append(items.opaque(2, "distinguished_name", low=1))
    return tuple(found)


def read_vector(reader: Reader, prefix: int) -> int:
    """The length of a body that is one vector: renegotiation_info, cookie."""
    inner = reader.opaque(prefix, "value")
    reader.done()
    return len(inner)


def read_heartbeat(reader: Reader) -> HeartbeatMode:
    """Decode heartbeat (RFC 6520 section 2)."""
    return read_point(reader, HeartbeatMode, 1)


def read_encrypted_client_hello(reader: Reader) -> EncryptedClientHello:
    """Decode a client's encrypted_client_hello (RFC 9849 section 5).

    ::

        struct {
            ECHClientHelloType type;  // outer(0), inner(1)
            select (ECHClientHello.type) {
                case outer:
                    HpkeSymmetricCipherSuite cipher_suite;
                    uint8 config_id;
                    opaque enc<0..2^16-1>;
                    opaque payload<1..2^16-1>;
                case inner: Empty;
            };
        } ECHClientHello;
    """
    if reader.uint(1, "type") != 0:
        reader.done()
        return EncryptedClientHello(outer=False)
    kdf, aead = reader.uint(2, "kdf_id"), reader.uint(2, "aead_id")
    config_id = reader.uint(1, "config_id")
    enc = len(reader.opaque(2, "enc"))
    payload = len(reader.opaque(2, "payload", low=1))
    reader.done()
    return EncryptedClientHello(True, kdf, aead, config_id, enc, payload)
