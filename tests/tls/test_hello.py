"""Hellos of real stacks and of the RFCs' tables, whole, cut and damaged."""

from __future__ import annotations

import dataclasses
import ssl
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.errors import Defect
from analyzer.tls.message.hello import (
    HELLO_RETRY_RANDOM,
    ClientHello,
    ServerHello,
    decode_client_hello,
    decode_server_hello,
    decode_v2_client_hello,
    decode_v2_server_hello,
    extension_defects,
)
from analyzer.tls.registry.code_points import ExtensionType, ProtocolVersion
from analyzer.tls.registry.keys import NamedGroup
from analyzer.tls.registry.suites import CipherSuite


def real_hello(
    top: ssl.TLSVersion, name: str | None = "server.example", alpn: tuple[str, ...] = ()
) -> bytes:
    """The body of the ClientHello that Python's OpenSSL sends."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = top
    context.check_hostname = name is not None
    if alpn:
        context.set_alpn_protocols(list(alpn))
    sent = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), sent, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    record = sent.read()
    assert record[0] == 22
    assert record[5] == 1
    return record[9:]


def extension(kind: int, body: str) -> bytes:
    data = bytes.fromhex(body)
    return kind.to_bytes(2) + len(data).to_bytes(2) + data


def hello_body(
    *extensions: bytes,
    version: int = 0x0303,
    random: bytes = bytes(32),
    middle: str = "00 0002 1301 01 00",
) -> bytes:
    """A hello: version, random, ``middle`` from session id to compression, extensions."""
    block = b"".join(extensions)
    tail = len(block).to_bytes(2) + block if extensions else b""
    return version.to_bytes(2) + random + bytes.fromhex(middle) + tail


SERVER = "00 1301 00"


def client(
    *extensions: bytes, middle: str = "00 0002 1301 01 00", version: int = 0x0303
) -> ClientHello:
    hello, defect = decode_client_hello(hello_body(*extensions, middle=middle, version=version))
    assert hello is not None
    assert defect is None
    return hello


def server(
    *extensions: bytes, middle: str = SERVER, version: int = 0x0303, random: bytes = bytes(32)
) -> ServerHello:
    body = hello_body(*extensions, middle=middle, version=version, random=random)
    hello, defect = decode_server_hello(body)
    assert hello is not None
    assert defect is None
    return hello


def test_a_real_tls13_hello() -> None:
    hello, defect = decode_client_hello(real_hello(ssl.TLSVersion.TLSv1_3, alpn=("h2", "http/1.1")))

    assert defect is None
    assert hello is not None
    assert hello.server_name == "server.example"
    assert hello.alpn == ("h2", "http/1.1")
    assert [version.label for version in hello.versions] == ["TLSv1.3", "TLSv1.2"]
    assert hello.max_version is ProtocolVersion.TLS1_3
    assert CipherSuite.TLS_AES_256_GCM_SHA384 in hello.cipher_suites
    assert set(hello.key_share_groups) <= set(hello.supported_groups)
    assert NamedGroup.x25519 in hello.supported_groups
    assert hello.signature_algorithms
    assert hello.session_ticket_offered
    assert not hello.session_ticket_nonempty
    assert hello.extended_master_secret
    assert not hello.psk_offered
    assert not hello.fallback_scsv
    assert extension_defects(hello) == ()


def test_a_real_tls12_hello() -> None:
    hello, _ = decode_client_hello(real_hello(ssl.TLSVersion.TLSv1_2, name=None))

    assert hello is not None
    assert hello.server_name is None
    assert hello.supported_versions == ()
    assert [version.label for version in hello.versions] == ["TLSv1.2", "TLSv1.1", "TLSv1.0"]
    assert hello.secure_renegotiation
    assert hello.key_shares == ()


@pytest.mark.parametrize(
    ("versions", "top"),
    [
        pytest.param("06 3a3a 0304 0303", "TLSv1.3", id="grease does not count"),
        pytest.param("04 7f1c 0303", "TLSv1.3-draft28", id="a draft"),
        pytest.param("02 0302", "TLSv1.1", id="the list counts, not the old field"),
    ],
)
def test_the_highest_version_offered(versions: str, top: str) -> None:
    hello = client(extension(ExtensionType.SUPPORTED_VERSIONS, versions))

    assert hello.max_version.label == top


def test_ssl3_offers_nothing_above_itself() -> None:
    hello = client(version=0x0300, middle="00 0002 0005 01 00")

    assert [version.label for version in hello.versions] == ["SSLv3"]
    assert not hello.secure_renegotiation


def test_signals_among_the_suites() -> None:
    hello = client(middle="00 0006 c02f 00ff 5600 01 00")

    assert hello.secure_renegotiation
    assert hello.fallback_scsv


def test_order_and_duplicates_are_kept() -> None:
    twice = extension(ExtensionType.EXTENDED_MASTER_SECRET, "")
    hello = client(twice, extension(0x2A2A, "00"), twice)

    assert [int(kind) for kind in hello.extension_types] == [23, 0x2A2A, 23]
    assert hello.grease


def test_a_damaged_extension_reads_as_absent_and_is_told_apart() -> None:
    hello = client(extension(ExtensionType.SERVER_NAME, "0009 00 0007 6162"))

    assert hello.server_name is None
    assert hello.offers(ExtensionType.SERVER_NAME)
    (defect,) = extension_defects(hello)
    assert defect.field.startswith("client_hello.server_name")


def test_offers_of_resumption_and_more() -> None:
    hello = client(
        extension(ExtensionType.SESSION_TICKET, "aabb"),
        extension(ExtensionType.PRE_SHARED_KEY, "000a 0004 01020304 00000102 0003 02 aabb"),
        extension(ExtensionType.EARLY_DATA, ""),
        extension(ExtensionType.STATUS_REQUEST, "01 0000 0000"),
        extension(ExtensionType.POST_HANDSHAKE_AUTH, ""),
        extension(ExtensionType.COMPRESS_CERTIFICATE, "02 0001"),
        extension(ExtensionType.ENCRYPTED_CLIENT_HELLO, "01"),
        extension(ExtensionType.RENEGOTIATION_INFO, "02 aabb"),
    )

    assert hello.session_ticket_nonempty
    assert hello.pre_shared_key is not None
    assert hello.pre_shared_key.identities == (4,)
    assert hello.psk_offered
    assert hello.early_data
    assert hello.status_request
    assert hello.post_handshake_auth
    assert [int(algorithm) for algorithm in hello.compress_certificate] == [1]
    assert hello.ech
    assert hello.renegotiates


def test_a_first_handshake_renews_nothing() -> None:
    hello = client(extension(ExtensionType.RENEGOTIATION_INFO, "00"))

    assert hello.secure_renegotiation
    assert not hello.renegotiates


@pytest.mark.parametrize("kind", [17513, 17613])
def test_application_settings_have_two_numbers(kind: int) -> None:
    assert client(extension(kind, "0003 02 6832")).application_settings
    assert not client().application_settings


@pytest.mark.parametrize(
    ("kind", "flag"),
    [
        (ExtensionType.ENCRYPT_THEN_MAC, "encrypt_then_mac"),
        (ExtensionType.EXTENDED_MASTER_SECRET, "extended_master_secret"),
        (ExtensionType.RENEGOTIATION_INFO, "secure_renegotiation"),
        (ExtensionType.STATUS_REQUEST, "status_request"),
        (ExtensionType.STATUS_REQUEST_V2, "status_request"),
    ],
)
def test_flags_are_set_by_their_extension_alone(kind: ExtensionType, flag: str) -> None:
    assert getattr(client(extension(kind, "")), flag) is True
    assert getattr(server(extension(kind, "")), flag) is True
    assert getattr(client(), flag) is False
    assert getattr(server(), flag) is False


def test_a_servers_choice_in_tls13() -> None:
    hello = server(
        extension(ExtensionType.SUPPORTED_VERSIONS, "0304"),
        extension(ExtensionType.KEY_SHARE, "001d 0002 aabb"),
        extension(ExtensionType.PRE_SHARED_KEY, "0001"),
    )

    assert hello.version_name == "TLSv1.3"
    assert hello.group is NamedGroup.x25519
    assert hello.selected_identity == 1
    assert hello.psk_selected
    assert not hello.is_hello_retry_request


def test_a_servers_choice_in_tls12() -> None:
    hello = server(
        extension(ExtensionType.APPLICATION_LAYER_PROTOCOL_NEGOTIATION, "0003 02 6832"),
        extension(ExtensionType.RENEGOTIATION_INFO, "00"),
        extension(ExtensionType.SERVER_NAME, ""),
        extension(ExtensionType.SESSION_TICKET, ""),
        extension(ExtensionType.EXTENDED_MASTER_SECRET, ""),
        middle="02 0102 c02f 00",
        random=bytes(24) + b"DOWNGRD\x01",
    )

    assert (hello.version_name, hello.alpn, hello.group) == ("TLSv1.2", "h2", None)
    assert hello.cipher_suite.name == "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
    assert hello.legacy_session_id_echo == b"\x01\x02"
    assert hello.downgrade_sentinel is ProtocolVersion.TLS1_2
    assert hello.secure_renegotiation
    assert hello.server_name_acknowledged
    assert hello.session_ticket
    assert hello.extended_master_secret


def test_a_retry_asks_for_a_group() -> None:
    hello = server(
        extension(ExtensionType.SUPPORTED_VERSIONS, "0304"),
        extension(ExtensionType.KEY_SHARE, "0018"),
        random=HELLO_RETRY_RANDOM,
    )

    assert hello.is_hello_retry_request
    assert hello.group is NamedGroup.secp384r1


def test_a_servers_hello_of_an_early_draft_has_no_session_id() -> None:
    hello = server(extension(40, "001d 0002 aabb"), version=0x7F12, middle="1301")

    assert hello.version_name == "TLSv1.3-draft18"
    assert hello.cipher_suite is CipherSuite.TLS_AES_128_GCM_SHA256
    assert hello.group is NamedGroup.x25519


@pytest.mark.parametrize("suite", ["", "1301"], ids=["draft 18", "draft 21"])
def test_the_retry_of_early_drafts_is_recognised(suite: str) -> None:
    share = extension(40, "0017")
    body = bytes.fromhex("7f15" + suite) + len(share).to_bytes(2) + share
    hello, defect = decode_server_hello(body)

    assert defect is None
    assert hello is not None
    assert hello.is_hello_retry_request
    assert hello.group is NamedGroup.secp256r1


V2_HELLO = bytes.fromhex("01 0301 0009 0000 0010 010080 00002f 0000ff" + "ab" * 16)


def test_a_hello_in_the_framing_of_ssl2() -> None:
    hello, defect = decode_v2_client_hello(V2_HELLO)

    assert defect is None
    assert hello is not None
    assert hello.v2
    assert hello.max_version is ProtocolVersion.TLS1_0
    assert [suite.name for suite in hello.cipher_suites] == [
        "SSL_CK_RC4_128_WITH_MD5",
        "TLS_RSA_WITH_AES_128_CBC_SHA",
        "TLS_EMPTY_RENEGOTIATION_INFO_SCSV",
    ]
    assert hello.secure_renegotiation
    assert len(hello.random) == 16


def test_a_servers_hello_of_ssl2() -> None:
    body = bytes.fromhex("04 00 01 0002 0003 0003 0002 30aabb 010080 cafe")
    hello, defect = decode_v2_server_hello(body)

    assert defect is None
    assert hello is not None
    assert hello.version.label == "SSLv2"
    assert hello.certificate == bytes.fromhex("30aabb")
    assert hello.cipher_suites[0].name == "SSL_CK_RC4_128_WITH_MD5"


SAMPLES: list[tuple[Callable[[bytes], tuple[object, Defect | None]], bytes]] = [
    (decode_client_hello, real_hello(ssl.TLSVersion.TLSv1_3, alpn=("h2",))),
    (decode_client_hello, hello_body(middle="00 0004 002f 0035 01 00")),
    (
        decode_server_hello,
        hello_body(extension(43, "0304"), extension(51, "001d 0002 aabb"), middle=SERVER),
    ),
    (decode_v2_client_hello, V2_HELLO),
    (decode_v2_server_hello, bytes.fromhex("04 00 01 0002 0003 0003 0002 30aabb 010080 cafe")),
]


@pytest.mark.parametrize(("decode", "sample"), SAMPLES)
def test_cut_anywhere_gives_a_located_defect_or_a_shorter_hello(
    decode: Callable[[bytes], tuple[object, Defect | None]], sample: bytes
) -> None:
    whole, none = decode(sample)
    assert none is None
    for kept in range(len(sample)):
        hello, defect = decode(sample[:kept])
        if defect is None:  # cut exactly before the extensions: legal up to TLS 1.2
            assert dataclasses.replace(whole, extensions=()) == hello  # type: ignore[type-var]
        else:
            assert defect.offset <= kept


def test_a_cut_hello_keeps_the_suites_it_has() -> None:
    hello, defect = decode_client_hello(hello_body(middle="00 0008 002f 0035 00"))

    assert defect is not None
    assert hello is not None
    assert [int(suite) for suite in hello.cipher_suites] == [0x2F, 0x35]


def touch(hello: object) -> None:
    """Ask for every property, as a report and rules do."""
    for name in dir(hello):
        if not name.startswith("_"):
            getattr(hello, name)


@given(st.binary(max_size=120))
def test_any_bytes_give_a_hello_or_a_defect(data: bytes) -> None:
    for decode in (
        *(decode_client_hello, decode_server_hello),
        *(decode_v2_client_hello, decode_v2_server_hello),
    ):
        hello, defect = decode(data)
        assert hello is not None or defect is not None
        touch(hello)


@given(st.data())
def test_any_overwritten_byte_is_survived(data: st.DataObject) -> None:
    decode, sample = data.draw(st.sampled_from(SAMPLES))
    at = data.draw(st.integers(0, len(sample) - 1))
    hello, defect = decode(sample[:at] + bytes([data.draw(st.integers(0, 255))]) + sample[at + 1 :])

    touch(hello)
    if isinstance(hello, ClientHello | ServerHello):
        extension_defects(hello)
    assert defect is None or defect.offset <= len(sample)
