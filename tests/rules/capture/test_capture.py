"""What the capture hides: said where it truly keeps us from judging, and only there."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from analyzer import rules
from analyzer.diagnosis.causes import Confidence, FailingSide, Phase, RemedySide
from analyzer.diagnosis.engine import diagnose, outcome
from analyzer.diagnosis.model import Rank
from analyzer.tls.story import Story
from tests.support import messages as m
from tests.support.pairs import Pair, ids, judge, said
from tests.support.stories import (
    CLIENT,
    SERVER,
    Scene,
    a_story,
    answered,
    closed,
    connected,
    ended,
    established,
    finished_by_client,
    offered,
    tls13,
    used,
)

_F, _R, _C, _P = FailingSide, RemedySide, Confidence, Phase
_NOBODY = (_F.NONE, _R.CAPTURE, _C.SEEN)


def cut() -> Story:
    """The server's flight, of which the snap length left the first 120 bytes."""
    flight = m.server_flight()
    return offered().server(flight, cut=len(flight) - 120).ack(CLIENT).story(later=0.1)


def midstream() -> Story:
    """Application data of a connection that began before the capture."""
    return used(connected().late()).story(later=0.1)


PAIRS = (
    Pair("TLS-CAP-001", cut, lambda: answered().story(later=0.1), _P.SERVER_HELLO, *_NOBODY),
    Pair(
        "TLS-CAP-002",
        lambda: offered().only(CLIENT).story(later=0.1),
        lambda: offered().story(later=0.1),
        _P.CLIENT_HELLO,
        *_NOBODY,
    ),
    Pair("TLS-CAP-003", midstream, a_story, _P.CLIENT_HELLO, *_NOBODY),
    Pair(
        "TLS-CAP-004",
        lambda: answered().story(later=0.1),
        lambda: ended(answered(), "fin", SERVER),
        _P.SERVER_CERTIFICATE,
        *_NOBODY,
    ),
)


@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_a_rule_tells_its_case_from_its_neighbour(pair: Pair) -> None:
    judge(pair)


def test_every_rule_of_the_family_has_a_pair() -> None:
    assert {pair.rule for pair in PAIRS} == ids("capture")


@pytest.mark.parametrize("rule", sorted(ids("capture")))
@pytest.mark.parametrize(
    "story",
    [
        pytest.param(a_story(), id="closed"),
        pytest.param(tls13(), id="tls 1.3"),
        pytest.param(used().story(later=0.1), id="in use when the capture ends"),
        pytest.param(established().story(later=0.1), id="just made when the capture ends"),
    ],
)
def test_a_completed_handshake_has_no_need_of_the_rest(rule: str, story: Story) -> None:
    assert said(rule, story) == []


@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_a_caveat_leads_an_incomplete_connection(pair: Pair) -> None:
    story = pair.fires()
    diagnosis = diagnose(story, rules.modules())

    assert diagnosis.headline is not None
    assert diagnosis.headline.rank is Rank.CAPTURE
    assert outcome(story, diagnosis.headline) == "incomplete"


@pytest.mark.parametrize(
    "scene", [offered, answered, finished_by_client, lambda: closed(used()).late()]
)
def test_a_connection_that_the_capture_leaves_in_mid_air_is_never_failed(
    scene: Callable[[], Scene],
) -> None:
    story = scene().story(later=0.1)
    headline = diagnose(story, rules.modules()).headline

    assert outcome(story, headline) in {"incomplete", "established"}


def test_an_alert_that_was_captured_needs_no_other_side() -> None:
    """The client's half alone holds its alert: that is a failure, whatever else is hidden."""
    story = answered().client(m.alert(m.UNKNOWN_CA)).fin(CLIENT).story()
    headline = diagnose(story, rules.modules()).headline

    assert headline is not None
    assert headline.failure


def test_a_connection_with_a_hole_and_an_end_is_not_told_as_cut_short() -> None:
    flight = m.server_flight()
    scene = offered().server(flight[:200]).say(SERVER, flight[200:], captured=False)
    (missing,) = said("TLS-CAP-004", scene.client(m.data()).fin(CLIENT).fin(SERVER).story())
    (cut_short,) = said("TLS-CAP-004", answered().story(later=0.1))

    assert "misses packets" in missing.title
    assert "ends in the middle" in cut_short.title
