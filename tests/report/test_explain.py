from __future__ import annotations

import io

import pytest

from analyzer.report.explain import find_rule, render_rule, render_rules, suggest
from analyzer.rules import modules

RULES = modules()


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_a_page_that_fits_80_columns(rule: str) -> None:
    page = io.StringIO()
    render_rule(RULES[rule], page)
    lines = page.getvalue().splitlines()

    assert lines[0].startswith(f"{rule}: ")
    assert max(map(len, lines)) <= 80
    assert len(lines) > 6


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_is_found_by_its_id_and_its_name_in_any_case(rule: str) -> None:
    name = RULES[rule].RULE.name

    assert find_rule(RULES, rule.lower()) == rule
    assert find_rule(RULES, name.upper()) == rule
    assert find_rule(RULES, name.replace("-", "_")) == rule


def test_what_is_close_is_suggested() -> None:
    assert "TLS-TCP-001" in suggest(RULES, "connexion_refused")
    assert find_rule(RULES, "no such rule") is None
    assert suggest(RULES, "%%%%") == []


def test_the_catalogue_lists_every_rule_in_order() -> None:
    page = io.StringIO()
    render_rules(RULES, page)
    listed = [line.split()[0] for line in page.getvalue().splitlines() if line.startswith("TLS-")]

    assert listed == sorted(RULES)
