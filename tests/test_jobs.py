"""The job files of docs/ci/ parse, and name commands, options and values that exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from analyzer.cli import program
from analyzer.commands import COMMANDS

FOLDER = Path(__file__).parents[1] / "docs" / "ci"
FILES = {path.name: path.read_text(encoding="utf-8") for path in sorted(FOLDER.iterdir())}
PROGRAM: Any = typer.main.get_command(program())
# Runs that stand on a line of their own or within a shell's quotes; not names of images and files.
RUNS = re.compile(r"(?:^\s*- |run: |sh '(?:.*\|\| )?)handshake-analyzer ([^\n']+)", re.MULTILINE)


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".yml")])
def test_a_job_file_is_yaml(name: str) -> None:
    assert isinstance(yaml.safe_load(FILES[name]), dict)


def test_the_jobs_have_what_their_servers_need() -> None:
    github = yaml.safe_load(FILES["github-actions.yml"])
    gitlab = yaml.safe_load(FILES["gitlab-ci.yml"])

    for job in github["jobs"].values():
        assert job["runs-on"]
        assert all("uses" in step or "run" in step for step in job["steps"])
    assert gitlab["handshakes"]["artifacts"]["reports"]["junit"] == "handshakes.xml"
    for name in ("handshakes", "new-failures"):
        assert gitlab[name]["script"]


@pytest.mark.parametrize("name", [name for name in FILES if name != "Containerfile"])
def test_what_a_job_runs_is_a_command_line(name: str) -> None:
    runs = RUNS.findall(FILES[name])

    assert len(runs) >= 2
    for line in runs:
        words = line.split()
        if words[0] not in COMMANDS:
            words.insert(0, "analyze")
        # Raises on an option, a value or an argument that does not exist.
        PROGRAM.commands[words[0]].make_context(words[0], words[1:])


def test_braces_of_the_jenkinsfile_close() -> None:
    assert FILES["Jenkinsfile"].count("{") == FILES["Jenkinsfile"].count("}")


def test_the_container_copies_what_is_there_and_runs_the_program_without_rights() -> None:
    text = FILES["Containerfile"]
    root = FOLDER.parents[1]
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE)

    assert all((root / part).exists() for line in copied for part in line.split())
    assert 'ENTRYPOINT ["handshake-analyzer"]' in text
    assert re.search(r"^USER [1-9]", text, re.MULTILINE)
    assert text.count("\nFROM ") == 2
