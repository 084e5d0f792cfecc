"""Extensions: split from the block in order, bodies decoded when somebody asks.

A hello carries a dozen extensions of which a report needs half, and the same bodies come again and
again: every connection of one client repeats them. So a body stays bytes until a property of the
hello wants it, and short bodies are decoded once.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Final, NamedTuple, TypeVar

from analyzer.errors import DecodeError, Defect, DefectKind
from analyzer.tls.message import extension_bodies as bodies
from analyzer.tls.registry.code_points import (
    CertificateCompression,
    CertificateType,
    ECPointFormat,
    ExtensionType,
    ProtocolVersion,
)
from analyzer.tls.registry.keys import NamedGroup, SignatureScheme
from analyzer.tls.wire import Reader

Value = TypeVar("Value")

_REMEMBERED_MOST: Final = 512  # bytes of a body that is worth remembering
_HEADER: Final = struct.Struct(">HH")


class Extension(NamedTuple):
    """An extension as sent; ``offset`` is where its body begins in the message.

    A tuple, because a hello has a dozen and a frozen dataclass takes twice as long to make.
    """

    type: ExtensionType
    body: bytes
    offset: int = 0


def decode_extensions(reader: Reader) -> tuple[tuple[Extension, ...], Defect | None]:
    """Split ``Extension extensions<0..2^16-1>`` (RFC 8446 section 4.2).

    ::

        struct { ExtensionType extension_type; opaque extension_data<0..2^16-1>; } Extension;

    An absent block is legal up to TLS 1.2 (RFC 5246 section 7.4.1.2).

    Returns:
        The whole extensions in the order sent, duplicates included (rules and fingerprints need
        both), and the defect that ended the block early. A block whose length is a lie is read as
        far as it goes.
    """
    if not reader:
        return (), None
    try:
        length = reader.uint(2, "extensions")
    except DecodeError as error:
        return (), error.defect
    left = reader.end - reader.pos
    defect: Defect | None = None
    if length > left:
        defect = _defect(
            reader, DefectKind.OVERRUN, reader.pos, f"needs {length} bytes, {left} left"
        )
    elif length < left:
        detail = f"{left - length} bytes left over"
        defect = _defect(reader, DefectKind.TRAILING, reader.pos + length, detail)
    stop = reader.pos + min(length, left)
    found, broken = _split(reader, stop)
    return found, broken or defect


def _split(reader: Reader, stop: int) -> tuple[tuple[Extension, ...], Defect | None]:
    data, at = reader.data, reader.pos
    known = ExtensionType._value2member_map_
    found: list[Extension] = []
    reader.pos = reader.end
    while at < stop:
        body = at + 4
        if body > stop:
            detail = f"needs 4 bytes, {stop - at} left"
            return tuple(found), _defect(reader, DefectKind.OVERRUN, at, detail)
        kind, length = _HEADER.unpack_from(data, at)
        at = body + length
        type_ = known.get(kind)
        if type_ is None:
            type_ = ExtensionType(kind)
        if at > stop:
            detail = f"needs {length} bytes, {stop - body} left"
            field = f"extensions.{type_.label}"  # type: ignore[attr-defined]
            return tuple(found), _defect(reader, DefectKind.OVERRUN, body, detail, field)
        found.append(Extension(type_, data[body:at], body))  # type: ignore[arg-type]
    return tuple(found), None


def _defect(
    reader: Reader, kind: DefectKind, offset: int, detail: str, field: str = "extensions"
) -> Defect:
    return Defect(kind, f"{reader.field}.{field}", offset, detail)


def decode_extension(extension: Extension, message: str) -> tuple[object, Defect | None]:
    """Decode a body by its type and the message that it came in.

    Args:
        extension: As sent.
        message: ``client_hello`` selects the client's form; any other name the server's.

    Returns:
        The value, None where no decoder knows the type (the body stays raw) or the body is
        damaged; the latter with a defect, located in the message.
    """
    forms = CLIENT_FORMS if message == "client_hello" else SERVER_FORMS
    decode = forms.get(extension.type)
    if decode is None:
        return None, None
    try:
        return decode(Reader.over(extension.body, f"{message}.{extension.type.label}")), None
    except DecodeError as error:
        defect = error.defect
        return None, replace(defect, offset=defect.offset + extension.offset)


def first_places(types: Iterable[ExtensionType]) -> Mapping[int, int]:
    """Indices by type; of a type that came twice, the first."""
    found: dict[int, int] = {}
    for index, kind in enumerate(types):
        found.setdefault(kind, index)
    return found


def first_bodies(extensions: Iterable[Extension]) -> Mapping[int, bytes]:
    """Bodies by type; of a type that came twice, the first."""
    found: dict[int, bytes] = {}
    for extension in extensions:
        found.setdefault(extension.type, extension.body)
    return found


def lenient(decode: Callable[[Reader], Value], missing: Value) -> Callable[[bytes | None], Value]:
    """Make a decoder of bytes that answers ``missing`` where the body is absent or damaged.

    Short bodies are remembered; the memory is bounded by their number and length.
    """

    def read(body: bytes) -> Value:
        try:
            return decode(Reader.over(body, "extension_data"))
        except DecodeError:
            return missing

    remembered = functools.lru_cache(maxsize=1024)(read)

    def answer(body: bytes | None) -> Value:
        if body is None:
            return missing
        return remembered(body) if len(body) <= _REMEMBERED_MOST else read(body)

    return answer


def read_groups(reader: Reader) -> tuple[NamedGroup, ...]:
    """Decode ``NamedGroup named_group_list<2..2^16-1>`` (RFC 8446 section 4.2.7)."""
    return bodies.read_points(reader, NamedGroup, 2, 2)


def read_schemes(reader: Reader) -> tuple[SignatureScheme, ...]:
    """Decode ``SignatureScheme supported_signature_algorithms<2..2^16-2>`` (section 4.2.3)."""
    return bodies.read_points(reader, SignatureScheme, 2, 2)


def read_point_formats(reader: Reader) -> tuple[ECPointFormat, ...]:
    """Decode ``ECPointFormat ec_point_format_list<1..2^8-1>`` (RFC 8422 section 5.1.2)."""
    return bodies.read_points(reader, ECPointFormat, 1, 1)


def read_compressions(reader: Reader) -> tuple[CertificateCompression, ...]:
    """Decode ``CertificateCompressionAlgorithm algorithms<2..2^8-2>`` (RFC 8879 section 3)."""
    return bodies.read_points(reader, CertificateCompression, 1, 2)


def read_version(reader: Reader) -> ProtocolVersion:
    """Decode a server's choice in supported_versions (RFC 8446 section 4.2.1)."""
    return bodies.read_point(reader, ProtocolVersion, 2)


