"""Messages around the key exchange: whole, cut, damaged; staples of every answer."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp
from hypothesis import given
from hypothesis import strategies as st

from analyzer.tls.message.keyexchange import (
    CertificateVerify,
    decode_certificate_request,
    decode_certificate_status,
    decode_certificate_verify,
    decode_client_key_exchange,
    decode_server_key_exchange,
)
from analyzer.tls.registry.code_points import ClientCertificateType, ECCurveType
from analyzer.tls.registry.keys import NamedGroup, SignatureScheme
from analyzer.tls.registry.suites import CipherSuite
from analyzer.tls.x509.chain import read_certificate
from tests.tls.certificates import Key, chain, name, ns

ECDHE = CipherSuite.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
DHE = CipherSuite.TLS_DHE_RSA_WITH_AES_128_CBC_SHA
DH_ANON = CipherSuite.TLS_DH_anon_WITH_AES_128_CBC_SHA
PSK = CipherSuite.TLS_PSK_WITH_AES_128_CBC_SHA
ECDHE_PSK = CipherSuite.TLS_ECDHE_PSK_WITH_AES_128_CBC_SHA
RSA = CipherSuite.TLS_RSA_WITH_AES_128_CBC_SHA

CURVE = "03 0017 03 04aabb"
PRIME = "0004 00800001 0001 02 0003 010203"
EXCHANGES = [
    pytest.param(CURVE + "0804 0002 cafe", ECDHE, "TLSv1.2", id="ECDHE"),
    pytest.param(CURVE + "0002 cafe", ECDHE, "TLSv1.0", id="ECDHE before TLS 1.2"),
    pytest.param(PRIME + "0401 0002 cafe", DHE, "TLSv1.2", id="DHE"),
    pytest.param(PRIME, DH_ANON, "TLSv1.2", id="DH_anon"),
    pytest.param("0004 68696e74", PSK, "TLSv1.2", id="PSK"),
    pytest.param("0004 68696e74" + CURVE, ECDHE_PSK, "TLSv1.2", id="ECDHE_PSK"),
]


def test_a_named_curve() -> None:
    body = bytes.fromhex(CURVE + "0804 0002 cafe")
    found, defect = decode_server_key_exchange(body, ECDHE, "TLSv1.2")

    assert defect is None
    assert found.key_exchange == "ECDHE"
    assert found.group is NamedGroup.secp256r1
    assert found.group_name == "secp256r1"
    assert found.public_length == 3
    assert found.signature_scheme is SignatureScheme.rsa_pss_rsae_sha256
    assert found.signature_length == 2
    assert found.dh_bits is None


def test_a_prime_has_its_size_without_leading_zeros() -> None:
    body = bytes.fromhex(PRIME + "0002 cafe")
    found, defect = decode_server_key_exchange(body, DHE, "TLSv1.1")

    assert defect is None
    assert (found.dh_bits, found.dh_generator, found.public_length) == (24, 2, 3)
    assert found.signature_scheme is None
    assert found.signature_length == 2
    assert found.group_name is None


def test_a_hint() -> None:
    found, defect = decode_server_key_exchange(bytes.fromhex("0004 68696e74"), PSK, "TLSv1.2")

    assert defect is None
    assert found.psk_identity_hint == "hint"


def test_a_curve_that_is_spelled_out_is_kept_as_such() -> None:
    found, defect = decode_server_key_exchange(bytes.fromhex("01 aabbcc"), ECDHE, "TLSv1.2")

    assert defect is None
    assert found.curve_type is ECCurveType.EXPLICIT_PRIME


def test_a_suite_without_the_message_makes_it_a_defect() -> None:
    _, defect = decode_server_key_exchange(b"\0\0", RSA, "TLSv1.2")

    assert defect is not None


@pytest.mark.parametrize(("wire", "suite", "version"), EXCHANGES)
def test_key_exchanges_cut_anywhere(wire: str, suite: CipherSuite, version: str) -> None:
    body = bytes.fromhex(wire)
    whole, none = decode_server_key_exchange(body, suite, version)
    assert none is None
    for kept in range(len(body)):
        found, defect = decode_server_key_exchange(body[:kept], suite, version)
        assert defect is not None
        assert defect.offset <= kept
        assert found.group in {None, whole.group}


AUTHORITY = name("Root", "Org").public_bytes()
NAMES = (2 + len(AUTHORITY)).to_bytes(2) + len(AUTHORITY).to_bytes(2) + AUTHORITY


@pytest.mark.parametrize(
    ("body", "version"),
    [
        pytest.param(bytes.fromhex("02 01 40") + NAMES, "TLSv1.1", id="TLS 1.1"),
        pytest.param(bytes.fromhex("02 01 40 0004 0403 0401") + NAMES, "TLSv1.2", id="TLS 1.2"),
        pytest.param(
            b"\0"
            + (8 + 4 + len(NAMES)).to_bytes(2)
            + bytes.fromhex("000d 0004 0002 0403")
            + (47).to_bytes(2)
            + len(NAMES).to_bytes(2)
            + NAMES,
            "TLSv1.3",
            id="TLS 1.3",
        ),
    ],
)
def test_certificate_requests(body: bytes, version: str) -> None:
    found, defect = decode_certificate_request(body, version)

    assert defect is None
    assert found.authorities == (AUTHORITY,)
    assert found.authority_names == ("CN=Root,O=Org",)
    if version == "TLSv1.3":
        assert found.certificate_types == ()
    else:
        assert found.certificate_types == (
            ClientCertificateType.RSA_SIGN,
            ClientCertificateType.ECDSA_SIGN,
        )
    assert bool(found.signature_algorithms) == (version != "TLSv1.1")
    for kept in range(len(body)):
        _, defect = decode_certificate_request(body[:kept], version)
        assert defect is not None or (version == "TLSv1.3" and kept == 1)


def test_a_cut_request_keeps_the_names_it_has() -> None:
    twice = (2 * (2 + len(AUTHORITY))).to_bytes(2) + NAMES[2:] * 2
    found, defect = decode_certificate_request(b"\x01\x01" + twice[:-3] + b"", "TLSv1.0")

    assert defect is not None
    assert found.certificate_types == (ClientCertificateType.RSA_SIGN,)


def test_certificate_verify() -> None:
    body = bytes.fromhex("0403 0002 cafe")

    assert decode_certificate_verify(body, "TLSv1.3") == (
        CertificateVerify(SignatureScheme.ecdsa_secp256r1_sha256, 2),
        None,
    )
    assert decode_certificate_verify(body[2:], "TLSv1.1") == (CertificateVerify(None, 2), None)


def test_client_key_exchange() -> None:
    found, _ = decode_client_key_exchange(bytes.fromhex("0002 6d65"), PSK)
    plain, _ = decode_client_key_exchange(bytes(66), ECDHE)

    assert (found.psk_identity, found.length) == ("me", 4)
    assert (plain.psk_identity, plain.length) == (None, 66)


THIS = datetime(2026, 6, 1, tzinfo=UTC)
NEXT = datetime(2026, 6, 8, tzinfo=UTC)
REVOKED = datetime(2026, 5, 1, 12, tzinfo=UTC)


def response(
    status: ocsp.OCSPCertStatus, *, by_name: bool = True, until: datetime | None = NEXT
) -> bytes:
    leaf, intermediate, _ = chain()
    revoked = status is ocsp.OCSPCertStatus.REVOKED
    encoding = ocsp.OCSPResponderEncoding.NAME if by_name else ocsp.OCSPResponderEncoding.HASH
    key: Key = intermediate.key
    built = (
        ocsp.OCSPResponseBuilder()
        .add_response(
            cert=leaf.certificate,
            issuer=intermediate.certificate,
            algorithm=hashes.SHA256(),
            cert_status=status,
            this_update=THIS,
            next_update=until,
            revocation_time=REVOKED if revoked else None,
            revocation_reason=x509.ReasonFlags.key_compromise if revoked else None,
        )
        .responder_id(encoding, intermediate.certificate)
        .sign(key, hashes.SHA256())
    )
    return built.public_bytes(serialization.Encoding.DER)


def status(der: bytes) -> bytes:
    return b"\x01" + len(der).to_bytes(3) + der


def test_a_good_staple() -> None:
    staple, defect = decode_certificate_status(status(response(ocsp.OCSPCertStatus.GOOD)))

    assert defect is None
    assert (staple.response_status, staple.certificate_status) == ("successful", "good")
    assert (staple.this_update, staple.next_update) == (ns(THIS), ns(NEXT))
    assert staple.responder == "CN=Intermediate"
    assert staple.serial == read_certificate(chain()[0].der).serial
    assert staple.current(ns(THIS) + 1)
    assert not staple.current(ns(NEXT) + 1)


def test_a_staple_that_says_revoked() -> None:
    staple, _ = decode_certificate_status(
        status(response(ocsp.OCSPCertStatus.REVOKED, by_name=False, until=None))
    )

    assert staple.certificate_status == "revoked"
    assert staple.revoked_at == ns(REVOKED)
    assert staple.revocation_reason == "key_compromise"
    assert staple.next_update is None
    assert staple.responder is not None
    assert len(staple.responder) == 40


def test_a_staple_that_does_not_know() -> None:
    staple, _ = decode_certificate_status(status(response(ocsp.OCSPCertStatus.UNKNOWN)))

    assert staple.certificate_status == "unknown"


def test_a_responder_without_an_answer() -> None:
    built = ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER)
    staple, defect = decode_certificate_status(
        status(built.public_bytes(serialization.Encoding.DER))
    )

    assert defect is None
    assert (staple.response_status, staple.certificate_status) == ("try_later", None)
    assert staple.current(0) is None


def test_the_first_of_several_responses_is_the_leafs() -> None:
    der = response(ocsp.OCSPCertStatus.GOOD)
    items = len(der).to_bytes(3) + der + b"\0\0\0"
    staple, defect = decode_certificate_status(b"\x02" + len(items).to_bytes(3) + items)

    assert defect is None
    assert staple.certificate_status == "good"


def test_a_staple_cut_anywhere_is_a_defect() -> None:
    body = status(response(ocsp.OCSPCertStatus.GOOD))
    for kept in range(0, len(body), 3):
        staple, defect = decode_certificate_status(body[:kept])
        assert defect is not None
        assert staple.certificate_status is None


@given(st.binary(max_size=80), st.sampled_from([ECDHE, DHE, DH_ANON, PSK, ECDHE_PSK, RSA]))
def test_any_bytes_give_a_value_or_a_defect(data: bytes, suite: CipherSuite) -> None:
    for version in ("TLSv1.0", "TLSv1.2", "TLSv1.3"):
        decode_server_key_exchange(data, suite, version)
        request, _ = decode_certificate_request(data, version)
        assert len(request.authority_names) == len(request.authorities)
        decode_certificate_verify(data, version)
    decode_client_key_exchange(data, suite)
    decode_certificate_status(data)


@given(st.data())
def test_any_overwritten_byte_of_a_staple_is_survived(data: st.DataObject) -> None:
    body = STAPLE
    at = data.draw(st.integers(0, len(body) - 1))
    byte = bytes([data.draw(st.integers(0, 255))])
    staple, _ = decode_certificate_status(body[:at] + byte + body[at + 1 :])

    assert staple.response_status


STAPLE = status(response(ocsp.OCSPCertStatus.REVOKED))
