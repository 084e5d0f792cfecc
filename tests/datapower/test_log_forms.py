"""The same entries in every form give the same lines: text old and new, XML, CSV, packed, in reports."""

from __future__ import annotations

import base64
import bz2
import gzip
import io
import json
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.datapower.load import load_case
from analyzer.datapower.log.load import is_report, read_log_bytes, read_logs
from analyzer.datapower.log.times import YEARLESS, find_time, near
from analyzer.errors import CaptureError, UsageError
from analyzer.tls.loglines import LogLine
from tests.support import logs
from tests.support.logs import Entry, as_csv, as_new, as_old, as_report, as_syslog, as_xml

ROOT = Path(__file__).parents[2]
SECOND = 10**9
TIME = 1_779_000_000 * SECOND + 977_000_000
CONFIG = b"top; configure terminal;\n# configuration generated Wed Nov 4 11:05:46 2015; firmware version 268077\n"
SHAPES: dict[str, Callable[[Entry], str]] = {
    "new": as_new,
    "old": as_old,
    "container": logs.as_container,
    "syslog": as_syslog,
    "syslog 5424": logs.as_syslog_5424,
    "collected": logs.as_collected,
    "wrapped": logs.as_wrapped,
    "xml": as_xml,
    "csv": as_csv,
}
NAMES = st.text("abcdefghijklmnopqrstuvwxyzABC0123456789_.-", min_size=1, max_size=24)
WORDS = st.lists(st.text("abcdefgh:'()/=,<&>", min_size=1, max_size=12), min_size=1, max_size=6)


@st.composite
def any_entry(draw: st.DrawFn) -> Entry:
    objects = draw(st.booleans())
    return Entry(
        time=draw(st.integers(0, 2_000_000_000)) * SECOND + draw(st.integers(0, 999)) * 10**6,
        category=draw(st.sampled_from(["ssl", "crypto", "mpgw", "mgmt", "network"])),
        severity=draw(st.sampled_from([*logs.NUMBERS, "debug"])),
        text="x " + " ".join(draw(WORDS)) + " x",
        domain=draw(st.just("") | NAMES.filter(lambda name: not name.startswith("0x"))),
        code=draw(st.sampled_from(["0x8120002f", "0x80e00130", "0x01130006", "0x89abcdef"])),
        kind=draw(st.sampled_from(["ssl-server", "logging target", "mpgw"])) if objects else "",
        name=draw(NAMES) if objects else "",
        tid=draw(st.none() | st.integers(0, 10**9)),
        gtid=draw(st.just("") | st.text("0123456789abcdef", min_size=1, max_size=16)),
        direction=draw(st.sampled_from(["", "request", "response", "error"])),
        client=draw(st.sampled_from(["", "192.0.2.1", "2001:db8::1"])),
    )


def said(line: LogLine) -> tuple[object, ...]:
    return (
        *(line.domain, line.code, line.category, line.severity, line.kind, line.name),
        *(line.transaction, line.global_transaction, line.direction, line.client, line.text),
    )


def meant(entry: Entry, *, direction: bool = True) -> tuple[object, ...]:
    (severity,) = [n for name, n in [*logs.NUMBERS.items(), ("debug", 7)] if name == entry.severity]
    held = (
        *(entry.kind, entry.name, entry.gtid),
        entry.direction if direction else "",
        entry.client,
    )
    kind, name, gtid, way, client = (value or None for value in held)
    code = int(entry.code, 16) if entry.code else None
    ids = entry.tid if direction or entry.tid is not None else None
    return (
        *(entry.domain or None, code, entry.category, severity, kind, name),
        *(ids, gtid, way, client, entry.text),
    )


def one(text: str) -> LogLine:
    (line,) = read_log_bytes(text.encode(), "log").lines
    return line


@settings(deadline=None, max_examples=60)
@given(any_entry(), st.sampled_from([name for name in SHAPES if name != "wrapped"]))
def test_every_shape_gives_back_what_was_meant(entry: Entry, shape: str) -> None:
    line = one(SHAPES[shape](entry))

    assert said(line) == meant(entry, direction=shape != "csv")
    assert line.time is not None


