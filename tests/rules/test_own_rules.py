"""A folder of the user's own rules: the example of the docs, what is checked, and what goes wrong."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest

from analyzer import rules
from analyzer.diagnosis.engine import diagnose
from analyzer.errors import UsageError
from analyzer.handbook import CATALOGUE, Handbook, own_rules
from analyzer.pipeline import Analysis
from analyzer.report.explain import find_rule, render_rule, render_rules
from analyzer.report.schema import Connection
from tests.support import messages as m
from tests.support.stories import a_story, closed, offered, used

ROOT = Path(rules.__file__).parents[2]
PAGE = (ROOT / "docs" / "writing-a-rule.md").read_text(encoding="utf-8")
EXAMPLE = re.findall(r"^```python\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)[0]
NAME = "partner_without_name"
SAMPLE = ROOT / "sample_pcaps" / "good_no_sni.pcap"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the example of the docs."""
    (tmp_path / f"{NAME}.py").write_text(EXAMPLE, encoding="utf-8")
    return tmp_path


def test_the_example_of_the_docs_is_asked_beside_the_others(folder: Path) -> None:
    book = Handbook(str(folder))
    nameless = closed(used(offered(m.client_hello(sni=None)).server(m.server_flight())))
    found = diagnose(nameless.story(), book.modules()).findings

    assert book.complaints() == ()
    assert set(book.modules()) == {*rules.modules(), "TLS-OWN-001"}
    assert [f.title for f in found if f.rule == "TLS-OWN-001"] == [
        "192.0.2.10 does not say which host of 198.51.100.20:443 it wants"
    ]
    assert "TLS-OWN-001" not in {f.rule for f in diagnose(a_story(), book.modules()).findings}


def test_an_analysis_asks_them(folder: Path) -> None:
    (connection,) = Analysis([str(SAMPLE)], book=Handbook(str(folder))).connections()

    assert isinstance(connection, Connection)
    assert "TLS-OWN-001" in {finding.rule for finding in connection.findings}


def test_lists_and_pages_know_them(folder: Path) -> None:
    modules = Handbook(str(folder)).modules()
    listed, page = io.StringIO(), io.StringIO()
    render_rules(modules, listed)
    render_rule(modules["TLS-OWN-001"], page)

    assert "TLS-OWN-001" in listed.getvalue()
    assert "What to do" in page.getvalue()
    assert find_rule(modules, "partner-without-name") == "TLS-OWN-001"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"""The partner', "def", "line 1: SyntaxError"),
        ("RULE = Rule(", "RULE = dict(", "it has no RULE"),
        ("def check(", "def ask(", "it has no function check(story)"),
        ("check(story: Story)", "check(story: Story, other: int)", "it has no function check"),
        ("TLS-OWN-001", "TLS-CERT-001", "TLS-CERT-001 is a rule of the catalogue (cert-expired)"),
        ("TLS-OWN-001", "OWN-1", "ValueError: OWN-1: ids look like TLS-CERT-001"),
        ('cause="sni_missing"', 'cause="bad_luck"', "no such cause: bad_luck"),
        ("partner-without-name", "other", "not that of its file (partner_without_name.py)"),
        ("## What to do", "## Cure", "lacks the section '## What to do'"),
        ('references=("RFC 6066 §3",)', "references=()", "lacks a title or references"),
        ("from collections.abc", "raise RuntimeError('no')\nfrom x", "RuntimeError: no"),
    ],
)
def test_what_cannot_be_used_is_named_and_left_out(
    folder: Path, old: str, new: str, said: str
) -> None:
    assert old in EXAMPLE
    (folder / f"{NAME}.py").write_text(EXAMPLE.replace(old, new, 1), encoding="utf-8")
    own_rules.cache_clear()
    (complaint,) = Handbook(str(folder)).complaints()

    assert complaint.startswith(f"{folder / NAME}.py: left out: ")
    assert said in complaint
    assert Handbook(str(folder)).modules() == rules.modules()


def test_of_two_with_one_id_the_first_stays(folder: Path) -> None:
    twin = EXAMPLE.replace("partner-without-name", "second")
    (folder / "second.py").write_text(twin, encoding="utf-8")
    book = Handbook(str(folder))

    assert "TLS-OWN-001 is taken by partner_without_name.py" in book.complaints()[0]
    assert book.modules()["TLS-OWN-001"].RULE.name == "partner-without-name"


def test_a_rule_that_breaks_is_named_and_the_others_go_on(folder: Path) -> None:
    broken = EXAMPLE.replace("    hello = next", "    hello = 1 / 0  # next")
    (folder / f"{NAME}.py").write_text(broken, encoding="utf-8")
    own_rules.cache_clear()
    (connection,) = Analysis([str(SAMPLE)], book=Handbook(str(folder))).connections()
    (plain,) = Analysis([str(SAMPLE)], book=CATALOGUE).connections()
    titles = [f.title for f in connection.findings if f.rule == "TLS-TOOL-001"]

    assert titles == ["The rule TLS-OWN-001 failed on this connection; the others were applied"]
    assert connection.outcome == plain.outcome


def test_a_folder_that_is_none_or_empty_is_an_error_of_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        Handbook(str(tmp_path / "none")).modules()
    with pytest.raises(UsageError, match="holds no rule"):
        Handbook(str(tmp_path)).modules()
