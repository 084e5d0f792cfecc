"""Third-party captures: the handshake in one word, and its facts, as Zeek's ssl.log has them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import pytest

from analyzer.pipeline import Analysis
from analyzer.tls.story import Story
from tests.support.shared import shared

pytestmark = [pytest.mark.corpus]

Row = Mapping[str, str]
Ends = tuple[str, int, str, int]

_UNSET: Final = "-"
OVER_TCP: Final = 41  # rows; the others are about QUIC and DTLS

# (capture, field): why Zeek and we differ there. All of a capture's rows are meant.
KNOWN: Final[Mapping[tuple[str, str], str]] = {
    ("tls-1.2-handshake-failure.pcap", "resumed"): (
        "the server answered with an alert: Zeek's F is the field's default, we say unknown"
    ),
}


def rows() -> Iterator[tuple[str, Row]]:
    """Every row of Zeek's baselines, with the capture that it is about."""
    for listed in json.loads(shared("corpus/tls.json").read_text()):
        for baseline in listed["expected"].get("zeek_ssl", ()):
            for row in baseline["rows"]:
                yield listed["file"], row


def ours(story: Story) -> dict[str, str]:
    """The fields of a row in Zeek's words."""
    alerts = [alert.description for alert in story.alerts if alert.description is not None]
    resumed = None if story.resumed is None else "FT"[story.resumed]
    found: dict[str, Any] = {
        "version": _zeeks(story.version),
        "cipher": story.cipher_suite,
        "curve": story.group,
        "server_name": story.offer.server_name if story.offer else None,
        "resumed": resumed,
        "next_protocol": story.alpn,
        "last_alert": alerts[-1].label if alerts else None,
        "ssl_history": story.signature,
    }
    return {name: _UNSET if value is None else value for name, value in found.items()}


def _zeeks(version: str | None) -> str | None:
    """``TLSv1.2`` as Zeek prints it: without the dot, and TLS 1.0 with a zero."""
    return version.replace("v1.", "v1", 1) if version else None


def stories(capture: str) -> dict[Ends, list[Story]]:
    """The stories of a capture by client and server, as this project turns them."""
    found: dict[Ends, list[Story]] = {}
    for judged in Analysis([shared("corpus") / capture]).judged():
        story = judged.story
        ends = (story.client.ip, story.client.port, story.server.ip, story.server.port)
        found.setdefault(ends, []).append(story)
    return found


def test_the_handshake_in_one_word_and_its_facts_equal_zeeks() -> None:
    told: dict[str, dict[Ends, list[Story]]] = {}
    different, compared = [], 0
    for capture, row in rows():
        if capture not in told:
            told[capture] = stories(capture)
        if not told[capture] or row["version"].startswith("DTLS"):
            continue  # QUIC and DTLS: nothing over TCP, whose count below guards against less
        ends = (row["id.orig_h"], int(row["id.orig_p"]), row["id.resp_h"], int(row["id.resp_p"]))
        (story,) = told[capture][ends]
        compared += 1
        name, mine = capture.rsplit("__", maxsplit=1)[-1], ours(story)
        different += [
            (name, field, ends, mine[field], row[field])
            for field in mine.keys() & row.keys()
            if mine[field] != row[field]
        ]

    assert compared >= OVER_TCP
    assert [found for found in different if found[:2] not in KNOWN] == []
    assert {found[:2] for found in different} == KNOWN.keys(), "listed, but no longer different"
