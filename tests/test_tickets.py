"""The pipes of docs/tickets.md, as they stand there, against a stand-in of each service."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.support.tiny import pcap, refused, rejected

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "tickets.md").read_text(encoding="utf-8")
PIPES = dict(re.findall(r"<!-- pipe: (\S+) -->\n```sh\n(.*?)```", PAGE, re.DOTALL))
NODES = {
    "doc": {"heading", "paragraph", "table", "orderedList"},
    "heading": {"text"},
    "paragraph": {"text"},
    "table": {"tableRow"},
    "tableRow": {"tableHeader", "tableCell"},
    "tableHeader": {"paragraph"},
    "tableCell": {"paragraph"},
    "orderedList": {"listItem"},
    "listItem": {"paragraph"},
}
HOSTILE = 'a{noformat}\x1b[2J"\\\x9b'

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(
        not all(map(shutil.which, ("bash", "curl", "jq"))), reason="needs bash, curl and jq"
    ),
]


def text(value: Any, most: int) -> None:
    assert isinstance(value, str)
    assert 0 < len(value) <= most


def github(payload: Any) -> None:
    text(payload["title"], 256)
    text(payload["body"], 65_536)
    assert all(isinstance(label, str) and label for label in payload["labels"])
    assert set(payload) == {"title", "body", "labels"}


def jira(payload: Any) -> None:
    fields = payload["fields"]
    assert fields["project"] == {"key": "OPS"}
    assert set(fields["issuetype"]) == {"name"}
    text(fields["summary"], 255)
    assert "\n" not in fields["summary"]


def jira_2(payload: Any) -> None:
    jira(payload)
    description = payload["fields"]["description"]
    text(description, 32_767)
    assert description.count("{") == description.count("}") == 2, "only the fence of the text"
    assert description.startswith("{noformat}\n")
    assert description.endswith("\n{noformat}")
    assert description.replace("\n", "").isprintable()


def jira_3(payload: Any) -> None:
    jira(payload)
    document = payload["fields"]["description"]
    assert (document["type"], document["version"]) == ("doc", 1)
    node(document)


def node(found: Any) -> None:
    """The nesting of the Atlassian Document Format."""
    if found["type"] == "text":
        text(found["text"], 32_767)
        return
    assert found["content"]
    for inner in found["content"]:
        assert inner["type"] in NODES[found["type"]]
        node(inner)


def servicenow(payload: Any) -> None:
    text(payload["short_description"], 160)
    text(payload["description"], 4_000)
    assert {payload["impact"], payload["urgency"]} <= {"1", "2", "3"}
    assert payload["assignment_group"] == "Network"


BEARER, BASIC = "Bearer secret-token", "Basic " + base64.b64encode(b"me:secret-token").decode()
SERVICES: dict[str, tuple[str, Callable[[Any], None]]] = {
    "/repos/example/net/issues": (BEARER, github),
    "/rest/api/2/issue": (BEARER, jira_2),
    "/rest/api/3/issue": (BASIC, jira_3),
    "/api/now/table/incident": (BASIC, servicenow),
}


@dataclass
class StandIn:
    """What was posted, and what was wrong with it."""

    url: str = ""
    taken: list[Any] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


@pytest.fixture
def service() -> Iterator[StandIn]:
    state = StandIn()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            try:
                authorization, check = SERVICES[self.path]
                assert self.headers["Authorization"] == authorization
                assert self.headers["Content-Type"] == "application/json"
                payload = json.loads(body)
                check(payload)
                state.taken.append(payload)
                self.send_response(201)
            except (AssertionError, LookupError, TypeError, ValueError) as error:
                state.wrong.append(f"{self.path}: {error!r}: {body[:200]!r}")
                self.send_response(400)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}"
    yield state
    server.shutdown()
    server.server_close()
    thread.join()


def run(pipe: str, folder: Path, service: StandIn) -> subprocess.CompletedProcess[str]:
    """Run a pipe of the page, with the program of this tree and the variables it names."""
    program = folder / "handshake-analyzer"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m analyzer "$@"\n')
    program.chmod(0o755)
    known = {
        **dict.fromkeys(("GITHUB_API_URL", "JIRA_URL", "SERVICENOW_URL"), service.url),
        **dict.fromkeys(("GITHUB_TOKEN", "JIRA_TOKEN", "SERVICENOW_PASSWORD"), "secret-token"),
        **dict.fromkeys(("JIRA_USER", "SERVICENOW_USER"), "me"),
        "GITHUB_REPOSITORY": "example/net",
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "no_proxy": "*",
    }
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", PIPES[pipe]],
        cwd=folder,
        env=os.environ | known,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("pipe", PIPES)
@pytest.mark.parametrize("name", ["api.example.com", HOSTILE])
def test_a_pipe_of_the_page_is_taken_by_its_service(
    tmp_path: Path, service: StandIn, pipe: str, name: str
) -> None:
    (tmp_path / "trace.pcap").write_bytes(pcap(rejected(name), refused(port=2222)))
    done = run(pipe, tmp_path, service)

    assert service.wrong == []
    assert (done.returncode, done.stderr) == (0, "")
    assert len(service.taken) == (2 if pipe == "each-group" else 1)


def test_what_the_service_refuses_fails_the_pipe(tmp_path: Path, service: StandIn) -> None:
    (tmp_path / "trace.pcap").write_bytes(pcap(rejected()))
    SERVICES["/rest/api/3/issue"] = ("Basic nobody", jira_3)
    try:
        done = run("jira", tmp_path, service)
    finally:
        SERVICES["/rest/api/3/issue"] = (BASIC, jira_3)

    assert done.returncode == 22
    assert len(service.wrong) == 1


def test_nothing_is_posted_where_nothing_failed(tmp_path: Path, service: StandIn) -> None:
    shutil.copy(ROOT / "sample_pcaps" / "good_tls12.pcap", tmp_path / "trace.pcap")
    done = run("only-failed", tmp_path, service)

    assert done.returncode == 0
    assert service.taken == []


def test_the_page_has_a_pipe_for_each_service() -> None:
    text = "".join(PIPES.values())

    for path in SERVICES:
        assert path.replace("example/net", "$GITHUB_REPOSITORY") in text
