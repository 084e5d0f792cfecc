from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from analyzer.errors import UsageError
from analyzer.gate.expectation import FACTS, parted, read_expectation, read_folder


def written(folder: Path, text: str, suffix: str = "json") -> Path:
    path = folder / f"trace.expect.{suffix}"
    path.write_text(text, encoding="utf-8")
    return path


def test_json_and_toml_say_the_same(tmp_path: Path) -> None:
    told = {
        "counts": {"failed": 1},
        "others": "healthy",
        "connections": [
            {"stream": 0, "outcome": "failed", "cause": ["cert_expired", "untrusted_ca"]},
            {"server": "192.0.2.1:443", "sni": "a.example", "alerts": ["client unknown_ca"]},
        ],
    }
    toml = """
    # comments are what TOML is for
    others = "healthy"
    counts.failed = 1
    [[connections]]
    stream = 0
    outcome = "failed"
    cause = ["cert_expired", "untrusted_ca"]
    [[connections]]
    server = "192.0.2.1:443"
    sni = "a.example"
    alerts = ["client unknown_ca"]
    """

    assert read_expectation(written(tmp_path, json.dumps(told))) == read_expectation(
        written(tmp_path, toml, "toml")
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param('{"conections": []}', "did you mean 'connections'?", id="a slip of the pen"),
        pytest.param('{"connections": [{"cuase": "x"}]}', "in connections[0]", id="where it is"),
        pytest.param('{"x": 1}', "unknown key 'x'", id="a key that is none"),
        pytest.param('{"others": "nobody"}', "others", id="a word that is none"),
        pytest.param('{"connections": [{"outcome": "fail"}]}', "outcome", id="an outcome"),
        pytest.param('{"connections": [{"stream": "0"}]}', "stream", id="a type"),
        pytest.param(
            '{"connections": [{"cause": "cert_expird"}]}', "mean cert_expired", id="a cause"
        ),
        pytest.param('{"connections": [{"server": "a.example"}]}', "not an address", id="a name"),
        pytest.param('{"connections": [{"client": "1.2.3.4:x"}]}', "not an address", id="a port"),
        pytest.param("{", "correct", id="not JSON"),
        pytest.param("\x00", "correct", id="not even text"),
        pytest.param("[]", "correct", id="a list"),
        pytest.param("[" * 100_000, "correct", id="nesting"),
    ],
)
def test_what_is_wrong_is_one_line_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(UsageError) as caught:
        read_expectation(path)

    assert str(caught.value).startswith(str(path))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize(
    ("text", "suffix"), [('{"others": "healthy"}\r\n', "json"), ('others = "healthy"\r\n', "toml")]
)
def test_an_editor_of_windows_may_have_written_it(
    tmp_path: Path, text: str, suffix: str, encoding: str
) -> None:
    path = written(tmp_path, "", suffix)
    path.write_bytes(text.encode(encoding))

    assert read_expectation(path).others == "healthy"


def test_wrong_toml_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not TOML"):
        read_expectation(written(tmp_path, "x = ", "toml"))


def test_a_folder_names_its_captures(tmp_path: Path) -> None:
    path = tmp_path / "expect.json"
    path.write_text('{"captures": {"a.pcap": {"counts": {"failed": 0}}, "b/c.pcap": {}}}')
    found = read_folder(path)

    assert list(found.captures) == ["a.pcap", "b/c.pcap"]
    assert found.captures["b/c.pcap"].counts is UNSET


def test_a_folders_file_is_checked_inside(tmp_path: Path) -> None:
    path = tmp_path / "expect.json"
    path.write_text('{"captures": {"a.pcap": {"connections": [{"cause": "nonsense_x"}]}}}')
    with pytest.raises(UsageError, match=r"captures\['a.pcap'\].connections\[0\]"):
        read_folder(path)


def test_every_fact_is_a_key_that_a_report_answers() -> None:
    from analyzer.gate.compare import fact
    from tests.report.reports import connection

    for name in FACTS:
        fact(name, connection())


@given(st.ip_addresses(), st.integers(0, 65535))
def test_an_endpoint_is_read_back(address: object, port: int) -> None:
    text = f"[{address}]:{port}" if ":" in str(address) else f"{address}:{port}"

    assert parted(text) == (str(address), port)
    assert parted(str(address)) == (str(address), None)
