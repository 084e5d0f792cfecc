"""The pages that are made from the code are as it would make them now."""

from __future__ import annotations

import csv
import json
import re
from xml.etree import ElementTree as ET

import pytest

from analyzer.commands import COMMANDS
from analyzer.limits import DEFAULT
from analyzer.report.formats import Format
from tests.support import pages
from tests.test_cli import run

MADE = pages.made()


@pytest.mark.parametrize("name", [str(path.relative_to(pages.ROOT)) for path in MADE])
def test_a_made_page_is_fresh(name: str) -> None:
    path = pages.ROOT / name

    assert path.is_file(), "make docs writes it"
    assert path.read_text(encoding="utf-8") == MADE[path], "make docs writes it anew"


def test_there_is_an_example_of_every_format_and_no_other() -> None:
    assert {path for path in MADE if path.parent == pages.EXAMPLES} == set(pages.EXAMPLES.iterdir())
    assert len(MADE) > len(Format)


def test_every_bound_is_on_its_page() -> None:
    text = MADE[pages.DOCS / "limits.md"]

    for name in DEFAULT.__slots__:
        assert f"| `{name}` | {getattr(DEFAULT, name):,} |" in text


def test_the_examples_are_what_their_readers_read() -> None:
    for path, text in MADE.items():
        if path.suffix in {".json", ".sarif"}:
            json.loads(text)
        elif path.suffix == ".xml":
            ET.fromstring(text)
        elif path.suffix == ".csv":
            assert len(list(csv.reader(text.splitlines()))) == 2


def test_the_catalogue_has_every_rule_and_its_links_lead_to_it() -> None:
    from analyzer.rules import modules

    text = pages.catalogue()

    assert (
        re.findall(r'<a id="([a-z0-9-]+)">', text).sort()
        == [name.lower() for name in modules()].sort()
    )
    headings = {
        line[3:].lower().replace(" ", "-") for line in text.splitlines() if line[:3] == "## "
    }
    for target in re.findall(r"\]\(#([^)]+)\)", text):
        assert target in headings or f'<a id="{target}">' in text


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_script_is_printed(shell: str) -> None:
    done = run(_HANDSHAKE_ANALYZER_COMPLETE=f"source_{shell}")

    assert done.returncode == 0
    assert b"_HANDSHAKE_ANALYZER_COMPLETE" in done.stdout


@pytest.mark.parametrize(
    ("line", "listed"),
    [
        pytest.param("", set(COMMANDS), id="commands"),
        pytest.param("analyze --format ", {form.value for form in Format}, id="formats"),
        pytest.param("check --format ", {"text", "junit", "github", "json"}, id="of check"),
        pytest.param("check --up", {"--update"}, id="options"),
    ],
)
def test_the_shell_completes_what_may_come(line: str, listed: set[str]) -> None:
    words = f"handshake-analyzer {line}"
    done = run(
        _HANDSHAKE_ANALYZER_COMPLETE="complete_bash",
        COMP_WORDS=words,
        COMP_CWORD=str(len(words.split(" ")) - 1),
    )

    assert listed <= set(done.stdout.decode().split())
