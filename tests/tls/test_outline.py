"""The short way: an outline never says what the story does not."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from analyzer import rules
from analyzer.capture.source import open_capture
from analyzer.diagnosis.engine import diagnose, outcome
from analyzer.errors import CaptureError
from analyzer.limits import DEFAULT, Limits
from analyzer.tcp.evidence import Evidence
from analyzer.tcp.flow import FlowTable
from analyzer.tls.neighbours.shown import Shown, shown_by, shown_by_outline
from analyzer.tls.outline import Outline, outline
from analyzer.tls.story import Milestone, Story
from analyzer.tls.telling.tell import tell
from tests.support.shared import shared

ROOT = Path(__file__).parents[2]
SAMPLES = sorted((ROOT / "sample_pcaps").glob("*.pcap*"))
RECORDED = sorted((ROOT / "tests/bench/recorded").glob("*.pcap"))
SMALL = dataclasses.replace(DEFAULT, half_opening=1500, half_bytes=3000)


def gather(path: Path, limits: Limits) -> tuple[list[Evidence], int]:
    table = FlowTable(limits)
    capture = open_capture(path)
    for block in capture.segments():
        table.observe(block)
    return list(table.evidence()), capture.last_packet or 0


def said(story: Story) -> tuple[object, ...]:
    headline = diagnose(story, rules.modules()).headline
    return (
        *(outcome(story, headline), headline, story.version, story.cipher_suite, story.group),
        *(story.offer.server_name if story.offer else None, story.alpn, story.resumed),
        *(story.client, story.server, story.start, story.end),
        *(story.timeline.end, sum(story.timeline.missing.values())),
        None if story.tls13 else story.reached(Milestone.CLIENT_CERTIFICATE),
        story.server_chain.leaf.serial if story.server_chain and story.server_chain.leaf else None,
        _habits(shown_by(story)),
    )


def said_in_short(told: Outline) -> tuple[object, ...]:
    return (
        *("established", None, told.version, told.cipher_suite, told.group),
        *(told.sni, told.alpn, told.resumed, told.client, told.server, told.start, told.end),
        *("fin", 0),
        None if told.version == "TLSv1.3" else told.client_certificate,
        told.certificate,
        _habits(shown_by_outline(told)),
    )


def _habits(shown: Shown) -> tuple[object, ...]:
    """What others are told of how the client went on."""
    kinds = {"established", "resumed", "sni", "accepted_without"}
    return {what for what in shown.of_client if what[0] in kinds}, shown.used, shown.certificate


def differences(path: Path, limits: Limits) -> Iterator[tuple[int, object]]:
    """Connections whose outline does not say what their story does; how many have one."""
    evidence, end = gather(path, limits)
    for one in evidence:
        short = outline(one)
        if short is not None:
            whole = said(tell(one, end, limits))
            if said_in_short(short) != whole:
                yield one.stream, (short, whole)


@pytest.mark.parametrize("limits", [DEFAULT, SMALL], ids=["usual", "small limits"])
@pytest.mark.parametrize("path", SAMPLES, ids=lambda p: p.stem)
def test_an_outline_says_what_the_story_says(path: Path, limits: Limits) -> None:
    assert list(differences(path, limits)) == []


@pytest.mark.slow
@pytest.mark.parametrize("limits", [DEFAULT, SMALL], ids=["usual", "small limits"])
def test_outlines_of_real_stacks_say_what_their_stories_say(limits: Limits) -> None:
    wrong = {path.name: found for path in RECORDED if (found := list(differences(path, limits)))}

    assert wrong == {}


@pytest.mark.corpus
def test_outlines_of_strangers_say_what_their_stories_say() -> None:
    wrong = {}
    for path in sorted((shared("corpus") / "tls").iterdir()):
        try:
            found = list(differences(path, DEFAULT))
        except CaptureError:
            continue
        if found:
            wrong[path.name] = found

    assert wrong == {}


@pytest.mark.parametrize(
    "name", ["good_tls12", "good_client_cert_tls12", "good_client_cert_tls13", "good_resumed_tls13"]
)
def test_what_plainly_went_well_has_an_outline(name: str) -> None:
    evidence, _ = gather(ROOT / "sample_pcaps" / f"{name}.pcap", DEFAULT)

    assert any(outline(one) for one in evidence)


def test_a_connection_cut_anywhere_has_no_outline() -> None:
    (whole,), _ = gather(ROOT / "sample_pcaps" / "good_tls12.pcap", DEFAULT)
    assert outline(whole) is not None
    for index, half in enumerate(whole.halves):
        for at in range(len(half.pieces)):
            cut = half._replace(pieces=half.pieces[:at] + half.pieces[at + 1 :])
            halves = (cut, whole.halves[1]) if index == 0 else (whole.halves[0], cut)

            assert outline(whole._replace(halves=halves)) is None
