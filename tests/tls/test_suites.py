"""What suite names imply: a table of the kinds there are, and OpenSSL's opinion on all it knows."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from analyzer.tls.registry.code_points import ProtocolVersion
from analyzer.tls.registry.suite_facts import facts_of
from analyzer.tls.registry.suites import CipherSuite


@pytest.mark.parametrize(
    ("name", "keys", "cipher", "mode", "mac", "hash_", "tag", "nonce", "block"),
    [
        ("TLS_AES_128_GCM_SHA256", "TLS13 any", "AES_128", "GCM", "AEAD", "SHA256", 16, 0, 0),
        ("TLS_AES_128_CCM_8_SHA256", "TLS13 any", "AES_128", "CCM_8", "AEAD", "SHA256", 8, 0, 0),
        (
            "TLS_CHACHA20_POLY1305_SHA256",
            "TLS13 any",
            "CHACHA20",
            "POLY1305",
            "AEAD",
            "SHA256",
            16,
            0,
            0,
        ),
        (
            "TLS_RSA_WITH_AES_256_CBC_SHA",
            "RSA RSA",
            "AES_256",
            "CBC",
            "SHA",
            "MD5+SHA1",
            20,
            16,
            16,
        ),
        ("TLS_RSA_WITH_AES_128_CCM", "RSA RSA", "AES_128", "CCM", "AEAD", "SHA256", 16, 8, 0),
        ("TLS_RSA_WITH_RC4_128_MD5", "RSA RSA", "RC4_128", "stream", "MD5", "MD5+SHA1", 16, 0, 0),
        ("TLS_RSA_WITH_NULL_SHA256", "RSA RSA", "NULL", "stream", "SHA256", "SHA256", 32, 0, 0),
        (
            "TLS_DH_anon_WITH_3DES_EDE_CBC_SHA",
            "DH anon",
            "3DES_EDE",
            "CBC",
            "SHA",
            "MD5+SHA1",
            20,
            8,
            8,
        ),
        (
            "TLS_DHE_DSS_WITH_AES_256_GCM_SHA384",
            "DHE DSS",
            "AES_256",
            "GCM",
            "AEAD",
            "SHA384",
            16,
            8,
            0,
        ),
        (
            *(
                "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
                "ECDHE ECDSA",
                "CHACHA20",
                "POLY1305",
            ),
            *("AEAD", "SHA256", 16, 0, 0),
        ),
        (
            "TLS_ECDHE_PSK_WITH_AES_128_CBC_SHA256",
            "ECDHE_PSK PSK",
            "AES_128",
            "CBC",
            "SHA256",
            "SHA256",
            32,
            16,
            16,
        ),
        (
            "TLS_PSK_DHE_WITH_AES_128_CCM_8",
            "DHE_PSK PSK",
            "AES_128",
            "CCM_8",
            "AEAD",
            "SHA256",
            8,
            8,
            0,
        ),
        (
            "TLS_KRB5_EXPORT_WITH_DES_CBC_40_SHA",
            "KRB5 KRB5",
            "DES_40",
            "CBC",
            "SHA",
            "MD5+SHA1",
            20,
            16,
            16,
        ),
        (
            "TLS_SRP_SHA_RSA_WITH_AES_128_CBC_SHA",
            "SRP RSA",
            "AES_128",
            "CBC",
            "SHA",
            "MD5+SHA1",
            20,
            16,
            16,
        ),
        ("ECC_SM4_CBC_SM3", "ECC SM2", "SM4", "CBC", "SM3", "SM3", 32, 16, 16),
        ("SSL_CK_DES_192_EDE3_CBC_WITH_MD5", "RSA RSA", "3DES_EDE", "CBC", "MD5", "MD5", 16, 0, 8),
    ],
)
def test_names_are_taken_apart(
    name: str,
    keys: str,
    cipher: str,
    mode: str,
    mac: str,
    hash_: str,
    tag: int,
    nonce: int,
    block: int,
) -> None:
    suite = next((s for s in CipherSuite if s.name == name), None)
    if suite is None:
        pytest.skip(f"{name} has another spelling in the table")
    facts = facts_of(suite)

    assert f"{facts.key_exchange} {facts.authentication}" == keys
    assert (facts.cipher, facts.mode, facts.mac, facts.hash) == (cipher, mode, mac, hash_)
    assert (facts.tag_length, facts.explicit_nonce, facts.block_size) == (tag, nonce, block)
    assert facts.aead == (mac == "AEAD")


def test_every_suite_has_facts_but_signals_and_null() -> None:
    silent = {s.name for s in CipherSuite if s.registered and not facts_of(s).key_exchange}

    assert silent == {
        "TLS_NULL_WITH_NULL_NULL",
        "TLS_EMPTY_RENEGOTIATION_INFO_SCSV",
        "TLS_FALLBACK_SCSV",
    }
    assert all(facts_of(s).hash for s in CipherSuite if facts_of(s).key_exchange)


def test_versions_that_a_suite_is_for() -> None:
    old = facts_of(CipherSuite.TLS_RSA_WITH_AES_128_CBC_SHA)
    newer = facts_of(CipherSuite.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256)
    newest = facts_of(CipherSuite.TLS_AES_256_GCM_SHA384)

    assert [old.allowed_in(v) for v in (ProtocolVersion.TLS1_0, ProtocolVersion.TLS1_3)] == [
        True,
        False,
    ]
    assert [newer.allowed_in(v) for v in (ProtocolVersion.TLS1_1, ProtocolVersion.TLS1_2)] == [
        False,
        True,
    ]
    assert [newest.allowed_in(v) for v in (ProtocolVersion.TLS1_2, ProtocolVersion(0x7F1C))] == [
        False,
        True,
    ]


def test_what_nobody_should_use_is_weak() -> None:
    weak = {
        "TLS_RSA_WITH_RC4_128_SHA",
        "TLS_RSA_EXPORT_WITH_DES40_CBC_SHA",
        "TLS_RSA_WITH_NULL_SHA",
    }
    named = {suite.name: facts_of(suite) for suite in CipherSuite}

    assert all(named[name].weak for name in weak)
    assert named["TLS_RSA_EXPORT_WITH_DES40_CBC_SHA"].export
    assert not named["TLS_RSA_WITH_AES_128_CBC_SHA"].weak


def test_unknown_suites_have_no_facts() -> None:
    facts = facts_of(CipherSuite(0xABCD))

    assert (facts.key_exchange, facts.hash, facts.tag_length) == ("", "", None)


def openssl_rows() -> list[tuple[int, str, str, str]]:
    """Number, IANA name, own name and version of every suite that OpenSSL knows."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is absent")
    shown = subprocess.run(
        ["openssl", "ciphers", "-V", "-stdname", "ALL:COMPLEMENTOFALL"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    rows = re.findall(r"0x(\w\w),0x(\w\w) - (\S+)\s+- (\S+)\s+(\S+)", shown)
    return [(int(high + low, 16), name, own, since) for high, low, name, own, since in rows]


@pytest.mark.peer
def test_names_and_versions_agree_with_openssl() -> None:
    rows = openssl_rows()
    known = [facts_of(CipherSuite(number)) for number, *_ in rows]

    assert len(rows) > 40
    assert [facts.suite.name for facts in known] == [name for _, name, _, _ in rows]
    assert [facts.openssl_name for facts in known] == [own for _, _, own, _ in rows]
    new = {"TLSv1.2", "TLSv1.3"}
    assert [f.suite.name for f in known if f.first_version.label in new] == [
        name for _, name, _, since in rows if since in new
    ]
