"""The messages about certificates and keys, decoded once the walk is over."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Final

from analyzer.limits import FIRST_SSL
from analyzer.tcp.timeline import Side
from analyzer.tls.message.certificate import (
    CertificateEntry,
    Certificates,
    decode_certificates,
    decode_compressed_certificates,
    decode_raw_public_key,
)
from analyzer.tls.message.hello import decode_v2_server_hello
from analyzer.tls.message.keyexchange import (
    CertificateRequest,
    ServerKeyExchange,
    decode_certificate_request,
    decode_certificate_status,
    decode_server_key_exchange,
)
from analyzer.tls.registry.code_points import CertificateType, ExtensionType
from analyzer.tls.story import Chain, Message
from analyzer.tls.telling.conversation import Conversation
from analyzer.tls.telling.unsealed import encrypted_extensions
from analyzer.tls.x509.chain import CertificateFacts, ChainFacts, chain_facts, read_certificate
from analyzer.tls.x509.names import matches
from analyzer.tls.x509.ocsp import Staple


@dataclass(frozen=True, slots=True)
class Chains:
    """What the handshake says about certificates; None where no such message is in clear."""

    server: Chain | None = None
    client: Chain | None = None
    request: CertificateRequest | None = None
    server_key_exchange: ServerKeyExchange | None = None
    staple: Staple | None = None


def read_chains(talk: Conversation) -> Chains:
    """Decode the first handshake's certificates, request, key exchange and staple."""
    first = _first_of_each(talk)
    sni = talk.offers[-1].server_name if talk.offers else None
    request = first.get((Side.SERVER, "certificate_request"))
    exchange = first.get((Side.SERVER, "server_key_exchange"))
    status = first.get((Side.SERVER, "certificate_status"))
    version = talk.choice.version_name if talk.choice else "TLSv1.2"
    raw = _raw(talk, ExtensionType.SERVER_CERTIFICATE_TYPE)
    server = _chain(_certificate(first, Side.SERVER), version, sni, raw=raw)
    return Chains(
        server=server,
        client=_chain(
            _certificate(first, Side.CLIENT),
            version,
            None,
            raw=_raw(talk, ExtensionType.CLIENT_CERTIFICATE_TYPE),
        ),
        request=decode_certificate_request(request.body, version)[0] if request else None,
        server_key_exchange=(
            decode_server_key_exchange(exchange.body, talk.choice.cipher_suite, version)[0]
            if exchange and talk.choice
            else None
        ),
        staple=_staple(status.body if status else _status(server)),
    )


def packed(found: Chains) -> tuple[str, ...]:
    """Sentences about certificates that came compressed by a way that is not undone here."""
    return tuple(
        f"the {chain.sender.value}'s certificate is compressed with "
        f"{chain.message.compression.label} and was not unpacked"
        + (f": pip install '{chain.message.lacks}'" if chain.message.lacks else "")
        for chain in (found.server, found.client)
        if chain is not None and chain.message.compression is not None and not chain.message.entries
    )


def undated(found: Chains) -> tuple[str, ...]:
    """A sentence where certificates came in packets without a real time."""
    times = [chain.time for chain in (found.server, found.client) if chain and chain.certificates]
    if min(times, default=FIRST_SSL) >= FIRST_SSL:
        return ()
    return ("the packets have no real times: the dates of certificates are not judged",)


def _certificate(first: dict[tuple[Side, str], Message], side: Side) -> Message | None:
    for name in ("certificate", "compressed_certificate"):
        if (side, name) in first:
            return first[side, name]
    hello = first.get((side, "server_hello"))
    return hello if hello is not None and hello.body[:1] == _V2_SERVER_HELLO else None


# SSL 2.0, where the certificate is part of it; others begin with 3 or more.
_V2_SERVER_HELLO: Final = b"\x04"


def _staple(body: bytes | None) -> Staple | None:
    return decode_certificate_status(body)[0] if body is not None else None


def _status(chain: Chain | None) -> bytes | None:
    """The staple inside a TLS 1.3 Certificate message."""
    return chain.message.entries[0].status if chain and chain.message.entries else None


def _first_of_each(talk: Conversation) -> dict[tuple[Side, str], Message]:
    """The first message of each sender and name that has a body to decode."""
    first: dict[tuple[Side, str], Message] = {}
    for message in talk.messages:
        if message.body:
            first.setdefault((message.sender, message.name), message)
    return first


def _decoded(name: str, body: bytes, version: str, *, raw: bool) -> Certificates:
    if raw:
        return decode_raw_public_key(body, version)[0]
    if name == "compressed_certificate":
        return decode_compressed_certificates(body)[0]
    if name == "server_hello":
        hello, _ = decode_v2_server_hello(body)
        return Certificates((CertificateEntry(hello.certificate),) if hello else ())
    return decode_certificates(body, version)[0]


def _raw(talk: Conversation, kind: ExtensionType) -> bool:
    """Whether the server agreed that a side shows a key alone (RFC 7250 section 4.2), as far as can be read."""
    late = encrypted_extensions(talk) if talk.tls13 else None
    hello = talk.choice if late is None else late
    body = hello.body(kind) if hello is not None else None
    return body == bytes((CertificateType.RAW_PUBLIC_KEY,))


def _chain(
    message: Message | None, version: str, sni: str | None, *, raw: bool = False
) -> Chain | None:
    if message is None:
        return None
    read = _remembered if len(message.body) <= _REMEMBERED_MOST else _remembered.__wrapped__
    return Chain(
        message.sender,
        message.frame,
        message.time,
        *read(message.name, message.body, version, sni, raw=raw),
    )


_REMEMBERED_MOST: Final = 16_384  # bytes of a message that is worth remembering


@functools.lru_cache(maxsize=1024)
def _remembered(
    name: str, body: bytes, version: str, sni: str | None, *, raw: bool
) -> tuple[Certificates, tuple[CertificateFacts, ...], ChainFacts, bool | None]:
    """The last fields of a :class:`Chain`: a server shows the same certificates to all."""
    decoded = _decoded(name, body, version, raw=raw)
    shown = () if raw else decoded.ders  # a raw public key is no certificate
    certificates = tuple(map(read_certificate, shown))
    matched = matches(certificates[0], sni) if certificates and sni else None
    return decoded, certificates, chain_facts(shown), matched
