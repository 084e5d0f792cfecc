"""Hellos in the framing of SSL 2.0, whatever version they offer."""

from __future__ import annotations

from dataclasses import dataclass

from analyzer.errors import DecodeError, Defect
from analyzer.tls.message.client_hello import ClientHello
from analyzer.tls.registry.code_points import CompressionMethod, ProtocolVersion
from analyzer.tls.registry.suites import CipherSuite
from analyzer.tls.wire import Reader


def decode_v2_client_hello(body: bytes) -> tuple[ClientHello | None, Defect | None]:
    """Decode a ClientHello in the framing of SSL 2.0 (RFC 5246 appendix E.2).

    ::

        struct {
            uint8 msg_type;
            Version version;
            uint16 cipher_spec_length;
            uint16 session_id_length;
            uint16 challenge_length;
            V2CipherSpec cipher_specs[V2ClientHello.cipher_spec_length];
            opaque session_id[V2ClientHello.session_id_length];
            opaque challenge[V2ClientHello.challenge_length];
        } V2ClientHello;

    Args:
        body: From ``msg_type`` (1) on: without the record's length.
    """
    reader = Reader.over(body, "v2_client_hello")
    try:
        if reader.uint(1, "msg_type") != 1:
            raise reader.wrong("msg_type", "is not client_hello (1)")
        version = ProtocolVersion(reader.uint(2, "version"))
        specs, session, challenge = (
            reader.uint(2, name)
            for name in ("cipher_spec_length", "session_id_length", "challenge_length")
        )
        suites = _v2_suites(reader.raw(specs, "cipher_specs"))
    except DecodeError as error:
        return None, error.defect
    session_id = random = b""
    defect: Defect | None = None
    try:
        session_id = reader.raw(session, "session_id")
        random = reader.raw(challenge, "challenge")
        reader.done()
    except DecodeError as error:
        defect = error.defect
    hello = ClientHello(version, random, session_id, suites, (CompressionMethod.NULL,), (), v2=True)
    return hello, defect


def _v2_suites(raw: bytes) -> tuple[CipherSuite, ...]:
    """Three-byte kinds; those that begin with zero are the suites of SSL 3.0 and later."""
    kinds = (int.from_bytes(raw[at : at + 3], "big") for at in range(0, len(raw) - 2, 3))
    return CipherSuite.many(kinds)


@dataclass(frozen=True, slots=True)
class V2ServerHello:
    """A ServerHello of SSL 2.0: the certificate is part of it, and the client chooses the cipher."""

    version: ProtocolVersion
    session_id_hit: bool
    certificate: bytes  # DER where its type is X.509
    cipher_suites: tuple[CipherSuite, ...]
    connection_id: bytes


def decode_v2_server_hello(body: bytes) -> tuple[V2ServerHello | None, Defect | None]:
    """Decode a ServerHello of SSL 2.0, from its type (4) on.

    The fields are type, session_id_hit, certificate_type, version, and three lengths; then the
    certificate, the cipher kinds and the connection id.
    """
    reader = Reader.over(body, "v2_server_hello")
    try:
        if reader.uint(1, "msg_type") != 4:
            raise reader.wrong("msg_type", "is not server_hello (4)")
        hit = bool(reader.uint(1, "session_id_hit"))
        reader.uint(1, "certificate_type")
        version = ProtocolVersion(reader.uint(2, "server_version"))
        names = ("certificate_length", "cipher_specs_length", "connection_id_length")
        lengths = [reader.uint(2, name) for name in names]
        certificate = reader.raw(lengths[0], "certificate")
        suites = _v2_suites(reader.raw(lengths[1], "cipher_specs"))
        connection_id = reader.raw(lengths[2], "connection_id")
    except DecodeError as error:
        return None, error.defect
    return V2ServerHello(version, hit, certificate, suites, connection_id), None
