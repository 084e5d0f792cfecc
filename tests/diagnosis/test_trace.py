"""Why a rule fired or not: its conditions, in the order in which it asked them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from analyzer import rules
from analyzer.diagnosis.engine import diagnose
from analyzer.diagnosis.trace import Trace, trace
from analyzer.pipeline import Analysis
from analyzer.tls.story import Story
from tests.support.stories import CLIENT, SERVER, a_story, alerted, answered, offered

SAMPLES = sorted((Path(rules.__file__).parents[2] / "sample_pcaps").glob("*_tls1?.pcap"))


def told(rule: str, story: Story) -> Trace:
    return trace(rules.modules()[rule], story)


def own(rule: str, story: Story) -> list[tuple[str, str, bool]]:
    """What a rule itself asked."""
    return [(c.text, c.value, c.holds) for c in told(rule, story).conditions if c.depth == 0]


def test_the_condition_that_settled_it_is_the_last() -> None:
    fin, rst = offered().fin(SERVER).story(), offered().rst(SERVER).story()

    assert own("TLS-TCP-007", fin)[-1] == ("ending.way is not Way.RST", "fin", True)
    assert ("ending.way is not Way.RST", "rst", False) in own("TLS-TCP-007", rst)
    assert told("TLS-TCP-007", fin).findings == ()
    assert [f.rule for f in told("TLS-TCP-007", rst).findings] == ["TLS-TCP-007"]


def test_conditions_after_the_one_that_settles_are_not_asked() -> None:
    assert own("TLS-TCP-007", a_story())[-1] == (
        "passed(story, Milestone.SERVER_HELLO)",
        "",
        True,
    )


def test_what_the_capture_hides_is_told_instead() -> None:
    one_sided = told("TLS-TCP-007", offered().only(CLIENT).story())

    assert one_sided.missing == ("no packet of the server was captured",)
    assert one_sided.conditions == ()


def test_what_rules_have_in_common_is_told_with_them() -> None:
    conditions = told("TLS-CERT-001", alerted(answered(), CLIENT, 45)).conditions

    assert any(c.asked_by.startswith("read refusal: Find out who") for c in conditions)
    assert any(c.text == "alert in fit.named" for c in conditions)


@pytest.mark.parametrize("path", SAMPLES[:6], ids=lambda path: path.stem)
def test_asking_so_finds_what_asking_plainly_finds(path: Path) -> None:
    for judged in Analysis([str(path)]).judged():
        plain = diagnose(judged.story, rules.modules())
        heads = [told(rule, judged.story).findings for rule in rules.modules()]

        assert plain.headline is None or plain.headline in [f for found in heads for f in found]
    assert sys.gettrace() is None or "coverage" in repr(sys.gettrace())
