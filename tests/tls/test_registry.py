"""Open code points: known ones have names, unknown ones have a value and a name."""

from __future__ import annotations

import functools
import re
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.tls.registry import code_points as registry
from analyzer.tls.registry.code_points import (
    AlertDescription,
    CodePoint,
    ContentType,
    ExtensionType,
    HandshakeType,
    ProtocolVersion,
    is_grease,
    labels,
)
from analyzer.tls.registry.keys import NamedGroup, SignatureScheme
from analyzer.tls.registry.suites import CipherSuite

KINDS: list[type[CodePoint]] = [
    *(
        kind
        for kind in vars(registry).values()
        if isinstance(kind, type) and issubclass(kind, CodePoint)
    ),
    NamedGroup,
    SignatureScheme,
    CipherSuite,
]
REGISTRIES = [kind for kind in KINDS if kind.__members__]


@pytest.mark.parametrize("kind", REGISTRIES, ids=lambda kind: kind.__name__)
@given(value=st.integers(0, 0xFFFF))
def test_every_number_is_a_code_point_and_the_same_one_twice(
    kind: type[CodePoint], value: int
) -> None:
    point = kind(value)

    assert point == value
    assert kind(value) is point
    assert kind.many([value]) == (point,)
    assert point.label
    assert point.registered == (value in {int(member) for member in kind.__members__.values()})


@pytest.mark.parametrize(
    ("point", "label"),
    [
        (ContentType(22), "handshake"),
        (HandshakeType(1), "client_hello"),
        (HandshakeType(25), "compressed_certificate"),
        (AlertDescription(48), "unknown_ca"),
        (AlertDescription(86), "inappropriate_fallback"),
        (ExtensionType(16), "application_layer_protocol_negotiation"),
        (ExtensionType(0xFF01), "renegotiation_info"),
        (NamedGroup(0x11EC), "X25519MLKEM768"),
        (NamedGroup(23), "secp256r1"),
        (SignatureScheme(0x0202), "dsa_sha1"),
        (SignatureScheme(0x0804), "rsa_pss_rsae_sha256"),
        (CipherSuite(0x1301), "TLS_AES_128_GCM_SHA256"),
        (ProtocolVersion(0x0300), "SSLv3"),
        (ProtocolVersion(0x0303), "TLSv1.2"),
        (ProtocolVersion(0x7F17), "TLSv1.3-draft23"),
        (ProtocolVersion(0x0101), "TLCP"),
        (ExtensionType(0x1234), "unregistered_0x1234"),
        (NamedGroup(0x2A2A), "GREASE_0x2a2a"),
    ],
)
def test_printed_names(point: CodePoint, label: str) -> None:
    assert point.label == label
    assert labels(type(point), (point,)) == (() if point.grease else (label,))


def test_equal_numbers_of_two_registries_keep_their_own_names() -> None:
    assert labels(NamedGroup, (NamedGroup(23),)) == ("secp256r1",)
    assert labels(ExtensionType, (ExtensionType(23),)) == ("extended_master_secret",)


def test_grease_is_sixteen_numbers() -> None:
    assert [value for value in range(0x10000) if is_grease(value)] == [
        0x0A0A + 0x1010 * n for n in range(16)
    ]
    assert CipherSuite(0x0A0A).grease
    assert not CipherSuite(0x1301).grease


def test_versions_rank_with_their_drafts() -> None:
    ranked = sorted((0x7F1C, 0x0300, 0x0303, 0x0002, 0x0304), key=lambda v: ProtocolVersion(v).rank)

    assert ranked[:3] == [0x0002, 0x0300, 0x0303]
    assert ProtocolVersion(0x7F1C).tls13
    assert ProtocolVersion(0xFB17).tls13
    assert ProtocolVersion(0x1A1A).rank == 0


@pytest.mark.parametrize(
    ("scheme", "key", "hash_"),
    [
        (0x0804, "RSA", "sha256"),
        (0x0809, "RSASSA-PSS", "sha256"),
        (0x0403, "EC", "sha256"),
        (0x0202, "DSA", "sha1"),
        (0x0807, "Ed25519", None),
        (0x0420, "RSA", "sha256"),
        (0x0708, "SM2", "sm3"),
        (0x7777, None, None),
    ],
)
def test_signature_schemes_name_key_and_hash(
    scheme: int, key: str | None, hash_: str | None
) -> None:
    point = SignatureScheme(scheme)

    assert (point.key_kind, point.hash) == (key, hash_)


# Numbers whose name differs in Wireshark: reserved ones, other spellings, and three groups that an
# experiment used before IANA gave them to ML-KEM.
SPELLINGS: dict[str, set[int]] = {
    "tls.handshake.extension.type": {34, 40, 46, 53, 65445},
    "tls.handshake.type": {21, 67},
    "tls.handshake.extensions_supported_group": {512, 513, 514},
    "tls.record.content_type": {25},
}


@functools.cache
def shown_values() -> str:
    """The names that tshark has for numbers."""
    if shutil.which("tshark") is None:
        pytest.skip("tshark is absent")
    return subprocess.run(
        ["tshark", "-G", "values"], capture_output=True, text=True, check=True
    ).stdout


@pytest.mark.peer
@pytest.mark.parametrize(
    ("field", "kind"),
    [
        ("tls.alert_message.desc", AlertDescription),
        ("tls.handshake.extension.type", ExtensionType),
        ("tls.handshake.type", HandshakeType),
        ("tls.handshake.extensions_supported_group", NamedGroup),
        ("tls.handshake.sig_hash_alg", SignatureScheme),
        ("tls.record.content_type", ContentType),
    ],
)
def test_names_agree_with_another_dissector(field: str, kind: type[CodePoint]) -> None:
    rows = re.findall(rf"^V\t{re.escape(field)}\t(\w+)\t(.*)$", shown_values(), re.MULTILINE)
    theirs = {int(code, 0): name.lower().replace(" ", "_").replace("-", "_") for code, name in rows}
    ours = {int(point): point.label.lower() for point in kind.__members__.values()}

    assert len(theirs) > 4
    differing = {code for code in theirs if code in ours and ours[code] != theirs[code]}
    assert differing <= SPELLINGS.get(field, set())
