"""Fingerprints: made ones by hand, and those that other projects expect of real captures."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.tls.fingerprint import ja3, ja3_text, ja3s, ja3s_text, ja4, ja4_raw
from analyzer.tls.message.hello import (
    ClientHello,
    decode_client_hello,
    decode_server_hello,
    decode_v2_client_hello,
)


def hello_of(middle: str, extensions: str, version: str = "0303") -> ClientHello:
    block = bytes.fromhex(extensions)
    tail = len(block).to_bytes(2) + block if extensions else b""
    body = bytes.fromhex(version) + bytes(32) + bytes.fromhex(middle) + tail
    hello, defect = decode_client_hello(body)
    assert hello is not None
    assert defect is None
    return hello


SUITES = "00 0008 1a1a 1301 c02f 00ff 01 00"
EXTENSIONS = (
    "2a2a 0000 0000 0006 0004 00 0001 61 000a 0006 0004 3a3a 001d 000b 0002 0100"
    "0010 0005 0003 02 6832 000d 0006 0004 0403 0804 002b 0005 04 4a4a 0304"
)


def test_what_fingerprints_hash_leaves_grease_out() -> None:
    hello = hello_of(SUITES, EXTENSIONS)
    text = "771,4865-49199-255,0-10-11-16-13-43,29,0"

    assert ja3_text(hello) == text
    assert ja3(hello) == hashlib.md5(text.encode()).hexdigest()
    assert ja4_raw(hello) == "t13d0306h2_00ff,1301,c02f_000a,000b,000d,002b_0403,0804"
    assert ja4(hello) == "t13d0306h2_{}_{}".format(
        hashlib.sha256(b"00ff,1301,c02f").hexdigest()[:12],
        hashlib.sha256(b"000a,000b,000d,002b_0403,0804").hexdigest()[:12],
    )


def test_a_hello_without_extensions() -> None:
    hello = hello_of("00 0002 002f 01 00", "", version="0301")

    assert ja3_text(hello) == "769,47,,,"
    assert (ja4(hello) or "").startswith("t10i010000_")
    assert (ja4(hello) or "").endswith("_000000000000")


@pytest.mark.parametrize(
    ("protocol", "ends"),
    [
        ("68 74 74 70 2f 31 2e 31", "h1"),
        ("68 32", "h2"),
        ("78", "xx"),
        ("0a 0a", "0a"),
        ("ab 63 cd", "ad"),
        ("68 00", "60"),
    ],
)
def test_the_ends_of_the_first_protocol(protocol: str, ends: str) -> None:
    name = bytes.fromhex(protocol)
    inner = bytes([len(name)]) + name
    body = len(inner).to_bytes(2) + inner
    hello = hello_of("00 0002 1301 01 00", f"0010 {len(body):04x} {body.hex()}")

    assert (ja4(hello) or "")[8:10] == ends


def test_what_a_server_chose() -> None:
    body = bytes.fromhex("0303") + bytes(32) + bytes.fromhex("00 c02f 00 0008 ff01 0000 0023 0000")
    hello, _ = decode_server_hello(body)

    assert hello is not None
    assert ja3s_text(hello) == "771,49199,65281-35"
    assert ja3s(hello) == hashlib.md5(b"771,49199,65281-35").hexdigest()


def test_the_framing_of_ssl2_has_no_fingerprint() -> None:
    hello, _ = decode_v2_client_hello(bytes.fromhex("01 0301 0003 0000 0010 00002f" + "ab" * 16))

    assert hello is not None
    assert (ja3(hello), ja4(hello)) == (None, None)


@given(st.binary(min_size=34, max_size=100))
def test_any_hello_has_fingerprints(data: bytes) -> None:
    hello, _ = decode_client_hello(data)

    assert hello is not None
    assert len(ja3(hello) or "") == 32
    assert len(ja4(hello) or "") == 36