def _certificate_types(reader: Reader) -> tuple[CertificateType, ...]:
    return bodies.read_points(reader, CertificateType, 1, 1)


def _certificate_type(reader: Reader) -> CertificateType:
    return bodies.read_point(reader, CertificateType, 1)


def _uint8(reader: Reader) -> int:
    return bodies.read_uint(reader, 1)


def _uint16(reader: Reader) -> int:
    return bodies.read_uint(reader, 2)


def _vector8(reader: Reader) -> int:
    return bodies.read_vector(reader, 1)


def _vector16(reader: Reader) -> int:
    return bodies.read_vector(reader, 2)


def _length(reader: Reader) -> int:
    return len(reader.rest())


def _nothing(reader: Reader) -> bool:
    """A flag: the body is empty."""
    reader.done()
    return True


_Forms = Mapping[ExtensionType, Callable[[Reader], object]]
_E = ExtensionType

_EITHER: Final[_Forms] = {
    _E.MAX_FRAGMENT_LENGTH: _uint8,
    _E.EC_POINT_FORMATS: read_point_formats,
    _E.SUPPORTED_GROUPS: read_groups,
    _E.SIGNATURE_ALGORITHMS: read_schemes,
    _E.SIGNATURE_ALGORITHMS_CERT: read_schemes,
    _E.DELEGATED_CREDENTIAL: read_schemes,
    _E.APPLICATION_LAYER_PROTOCOL_NEGOTIATION: bodies.read_names,
    _E.HEARTBEAT: bodies.read_heartbeat,
    _E.ENCRYPT_THEN_MAC: _nothing,
    _E.EXTENDED_MASTER_SECRET: _nothing,
    _E.POST_HANDSHAKE_AUTH: _nothing,
    _E.RECORD_SIZE_LIMIT: _uint16,
    _E.RENEGOTIATION_INFO: _vector8,
    _E.COMPRESS_CERTIFICATE: read_compressions,
    _E.CERTIFICATE_AUTHORITIES: bodies.read_blobs,
    _E.COOKIE: _vector16,
    _E.PADDING: _length,
    _E.SESSION_TICKET: _length,
    _E.QUIC_TRANSPORT_PARAMETERS: _length,
}
"""Bodies that have one form, whoever sends them. Lengths stand for what is opaque."""

CLIENT_FORMS: Final[_Forms] = {
    **_EITHER,
    _E.SERVER_NAME: bodies.read_server_name,
    _E.STATUS_REQUEST: bodies.read_status_request,
    _E.STATUS_REQUEST_V2: bodies.read_status_requests,
    _E.SIGNED_CERTIFICATE_TIMESTAMP: _nothing,
    _E.CLIENT_CERTIFICATE_TYPE: _certificate_types,
    _E.SERVER_CERTIFICATE_TYPE: _certificate_types,
    _E.SUPPORTED_VERSIONS: bodies.read_versions,
    _E.KEY_SHARE: bodies.read_client_shares,
    _E.KEY_SHARE_DRAFT: bodies.read_client_shares,
    _E.PRE_SHARED_KEY: bodies.read_psk_offer,
    _E.PSK_KEY_EXCHANGE_MODES: bodies.read_psk_modes,
    _E.EARLY_DATA: _nothing,
    _E.NEXT_PROTOCOL_NEGOTIATION: _nothing,
    _E.ENCRYPTED_CLIENT_HELLO: bodies.read_encrypted_client_hello,
}

SERVER_FORMS: Final[_Forms] = {
    **_EITHER,
    _E.SERVER_NAME: _nothing,
    _E.STATUS_REQUEST: _nothing,
    _E.SIGNED_CERTIFICATE_TIMESTAMP: bodies.read_lengths,
    _E.CLIENT_CERTIFICATE_TYPE: _certificate_type,
    _E.SERVER_CERTIFICATE_TYPE: _certificate_type,
    _E.SUPPORTED_VERSIONS: read_version,
    _E.KEY_SHARE: bodies.read_server_share,
    _E.KEY_SHARE_DRAFT: bodies.read_server_share,
    _E.PRE_SHARED_KEY: _uint16,
    _E.EARLY_DATA: _nothing,
    _E.NEXT_PROTOCOL_NEGOTIATION: bodies.read_npn,
    _E.ENCRYPTED_CLIENT_HELLO: _length,
}
