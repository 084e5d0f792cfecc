"""``check`` as a process, and what it finds in a folder."""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from analyzer import cli
from analyzer.errors import UsageError
from analyzer.gate.find import tasks
from analyzer.gate.run import check
from tests.support.tiny import pcap, refused, rejected

ROOT = Path(__file__).parents[2]


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The command in this process, which is quicker; the samples are checked in one of their own."""
    command = ["check", *map(str, arguments)]
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = cli.run(command)
    for stream in (out, err):
        stream.seek(0)
    return subprocess.CompletedProcess(command, status, out.read(), err.read())


def capture(folder: Path, name: str = "trace.pcap", expected: Any = None) -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(pcap(rejected(), refused(port=2222)))
    if expected is not None:
        path.with_name(f"{path.name}.expect.json").write_text(
            json.dumps(expected), encoding="utf-8"
        )
    return path


def verdicts(*paths: Path, jobs: int | None = 1) -> list[tuple[str, str, str | None]]:
    return [
        (Path(entry.capture).name, entry.verdict, entry.problem)
        for entry, _ in check(tasks(paths), jobs, 1, None)
    ]


def test_update_writes_what_then_holds(tmp_path: Path) -> None:
    path = capture(tmp_path)
    before = run(path)
    updated = run(path, "--update")
    after = run(path)

    assert before.returncode == 2
    assert "--update writes an expectation" in before.stderr
    assert updated.returncode == 0
    assert f"wrote {path}.expect.json" in updated.stderr
    assert (after.returncode, after.stderr) == (0, "")
    assert "1 of 1 captures as expected" in after.stdout


def test_a_difference_is_status_1_and_is_shown_by_update_before_it_is_written(
    tmp_path: Path,
) -> None:
    path = capture(tmp_path, expected={"connections": [{"stream": 0, "cause": "cert_expired"}]})
    done = run(path)
    updated = run(path, "--update")

    assert (done.returncode, done.stderr) == (1, "")
    assert "cert_expired" in done.stdout
    assert updated.stdout == done.stdout
    assert run(path).returncode == 0


@pytest.mark.parametrize("form", ["text", "junit", "github", "json"])
def test_every_form_can_be_written_to_a_file(tmp_path: Path, form: str) -> None:
    path = capture(tmp_path, expected={"counts": {"failed": 9}})
    target = tmp_path / "out"
    done = run(path, "--format", form, "--output", target)

    assert (done.returncode, done.stdout) == (1, "")
    assert "9" in target.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        pytest.param({"conections": []}, "did you mean 'connections'?", id="an unknown key"),
        pytest.param({"connections": [{"stream": 9}]}, "stream 9", id="no such stream"),
    ],
)
def test_what_cannot_be_used_is_status_2_and_a_line(
    tmp_path: Path, expected: Any, said: str
) -> None:
    done = run(capture(tmp_path, expected=expected))

    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_one_bad_capture_does_not_hide_the_others(tmp_path: Path) -> None:
    capture(tmp_path, "a.pcap", {"counts": {"failed": 2}})
    (tmp_path / "b.pcap").write_bytes(b"not a capture")
    (tmp_path / "b.expect.json").write_text("{}")
    capture(tmp_path, "c.pcap", {"counts": {"failed": 0}})
    done = run(tmp_path)

    assert done.returncode == 2
    assert "1 of 3 captures as expected, 1 differ, 1 unusable" in done.stdout


def test_a_folder_is_read_with_what_is_below_it(tmp_path: Path) -> None:
    capture(tmp_path, "b.pcap", {})
    capture(tmp_path, "below/a.pcap", {})
    capture(tmp_path, ".hidden/x.pcap", {})

    assert verdicts(tmp_path) == [
        ("b.pcap", "as_expected", None),
        ("a.pcap", "as_expected", None),
    ]


def test_one_file_may_speak_for_a_folder(tmp_path: Path) -> None:
    capture(tmp_path, "a.pcap")
    capture(tmp_path, "below/b.pcap")
    (tmp_path / "expect.toml").write_text(
        '[captures."a.pcap".counts]\nfailed = 2\n'
        '[captures."below/b.pcap".counts]\nfailed = 1\n'
        '[captures."gone.pcap"]\n'
    )

    assert {(name, verdict) for name, verdict, _ in verdicts(tmp_path)} == {
        ("a.pcap", "as_expected"),
        ("b.pcap", "differs"),
        ("gone.pcap", "unusable"),
    }
    assert [v for _, v, _ in verdicts(tmp_path / "a.pcap")] == ["as_expected"]


def test_update_keeps_the_other_captures_of_a_folders_file(tmp_path: Path) -> None:
    capture(tmp_path, "a.pcap")
    capture(tmp_path, "b.pcap")
    told = {"captures": {name: {"counts": {"failed": 0}} for name in ("a.pcap", "b.pcap")}}
    (tmp_path / "expect.json").write_text(json.dumps(told))
    run(tmp_path / "a.pcap", "--update")
    written = json.loads((tmp_path / "expect.json").read_text())["captures"]

    assert written["a.pcap"]["counts"] == {"failed": 2}
    assert written["b.pcap"]["counts"] == {"failed": 0}


def test_toml_is_kept_by_hand(tmp_path: Path) -> None:
    path = capture(tmp_path)
    (tmp_path / "trace.expect.toml").write_text("counts.failed = 9\n")
    done = run(path, "--update")

    assert done.returncode == 2
    assert "kept by hand" in done.stderr
    assert (tmp_path / "trace.expect.toml").read_text() == "counts.failed = 9\n"


def test_two_expectations_are_one_too_many(tmp_path: Path) -> None:
    path = capture(tmp_path, expected={})
    (tmp_path / "trace.expect.json").write_text("{}")
    ((_, verdict, problem),) = verdicts(path)

    assert verdict == "unusable"
    assert "keep one of them" in str(problem)


def test_an_expectation_without_its_capture_is_told(tmp_path: Path) -> None:
    capture(tmp_path, expected={})
    (tmp_path / "renamed.expect.json").write_text("{}")

    assert [verdict for _, verdict, _ in verdicts(tmp_path)] == ["as_expected", "unusable"]


@pytest.mark.parametrize("name", ["absent", "trace.pcap.expect.json", "empty"])
def test_a_path_that_is_nothing_to_check(tmp_path: Path, name: str) -> None:
    capture(tmp_path, expected={})
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=name):
        tasks([tmp_path / name])


def test_a_capture_that_is_named_twice_is_checked_once(tmp_path: Path) -> None:
    path = capture(tmp_path, expected={})

    assert len(tasks([path, tmp_path, path])) == 1


def test_progress_counts_the_bytes(tmp_path: Path) -> None:
    size = capture(tmp_path, expected={}).stat().st_size
    capture(tmp_path, "b.pcap", {})
    seen: list[tuple[int, int]] = []
    list(check(tasks([tmp_path]), 1, 1, lambda done, total: seen.append((done, total))))

    assert seen == [(size, 2 * size), (2 * size, 2 * size)]


@pytest.mark.slow
def test_processes_find_the_same_in_the_same_order(tmp_path: Path) -> None:
    for number in range(6):
        capture(tmp_path, f"{number}.pcap", {"counts": {"failed": number}})

    assert run(tmp_path, "--jobs", 3, "-v").stdout == run(tmp_path, "--jobs", 1, "-v").stdout


def test_the_project_checks_its_own_samples() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "analyzer", "check", "sample_pcaps"],
        capture_output=True,
        check=False,
        cwd=ROOT,
    )

    assert (done.returncode, done.stderr) == (0, b"")
