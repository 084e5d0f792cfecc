"""docs/certificates.md has the differences that the tests hold, and no others."""

from __future__ import annotations

import re
from pathlib import Path

from tests.pki.matrix import cases
from tests.pki.test_second_opinion import DIFFERENCES

PAGE = (Path(__file__).parents[2] / "docs" / "certificates.md").read_text(encoding="utf-8")


def rows(title: str) -> list[list[str]]:
    """The cells of the table below a heading, without its own heading."""
    (section,) = re.findall(rf"^## {title}\n(.*?)^## ", PAGE, re.MULTILINE | re.DOTALL)
    lines = [line for line in section.splitlines() if line.startswith("| ")][1:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_table_of_differences_is_that_of_the_matrix() -> None:
    told = {tuple(row) for row in rows("Where we differ from `openssl verify`")}
    held = {
        (case.id, str(case.openssl[0]), str(case.expected[0]), case.reason)
        for case in cases()
        if case.ours is not None
    }

    assert told == held


def test_the_table_of_the_second_opinion_is_that_of_its_test() -> None:
    told = {
        name.strip(): reason
        for names, reason in rows("A second opinion")
        for name in names.split(";")
    }

    assert told == DIFFERENCES
