from __future__ import annotations

import pytest

from analyzer.capture import exotic
from tests.capture.captures import dissect, ipv4, payloads, pcap, read, tcp

KNOWN_TO_SCAPY = 144  # LINUX_IRDA, which it takes for a cooked capture
COOKED = bytes(14) + b"\x08\x00"


def test_a_link_type_that_only_scapy_knows_is_read() -> None:
    pytest.importorskip("scapy")
    packets = [COOKED + ipv4(tcp(b"found")), COOKED[:14] + b"\x08\x06" + bytes(28)]

    assert payloads(dissect(packets, KNOWN_TO_SCAPY)) == [(1, b"found")]


def test_a_link_type_without_ip_is_asked_about_no_more_than_a_sample(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    def layer(packet: bytes) -> None:
        asked.append(packet)
        raise ValueError("never seen")

    monkeypatch.setattr(exotic, "_layer", lambda _number: layer)

    assert payloads(dissect([b"no IP here"] * 500, 9_999)) == []
    assert len(asked) == 64


def test_what_nobody_knows_is_a_caveat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exotic, "_layer", lambda _number: None)
    capture = read(pcap([b"no IP here"] * 3, link_type=9_999))
    list(capture.segments())

    assert capture.link_types == ("LINKTYPE_9999",)
    assert capture.caveats == (
        "The contents of 3 packets with link type LINKTYPE_9999 are not understood.",
    )
