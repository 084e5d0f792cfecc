"""TLS messages as bytes on the wire, short to ask for: hellos, flights, alerts, sealed records."""

from __future__ import annotations

import functools
import hashlib
import struct
from collections.abc import Sequence

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.tls.certificates import Made, chain, make

HANDSHAKE, ALERT, SWITCH, DATA = 22, 21, 20, 23
ECDHE_RSA_AES_GCM, ECDHE_ECDSA_AES_GCM, AES_GCM_13 = 0xC02F, 0xC02B, 0x1301
TAG = 17  # the inner content type and the tag of TLS 1.3
FINISHED_13 = 36  # with SHA-256
HOST = "server.example"


def record(kind: int, fragment: bytes, version: int = 0x0303) -> bytes:
    """Make a record."""
    return struct.pack(">BHH", kind, version, len(fragment)) + fragment


def message(kind: int, body: bytes) -> bytes:
    """Make a handshake message without a record."""
    return bytes((kind,)) + len(body).to_bytes(3) + body


def extension(kind: int, body: bytes) -> bytes:
    """Make an extension."""
    return struct.pack(">HH", kind, len(body)) + body


def numbers(values: Sequence[int], width: int = 2, prefix: int = 2) -> bytes:
    """Make a vector of numbers."""
    body = b"".join(value.to_bytes(width) for value in values)
    return len(body).to_bytes(prefix) + body


def names(values: Sequence[str]) -> bytes:
    """Make a ProtocolNameList."""
    body = b"".join(bytes((len(name),)) + name.encode() for name in values)
    return len(body).to_bytes(2) + body


def server_name(host: str) -> bytes:
    """Make the body of server_name."""
    entry = b"\0" + len(host).to_bytes(2) + host.encode()
    return len(entry).to_bytes(2) + entry


def client_hello(
    *more: bytes,
    sni: str | None = HOST,
    suites: Sequence[int] = (ECDHE_ECDSA_AES_GCM, ECDHE_RSA_AES_GCM, 0x009C),
    groups: Sequence[int] = (29, 23, 24),
    schemes: Sequence[int] = (0x0403, 0x0804, 0x0401),
    alpn: Sequence[str] = (),
    versions: Sequence[int] = (),
    key_shares: Sequence[tuple[int, int]] = (),
    legacy_version: int = 0x0303,
    renegotiation: bool = True,
    master_secret: bool = True,
    random: int = 1,
    session_id: bytes = b"",
) -> bytes:
    """Make a ClientHello in a record. ``key_shares`` are (group, length); ``more`` extensions."""
    found = [extension(0, server_name(sni))] if sni is not None else []
    found += [extension(10, numbers(groups))] if groups else []
    found += [extension(11, b"\1\0")] if groups else []
    found += [extension(13, numbers(schemes))] if schemes else []
    found += [extension(16, names(alpn))] if alpn else []
    found += [extension(23, b"")] if master_secret else []
    found += [extension(0xFF01, b"\0")] if renegotiation else []
    found += [extension(43, numbers(versions, 2, 1))] if versions else []
    if key_shares:
        shares = b"".join(
            struct.pack(">HH", group, length) + bytes(length) for group, length in key_shares
        )
        found.append(extension(51, len(shares).to_bytes(2) + shares))
    block = b"".join([*found, *more])
    body = legacy_version.to_bytes(2) + bytes((random,)) * 32
    body += bytes((len(session_id),)) + session_id + numbers(suites) + b"\1\0"
    body += len(block).to_bytes(2) + block if block else b""
    return record(HANDSHAKE, message(1, body), 0x0301)


def client_hello_13(*more: bytes, large: bool = False, **changes: object) -> bytes:
    """Make a ClientHello that offers TLS 1.3 too; a large one has an ML-KEM share."""
    usual: dict[str, object] = {
        "suites": (AES_GCM_13, 0x1302, ECDHE_ECDSA_AES_GCM, ECDHE_RSA_AES_GCM),
        "versions": (0x0304, 0x0303),
        "key_shares": ((0x11EC, 1216), (29, 32)) if large else ((29, 32),),
        "session_id": bytes(32),
    }
    return client_hello(*more, **(usual | changes))  # type: ignore[arg-type]


def server_hello(
    *more: bytes,
    suite: int = ECDHE_ECDSA_AES_GCM,
    version: int = 0x0303,
    renegotiation: bool = True,
    master_secret: bool = True,
    alpn: str | None = None,
    session_id: bytes = b"",
    random: bytes = bytes(31) + b"\2",
) -> bytes:
    """Make a ServerHello, without a record."""
    found = [extension(0xFF01, b"\0")] if renegotiation else []
    found += [extension(23, b"")] if master_secret else []
    found += [extension(16, names([alpn]))] if alpn else []
    block = b"".join([*found, *more])
    body = version.to_bytes(2) + random + bytes((len(session_id),)) + session_id
    body += struct.pack(">HB", suite, 0) + (len(block).to_bytes(2) + block if block else b"")
    return message(2, body)


def server_hello_13(*more: bytes, suite: int = AES_GCM_13, psk: bool = False) -> bytes:
    """Make a ServerHello that chooses TLS 1.3."""
    chosen = [
        extension(43, b"\x03\x04"),
        extension(51, struct.pack(">HH", 29, 32) + bytes(32)),
        *([extension(41, b"\0\0")] if psk else []),
    ]
    plain = {"renegotiation": False, "master_secret": False, "session_id": bytes(32)}
    return server_hello(*chosen, *more, suite=suite, **plain)  # type: ignore[arg-type]


