"""The engine: what leads, what is folded, what is isolated, and how a connection is classified."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import cast

import pytest

from analyzer import rules
from analyzer.diagnosis.causes import Confidence, FailingSide, Phase, RemedySide
from analyzer.diagnosis.engine import Diagnosis, blind, diagnose, outcome
from analyzer.diagnosis.model import Evidence, Finding, Rank, Rule, RuleModule
from analyzer.tcp.timeline import Side
from analyzer.tls.story import Story
from tests.support import messages as m
from tests.support.stories import (
    CLIENT,
    SERVER,
    Scene,
    a_story,
    alerted,
    answered,
    answered13,
    connected,
    ended,
    finished_by_client,
    hello_unanswered,
    offered,
    refused_connect,
    retried,
    tls13,
    used,
)


def rule(
    number: int,
    rank: Rank,
    *,
    cause: str = "client_abandoned",
    confidence: Confidence = Confidence.SEEN,
    requires: frozenset[str] = frozenset(),
    breaks: bool = False,
) -> RuleModule:
    """A rule that always fires, or always breaks."""
    made = Rule(
        id=f"TLS-TEST-{number:03}",
        name=f"test-{number}",
        cause=cause,
        phase=Phase.CLIENT_HELLO,
        rank=rank,
        title="A test",
        references=("RFC 8446",),
        requires=requires,
    )

    def check(story: Story) -> Iterator[Finding]:
        if breaks:
            raise RuntimeError("a mistake of ours")
        yield made.finding(
            Evidence(story.timeline.first_frame, "the first packet"),
            title="A test fired",
            explanation="It always does.",
            remedy=("Nothing.",),
            failing_side=FailingSide.CLIENT,
            remedy_side=RemedySide.CLIENT,
            confidence=confidence,
        )

    return cast("RuleModule", SimpleNamespace(RULE=made, check=check))


def asked(*modules: RuleModule, story: Story | None = None) -> Diagnosis:
    """What the engine makes of these rules on a connection."""
    return diagnose(story or hello_unanswered(), {module.RULE.id: module for module in modules})


def lead(*modules: RuleModule) -> str | None:
    """The id of the headline."""
    headline = asked(*modules).headline
    return headline.rule if headline is not None else None


def test_the_highest_rank_leads() -> None:
    order = [Rank.CLOSED, Rank.DECISIVE, Rank.STEP, Rank.FACT]
    modules = [rule(number, rank) for number, rank in enumerate(order, start=1)]

    assert lead(*modules) == "TLS-TEST-002"
    assert lead(*reversed(modules)) == "TLS-TEST-002"


def test_of_equal_ranks_the_surer_leads() -> None:
    unsure = rule(1, Rank.STEP, confidence=Confidence.SUSPECTED)
    sure = rule(2, Rank.STEP, confidence=Confidence.INFERRED)

    assert lead(unsure, sure) == "TLS-TEST-002"


def test_of_equally_sure_ones_the_cause_comes_before_its_parent() -> None:
    parent = rule(1, Rank.STEP, cause="transport")
    child = rule(2, Rank.STEP, cause="client_abandoned")

    assert lead(parent, child) == "TLS-TEST-002"
    assert asked(parent, child).findings == ()


def test_the_order_of_asking_decides_nothing() -> None:
    modules = [rule(number, Rank.STEP) for number in (1, 2, 3)]

    assert asked(*modules) == asked(*reversed(modules))


def test_notes_never_lead_and_always_stay() -> None:
    note = rule(1, Rank.NOTE, cause="packet_loss_recovered")

    alone = asked(note)
    beside = asked(note, rule(2, Rank.CLOSED))

    assert (alone.headline, [f.rule for f in alone.findings]) == (None, ["TLS-TEST-001"])
    assert beside.headline is not None
    assert [f.rule for f in beside.findings] == ["TLS-TEST-001"]


def test_what_only_tcp_tells_is_folded_under_the_alert() -> None:
    diagnosis = asked(
        rule(1, Rank.CLOSED, cause="rst_mid_handshake"), rule(2, Rank.ALERT, cause="untrusted_ca")
    )

    assert diagnosis.headline is not None
    assert diagnosis.headline.cause == "untrusted_ca"
    assert diagnosis.findings == ()


def test_a_rule_that_breaks_is_a_finding_and_the_others_go_on() -> None:
    diagnosis = asked(rule(1, Rank.STEP, breaks=True), rule(2, Rank.CLOSED))

    assert diagnosis.headline is not None
    assert diagnosis.headline.rule == "TLS-TEST-002"
    (broken,) = diagnosis.findings
    assert (broken.rule, broken.cause) == ("TLS-TOOL-001", "internal_error")
    assert not broken.failure
    assert "TLS-TEST-001" in broken.title
    assert "a mistake of ours" in broken.explanation
    assert broken.evidence[0].frame == 1


def test_a_broken_rule_makes_no_healthy_connection_failed() -> None:
    story = a_story()
    diagnosis = asked(rule(1, Rank.STEP, breaks=True), story=story)

    assert diagnosis.headline is None
    assert outcome(story, diagnosis.headline) == "established"


def test_a_rule_is_not_asked_about_what_the_capture_hides() -> None:
    needs = rule(1, Rank.STEP, requires=frozenset({"alerts", "server_certificate"}))

    assert asked(needs, story=tls13()).headline is None
    assert asked(needs, story=a_story()).headline is not None
    assert blind(tls13(), {"TLS-TEST-001": needs}) == {
        "TLS-TEST-001": {"alerts", "server_certificate"}
    }
    assert blind(a_story(), {"TLS-TEST-001": needs}) == {}


@pytest.mark.parametrize(
    ("story", "expected"),
    [
        pytest.param(a_story(), "established", id="tls 1.2"),
        pytest.param(tls13(), "established", id="tls 1.3"),
        pytest.param(used().story(later=0.1), "established", id="still in use"),
        pytest.param(refused_connect(), "failed", id="refused"),
        pytest.param(Scene().syn().wait(1).syn().story(), "failed", id="unanswered"),
        pytest.param(hello_unanswered(), "failed", id="closed after the hello"),
        pytest.param(alerted(offered(), SERVER, 40), "failed", id="alert"),
        pytest.param(alerted(answered(), CLIENT, 48), "failed", id="certificate refused"),
        pytest.param(offered().story(later=0.1), "incomplete", id="cut after the hello"),
        pytest.param(
            finished_by_client().story(later=0.1), "incomplete", id="cut before the last flight"
        ),
        pytest.param(
            ended(connected().client(b"GET / HTTP/1.1\r\n\r\n").server(b"HTTP/1.1 200 OK\r\n\r\n"),
                  "fin", SERVER),
            "not_tls",
            id="plain http",
        ),
        pytest.param(connected().story(later=0.1), "not_tls", id="nothing said yet"),
    ],
)  # fmt: skip
def test_how_a_connection_is_classified(story: Story, expected: str) -> None:
    headline = diagnose(story, rules.modules()).headline

    assert outcome(story, headline) == expected
    assert (expected == "failed") is (headline is not None and headline.failure)


@pytest.mark.parametrize("description", [m.DECODE_ERROR, 10, 40])
def test_an_alert_in_answer_to_a_close_is_noise(description: int) -> None:
    """OpenSSL answers a FIN with decode_error, GnuTLS with unexpected_message, JSSE with 40."""
    scene = offered().fin(SERVER).client(m.alert(description)).fin(CLIENT)
    headline = diagnose(scene.story(), rules.modules()).headline

    assert headline is not None
    assert (headline.cause, headline.failing_side) == ("server_closed_silently", FailingSide.SERVER)


def test_a_reset_behind_a_refusal_is_part_of_it() -> None:
    story = answered().client(m.alert(m.UNKNOWN_CA)).rst(CLIENT).story()
    diagnosis = diagnose(story, rules.modules())

    assert diagnosis.headline is not None
    assert diagnosis.headline.phase is Phase.SERVER_CERTIFICATE
    assert not [f for f in diagnosis.findings if f.rule.startswith("TLS-TCP")]


BEGUN: dict[str, Callable[[], Scene]] = {
    "offer": offered,
    "server's flight": answered,
    "server's flight, asking": lambda: answered(asking=True),
    "client's flight": finished_by_client,
    "client's flight with a certificate": lambda: finished_by_client(shown=(m.client_made().der,)),
    "client's flight without one": lambda: finished_by_client(shown=()),
    "retry": retried,
    "second offer": lambda: retried().client(m.client_hello_13(random=3)).ack(SERVER),
    "tls 1.3 flight": answered13,
    "tls 1.3 flight, asking": lambda: answered13(asking=True),
}


@pytest.mark.parametrize("begun", BEGUN)
@pytest.mark.parametrize("way", ["fin", "rst", "silence"])
@pytest.mark.parametrize("side", [CLIENT, SERVER], ids=["client", "server"])
@pytest.mark.parametrize("after", [0.0, 30.0])
def test_no_handshake_ends_unexplained(begun: str, way: str, side: Side, after: float) -> None:
    """Wherever a handshake stops and however: it failed, and there is a headline that says why."""
    story = ended(BEGUN[begun](), way, side, after)
    diagnosis = diagnose(story, rules.modules())

    assert diagnosis.headline is not None
    assert outcome(story, diagnosis.headline) == "failed"
    assert "internal_error" not in {f.cause for f in diagnosis.findings}


def test_of_equal_caveats_the_first_of_the_catalogue_leads() -> None:
    """What never was in the capture says more than its end."""
    headline = diagnose(used(connected().late()).story(later=0.1), rules.modules()).headline

    assert headline is not None
    assert headline.cause == "capture_midstream"


@pytest.mark.parametrize(
    "story",
    [
        pytest.param(refused_connect(), id="refused"),
        pytest.param(ended(connected(), "fin", CLIENT), id="left"),
        pytest.param(ended(connected(), "fin", SERVER), id="closed on accept"),
        pytest.param(ended(connected(), "rst", SERVER, 40.0), id="reset late"),
        pytest.param(connected().story(later=60), id="silent"),
    ],
)
def test_rules_that_are_not_asked_of_a_connection_without_bytes_have_nothing_to_say(
    story: Story,
) -> None:
    assert not any(story.timeline.payload.values())
    asked = {f.rule for module in rules.modules().values() for f in module.check(story)}
    diagnosis = diagnose(story, rules.modules())
    told = {f.rule for f in (diagnosis.headline, *diagnosis.findings) if f is not None}

    assert told == asked
