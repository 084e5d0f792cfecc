from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from analyzer.errors import UsageError
from analyzer.gate.baseline import against, github_lines, read_earlier, tell
from analyzer.gate.verdict import BaselineReport
from analyzer.report.escape import encodable
from analyzer.report.machine import render_json
from analyzer.report.page import Page
from analyzer.report.schema import Connection, Endpoint, Report
from tests.report.reports import SERVER, connection, finding, good, report
from tests.report.test_formats import NAMES, hostile, is_inert
from tests.support.tiny import pcap, refused, rejected

ROOT = Path(__file__).parents[2]


@pytest.fixture
def compared(tmp_path: Path) -> Any:
    def compare(before: Report, now: Report) -> BaselineReport:
        path = tmp_path / "before.json"
        path.write_bytes(render_json(before))
        return against(read_earlier(path), now, "before.json")

    return compare


def counts(found: BaselineReport) -> tuple[int, int, int]:
    return len(found.new), len(found.gone), len(found.unchanged)


def test_a_failure_is_the_same_at_another_time_port_and_stream(compared: Any) -> None:
    later = connection(
        8,
        client=Endpoint(ip=connection().client.ip, port=1),
        start="2027-01-01T00:00:00.000000Z",
        diagnosis=finding(title="other words"),
    )

    assert counts(compared(report(connection()), report(good(0), later))) == (0, 0, 1)


def _named(sni: str) -> Connection:
    return connection(tls=replace(connection().tls, sni=sni))


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(connection(diagnosis=finding(cause="cert_expired")), id="cause"),
        pytest.param(connection(diagnosis=finding(rule="TLS-CERT-011")), id="rule"),
        pytest.param(connection(server=Endpoint(ip=SERVER, port=8443)), id="port of the server"),
        pytest.param(connection(client=Endpoint(ip="10.9.9.9", port=1)), id="client"),
        pytest.param(_named("other.example.com"), id="name"),
    ],
)
def test_what_stays_the_same_tells_failures_apart(compared: Any, other: Connection) -> None:
    assert counts(compared(report(connection()), report(other))) == (1, 1, 0)


def test_how_often_is_told(compared: Any) -> None:
    found = compared(report(connection()), report(connection(0), connection(1)))
    sink = io.StringIO()
    tell(Page(sink, colour=False, width=200), found)

    assert "(×2, was ×1)" in sink.getvalue()
    assert "0 new, 0 gone, 1 unchanged since before.json" in sink.getvalue()


def test_keys_of_later_versions_do_not_matter(tmp_path: Path) -> None:
    document = json.loads(render_json(report(connection())))
    document["later"] = 1
    document["connections"][0]["tls"]["later"] = 2
    del document["connections"][0]["tcp"]
    path = tmp_path / "before.json"
    path.write_text(json.dumps(document))

    assert len(read_earlier(path).connections) == 1


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_powershell_may_have_redirected_it(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "before.json"
    path.write_bytes(render_json(report(connection())).decode().encode(encoding))

    assert len(read_earlier(path).connections) == 1


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"schema_version": 2}', "\xd4\xc3", "[" * 99999])
def test_what_is_no_report_is_a_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "before.json"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(UsageError, match="make one with --format json") as caught:
        read_earlier(path)

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", NAMES)
def test_hostile_names_stay_what_they_are(compared: Any, name: str) -> None:
    found = compared(hostile(encodable(NAMES[name])), report(connection()))
    sink = io.StringIO()
    tell(Page(sink, colour=False), found)

    assert is_inert(sink.getvalue())
    assert all(is_inert(line) and line.startswith("::") for line in github_lines(found))


def test_a_new_failure_is_status_1(tmp_path: Path) -> None:
    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "analyzer", *map(str, arguments)],
            capture_output=True,
            encoding="utf-8",
            check=False,
            cwd=ROOT,
        )

    one, two, before = (tmp_path / name for name in ("1.pcap", "2.pcap", "before.json"))
    one.write_bytes(pcap(rejected()))
    two.write_bytes(pcap(rejected(), refused(port=2222)))
    run(one, "--format", "json", "--output", before)

    same, worse = run("baseline", before, one), run("baseline", before, two, "-f", "json")
    assert (same.returncode, same.stderr) == (0, "")
    assert (worse.returncode, worse.stderr) == (1, "")
    assert [failure["cause"] for failure in json.loads(worse.stdout)["new"]] == [
        "connection_refused"
    ]
    assert run("baseline", tmp_path / "absent.json", one).returncode == 2
