"""What README and the docs show is what happens."""

from __future__ import annotations

import functools
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from analyzer.commands import COMMANDS
from tests.support import readme

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SAMPLE = ROOT / readme.SAMPLE
PAGES = {p.name: p.read_text(encoding="utf-8") for p in (ROOT / "docs").glob("*.md")}
PAGES["README.md"] = README


def _analyzer(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "analyzer", *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        cwd=ROOT,
    )


def _blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def test_the_answer_that_readme_shows_is_what_the_sample_gives() -> None:
    assert readme.shown() == readme.made(), "python -m tests.support.readme writes it anew"


def test_the_library_example_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    (example,) = _blocks(README, "python")
    exec(compile(example, "README.md", "exec"), {})

    assert "cert_expired" in capsys.readouterr().out


def test_the_examples_of_the_docs_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "trace.pcap").write_bytes(SAMPLE.read_bytes())
    monkeypatch.chdir(tmp_path)
    for example in _blocks(PAGES["library.md"], "python"):
        exec(compile(example, "library.md", "exec"), {})

    assert "absent.pcap" in capsys.readouterr().out


@functools.cache
def _known() -> str:
    """What the help of all commands says."""
    commands = [(), *((command,) for command in COMMANDS)]
    commands += [("datapower", "lint"), ("datapower", "predict")]
    return "".join(_analyzer(*command, "--help").stdout for command in commands)


@pytest.mark.parametrize("page", sorted(PAGES))
def test_options_and_commands_named_in_the_docs_exist(page: str) -> None:
    known = _known()
    for line in re.findall(r"handshake-analyzer ([^`|\n]*)", PAGES[page]):
        for option in re.findall(r"(?<!\S)(--?[a-z][a-z-]*)", line.split("#")[0]):
            assert option in known, f"{page}: {option}"


@pytest.mark.parametrize("page", sorted(PAGES))
def test_rules_named_in_the_docs_exist(page: str) -> None:
    from analyzer.rules import modules

    for rule in re.findall(r"TLS-[A-Z]{3,5}-\d{3}", PAGES[page]):
        assert rule in modules() or rule.startswith("TLS-OWN-"), f"{page}: {rule}"


@pytest.mark.parametrize("page", sorted(PAGES))
def test_links_lead_somewhere(page: str) -> None:
    folder = ROOT if page == "README.md" else ROOT / "docs"
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", PAGES[page]):
        assert (folder / target).exists(), f"{page}: {target}"


def test_every_make_target_that_is_named_has_one_recipe() -> None:
    """Also those of the gate: a phony target without a recipe does nothing, and succeeds."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z-]+):", makefile, re.MULTILINE)
    phony = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[0].split()
    gate = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    named = re.findall(r"^make ([a-z-]+)", f"{README}\n{gate}", re.MULTILINE)

    assert sorted(targets) == sorted(phony)
    assert set(named) <= set(targets)


def test_every_dependency_is_accounted_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for requirement in project["dependencies"] + project["optional-dependencies"]["exotic"]:
        name = requirement.split(">=")[0]

        assert re.search(rf"(^\| {name} \|)|(Optional: {name})", README, re.MULTILINE), name
