"""Extensions: split in order, bodies decoded by type and sender."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.errors import DecodeError, DefectKind
from analyzer.tls.message.extension_bodies import (
    EncryptedClientHello,
    KeyShare,
    PskOffer,
    StatusRequest,
    read_names,
)
from analyzer.tls.message.extensions import (
    CLIENT_FORMS,
    SERVER_FORMS,
    Extension,
    decode_extension,
    decode_extensions,
)
from analyzer.tls.registry.code_points import CertificateStatusType, ExtensionType
from analyzer.tls.registry.keys import NamedGroup
from analyzer.tls.wire import Reader

E = ExtensionType
ALPN = bytes.fromhex("000c 02 6832 08 687474702f312e31")  # h2, http/1.1
ALPN_NAME = "alpn.protocol_name_list.protocol_name"

CLIENT_BODIES = [
    (E.SERVER_NAME, "000a 00 0007 612e62632e6465", "a.bc.de"),
    (E.SUPPORTED_GROUPS, "0006 001d 11ec 0100", (29, 0x11EC, 256)),
    (E.SIGNATURE_ALGORITHMS, "0004 0403 0804", (0x0403, 0x0804)),
    (E.SIGNATURE_ALGORITHMS_CERT, "0002 0807", (0x0807,)),
    (E.EC_POINT_FORMATS, "02 00 01", (0, 1)),
    (E.APPLICATION_LAYER_PROTOCOL_NEGOTIATION, ALPN.hex(), ("h2", "http/1.1")),
    (E.NEXT_PROTOCOL_NEGOTIATION, "", True),
    (E.SUPPORTED_VERSIONS, "04 0304 0303", (0x0304, 0x0303)),
    (
        *(E.KEY_SHARE, "000e 001d 0004 aabbccdd 0017 0002 eeff"),
        (KeyShare(NamedGroup.x25519, 4), KeyShare(NamedGroup.secp256r1, 2)),
    ),
    (
        *(E.PRE_SHARED_KEY, "000a 0004 01020304 00000102 0003 02 aabb"),
        PskOffer((4,), (0x102,), (2,)),
    ),
    (E.PSK_KEY_EXCHANGE_MODES, "01 01", (1,)),
    (E.SESSION_TICKET, "0102030405", 5),
    (E.STATUS_REQUEST, "01 0000 0000", StatusRequest(CertificateStatusType.OCSP, 0, 0)),
    (
        *(E.STATUS_REQUEST_V2, "0007 02 0004 0000 0000"),
        (StatusRequest(CertificateStatusType.OCSP_MULTI, 0, 0),),
    ),
    (E.SIGNED_CERTIFICATE_TIMESTAMP, "", True),
    (E.EXTENDED_MASTER_SECRET, "", True),
    (E.ENCRYPT_THEN_MAC, "", True),
    (E.RENEGOTIATION_INFO, "00", 0),
    (E.MAX_FRAGMENT_LENGTH, "02", 2),
    (E.RECORD_SIZE_LIMIT, "4001", 0x4001),
    (E.COOKIE, "0003 010203", 3),
    (E.EARLY_DATA, "", True),
    (E.CERTIFICATE_AUTHORITIES, "0006 0004 30023100", (bytes.fromhex("30023100"),)),
    (E.POST_HANDSHAKE_AUTH, "", True),
    (E.COMPRESS_CERTIFICATE, "02 0002", (2,)),
    (E.HEARTBEAT, "01", 1),
    (E.CLIENT_CERTIFICATE_TYPE, "02 02 00", (2, 0)),
    (E.SERVER_CERTIFICATE_TYPE, "01 00", (0,)),
    (E.DELEGATED_CREDENTIAL, "0002 0403", (0x0403,)),
    (E.ENCRYPTED_CLIENT_HELLO, "01", EncryptedClientHello(outer=False)),
    (
        *(E.ENCRYPTED_CLIENT_HELLO, "00 0001 0003 2a 0002 aabb 0003 010203"),
        EncryptedClientHello(True, 1, 3, 0x2A, 2, 3),
    ),
    (E.PADDING, "000000", 3),
    (E.QUIC_TRANSPORT_PARAMETERS, "0102", 2),
]
SERVER_BODIES = [
    (E.SERVER_NAME, "", True),
    (E.SUPPORTED_VERSIONS, "0304", 0x0304),
    (E.KEY_SHARE, "001d 0004 aabbccdd", KeyShare(NamedGroup.x25519, 4)),
    (E.KEY_SHARE, "0018", KeyShare(NamedGroup.secp384r1, 0)),
    (E.PRE_SHARED_KEY, "0001", 1),
    (E.STATUS_REQUEST, "", True),
    (E.SERVER_CERTIFICATE_TYPE, "02", 2),
    (E.NEXT_PROTOCOL_NEGOTIATION, "02 6832 03 616263", ("h2", "abc")),
    (E.SIGNED_CERTIFICATE_TIMESTAMP, "0005 0003 010203", (3,)),
]
BODIES = [
    *(("client_hello", *row) for row in CLIENT_BODIES),
    *(("server_hello", *row) for row in SERVER_BODIES),
]
FIXED = {E.SESSION_TICKET, E.PADDING, E.QUIC_TRANSPORT_PARAMETERS}  # any bytes are whole


@pytest.mark.parametrize(("message", "kind", "wire", "value"), BODIES)
def test_bodies_decode(message: str, kind: ExtensionType, wire: str, value: object) -> None:
    assert decode_extension(Extension(kind, bytes.fromhex(wire)), message) == (value, None)


@pytest.mark.parametrize(("message", "kind", "wire", "value"), BODIES)
def test_bodies_cut_anywhere_are_located_defects(
    message: str, kind: ExtensionType, wire: str, value: object
) -> None:
    body = bytes.fromhex(wire)
    for kept in range(len(body)):
        got, defect = decode_extension(Extension(kind, body[:kept], offset=100), message)
        if defect is None:  # a shorter body of the same form
            assert got != value
        else:
            assert got is None
            assert 100 <= defect.offset <= 100 + kept
            assert defect.field.startswith(f"{message}.{kind.label}")


@pytest.mark.parametrize(("message", "kind", "wire", "value"), BODIES)
def test_bytes_after_a_body_are_a_defect(
    message: str, kind: ExtensionType, wire: str, value: object
) -> None:
    if kind in FIXED or kind is E.NEXT_PROTOCOL_NEGOTIATION or value == EncryptedClientHello(False):
        return
    _, defect = decode_extension(Extension(kind, bytes.fromhex(wire) + b"\0"), message)

    assert defect is not None


def test_what_nobody_decodes_stays_raw() -> None:
    assert decode_extension(Extension(E(0x1234), b"abc"), "client_hello") == (None, None)


@pytest.mark.parametrize(
    ("wire", "kind", "field"),
    [
        pytest.param("0003 02 6832 ff", DefectKind.TRAILING, "alpn", id="junk after list"),
        pytest.param("0003 05 6832", DefectKind.OVERRUN, ALPN_NAME, id="name overruns list"),
        pytest.param("0002 00 00", DefectKind.OUT_OF_RANGE, ALPN_NAME, id="empty name"),
    ],
)
def test_alpn_lengths_that_lie(wire: str, kind: DefectKind, field: str) -> None:
    with pytest.raises(DecodeError) as caught:
        read_names(Reader.over(bytes.fromhex(wire), "alpn"))

    assert (caught.value.defect.kind, caught.value.defect.field) == (kind, field)


@given(st.binary(max_size=64))
def test_any_bytes_give_extensions_and_at_most_one_defect(data: bytes) -> None:
    whole, defect = decode_extensions(Reader.over(data, "hello"))

    assert sum(4 + len(extension.body) for extension in whole) <= len(data)
    assert defect is None or defect.offset <= len(data)


@given(st.sampled_from(list({*CLIENT_FORMS, *SERVER_FORMS})), st.binary(max_size=64), st.booleans())
def test_any_body_gives_a_value_or_a_defect(kind: ExtensionType, body: bytes, client: bool) -> None:
    message = "client_hello" if client else "encrypted_extensions"
    value, defect = decode_extension(Extension(kind, body), message)

    assert defect is None or (value is None and defect.offset <= len(body))


@given(st.lists(st.tuples(st.integers(0, 0xFFFF), st.binary(max_size=8)), max_size=5))
def test_splitting_undoes_joining(sent: list[tuple[int, bytes]]) -> None:
    block = b"".join(kind.to_bytes(2) + len(body).to_bytes(2) + body for kind, body in sent)
    data = len(block).to_bytes(2) + block
    whole, defect = decode_extensions(Reader.over(data, "hello"))

    assert [(extension.type, extension.body) for extension in whole] == sent
    assert all(data[e.offset : e.offset + len(e.body)] == e.body for e in whole)
    assert defect is None


def test_extensions_before_a_lie_survive_it() -> None:
    wire = bytes.fromhex("000c 0017 0000 0010 0010 00020268")
    whole, defect = decode_extensions(Reader.over(wire, "hello"))

    assert [extension.type for extension in whole] == [E.EXTENDED_MASTER_SECRET]
    assert defect is not None
    assert defect.field == "hello.extensions.application_layer_protocol_negotiation"
    assert defect.offset == 10
