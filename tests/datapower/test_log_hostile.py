"""Logs that are damaged, or built to do harm: bounded memory and time, one clear line, no secrets."""

from __future__ import annotations

import base64
import contextlib
import gzip
import io
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.cli import run
from analyzer.datapower.log.errorreport import read_sections
from analyzer.datapower.log.load import is_report, read_log_bytes, read_logs
from analyzer.datapower.log.reasons import decode_reason
from analyzer.datapower.log.text import read_line
from analyzer.errors import CaptureError
from analyzer.limits import DEFAULT
from tests.datapower.test_log_forms import ENTRY, report
from tests.support.logs import Entry, as_csv, as_new, as_report, as_xml

GOOD = as_new(ENTRY)
SMALL = replace(DEFAULT, log_bytes=200_000, log_section_bytes=100_000)


def refused(data: bytes) -> str:
    """The one line with which a file is refused."""
    with pytest.raises(CaptureError) as caught:
        read_log_bytes(data, "case.log")
    text = str(caught.value)

    assert "\n" not in text
    return text


@pytest.mark.parametrize(
    "data",
    [b"", b"\0" * 5_000, bytes(range(256)) * 40, b"hello\nworld\n", b"<log-entry", b"<!DOCTYPE a>", b"\x1f\x8b\x08"],
    ids=["empty", "NULs", "binary", "prose", "an open element", "a document type", "a magic"],
)  # fmt: skip
def test_what_is_no_log_is_refused_in_one_line(data: bytes) -> None:
    assert "no DataPower log" in refused(data)


@pytest.mark.parametrize(
    "line",
    [
        "[" * 200_000,
        "[a" * 100_000,
        "[a]" * 100_000,
        "[" + "a" * 200_000,
        "2018" * 50_000,
        "20180815T125545" * 14_000,
        "Aug " * 50_000,
        "error:" * 40_000,
        f"{GOOD}{'(' * 200_000}",
        f"{GOOD} url: https://{'a.' * 100_000}",
        f"{GOOD} connection {':' * 200_000}",
        f"{GOOD} {'a' * 15_000} x://y",
        f"{GOOD} {'a://' * 4_000}",
        f"{GOOD} {'password' * 2_000}",
        f"{GOOD} {'token: ' * 2_000}",
        "1,20160301T101010Z," + "," * 200_000,
        '1,20160301T101010Z,"' + '""' * 100_000,
        "<log-entry>" * 20_000,
        "<log-entry " * 20_000,
        "<log-entry><message>" + "<a>" * 60_000,
        "{" * 200_000,
        '{"log":' * 30_000,
        " " * 200_000,
        "certificate validation failed for '" * 6_000,
    ],
)
def test_no_line_takes_long(line: str) -> None:
    began = time.perf_counter()
    log = read_log_bytes(f"{GOOD}\n{line}\n{GOOD}\n".encode(), "log")

    assert time.perf_counter() - began < 2
    assert 1 <= len(log.lines) <= 3
    assert all(len(one.text) <= 2 * DEFAULT.log_line_bytes for one in log.lines)


def test_a_huge_line_takes_no_memory() -> None:
    data = gzip.compress(b"x" * (64 << 20) + b"\n" + GOOD.encode() + b"\n")
    path = io.BytesIO(gzip.decompress(data))
    tracemalloc.start()
    held = len(path.getvalue())
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    log = read_log_bytes(path.getvalue(), "log")
    peak = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()

    assert [line.text for line in log.lines] == [ENTRY.text]
    assert log.lines[0].number == 2
    assert peak < held  # the stream's own copy at most


def test_a_gzip_bomb_is_read_up_to_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "default-log.gz"
    path.write_bytes(gzip.compress(f"{GOOD}\n".encode() + b"\0" * (8 << 20)))
    log = read_logs([path], SMALL)

    assert len(log.lines) == 1
    assert any("the limit; split the log" in caveat for caveat in log.caveats)


def test_a_zip_bomb_is_read_up_to_the_limit_and_members_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "logs.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("default-log", f"{GOOD}\n" + "a" * (8 << 20))
    few = replace(SMALL, log_members=1)

    assert len(read_logs([path], SMALL).lines) == 1
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../../etc/passwd", GOOD)
    assert len(read_logs([path], SMALL).lines) == 2
    with pytest.raises(CaptureError, match="an archive of 2 files"):
        read_logs([path], few)


@pytest.mark.parametrize("cut", [10, 200, 600])
def test_packed_files_that_are_cut_give_what_came_before(cut: int, tmp_path: Path) -> None:
    path = tmp_path / "default-log.gz"
    lines = "\n".join(as_new(replace(ENTRY, tid=n)) for n in range(2_000))
    whole = gzip.compress(lines.encode())
    path.write_bytes(whole[: len(whole) - cut])
    log = read_logs([path])

    assert 0 < len(log.lines) < 2_000
    assert log.caveats == ("default-log.gz: it is damaged, and was read up to there",)


def test_entities_have_no_place_to_be_defined_in() -> None:
    entry = as_xml(ENTRY)
    bomb = f'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;">]>\n{entry.replace(ENTRY.text, "&b;")}\n{entry}'
    inside = entry.replace("<date>", '<!DOCTYPE x [<!ENTITY a "a">]><date>')
    outside = entry.replace(ENTRY.text, '<!ENTITY x SYSTEM "file:///etc/passwd">&x;')
    log = read_log_bytes(f"{bomb}\n{inside}\n{outside}\n".encode(), "log")

    assert [line.text for line in log.lines] == [ENTRY.text]