RETRY_RANDOM = hashlib.sha256(b"HelloRetryRequest").digest()  # RFC 8446 section 4.1.3


def hello_retry_request(group: int = 23) -> bytes:
    """Make a HelloRetryRequest that asks for a share of ``group``."""
    wanted = [extension(43, b"\x03\x04"), extension(51, group.to_bytes(2))]
    plain = {"renegotiation": False, "master_secret": False, "session_id": bytes(32)}
    return server_hello(*wanted, suite=AES_GCM_13, random=RETRY_RANDOM, **plain)  # type: ignore[arg-type]


def certificate(*ders: bytes) -> bytes:
    """Make a Certificate message of TLS 1.2; none makes an empty one."""
    entries = b"".join(len(der).to_bytes(3) + der for der in ders)
    return message(11, len(entries).to_bytes(3) + entries)


@functools.cache
def server_ders() -> tuple[bytes, ...]:
    """The chain of the healthy server: its certificate and the intermediate."""
    leaf, intermediate, _ = chain()
    return leaf.der, intermediate.der


@functools.cache
def client_made() -> Made:
    """A certificate for a client."""
    return make("partner", issuer=chain()[1])


def certificate_request(*authorities: bytes) -> bytes:
    """Make a CertificateRequest of TLS 1.2; ``authorities`` are names in DER."""
    listed = b"".join(len(name).to_bytes(2) + name for name in authorities)
    body = numbers((1, 64), 1, 1) + numbers((0x0403, 0x0804, 0x0401))
    return message(13, body + len(listed).to_bytes(2) + listed)


@functools.cache
def server_key_exchange(group: int = 23, scheme: int = 0x0403) -> bytes:
    """Make an ECDHE ServerKeyExchange; its signature is none."""
    key = ec.derive_private_key(7, ec.SECP256R1()).public_key()
    point = key.public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    body = struct.pack(">BHB", 3, group, len(point)) + point
    return message(12, body + scheme.to_bytes(2) + bytes(2))


def client_key_exchange() -> bytes:
    """Make an ECDHE ClientKeyExchange."""
    return message(16, b"\x41\x04" + bytes(64))


def certificate_verify(scheme: int = 0x0403) -> bytes:
    """Make a CertificateVerify; its signature is none."""
    return message(15, scheme.to_bytes(2) + (70).to_bytes(2) + bytes(70))


HELLO_DONE = message(14, b"")


def server_flight(*, ders: tuple[bytes, ...] | None = None, asking: bool = False) -> bytes:
    """Make ServerHello to ServerHelloDone, each message in a record of its own."""
    sent = [server_hello(), certificate(*(server_ders() if ders is None else ders))]
    sent += [server_key_exchange()]
    sent += [certificate_request()] if asking else []
    return b"".join(record(HANDSHAKE, part) for part in [*sent, HELLO_DONE])


def switch() -> bytes:
    """Make a ChangeCipherSpec."""
    return record(SWITCH, b"\1")


def finished() -> bytes:
    """Make ChangeCipherSpec and an encrypted Finished."""
    return switch() + record(HANDSHAKE, b"\xa5" * 40)


def client_flight(*, shown: tuple[bytes, ...] | None = None) -> bytes:
    """Make ClientKeyExchange to Finished; ``shown`` is a chain, an empty one included."""
    sent = [] if shown is None else [certificate(*shown)]
    sent += [client_key_exchange()]
    sent += [certificate_verify()] if shown else []
    return b"".join(record(HANDSHAKE, part) for part in sent) + finished()


def alert(description: int, level: int = 2) -> bytes:
    """Make an alert in clear."""
    return record(ALERT, bytes((level, description)))


def sealed_alert() -> bytes:
    """Make an encrypted alert of TLS 1.2 (AES-GCM)."""
    return record(ALERT, b"\xa5" * 26)


def data(length: int = 120) -> bytes:
    """Make application data of TLS 1.2."""
    return record(DATA, b"\xa5" * length)


def sealed(*lengths: int) -> bytes:
    """Make records of TLS 1.3 with contents of these lengths."""
    return b"".join(record(DATA, b"\xa5" * (length + TAG)) for length in lengths)


CLOSE_NOTIFY, NO_RENEGOTIATION, HANDSHAKE_FAILURE, UNKNOWN_CA, DECODE_ERROR = 0, 100, 40, 48, 50


def openvpn(
    opcode: int, number: int | None, *said: bytes, acks: int = 0, hmac: int = 0, key: int = 0
) -> bytes:
    """Make a packet of OpenVPN over TCP; ``number`` is that of a message, ``said`` is what is in it.

    ``hmac`` is the size of tls-auth's digest, behind which number and time of the packet stand.
    """
    packet = bytes([opcode << 3 | key]) + bytes(range(8)) + b"\xad" * hmac
    packet += (b"\0\0\0\1" + b"time" if hmac else b"") + bytes([acks])
    packet += bytes(4 * acks + 8) if acks else b""
    packet += (b"" if number is None else number.to_bytes(4)) + b"".join(said)
    return len(packet).to_bytes(2) + packet
