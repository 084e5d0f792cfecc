"""Certificate messages of both forms, compressed ones, raw keys; cut and damaged."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.errors import DefectKind
from analyzer.tls.message.certificate import (
    decode_certificates,
    decode_compressed_certificates,
    decode_raw_public_key,
)
from analyzer.tls.registry.code_points import CertificateCompression


def listed(*items: bytes, width: int = 3) -> bytes:
    """A vector of vectors."""
    body = b"".join(len(item).to_bytes(3) + item for item in items)
    return len(body).to_bytes(width) + body


def entry(der: bytes, extensions: str = "0000") -> bytes:
    return len(der).to_bytes(3) + der + bytes.fromhex(extensions)


def late(*entries: bytes, context: bytes = b"") -> bytes:
    body = b"".join(entries)
    return bytes([len(context)]) + context + len(body).to_bytes(3) + body


STAPLE = "0008 0005 0004 01020304"
EARLY = listed(b"leaf", b"intermediate")
LATE = late(entry(b"leaf", STAPLE), entry(b"intermediate"), context=b"c")


def test_the_form_up_to_tls12() -> None:
    found, defect = decode_certificates(EARLY, "TLSv1.2")

    assert defect is None
    assert found.ders == (b"leaf", b"intermediate")
    assert not found.empty


def test_the_form_of_tls13() -> None:
    found, defect = decode_certificates(LATE, "TLSv1.3")

    assert defect is None
    assert found.ders == (b"leaf", b"intermediate")
    assert found.request_context == b"c"
    assert found.entries[0].status == bytes.fromhex("01020304")
    assert found.entries[1].status is None
    assert found.entries[0].timestamps is None
    assert found.entries[0].delegated_credential is None


@pytest.mark.parametrize(
    ("body", "version"), [("000000", "TLSv1.2"), ("00 000000", "TLSv1.3-draft28")]
)
def test_no_certificate_is_a_message_of_its_own(body: str, version: str) -> None:
    found, defect = decode_certificates(bytes.fromhex(body), version)

    assert defect is None
    assert found.empty


@pytest.mark.parametrize(("body", "version"), [(EARLY, "TLSv1.0"), (LATE, "TLSv1.3")])
def test_cut_anywhere_keeps_whole_certificates(body: bytes, version: str) -> None:
    whole, _ = decode_certificates(body, version)
    for kept in range(len(body)):
        found, defect = decode_certificates(body[:kept], version)
        assert defect is not None
        assert defect.offset <= kept
        assert found.ders == whole.ders[: len(found.ders)]
    almost, _ = decode_certificates(body[:-4], version)
    assert almost.ders == (b"leaf",)


def test_bytes_after_the_list_are_a_defect() -> None:
    found, defect = decode_certificates(EARLY + b"\0", "TLSv1.2")

    assert len(found.entries) == 2
    assert defect is not None
    assert defect.kind is DefectKind.TRAILING


def test_certificates_without_end_are_cut_short() -> None:
    found, defect = decode_certificates(listed(*[b"x"] * 100), "TLSv1.2", most=10)

    assert defect is None
    assert len(found.entries) == 10
    assert found.truncated


def compressed(algorithm: int, length: int, packed: bytes) -> bytes:
    return algorithm.to_bytes(2) + length.to_bytes(3) + len(packed).to_bytes(3) + packed


def test_zlib_is_undone() -> None:
    found, defect = decode_compressed_certificates(compressed(1, len(LATE), zlib.compress(LATE)))

    assert defect is None
    assert found.ders == (b"leaf", b"intermediate")
    assert found.compression is CertificateCompression.ZLIB


def brotli(data: bytes) -> bytes:
    packed: bytes = pytest.importorskip("brotli").compress(data)
    return packed


def zstd(data: bytes) -> bytes:
    packed: bytes = pytest.importorskip("zstandard").ZstdCompressor().compress(data)
    return packed


PACKAGES = [pytest.param(2, brotli, id="brotli"), pytest.param(3, zstd, id="zstd")]


@pytest.mark.parametrize(("algorithm", "pack"), PACKAGES)
def test_brotli_and_zstd_are_undone(algorithm: int, pack: Callable[[bytes], bytes]) -> None:
    found, defect = decode_compressed_certificates(compressed(algorithm, len(LATE), pack(LATE)))

    assert defect is None
    assert found.ders == (b"leaf", b"intermediate")
    assert found.compression == algorithm


@pytest.mark.parametrize(("algorithm", "pack"), PACKAGES)
@pytest.mark.parametrize(
    ("length", "shape"),
    [
        pytest.param(10, LATE, id="longer than it says"),
        pytest.param(9_999, LATE, id="shorter than it says"),
        pytest.param(0xFFFFFF, bytes(0xFFFFFF), id="a bomb"),
    ],
)
def test_what_they_do_not_unpack_is_a_defect(
    algorithm: int, pack: Callable[[bytes], bytes], length: int, shape: bytes
) -> None:
    for packed in (pack(shape), pack(shape)[:-1], b"foreign" * 9, b""):
        found, defect = decode_compressed_certificates(compressed(algorithm, length, packed))

        assert defect is not None
        assert found.entries == ()


@pytest.mark.parametrize(("algorithm", "package"), [(2, "brotli"), (3, "zstandard")])
def test_a_package_that_is_not_there_is_named(
    algorithm: int, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    found, defect = decode_compressed_certificates(compressed(algorithm, 700, b"packed"))

    assert defect is None
    assert (found.compression, found.lacks) == (algorithm, package)
    assert (found.uncompressed_length, found.entries, found.empty) == (700, (), False)


def test_other_compressions_are_named() -> None:
    found, defect = decode_compressed_certificates(compressed(999, 700, b"packed"))

    assert defect is None
    assert (found.compression, found.lacks) == (999, "")
    assert (found.uncompressed_length, found.entries, found.empty) == (700, (), False)


@pytest.mark.parametrize(
    ("length", "packed"),
    [
        pytest.param(10, zlib.compress(LATE), id="longer than it says"),
        pytest.param(9_999, zlib.compress(LATE), id="shorter than it says"),
        pytest.param(100_000, zlib.compress(bytes(100_000))[:20], id="cut"),
        pytest.param(0xFFFFFF, zlib.compress(bytes(0xFFFFFF)), id="a bomb"),
        pytest.param(10, b"no zlib", id="foreign"),
    ],
)
def test_what_does_not_unpack_is_a_defect(length: int, packed: bytes) -> None:
    found, defect = decode_compressed_certificates(compressed(1, length, packed))

    assert defect is not None
    assert found.compression is CertificateCompression.ZLIB
    assert found.entries == ()


def test_raw_public_keys() -> None:
    early, none = decode_raw_public_key(b"\0\0\x03key", "TLSv1.2")
    found, defect = decode_raw_public_key(late(entry(b"key")), "TLSv1.3")

    assert none is None
    assert defect is None
    assert early.ders == found.ders == (b"key",)
    assert early.raw_public_key
    assert found.raw_public_key


@given(st.binary(max_size=80), st.sampled_from(["TLSv1.0", "TLSv1.3"]))
def test_any_bytes_give_certificates_and_at_most_a_defect(data: bytes, version: str) -> None:
    found, defect = decode_certificates(data, version)
    assert sum(map(len, found.ders)) <= len(data)
    assert defect is None or defect.offset <= len(data)

    decode_compressed_certificates(data)
    decode_raw_public_key(data, version)
