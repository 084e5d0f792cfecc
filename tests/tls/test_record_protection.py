"""Single records: published ones, ones sealed here by the same suite's rules, and changed ones."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

import pytest
from cryptography.hazmat.decrepit.ciphers import algorithms as old
from cryptography.hazmat.primitives.ciphers import BlockCipherAlgorithm, Cipher, algorithms, modes
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.tls.decryption.key_schedule import (
    DirectionKeys,
    Randoms,
    derives,
    direction_keys,
    key_length,
    mac_length,
)
from analyzer.tls.decryption.record_protection import Opened, Sealed, protection12, protection13
from analyzer.tls.registry.code_points import ProtocolVersion
from analyzer.tls.registry.suite_facts import facts_of
from analyzer.tls.registry.suites import CipherSuite

TLS10, TLS12 = ProtocolVersion.TLS1_0, ProtocolVersion.TLS1_2
GCM13 = facts_of(CipherSuite.TLS_AES_128_GCM_SHA256)


def record(wire: str) -> Sealed:
    data = bytes.fromhex(wire)
    return Sealed(data[0], int.from_bytes(data[1:3], "big"), data[5:])


# RFC 8448 section 3: what the client sends behind its ClientHello, but for the data.
CLIENT_FINISHED = record(
    "170303003575ec4dc238cce60b298044a71e219c56cc77b0517fe9b93c7a4bfc44d87f38f80338ac98fc46deb384bd1c"
    "aeacab6867d726c40546"
)
CLIENT_ALERT = record("1703030013c9872760655666b74d7ff1153efd6db6d0b0e3")
HANDSHAKE = bytes.fromhex("b3eddb126e067f35a780b3abf45e2d8f3b1a950738f52e9600746a0e27a55a21")
APPLICATION = bytes.fromhex("9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5")


@pytest.mark.parametrize("version", [ProtocolVersion.TLS1_0, TLS12, ProtocolVersion.TLS1_3])
@pytest.mark.parametrize("suite", [*CipherSuite, CipherSuite(0x13FF)], ids=lambda s: s.name)
def test_a_suite_of_any_number_has_keys_or_none(
    suite: CipherSuite, version: ProtocolVersion
) -> None:
    """Servers choose what they like: a suite of another version, GOST, or nothing known."""
    facts = facts_of(suite)
    if version.tls13:
        found = protection13(HANDSHAKE, facts, version)
        assert found is None or facts.hash in {"SHA256", "SHA384", "SM3", "SHA512"}
    elif derives(facts, version):
        keys = direction_keys(bytes(48), Randoms(bytes(32), bytes(32)), version, facts)
        protection12(keys[0], facts, version, encrypt_then_mac=False)


@pytest.mark.parametrize(
    ("secret", "sealed", "number", "plain"),
    [
        pytest.param(
            HANDSHAKE,
            CLIENT_FINISHED,
            0,
            "14000020a8ec436d677634ae525ac1fcebe11a039ec17694fac6e98527b642f2edd5ce6116",
            id="Finished",
        ),
        pytest.param(APPLICATION, CLIENT_ALERT, 1, "010015", id="close_notify, after data"),
    ],
)
def test_the_records_of_rfc_8448_open(
    secret: bytes, sealed: Sealed, number: int, plain: str
) -> None:
    protection = protection13(secret, GCM13, ProtocolVersion.TLS1_3)
    assert protection is not None
    opened = protection.open(sealed, range(3))

    assert opened is not None
    assert (opened.plain.hex(), opened.number) == (plain, number)
    assert protection.open(sealed, range(number + 1, number + 9)) is None


@given(st.integers(0, len(CLIENT_FINISHED.fragment) * 8 - 1))
def test_a_changed_bit_is_never_believed(bit: int) -> None:
    fragment = bytearray(CLIENT_FINISHED.fragment)
    fragment[bit // 8] ^= 1 << bit % 8
    protection = protection13(HANDSHAKE, GCM13, ProtocolVersion.TLS1_3)
    assert protection is not None

    assert protection.open(replace(CLIENT_FINISHED, fragment=bytes(fragment)), range(2)) is None


@given(st.binary(max_size=40))
def test_any_fragment_is_opened_or_not(fragment: bytes) -> None:
    for suite in (CipherSuite.TLS_AES_128_CCM_8_SHA256, CipherSuite.TLS_CHACHA20_POLY1305_SHA256):
        protection = protection13(HANDSHAKE, facts_of(suite), ProtocolVersion.TLS1_3)
        assert protection is not None
        assert protection.open(Sealed(23, 0x0303, fragment), range(2)) is None


CBC = (
    CipherSuite.TLS_RSA_WITH_AES_128_CBC_SHA256,
    CipherSuite.TLS_RSA_WITH_SEED_CBC_SHA,
    CipherSuite.TLS_RSA_WITH_IDEA_CBC_SHA,
    CipherSuite.TLS_RSA_WITH_CAMELLIA_256_CBC_SHA,
    CipherSuite.TLS_RSA_WITH_3DES_EDE_CBC_SHA,
)
MAKERS: Final[Mapping[str, Callable[[bytes], BlockCipherAlgorithm]]] = {
    "AES": algorithms.AES,
    "SEED": old.SEED,
    "IDEA": old.IDEA,
    "CAMELLIA": old.Camellia,
    "3DES": old.TripleDES,
}


def keys_of(suite: CipherSuite, version: ProtocolVersion) -> DirectionKeys:
    facts = facts_of(suite)
    iv = facts.block_size if version < ProtocolVersion.TLS1_1 else 0
    return DirectionKeys(b"m" * mac_length(facts), bytes(range(key_length(facts))), b"i" * iv)


def seal(
    suite: CipherSuite, version: ProtocolVersion, plains: list[bytes], *, encrypt_then_mac: bool
) -> list[Sealed]:
    """Protect handshake records by CBC, as RFC 5246 section 6.2.3.2 and RFC 7366 tell."""
    facts, keys = facts_of(suite), keys_of(suite, version)
    before, sealed = keys.iv, []
    for number, plain in enumerate(plains):
        iv = bytes([number + 1]) * facts.block_size if version >= ProtocolVersion.TLS1_1 else before
        content = plain if encrypt_then_mac else plain + mac(suite, version, number, plain)
        padding = facts.block_size - len(content) % facts.block_size
        content += bytes([padding - 1]) * padding
        engine = Cipher(MAKERS[facts.cipher.partition("_")[0]](keys.key), modes.CBC(iv)).encryptor()
        body = engine.update(content) + engine.finalize()
        before = body[-facts.block_size :]
        fragment = iv + body if version >= ProtocolVersion.TLS1_1 else body
        if encrypt_then_mac:
            fragment += mac(suite, version, number, fragment)
        sealed.append(Sealed(22, int(version), fragment))
    return sealed


def mac(suite: CipherSuite, version: ProtocolVersion, number: int, content: bytes) -> bytes:
    facts = facts_of(suite)
    covered = number.to_bytes(8, "big") + b"\x16" + int(version).to_bytes(2, "big")
    covered += len(content).to_bytes(2, "big") + content
    digest = {"SHA": "sha1", "SHA256": "sha256"}[facts.mac]
    return hmac.digest(b"m" * mac_length(facts), covered, digest)


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(CBC),
    st.sampled_from([TLS10, TLS12]),
    st.lists(st.binary(min_size=1, max_size=80), min_size=1, max_size=4),
    st.booleans(),
    st.integers(0, 3),
)
def test_cbc_records_open_in_order_whatever_is_skipped(
    suite: CipherSuite, version: ProtocolVersion, plains: list[bytes], etm: bool, skipped: int
) -> None:
    facts = facts_of(suite)
    sealed = seal(suite, version, plains, encrypt_then_mac=etm)
    protection = protection12(keys_of(suite, version), facts, version, encrypt_then_mac=etm)
    assert protection is not None
    opened: list[Opened | None] = []
    for number, each in enumerate(sealed):
        if number == skipped:
            protection.skip(each)
        else:
            opened.append(protection.open(each, range(number, number + 2)))

    want = [(plain, number) for number, plain in enumerate(plains) if number != skipped]
    assert [(each.plain, each.number) for each in opened if each] == want


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(CBC), st.booleans(), st.integers(min_value=0), st.integers(1, 255))
def test_a_changed_cbc_record_is_never_believed(
    suite: CipherSuite, etm: bool, at: int, change: int
) -> None:
    (sealed,) = seal(suite, TLS12, [b"finished"], encrypt_then_mac=etm)
    fragment = bytearray(sealed.fragment)
    fragment[at % len(fragment)] ^= change
    protection = protection12(keys_of(suite, TLS12), facts_of(suite), TLS12, encrypt_then_mac=etm)
    assert protection is not None

    assert protection.open(replace(sealed, fragment=bytes(fragment)), range(3)) is None


@pytest.mark.parametrize(
    "suite",
    [
        CipherSuite.TLS_ECDHE_RSA_WITH_ARIA_128_GCM_SHA256,
        CipherSuite.TLS_ECDHE_RSA_WITH_CAMELLIA_128_GCM_SHA256,
        CipherSuite.TLS_RSA_EXPORT_WITH_RC4_40_MD5,
        CipherSuite.TLS_RSA_EXPORT_WITH_DES40_CBC_SHA,
    ],
)
def test_a_suite_that_is_not_known_stays_closed(suite: CipherSuite) -> None:
    facts = facts_of(suite)
    keys = DirectionKeys(b"m" * mac_length(facts), b"k" * key_length(facts), b"salt")

    assert protection12(keys, facts, TLS12, encrypt_then_mac=False) is None


def test_plaintext_and_protection_are_not_shown() -> None:
    protection = protection13(HANDSHAKE, GCM13, ProtocolVersion.TLS1_3)
    assert protection is not None
    opened = protection.open(CLIENT_FINISHED, range(1))

    assert "b'" not in repr(opened) + repr(protection)
