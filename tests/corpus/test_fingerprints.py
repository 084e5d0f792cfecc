"""Third-party captures: JA4 as its authors compute it; JA3, JA3S and JA4 as nDPI does."""

from __future__ import annotations

import functools
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from typing import Any, Final

import pytest

from analyzer.pipeline import Analysis
from analyzer.tcp.evidence import Endpoint
from analyzer.tls.fingerprint import ja3, ja3s, ja4
from analyzer.tls.story import Story
from tests.support.shared import shared

pytestmark = [pytest.mark.corpus]

# (end of the capture's name, fingerprint): why nDPI and we differ there, in all flows or some.
_RETRIED: Final = "nDPI hashes the HelloRetryRequest; JA3S is of the ServerHello"
_PADDED: Final = "zeros in bare ACKs stand where the data comes later; nDPI drops such segments"
KNOWN: Final[Mapping[tuple[str, str], str]] = {
    ("steam.pcapng", "ja3s"): _RETRIED,
    ("tumblr.pcap", "ja3s"): _RETRIED,
    ("heuristic_tcp_ack_payload.pcap", "ja3c"): _PADDED,
    ("heuristic_tcp_ack_payload.pcap", "ja3s"): _PADDED,
    ("heuristic_tcp_ack_payload.pcap", "ja4"): _PADDED,
}

# What nDPI's snapshot does otherwise than the specification of JA4, and how often at most.
QUIRKS: Final[Mapping[str, str]] = {
    "sni": "it writes d for an extension's absence and i where its value is an address",
    "alpn": "it takes the first two characters: ht for http/1.1, sp for spdy/3.1",
    "empty": "it hashes an empty list instead of writing zeros",
}


@functools.cache
def listed() -> tuple[Mapping[str, Any], ...]:
    return tuple(json.loads(shared("corpus/tls.json").read_text()))


def of(row: Mapping[str, Any], project: str) -> list[Any]:
    """What a project expects of a capture: one result or a list of them."""
    found = row["expected"].get(project, [])
    return found if isinstance(found, list) else [found]


def stories(row: Mapping[str, Any]) -> list[Story]:
    return [judged.story for judged in Analysis([shared("corpus") / row["file"]]).judged()]


def test_ja4_equals_its_authors_results() -> None:
    compared = 0
    for row in listed():
        wanted = [f for group in of(row, "ja4") for f in group["rows"] if "JA4.1" in f]
        found = {(s.client.ip, str(s.client.port)): s for s in (stories(row) if wanted else ())}
        for flow in wanted:
            story = found[flow["src"], flow["srcport"]]
            assert ja4(story.offers[0]) == flow["JA4.1"], (row["file"], flow["stream"])
            compared += 1

    assert compared >= 19


_ALPN: Final = {("h1", "ht"), ("s1", "sp")}


def quirks(theirs: str, mine: str) -> frozenset[str]:
    """Which of :data:`QUIRKS` turn ours into theirs; empty where they cannot."""
    found = set()
    left, right = mine.split("_"), theirs.split("_")
    if left[0][3] != right[0][3]:
        found.add("sni")
    if left[0][8:] != right[0][8:] and (left[0][8:], right[0][8:]) in _ALPN:
        found.add("alpn")
    empty = hashlib.sha256(b"").hexdigest()[:12]
    if any(pair == ("0" * 12, empty) for pair in zip(left[1:], right[1:], strict=True)):
        found.add("empty")
    alike = left[0][:3] + left[0][4:8] == right[0][:3] + right[0][4:8]
    alike &= left[0][8:] == right[0][8:] or "alpn" in found
    alike &= [part.replace("0" * 12, empty) for part in left[1:]] == [
        part.replace("0" * 12, empty) for part in right[1:]
    ]
    return frozenset(found) if alike else frozenset()


def flows() -> Iterator[tuple[str, Mapping[str, str], Story | None]]:
    """Every TCP flow that nDPI reports, with our story of it."""
    for row in listed():
        over_tcp = [f for group in of(row, "ndpi_tls") for f in group["flows"] if f["l4"] == "TCP"]
        told: dict[frozenset[str], Story] = {}
        for story in stories(row) if over_tcp else ():
            told.setdefault(frozenset((str(story.client), str(story.server))), story)
        for flow in over_tcp:
            yield row["file"], flow, told.get(frozenset(map(canonical, (flow["a"], flow["b"]))))


def canonical(end: str) -> str:
    """An address and port in the text form of RFC 5952, which nDPI's differs from."""
    address, _, port = end.rpartition(":")
    return str(Endpoint(str(ip_address(address.strip("[]"))), int(port)))


def fingerprints(story: Story | None) -> dict[str, str | None]:
    offer = story.offers[0] if story and story.offers else None
    choice = story.choice if story else None
    return {
        "ja3c": ja3(offer) if offer else None,
        "ja3s": ja3s(choice) if choice else None,
        "ja4": ja4(offer) if offer else None,
    }


def test_fingerprints_equal_ndpis_but_for_what_is_listed() -> None:
    compared: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    different = []
    for capture, flow, story in flows():
        for kind, mine in fingerprints(story).items():
            if not flow.get(kind):
                continue
            compared[kind] += 1
            theirs = flow[kind].split()[0]  # it appends its opinion
            if theirs == mine:
                continue
            why = quirks(theirs, mine) if kind == "ja4" and mine else frozenset()
            seen.update(why)
            if not why:
                name = capture.rsplit("__", maxsplit=1)[-1]
                different.append(((name, kind), flow["a"], theirs, mine))

    assert [found for found in different if found[0] not in KNOWN] == []
    assert {found[0] for found in different} == KNOWN.keys(), "listed, but no longer different"
    assert seen.keys() == QUIRKS.keys()
    assert min(compared.values()) >= 250
