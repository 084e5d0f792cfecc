"""Key schedules against published vectors, and against scapy's as a second opinion."""

from __future__ import annotations

import hashlib
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.tls.crypto.prf import PRF

from analyzer.tls.decryption.key_schedule import (
    DirectionKeys,
    Randoms,
    direction_keys,
    extended_master_secret,
    following_secret,
    key_length,
    mac_length,
    master_secret,
    prf,
    traffic_keys,
)
from analyzer.tls.registry.code_points import ProtocolVersion
from analyzer.tls.registry.suite_facts import facts_of
from analyzer.tls.registry.suites import CipherSuite

SSL3, TLS10, TLS12 = ProtocolVersion.SSL3, ProtocolVersion.TLS1_0, ProtocolVersion.TLS1_2


# RFC 8448 section 3, "Simple 1-RTT Handshake", AES_128_GCM_SHA256.
@pytest.mark.parametrize(
    ("secret", "key", "iv"),
    [
        pytest.param(
            "b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38",
            "3fce516009c21727d0f2e4e86ee403bc",
            "5d313eb2671276ee13000b30",
            id="server handshake",
        ),
        pytest.param(
            "b3eddb126e067f35a780b3abf45e2d8f3b1a950738f52e9600746a0e27a55a21",
            "dbfaa693d1762c5b666af5d950258d01",
            "5bd3c71b836e0b76bb73265f",
            id="client handshake",
        ),
        pytest.param(
            "a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643",
            "9f02283b6c9c07efc26bb9f2ac92e356",
            "cf782b88dd83549aadf1e984",
            id="server application",
        ),
        pytest.param(
            "9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5",
            "17422dda596ed5d9acd890e3c63f5051",
            "5b78923dee08579033e523d9",
            id="client application",
        ),
    ],
)
def test_traffic_secrets_give_the_keys_of_rfc_8448(secret: str, key: str, iv: str) -> None:
    got = traffic_keys(bytes.fromhex(secret), 16, "SHA256")

    assert got == (bytes.fromhex(key), bytes.fromhex(iv))


def test_a_key_update_gives_a_new_secret_of_the_same_length() -> None:
    first = bytes(range(48))
    second = following_secret(first, "SHA384")

    assert len(second) == 48
    assert len({first, second, following_secret(second, "SHA384")}) == 3


# Vectors published on the TLS working group's list, and by NSS for the old PRF.
@pytest.mark.parametrize(
    ("hash_", "secret", "label", "seed", "out"),
    [
        pytest.param(
            "SHA256",
            "9bbe436ba940f017b17652849a71db35",
            b"test label",
            "a0ba9f936cda311827a6f796ffd5198c",
            "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791e90d35c9c9a46b4e"
            "14baf9af0fa022f7077def17abfd3797c0564bab4fbc91666e9def9b97fce34f796789baa48082d122ee42c5"
            "a72e5a5110fff70187347b66",
            id="TLS 1.2, SHA-256",
        ),
        pytest.param(
            "SHA384",
            "b80b733d6ceefcdc71566ea48e5567df",
            b"test label",
            "cd665cf6a8447dd6ff8b27555edb7465",
            "7b0c18e9ced410ed1804f2cfa34a336a1c14dffb4900bb5fd7942107e81c83cde9ca0faa60be9fe34f82b123"
            "3c9146a0e534cb400fed2700884f9dc236f80edd8bfa961144c9e8d792eca722a7b32fc3d416d473ebc2c5fd"
            "4abfdad05d9184259b5bf8cd4d90fa0d31e2dec479e4f1a26066f2eea9a69236a3e52655c9e9aee691c8f3a2"
            "6854308d5eaa3be85e0990703d73e56f",
            id="TLS 1.2, SHA-384",
        ),
        pytest.param(
            "MD5+SHA1",
            "ab" * 48,
            b"PRF Testvector",
            "cd" * 64,
            "d3d4d1e349b5d515044666d51de32bab258cb521b6b053463e354832fd976754443bcf9a296519bc289abcbc"
            "1187e4ebd31e602353776c408aafb74cbc85eff69255f9788faa184cbb957a9819d84a5d7eb006eb459d3ae8"
            "de9810454b8b2d8f1afbc655a8c9a013",
            id="TLS 1.0",
        ),
    ],
)
def test_the_prf_gives_the_published_vectors(
    hash_: str, secret: str, label: bytes, seed: str, out: str
) -> None:
    want = bytes.fromhex(out)

    assert prf(bytes.fromhex(secret), label, bytes.fromhex(seed), len(want), hash_) == want


