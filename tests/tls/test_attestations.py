"""Log timestamps and delegated credentials."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from analyzer.tls.registry.keys import SignatureScheme
from analyzer.tls.x509.attestations import (
    DelegatedCredential,
    LogTimestamp,
    decode_delegated_credential,
    decode_timestamps,
)

TIMESTAMP = (
    bytes([0])
    + bytes(range(32))
    + (1_700_000_000_123).to_bytes(8)
    + bytes.fromhex("0000 0403 0001 ff")
)
LIST = (2 + len(TIMESTAMP)).to_bytes(2) + len(TIMESTAMP).to_bytes(2) + TIMESTAMP
CREDENTIAL = bytes.fromhex("00093a80 0403 000002 3000 0804 0002 cafe")


def test_timestamps() -> None:
    found, defect = decode_timestamps(LIST)

    assert defect is None
    assert found == (LogTimestamp(0, bytes(range(32)).hex(), 1_700_000_000_123_000_000),)


def test_a_delegated_credential() -> None:
    assert decode_delegated_credential(CREDENTIAL) == (
        DelegatedCredential(
            604_800,
            SignatureScheme.ecdsa_secp256r1_sha256,
            b"\x30\0",
            SignatureScheme.rsa_pss_rsae_sha256,
        ),
        None,
    )


def test_cut_anywhere_is_a_located_defect() -> None:
    for kept in range(len(LIST)):
        _, defect = decode_timestamps(LIST[:kept])
        assert defect is not None
        assert defect.offset <= kept
    for kept in range(len(CREDENTIAL)):
        found, defect = decode_delegated_credential(CREDENTIAL[:kept])
        assert found is None
        assert defect is not None


@given(st.binary(max_size=100))
def test_any_bytes_give_a_value_or_a_defect(data: bytes) -> None:
    decode_timestamps(data)
    found, defect = decode_delegated_credential(data)
    assert (found is None) == (defect is not None)
