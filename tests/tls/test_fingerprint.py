"""Fingerprints: made ones by hand, and those that other projects expect of real captures."""

from __future__ import annotations

import hashlib
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dpkt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.tls.fingerprint import ja3, ja3_text, ja3s, ja3s_text, ja4, ja4_raw
from analyzer.tls.hello import (
    ClientHello,
    ServerHello,
    decode_client_hello,
    decode_server_hello,
    decode_v2_client_hello,
)
from tests.support.shared import shared


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


# What other projects expect. A small reader of its own keeps these tests apart from our stages.

Ends = tuple[str, int, str, int]  # sender's address and port, receiver's
NETWORK = {
    0: lambda raw: dpkt.loopback.Loopback(raw).data,
    1: lambda raw: dpkt.ethernet.Ethernet(raw).data,
    101: dpkt.ip.IP,
    113: lambda raw: dpkt.sll.SLL(raw).data,
}


def sent(path: Path) -> dict[Ends, bytes]:
    """The first bytes of each direction of each connection, without gaps."""
    pieces: dict[Ends, dict[int, bytes]] = {}
    with path.open("rb") as file:
        reader = dpkt.pcap.UniversalReader(file)
        network = NETWORK.get(reader.datalink())
        for _, raw in reader if network else ():
            try:
                packet = network(raw)  # type: ignore[misc]
                segment = packet.data
            except (dpkt.UnpackError, AttributeError, IndexError):
                continue
            if isinstance(segment, dpkt.tcp.TCP) and segment.data:
                source, target = (
                    socket.inet_ntop(socket.AF_INET if len(a) == 4 else socket.AF_INET6, a)
                    for a in (packet.src, packet.dst)
                )
                ends = (source, segment.sport, target, segment.dport)
                pieces.setdefault(ends, {}).setdefault(segment.seq, bytes(segment.data))
    return {ends: joined(parts) for ends, parts in pieces.items()}


def joined(parts: dict[int, bytes]) -> bytes:
    data, begin = b"", min(parts)
    for sequence in sorted(parts):
        if sequence > begin + len(data):
            break
        data += parts[sequence][begin + len(data) - sequence :]
    return data


def first_message(data: bytes) -> tuple[int, bytes]:
    """Type and body of the message that the first records hold; type -1 where there is none."""
    clear, at = b"", 0
    while data[at : at + 2] == b"\x16\x03" and at + 5 <= len(data):
        length = int.from_bytes(data[at + 3 : at + 5], "big")
        clear += data[at + 5 : at + 5 + length]
        at += 5 + length
    if len(clear) < 4:
        return -1, b""
    return clear[0], clear[4 : 4 + int.from_bytes(clear[1:4], "big")]


def hellos(path: Path) -> Iterator[tuple[Ends, ClientHello | ServerHello]]:
    for ends, data in sent(path).items():
        kind, body = first_message(data)
        hello = {1: decode_client_hello, 2: decode_server_hello}.get(kind, lambda _: (None, None))(
            body
        )[0]
        if hello is not None:
            yield ends, hello


def rows() -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json.loads(shared("corpus/tls.json").read_text())
    return [row for row in listed if {"ja4", "ndpi_tls"} & row["expected"].keys()]


@pytest.mark.corpus
def test_ja4_equals_its_authors_results() -> None:
    compared = 0
    for row in rows():
        expected = row["expected"].get("ja4", {})
        groups = expected if isinstance(expected, list) else [expected]
        wanted = [flow for group in groups for flow in group.get("rows", ()) if "JA4.1" in flow]
        if not wanted:
            continue
        found = {
            (ends[0], str(ends[1])): ja4(hello)
            for ends, hello in hellos(shared("corpus") / row["file"])
            if isinstance(hello, ClientHello)
        }
        for flow in wanted:
            mine = found.get((flow["src"], flow["srcport"]))
            if mine is not None:  # else behind a proxy's prelude, which this reader does not skip
                assert mine == flow["JA4.1"]
                compared += 1

    assert compared > 5


def quirk(theirs: str, mine: str) -> bool:
    """Whether the expected JA4 differs as nDPI's snapshot does from the specification.

    It writes ``d`` where no SNI was sent and ``i`` where its value is an address (the specification
    asks for the extension alone), takes the last character of the first ALPN value from another
    place (``ht`` for ``http/1.1``), and hashes an empty list instead of writing zeros.
    """
    empty = hashlib.sha256(b"").hexdigest()[:12]
    ours, other = (
        mine.replace("_000000000000", f"_{empty}"),
        theirs.replace("_000000000000", f"_{empty}"),
    )
    glance, *hashes = ours.split("_")
    their_glance, *their_hashes = other.split("_")
    same_alpn = their_glance[8:] == glance[8:] or (glance[8:], their_glance[8:]) == ("h1", "ht")
    rest = (glance[:3], glance[4:8], hashes) == (their_glance[:3], their_glance[4:8], their_hashes)
    return same_alpn and rest


@pytest.mark.corpus
def test_fingerprints_equal_ndpis_but_for_its_known_quirks() -> None:
    compared = {"ja3c": 0, "ja3s": 0, "ja4": 0}
    for row in rows():
        expected = row["expected"].get("ndpi_tls", [])
        groups = expected if isinstance(expected, list) else [expected]
        flows = [flow for group in groups for flow in group["flows"] if flow["l4"] == "TCP"]
        by_ends = dict(hellos(shared("corpus") / row["file"])) if flows else {}
        for ends, hello in by_ends.items():
            pair = {f"{ends[0]}:{ends[1]}", f"{ends[2]}:{ends[3]}"}
            named = (flow for flow in flows if {flow["a"], flow["b"]} == pair)
            flow: dict[str, str] = next(named, {})
            if isinstance(hello, ServerHello):
                if flow.get("ja3s") and not hello.is_hello_retry_request:
                    assert ja3s(hello) == flow["ja3s"].split()[0]  # it appends its opinion
                    compared["ja3s"] += 1
                continue
            if flow.get("ja3c"):
                assert ja3(hello) == flow["ja3c"]
                compared["ja3c"] += 1
            if flow.get("ja4"):
                mine = ja4(hello) or ""
                assert mine == flow["ja4"] or quirk(flow["ja4"], mine), row["file"]
                compared["ja4"] += 1

    assert min(compared.values()) > 150