@pytest.mark.parametrize(
    ("suite", "version", "lengths"),
    [
        (CipherSuite.TLS_RSA_WITH_AES_128_CBC_SHA, TLS10, (20, 16, 16)),
        (CipherSuite.TLS_RSA_WITH_AES_128_CBC_SHA, TLS12, (20, 16, 0)),
        (CipherSuite.TLS_RSA_WITH_3DES_EDE_CBC_SHA, SSL3, (20, 24, 8)),
        (CipherSuite.TLS_RSA_WITH_RC4_128_MD5, SSL3, (16, 16, 0)),
        (CipherSuite.TLS_RSA_WITH_NULL_SHA256, TLS12, (32, 0, 0)),
        (CipherSuite.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, TLS12, (0, 32, 4)),
        (CipherSuite.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, TLS12, (0, 32, 12)),
        (CipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8, TLS12, (0, 16, 4)),
    ],
)
def test_the_key_block_is_cut_as_the_suite_needs(
    suite: CipherSuite, version: ProtocolVersion, lengths: tuple[int, int, int]
) -> None:
    randoms = Randoms(b"\1" * 32, b"\2" * 32)
    client, server = direction_keys(b"\3" * 48, randoms, version, facts_of(suite))

    for keys in (client, server):
        assert (len(keys.mac_key), len(keys.key), len(keys.iv)) == lengths
    assert client.key != server.key or not client.key


SCAPY = {0x0300: "sha256", 0x0301: "sha256", 0x0303: "sha384"}  # the hash counts in TLS 1.2 only


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(sorted(SCAPY)),
    st.binary(min_size=1, max_size=64),
    st.binary(min_size=32, max_size=32),
    st.binary(min_size=32, max_size=32),
    st.binary(max_size=99),
)
def test_scapy_derives_the_same_secrets(
    version: int, premaster: bytes, client: bytes, server: bytes, transcript: bytes
) -> None:
    late = version == TLS12
    facts = facts_of(
        CipherSuite.TLS_RSA_WITH_AES_256_GCM_SHA384
        if late
        else CipherSuite.TLS_RSA_WITH_AES_256_CBC_SHA
    )
    other = cast("Any", PRF)(hash_name=SCAPY[version], tls_version=version)
    randoms, ours = Randoms(client, server), ProtocolVersion(version)
    master = master_secret(premaster, randoms, ours, facts)

    assert master == other.compute_master_secret(premaster, client, server)
    one, two = direction_keys(master, randoms, ours, facts)
    length = 2 * (mac_length(facts) + key_length(facts) + len(one.iv))
    block = other.derive_key_block(master, server, client, length)
    assert _joined(one, two) == block
    if version != SSL3:
        names = ("sha384",) if late else ("md5", "sha1")
        session = b"".join(hashlib.new(name, transcript).digest() for name in names)
        hashed = other.compute_master_secret(premaster, client, server, True, session)
        assert extended_master_secret(premaster, transcript, ours, facts) == hashed


def _joined(one: DirectionKeys, two: DirectionKeys) -> bytes:
    return one.mac_key + two.mac_key + one.key + two.key + one.iv + two.iv


def test_keys_are_not_shown() -> None:
    secret = b"\xa5" * 48
    keys = direction_keys(
        secret,
        Randoms(secret[:32], secret[:32]),
        TLS12,
        facts_of(CipherSuite.TLS_RSA_WITH_AES_128_CBC_SHA),
    )

    assert "\\x" not in repr(keys)