@settings(deadline=None, max_examples=30)
@given(st.lists(any_entry(), min_size=1, max_size=6), st.sampled_from(list(SHAPES)))
def test_entries_that_follow_each_other_stay_apart(entries: list[Entry], shape: str) -> None:
    text = "\n".join(SHAPES[shape](entry) for entry in entries)
    found = read_log_bytes(text.encode(), "log").lines

    assert sorted(line.text for line in found) == sorted(entry.text for entry in entries)


ENTRY = Entry(
    time=TIME,
    category="ssl",
    severity="error",
    text="SSL library error: error:14094418:SSL routines:ssl3_read_bytes:tlsv1 alert unknown ca",
    domain="payments",
    code="0x8120002f",
    kind="ssl-server",
    name="front",
    tid=17,
    client="192.0.2.10",
)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_time_is_as_exact_as_its_form_and_says_what_it_lacks(shape: str) -> None:
    line = one(SHAPES[shape](ENTRY))
    coarse = shape in {"old", "syslog"}

    assert line.time is not None
    assert line.zone_known is not coarse
    assert line.year_known is (shape != "syslog")
    time = line.time if line.year_known else near(line.time, TIME)
    assert time == (TIME // SECOND * SECOND if coarse else TIME)


@pytest.mark.parametrize(
    ("text", "iso", "zone"),
    [
        ("20180815T125545.977Z ", 1534337745977000000, True),
        ("20180815T125545Z ", 1534337745000000000, True),
        ("2018-08-15T14:55:45.977+02:00 ", 1534337745977000000, True),
        ("2018-08-15 12:55:45,977 ", 1534337745977000000, False),
        ("Wed Aug 15 2018 12:55:45 ", 1534337745000000000, False),
        ("1534337745 ", 1534337745000000000, True),
        ("1534337745977 ", 1534337745977000000, True),
        ("2018-08-15T12:55:46.2Z gw | 20180815T125545.977Z ", 1534337745977000000, True),
    ],
)
def test_every_form_of_a_time_is_understood(text: str, iso: int, zone: bool) -> None:
    found = find_time(text)

    assert found is not None
    assert (found.time, found.zone_known, found.year_known) == (iso, zone, True)


@pytest.mark.parametrize(
    "text", ["20181399T996161Z", "Feb 30 2019 00:00:00", "", "no time", "12:00"]
)
def test_what_is_no_time_is_none(text: str) -> None:
    assert find_time(text) is None


def test_a_time_without_a_year_is_put_near_the_capture() -> None:
    found = find_time("Feb 29 12:00:00")

    assert found is not None
    assert not found.year_known
    assert YEARLESS == 1972
    assert near(found.time, 1_709_200_000 * SECOND) // SECOND == 1_709_208_000  # 2024
    assert (
        near(found.time, 1_735_700_000 * SECOND) // SECOND == 1_709_208_000
    )  # the nearest leap year


def test_a_line_that_was_cut_in_its_head_is_joined_without_a_blank() -> None:
    line = one(
        "20180815T125545.977Z [apiconnect][0x8120002f][ssl][error] ssl-sni-server(cmc-webapi-\n"
        "sslsvr-apifsh): tid(17856)[192.168.99.1]: SSL library error: error:1407609C:SSL\n"
        "routines:SSL23_GET_CLIENT_HELLO:http request"
    )

    assert line.name == "cmc-webapi-sslsvr-apifsh"
    assert line.text.endswith("error:1407609C:SSL routines:SSL23_GET_CLIENT_HELLO:http request")


def test_lines_that_were_indented_as_a_whole_stay_apart() -> None:
    told = [
        Entry(time=TIME + i * SECOND, category="ssl", severity="error", text=f"t{i}")
        for i in range(3)
    ]
    text = "\n".join(f"\t{as_new(entry)}" for entry in told)

    assert [line.text for line in read_log_bytes(text.encode(), "log").lines] == ["t0", "t1", "t2"]


@pytest.mark.parametrize(
    ("key", "stamp"),
    [("time", "2023-11-14T22:13:21.5Z"), ("@timestamp", "2023-11-15T00:13:21.500+02:00")],
)
def test_a_line_without_a_time_has_that_of_the_collector(key: str, stamp: str) -> None:
    own = "20231114T221320.000Z [ssl][error] ssl-server(a): tid(1): said"
    (with_own, without) = (
        read_log_bytes(json.dumps({key: stamp, "message": line}).encode(), "log").lines[0]
        for line in (own, own[21:])
    )

    assert (with_own.time, without.time) == (1_700_000_000 * SECOND, 1_700_000_001_500_000_000)
    assert with_own.text == without.text == "said"


def test_lines_of_others_between_entries_are_passed_over_and_numbers_are_those_of_the_file() -> (
    None
):
    text = f"db_1 | ready to accept connections\n{as_new(ENTRY)}\nweb_1 | GET / 200\n\n{as_new(ENTRY)}\n"
    log = read_log_bytes(text.encode(), "compose.log")

    assert [line.place for line in log.lines] == ["compose.log:2", "compose.log:5"]
    assert {line.text for line in log.lines} == {ENTRY.text}


def test_xml_with_declarations_and_entries_on_one_line_is_read() -> None:
    entry = as_xml(ENTRY).replace("\n", "")
    text = f"<?xml version='1.0'?>{entry}{entry}<?xml version='1.0'?>\n{as_xml(ENTRY)}"

    assert len(read_log_bytes(text.encode(), "log").lines) == 3


def test_a_common_base_event_is_read_as_far_as_it_has_a_meaning() -> None:
    line = one(
        '<CommonBaseEvent creationTime="2018-08-15T12:55:45.977Z" severity="50" msg="it failed" '
        'msgId="0x8120002f"><extendedDataElements name="domain"><values>payments</values>'
        "</extendedDataElements></CommonBaseEvent>"
    )

    assert (line.text, line.code, line.domain) == ("it failed", 0x8120002F, "payments")
    assert line.time == 1534337745977000000


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be", "utf-8", "latin-1"])
def test_encodings_are_told_apart(encoding: str) -> None:
    mark = b"\xfe\xff" if encoding == "utf-16-be" else b""
    data = mark + f"{as_new(ENTRY)}\r\n{as_new(ENTRY)}\r\n".encode(encoding)

    assert [line.text for line in read_log_bytes(data, "log").lines] == [ENTRY.text] * 2


# --- files ----------------------------------------------------------------------------------------


def zipped(data: bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("logtemp/default-log", data)
        archive.writestr("logtemp/default-log.1", data)
        archive.writestr("logtemp/readme.md", b"nothing of interest")
    return held.getvalue()


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "twice": lambda data: gzip.compress(gzip.compress(data)),
    "zip": zipped,
}


@pytest.mark.parametrize("packer", PACKERS)
def test_packed_and_rotated_files_are_one_log(packer: str, tmp_path: Path) -> None:
    older = Entry(
        time=TIME - 60 * SECOND, category="ssl", severity="error", text="before", code="0x8120002f"
    )
    paths = [tmp_path / "default-log", tmp_path / "default-log.1"]
    paths[0].write_bytes(PACKERS[packer](as_new(ENTRY).encode()))
    paths[1].write_bytes(PACKERS[packer](as_new(older).encode()))
    texts = [line.text for line in read_logs(paths).lines]

    assert list(dict.fromkeys(texts)) == ["before", ENTRY.text]
    assert len(texts) == (4 if packer == "zip" else 2)


def report(*more: tuple[str, bytes]) -> bytes:
    capture = (ROOT / "sample_pcaps" / "no_shared_cipher_tls12.pcap").read_bytes()
    sections = [
        ("default-log.1", f"{as_csv(ENTRY)}\r\n{as_csv(ENTRY, with_gtid=False)}\r\n".encode()),
        ("payments-config", CONFIG),
        ("backtrace", b"0x1234 in main ()\n"),
        ("background.pcap", capture),
        *more,
    ]
    return as_report(sections)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_an_error_report_gives_logs_configuration_and_capture(
    pack: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    path = tmp_path / "error-report.txt.gz"
    path.write_bytes(pack(report()))
    log = read_logs([path])

    assert is_report(path)
    assert [said(line) for line in log.lines] == [meant(ENTRY)] * 2
    assert log.lines[0].place == "error-report.txt.gz: default-log.1:1"
    assert [(one.name, one.data) for one in log.configurations] == [
        ("error-report.txt.gz: payments-config", CONFIG)
    ]
    assert len(log.captures) == 1


def test_a_report_without_its_head_and_one_that_is_cut_give_what_is_there() -> None:
    whole = report()
    headless = whole[whole.index(b"--DP-1234\r\n") :]
    cut = whole[: whole.index(b"payments-config") - 60]
    within = whole[: whole.index(base64.encodebytes(CONFIG)[:16]) + 30]

    assert len(read_log_bytes(headless, "r").lines) == 2
    assert len(read_log_bytes(cut, "r").lines) == 2
    assert CONFIG.startswith(read_log_bytes(within, "r").configurations[0].data)


def test_parts_within_parts_and_packed_parts_are_opened() -> None:
    inner = as_report([("default-log", gzip.compress(f"{as_new(ENTRY)}\n".encode()))], "INNER")
    head, body = inner.split(b"\r\n\r\n", 1)
    kind = head[head.index(b"Content-Type") :]
    outer = b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=OUTER\r\n\r\n--OUTER\r\n"
    data = outer + kind + b"\r\n\r\n" + body + b"--OUTER--\r\n"

    assert [line.text for line in read_log_bytes(data, "r").lines] == [ENTRY.text]


def test_a_case_is_an_error_report_alone(tmp_path: Path) -> None:
    path = tmp_path / "report.txt"
    path.write_bytes(report())
    case = load_case([str(path)])

    assert case.log is not None
    assert len(case.log.lines) == 2
    (source,) = case.sources
    assert getattr(source, "name", "") == "report.txt: background.pcap"


def test_a_report_beside_a_capture_lends_its_log(tmp_path: Path) -> None:
    path, trace = tmp_path / "report.txt", str(ROOT / "sample_pcaps" / "good_tls13.pcapng")
    path.write_bytes(report())
    case = load_case([trace, str(path)])

    assert list(case.sources) == [trace]
    assert case.log is not None


def test_reports_that_cannot_be_analysed_say_why(tmp_path: Path) -> None:
    none, two = tmp_path / "none.txt", tmp_path / "two.txt"
    none.write_bytes(as_report([("default-log", f"{as_new(ENTRY)}\n".encode())]))
    two.write_bytes(
        report(("other.pcap", (ROOT / "sample_pcaps" / "cert_expired.pcap").read_bytes()))
    )

    with pytest.raises(CaptureError, match="without a capture"):
        load_case([str(none)])
    with pytest.raises(UsageError, match="holds 2 captures"):
        load_case([str(two)])


LINES = f"{as_new(ENTRY)}\n{as_new(ENTRY)}\n".encode()
XCFG = b'<datapower-configuration version="3"><configuration domain="a"/></datapower-configuration>'


CAPTURE = b"\xd4\xc3\xb2\xa1" + bytes(20)


def archived(**members: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return made.getvalue()


@pytest.mark.parametrize(
    ("data", "option"),
    [
        pytest.param(LINES, "--dp-log", id="log"),
        pytest.param(gzip.compress(LINES), "--dp-log", id="log, packed"),
        pytest.param(as_xml(ENTRY).encode(), "--dp-log", id="log in XML"),
        pytest.param(XCFG, "--dp-export", id="xcfg"),
        pytest.param(archived(export=XCFG), "--dp-export", id="export.zip"),
        pytest.param(CONFIG, "--dp-export", id="cfg"),
        pytest.param(b"CONNECTED(00000003)\ndepth=0\n", "mustgather --openssl", id="openssl"),
    ],
)
def test_papers_in_the_place_of_a_capture_are_told_where_they_belong(
    data: bytes, option: str, tmp_path: Path
) -> None:
    path = tmp_path / "given"
    path.write_bytes(data)

    with pytest.raises(CaptureError, match=option):
        load_case([str(path)])


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"GET / HTTP/1.1\nHost: a\n", id="other text"),
        pytest.param(b"", id="nothing"),
        pytest.param(gzip.compress(LINES)[:20], id="damaged"),
        pytest.param(archived(trace=CAPTURE), id="a capture in a zip"),
        pytest.param(archived(log=LINES, trace=CAPTURE), id="a capture behind a log"),
    ],
)
def test_what_is_not_known_is_left_to_the_reader_of_captures(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "given"
    path.write_bytes(data)

    assert load_case([str(path)]).sources == [str(path)]
