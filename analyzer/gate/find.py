"""Which captures are checked, and where what is expected of each stands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from analyzer.errors import UsageError
from analyzer.gate.expectation import Expectation, Folder, read_expectation, read_folder

FOLDER_FILES: Final = ("expect.json", "expect.toml")
_SUFFIXES: Final = (".expect.json", ".expect.toml")
_CAPTURES: Final = (".pcap", ".pcapng", ".cap", ".pcap.gz", ".pcapng.gz", ".cap.gz")


@dataclass(frozen=True, slots=True)
class Task:
    """A capture with the file that speaks of it; ``key`` is its name in a folder's file."""

    capture: Path
    file: Path | None
    key: str | None = None
    expectation: Expectation | None = None
    problem: str | None = None


def tasks(paths: Iterable[Path]) -> list[Task]:
    """List what is to be checked, each capture once, in order.

    Raises:
        UsageError: A path is nothing that can be checked.
    """
    found: dict[Path, Task] = {}
    for path in paths:
        for task in _of_folder(path) if path.is_dir() else [_of_file(path)]:
            found.setdefault(task.capture, task)
    return list(found.values())


def _of_file(path: Path) -> Task:
    if not path.exists():
        raise UsageError(f"{path}: no such file or folder; check the path")
    if path.name.endswith(_SUFFIXES) or path.name in FOLDER_FILES:
        raise UsageError(f"{path}: an expectation, not a capture; name the capture or the folder")
    return _task(path, _listed(path.parent))


def _of_folder(folder: Path) -> Iterator[Task]:
    """The captures of a folder and those below it; hidden folders are left out."""
    listed: dict[Path, tuple[Path, str, Expectation]] = {}
    captures: set[Path] = set()
    spoken: set[Path] = set()
    for path in sorted(folder.rglob("*")):
        if any(part.startswith(".") for part in path.relative_to(folder).parts):
            continue
        if path.name in FOLDER_FILES:
            listed |= _listed(path.parent)
        elif path.name.endswith(_SUFFIXES):
            spoken.add(path)
        elif path.name.endswith(_CAPTURES) and path.is_file():
            captures.add(path)
    absent = sorted(set(listed) - captures, key=str)
    for path in absent:
        yield Task(path, listed[path][0], problem="the expectation names it, but there is no file")
    used: set[Path] = set()
    for path in sorted(captures):
        task = _task(path, listed)
        used |= {task.file} if task.file else set()
        yield task
    for path in sorted(spoken - used):
        yield Task(path, path, problem="an expectation without a capture; remove or rename it")
    if not captures and not spoken and not absent:
        raise UsageError(f"{folder}: no captures in it; name a folder that has some")


def _listed(folder: Path) -> dict[Path, tuple[Path, str, Expectation]]:
    """What the one file of a folder says, by capture."""
    files = [folder / name for name in FOLDER_FILES if (folder / name).is_file()]
    if len(files) > 1:
        raise UsageError(f"{files[0]}: {files[1].name} stands beside it; keep one of them")
    if not files:
        return {}
    told: Folder = read_folder(files[0])
    return {folder / name: (files[0], name, told.captures[name]) for name in told.captures}


def _task(capture: Path, listed: dict[Path, tuple[Path, str, Expectation]]) -> Task:
    stem = capture.name
    for ending in _CAPTURES:
        stem = stem.removesuffix(ending) if capture.name.endswith(ending) else stem
    names = dict.fromkeys(
        f"{name}{suffix}" for name in (capture.name, stem) for suffix in _SUFFIXES
    )
    beside = [capture.with_name(name) for name in names if capture.with_name(name).is_file()]
    if len(beside) + (capture in listed) > 1:
        files = ", ".join(sorted(path.name for path in beside))
        return Task(capture, beside[0], problem=f"several expectations ({files}); keep one of them")
    if capture in listed:
        file, key, expectation = listed[capture]
        return Task(capture, file, key, expectation)
    if not beside:
        return Task(capture, None)
    try:
        return Task(capture, beside[0], expectation=read_expectation(beside[0]))
    except UsageError as error:
        return Task(capture, beside[0], problem=str(error))
