from __future__ import annotations

import os
from pathlib import Path

import pytest

from analyzer.report.sink import written_beside


def test_a_file_appears_only_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    with written_beside(path) as sink:
        sink.buffer.write(b"{}")
        sink.flush()
        assert not path.exists()

    assert path.read_bytes() == b"{}"
    assert [p.name for p in tmp_path.iterdir()] == ["report.json"]


def test_a_failure_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text("old")
    with pytest.raises(RuntimeError):
        _write_half(path)

    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["report.json"]


def test_the_mask_of_the_user_decides_who_may_read(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        with written_beside(tmp_path / "report") as sink:
            sink.write("x")
    finally:
        os.umask(before)

    assert (tmp_path / "report").stat().st_mode & 0o777 == 0o640


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    path = tmp_path / "absent" / "report"
    with pytest.raises(OSError, match="absent/report"), written_beside(path):
        pass


def test_a_folder_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError), written_beside(tmp_path):
        pass


def test_a_device_is_written_as_it_is() -> None:
    with written_beside(Path(os.devnull)) as sink:
        sink.write("x")

    assert not Path(os.devnull).is_file()


def _write_half(path: Path) -> None:
    with written_beside(path) as sink:
        sink.write("half")
        raise RuntimeError
