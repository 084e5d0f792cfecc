"""Imports point down the pipeline only, and what is slow to import is imported late."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import analyzer

PACKAGE = Path(analyzer.__file__).parent
ORDER = (
    *("errors", "limits", "encodings", "capture", "tcp", "tls", "pki", "datapower"),
    *("keys", "diagnosis"),
    *(
        "products",
        "rules",
        "advice",
        "handbook",
        "reading",
        "judging",
        "crew",
        "following",
        "sharing",
        "report",
        "pipeline",
    ),
    *("reproduce", "compare", "live", "gate", "extract", "mustgather"),
    *("__init__", "commands", "cli", "__main__"),
)
HEAVY = ("numpy", "cryptography", "scapy", "dpkt", "msgspec", "rich", "defusedxml", "jinja2")
SAMPLE = PACKAGE.parent / "sample_pcaps" / "client_cert_missing_tls12.pcap"
MODULES = sorted(PACKAGE.rglob("*.py"))


def _layer(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _imported(path: Path) -> set[str]:
    """The layers of our own package that a module imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    parts = [name.split(".") for name in names if name.split(".")[0] == "analyzer"]
    return {p[1] if len(p) > 1 and p[1] in ORDER else "__init__" for p in parts}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_no_import_points_up(path: Path) -> None:
    layer = _layer(path)

    assert layer in ORDER
    if layer == "__init__":  # the public API reaches down, and is reached by the command line only
        return
    up = [used for used in _imported(path) if ORDER.index(used) > ORDER.index(layer)]
    # The version is all that the report wants of the package itself.
    assert [used for used in up if (layer, used) != ("report", "__init__")] == []


ROOMS = {
    "tls": (
        *("registry", "wire", "x509", "record", "message", "objects", "loglines", "decryption"),
        *("stack", "fingerprint", "glance", "story", "outline", "prelude", "neighbours", "telling"),
    ),
    "diagnosis": (
        *("causes", "model", "memo", "deciding", "wording", "reaching", "evidence"),
        *("signs", "flaws", "refusals", "verdicts", "terms", "log", "topics"),
        *("history", "engine", "trace"),
    ),
}
"""What the layers with rooms within are made of, from the ground up."""


@pytest.mark.parametrize(
    "path",
    [path for path in MODULES if _layer(path) in ROOMS],
    ids=lambda p: "/".join(p.parts[-3:]),
)
def test_a_room_rests_on_those_below_it(path: Path) -> None:
    layer, *parts = path.relative_to(PACKAGE).parts
    room, rooms = parts[0].removesuffix(".py"), ROOMS[layer]
    imported = [
        node.module.split(".")[2]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom)
        and node.module is not None
        and node.module.startswith(f"analyzer.{layer}.")
    ]

    assert room in {*rooms, "__init__"}
    assert [used for used in imported if rooms.index(used) > rooms.index(room)] == []


@pytest.mark.parametrize(
    ("library", "homes"),
    [
        pytest.param("cryptography", {"tls", "pki", "live"}, id="certificates and decryption"),
        pytest.param("scapy", {"capture"}, id="exotic link types"),
        pytest.param("dpkt", {"capture"}, id="packets off the fast path"),
        pytest.param("typer", {"cli", "commands"}, id="command line"),
        pytest.param("defusedxml", {"datapower"}, id="exports"),
        pytest.param("jinja2", {"report"}, id="templates"),
        pytest.param("rich", {"report"}, id="terminal"),
        pytest.param("msgspec", {"report", "gate"}, id="the contract"),
        pytest.param("numpy", {"capture", "tcp", "reading"}, id="columns"),
    ],
)
def test_each_library_is_known_to_its_seam_only(library: str, homes: set[str]) -> None:
    users = set()
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                named = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                named = [node.module or ""]
            else:
                continue
            users |= {_layer(path) for name in named if name.split(".")[0] == library}

    assert users <= homes


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("import analyzer", id="the package"),
        pytest.param("from analyzer.cli import run; run(['--help'])", id="help"),
        pytest.param("from analyzer.cli import run; run(['analyze', '--help'])", id="its help"),
        pytest.param("from analyzer.cli import run; run(['--version'])", id="version"),
        pytest.param("from analyzer.cli import run; run(['--nonsense'])", id="a wrong option"),
    ],
)
def test_what_is_slow_to_import_is_imported_late(code: str) -> None:
    program = f"{code}\nimport sys; print(*sorted(set({HEAVY!r}) & set(sys.modules)), sep=',')"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout.splitlines()[-1] == ""


def test_a_plain_capture_needs_no_papers_archives_or_processes() -> None:
    """What 20 packets of pcap must not wait for."""
    late = (
        *("numpy.ma", "scapy", "dpkt", "rich", "jinja2", "pydantic", "tempfile", "multiprocessing"),
        *(
            "analyzer.datapower.load",
            "analyzer.datapower.predict",
            "analyzer.tls.decryption.decrypt",
        ),
        *("analyzer.rules.datapower", "analyzer.pki.stores", "analyzer.report.assemble.log"),
        *("analyzer.tls.objects", "analyzer.tls.loglines", "analyzer.commands.probe"),
    )
    program = (
        "from analyzer.cli import run; import sys; "
        f"run(['analyze', {str(SAMPLE)!r}, '--format', 'ndjson']); "
        f"print(*sorted(set({late!r}) & set(sys.modules)), sep=',', file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stderr.splitlines()[-1] == ""


def test_rules_and_readers_have_no_clock_file_or_console() -> None:
    """Sans-IO after the reader: the stages between bytes and report are pure."""
    banned = {"print", "open", "input"}
    for path in MODULES:
        if _layer(path) not in {"tcp", "tls", "pki", "datapower", "diagnosis", "rules"}:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in banned, f"{path}:{node.lineno}"
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                assert node.func.attr not in {"now", "utcnow", "monotonic", "perf_counter"}


def test_every_dependency_is_used() -> None:
    project = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8"))
    text = "".join(path.read_text(encoding="utf-8") for path in MODULES)
    for requirement in project["project"]["dependencies"]:
        name = re.split("[<>=]", requirement)[0]

        assert f"import {name}" in text or f"from {name}" in text, name