def test_kept_entries_are_bounded_and_those_of_tls_stay() -> None:
    dull = as_new(
        replace(ENTRY, category="mpgw", severity="info", code="0x80e0013b", kind="mpgw", text="ok")
    )
    text = "\n".join([*[dull] * 30, *[GOOD] * 30])
    log = read_log_bytes(text.encode(), "log", replace(DEFAULT, log_entries=20))

    assert [line.text for line in log.lines].count("ok") == 10
    assert [line.text for line in log.lines].count(ENTRY.text) == 10
    assert any("40 log entries beyond the limit of 20" in caveat for caveat in log.caveats)


def test_sections_are_bounded_and_odd_base64_is_decoded_as_far_as_it_goes() -> None:
    sections = list(read_sections(report(("big", b"b" * 300_000)).splitlines(keepends=True), SMALL))
    held = {one.name: one for one in sections}

    assert held["big"].cut
    assert len(held["big"].data) <= 100_000
    assert not held["default-log.1"].cut
    bomb = as_report([("default-log", gzip.compress(b"\0" * (8 << 20)))])
    (one,) = [
        s for s in read_sections(bomb.splitlines(keepends=True), SMALL) if s.name == "default-log"
    ]
    assert (len(one.data), one.cut) == (100_000, True)


@pytest.mark.parametrize(
    "text",
    [
        "url: https://me:hunter2@backend:8443/in",
        "url: https://backend/in?apikey=hunter2&x=1",
        "Authorization: Basic hunter2",
        "header 'Authorization': 'Bearer hunter2'",
        'body {"password":"hunter2","x":1}',
        "X-IBM-Client-Secret: hunter2",
        "Cookie: hunter2; path=/",
        "passphrase=hunter2",
    ],
)
@pytest.mark.parametrize("form", [as_new, as_xml, as_csv])
def test_secrets_in_lines_are_not_kept(text: str, form: Callable[[Entry], str]) -> None:
    (line,) = read_log_bytes(
        form(replace(ENTRY, text=f"it failed, {text} so it goes")).encode(), "log"
    ).lines

    assert "hunter2" not in repr(line)
    assert line.text.startswith("it failed, ")


@pytest.mark.parametrize("end", range(1, 9))
def test_base64_that_ends_anywhere_is_no_error(end: int) -> None:
    body = base64.encodebytes(f"{as_csv(ENTRY)}\n".encode() * 2)
    head = (
        report().split(b"\r\n\r\n", 3)[0]
        + b"\r\n\r\n--DP-1234\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    )

    assert len(read_log_bytes(head + body[:-end], "r").lines) >= 1
    assert len(read_log_bytes(head + b"!$%\xff" + body, "r").lines) == 2


def test_many_parts_and_many_headers_are_bounded() -> None:
    parts = b"--B\r\nContent-ID: <x>\r\n\r\ny\r\n" * 20_000
    headers = b"X: y\r\n" * 50_000
    data = b"Content-Type: multipart/mixed; boundary=B\r\n" + headers + b"\r\n" + parts
    began = time.perf_counter()

    assert sum(1 for _ in read_sections(data.splitlines(keepends=True))) <= DEFAULT.log_members
    assert time.perf_counter() - began < 2


@settings(deadline=None, max_examples=150)
@given(
    st.binary(max_size=400),
    st.sampled_from([b"", GOOD.encode(), as_csv(ENTRY).encode(), as_xml(ENTRY).encode(), report()]),
)
def test_any_bytes_are_read_or_refused(data: bytes, good: bytes) -> None:
    for mixed in (data + good, good[: len(good) // 2] + data + good[len(good) // 2 :], good + data):
        with contextlib.suppress(CaptureError):
            log = read_log_bytes(mixed, "log")

            assert all(line.file.startswith("log") for line in log.lines)


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=200), st.integers(0, len(GOOD)), st.integers(0, 40))
def test_a_damaged_line_is_a_line_or_none(noise: str, at: int, gone: int) -> None:
    line = read_line(GOOD[:at] + noise + GOOD[at + gone :])

    assert line is None or line.text is not None
    decode_reason(f"error:{noise}")


def test_numbers_are_no_longer_than_reports_can_hold() -> None:
    line = read_line(GOOD.replace("tid(17)", f"tid({'9' * 18})"))
    more = read_line(GOOD.replace("tid(17)", f"tid({'9' * 400})"))

    assert line is not None
    assert line.transaction == int("9" * 18)
    assert more is not None
    assert more.transaction is None


def test_files_that_are_missing_or_folders_end_in_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    trace = str(Path(__file__).parents[2] / "sample_pcaps" / "cert_expired.pcap")
    for name in (str(tmp_path / "none.log"), str(tmp_path), trace, "/dev/null"):
        assert run(["analyze", trace, "--dp-log", name]) == 2

        error = capfd.readouterr().err
        assert len(error.splitlines()) == 1, error
        assert "Traceback" not in error


def test_a_file_that_is_none_is_no_report(tmp_path: Path) -> None:
    assert not is_report(tmp_path / "none")
    assert not is_report(tmp_path)
