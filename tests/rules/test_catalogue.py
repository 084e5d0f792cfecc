"""The catalogue's own lint: pages, names, ids, references, and a rule for every cause."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from analyzer import rules
from analyzer.diagnosis.causes import CAUSES, CHILDREN
from analyzer.handbook import SECTIONS

SHAPE = re.compile(r"TLS-[A-Z]{3,5}-\d{3}")
TOOL = "TLS-TOOL-001"  # the engine's own, for a rule that broke
FOLDER = Path(rules.__file__).parent
CATALOGUE = rules.modules()


def page(rule: str) -> str:
    """A rule's explain page."""
    return CATALOGUE[rule].__doc__ or ""


def retired() -> set[str]:
    """Ids that were given up."""
    lines = (FOLDER / "retired.txt").read_text(encoding="utf-8").splitlines()
    return {line.split()[0] for line in lines if line.strip() and not line.startswith("#")}


@pytest.mark.parametrize("rule", CATALOGUE)
def test_a_page_is_complete_and_in_order(rule: str) -> None:
    first, *_ = page(rule).splitlines()
    headings = tuple(line for line in page(rule).splitlines() if line.startswith("## "))
    bodies = re.split(r"^## .*$", page(rule), flags=re.MULTILINE)[1:]

    assert first.endswith((".", "?"))
    assert headings == SECTIONS
    assert all(len(body.split()) >= 3 for body in bodies)
    assert "{" not in page(rule)


@pytest.mark.parametrize("rule", CATALOGUE)
def test_a_rule_is_named_after_its_file(rule: str) -> None:
    module = CATALOGUE[rule]
    stem = Path(getattr(module, "__file__", "")).stem

    assert module.RULE.name.replace("-", "_") == stem
    assert module.RULE.id == rule


@pytest.mark.parametrize("rule", CATALOGUE)
def test_a_rule_has_references_a_title_and_a_known_cause(rule: str) -> None:
    made = CATALOGUE[rule].RULE

    assert made.references
    assert made.title
    assert not made.title.endswith(".")
    assert "{" not in made.title
    assert made.cause in CAUSES


@pytest.mark.parametrize("rule", CATALOGUE)
def test_a_page_only_cites_rules_that_exist(rule: str) -> None:
    cited = set(re.findall(r"TLS-[A-Z]+-\w+", page(rule)))

    assert [id_ for id_ in cited if not SHAPE.fullmatch(id_)] == []
    assert cited <= set(CATALOGUE)


def test_ids_are_in_order_and_of_one_shape() -> None:
    assert list(CATALOGUE) == sorted(CATALOGUE)
    assert [id_ for id_ in CATALOGUE if not SHAPE.fullmatch(id_)] == []


def test_the_catalogue_is_made_once() -> None:
    assert rules.modules() is CATALOGUE


def test_every_module_below_a_family_is_in_the_catalogue() -> None:
    files = {path for path in FOLDER.rglob("*.py") if path.name != "__init__.py"}
    listed = {Path(getattr(module, "__file__", "")) for module in CATALOGUE.values()}

    assert files == listed


def test_retired_ids_are_not_used_again() -> None:
    assert not retired() & set(CATALOGUE)
    assert TOOL not in CATALOGUE
    assert [id_ for id_ in retired() if not SHAPE.fullmatch(id_)] == []


@pytest.mark.parametrize(
    "parent", ["transport", "not_tls", "upgrade_failed", "capture", "after_handshake"]
)
def test_every_cause_of_these_families_has_a_rule_of_its_own(parent: str) -> None:
    # Rules of a gateway's papers say which object made the wire's cause: they add none.
    wire = {id_: module for id_, module in CATALOGUE.items() if not id_.startswith("TLS-DP")}
    concluded = [module.RULE.cause for module in wire.values()]

    assert [cause for cause in CHILDREN[parent] if concluded.count(cause) != 1] == []


@pytest.mark.parametrize("rule", CATALOGUE)
def test_a_reference_names_a_document_and_its_place(rule: str) -> None:
    shape = re.compile(
        r"RFC \d{3,5}( §\d+(\.\d+)*| appendix [A-Z](\.\d+)*)?|(IBM|DataPower|MS-|NIST |draft-)[^{}]+"
    )

    assert [one for one in CATALOGUE[rule].RULE.references if not shape.fullmatch(one)] == []
