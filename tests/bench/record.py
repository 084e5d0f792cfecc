"""Run scenarios and keep their captures, expectations, keys and what the programs said."""

from __future__ import annotations

import contextlib
import dataclasses
import fnmatch
import json
import os
import re
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.bench import say
from tests.bench.lab import CLIENT_IP, MTU, PORT, SERVER_IP, Lab, listens, missing, run
from tests.bench.pki import Authority
from tests.bench.scenarios import Scenario, scenarios
from tests.bench.stacks import CLIENTS, SERVERS, Command, Place, build, present
from tests.bench.wire import POLICIES

ANSWERED = re.compile(r"HTTP/1\.[01] 200|hello\n")
PATIENCE = 7.0
AT_CLIENT = (
    "prohibited",
    "tampered",
    "reset-hello",
    "reset-flight",
)  # the other end sees what was sent


class UnplannedError(Exception):
    """The programs did not do what the scenario plans."""


def record(out: Path, only: str = "*", talk: Path | None = None) -> int:
    """Record all scenarios whose name fits; returns how many went wrong."""
    if lacking := missing():
        say(f"skipped: {lacking}")
        return 0
    out.mkdir(parents=True, exist_ok=True)
    wrong = 0
    with tempfile.TemporaryDirectory() as folder, Labs() as labs:
        Path(folder).chmod(0o755)  # servers that drop their privileges read their pages there
        pki = Authority(Path(folder))
        build(Path(folder))
        for scenario in scenarios():
            if not fnmatch.fnmatch(scenario.name, only):
                continue
            absent = [s for s in (scenario.client, scenario.server) if not present(s)]
            if absent:
                say(f"skipped {scenario.name}: no {absent[0]} here")
                continue
            try:
                _one(scenario, labs.of(scenario), pki, out, talk)
            except UnplannedError as error:
                wrong += 1
                say(f"WRONG {scenario.name}: {error}")
    return wrong


class Labs(contextlib.ExitStack):
    """A lab of each kind, made when it is first needed."""

    def __init__(self) -> None:
        super().__init__()
        self._made: dict[bool, Lab] = {}

    def of(self, scenario: Scenario) -> Lab:
        """The lab that can behave as the scenario wants."""
        carried = scenario.network in POLICIES
        if carried not in self._made:
            self._made[carried] = self.enter_context(Lab(carried=carried))
        return self._made[carried]


def _one(scenario: Scenario, lab: Lab, pki: Authority, out: Path, talk: Path | None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Place(pki, Path(folder), SERVER_IP, PORT)
        server = SERVERS[scenario.server](scenario.serves, place)
        client = CLIENTS[scenario.client](scenario.calls, place)
        if server is None or client is None:
            return
        path = Path(folder) / "record.pcap"
        printed, served = _play(scenario, lab, place, server, client, path)
        if talk:
            talk.mkdir(parents=True, exist_ok=True)
            text = f"{client.words}\n{printed}\n---- server\n{served}"
            (talk / f"{scenario.name}.txt").write_text(text)
        proof = _proof(scenario, printed, served)
        (out / f"{scenario.name}.pcap").write_bytes(path.read_bytes())
        keys = Path(place.keys)
        target = out / f"{scenario.name}.keys"
        target.unlink(missing_ok=True)
        if keys.exists() and keys.stat().st_size:
            target.write_text("".join(sorted(set(keys.read_text().splitlines(keepends=True)))))
        expected = json.dumps(_expected(scenario, proof), indent=1, sort_keys=True)
        (out / f"{scenario.name}.expect.json").write_text(expected + "\n")


def _play(
    scenario: Scenario, lab: Lab, place: Place, server: Command, client: Command, path: Path
) -> tuple[str, str]:
    log = place.folder / "server.log"
    with log.open("wb") as file:
        serving = subprocess.Popen(
            lab.inside(lab.server, server.words),
            stdin=subprocess.PIPE,
            stdout=file,
            stderr=subprocess.STDOUT,
            cwd=place.folder,
            start_new_session=True,
        )
    try:
        deadline = time.time() + 10
        while not listens(serving):
            if serving.poll() is not None or time.time() > deadline:
                raise UnplannedError(
                    f"the server did not start: {log.read_text(errors='replace')[-300:]}"
                )
            time.sleep(0.03)
        if scenario.network == "nobody":
            _end(serving)
        at_client = scenario.network in AT_CLIENT
        with misbehaving(lab, scenario.network), lab.recording(path, at_client=at_client):
            printed = _call(lab, client)
            time.sleep(0.1)
    finally:
        _end(serving)
    return printed, log.read_text(errors="replace")


def _end(serving: subprocess.Popen[bytes]) -> None:
    """End a server with all its children, once or again."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(serving.pid, signal.SIGKILL)
    serving.wait()
    if serving.stdin:
        serving.stdin.close()


def _call(lab: Lab, client: Command) -> str:
    process = subprocess.Popen(
        lab.inside(lab.client, client.words),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=os.environ | dict(client.environment),
        start_new_session=True,
    )
    try:
        printed, _ = process.communicate(client.said, PATIENCE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        printed, _ = process.communicate()
        printed += b"\n(the client was stopped)\n"
    return printed.decode(errors="replace")


class misbehaving:  # noqa: N801 - reads as a statement
    """Make the wire misbehave, and mend it."""

    def __init__(self, lab: Lab, how: str) -> None:
        self.lab, self.how = lab, how

    def __enter__(self) -> None:
        if self.lab.wire:
            self.lab.wire.behave(self.how)
        for words in self._commands("add"):
            try:
                run(*words)
            except subprocess.CalledProcessError as error:
                raise UnplannedError(f"this wire cannot be {self.how}: {error.stderr}") from error

    def __exit__(self, *_: object) -> None:
        if self.lab.wire:  # what is still under way must not reach the next record
            time.sleep(0.6)
        for words in self._commands("del"):
            subprocess.run(words, check=False, capture_output=True)

    def _commands(self, verb: str) -> list[list[str]]:
        client, server = self.lab.client, self.lab.server
        near, far = ["ip", "-n", client], ["ip", "-n", server]
        route = ["route", "add" if verb == "add" else "del"]
        to_server = [f"{SERVER_IP}/32", "dev", "wire"]
        if self.how == "small-mss":
            return [[*near, *route, *to_server, *(["advmss", "300"] if verb == "add" else [])]]
        if self.how == "black-hole":
            # The wire's end drops what is larger than its own size, and tells nobody.
            size = "900" if verb == "add" else str(MTU)
            return [
                [*near, "link", "set", "wire", "mtu", size],
                [*near, *route, *to_server, *(["advmss", "1460"] if verb == "add" else [])],
            ]
        if self.how == "mute":
            return [[*far, *route, *(["blackhole"] if verb == "add" else []), f"{CLIENT_IP}/32"]]
        return []


def _proof(scenario: Scenario, printed: str, served: str) -> str:
    """The line that proves the truth; raises where there is none."""
    answered = ANSWERED.search(printed) is not None
    planned = scenario.truth.outcome == "established"
    if answered != planned:
        tail = " / ".join((printed.strip().splitlines() or ["nothing"])[-3:])
        what = "answered" if answered else "no answer"
        raise UnplannedError(f"{what}; the client said: {tail[-400:]}")
    if planned:
        return "the client printed the server's answer"
    if not scenario.said:
        return "the client got no answer"
    for line in (printed + "\n" + served).splitlines():
        if re.search(scenario.said, line, re.IGNORECASE):
            return re.sub(r"/tmp/\S+", "FILE", line.strip())[:160]
    tail = " / ".join((printed + served).strip().splitlines()[-4:])
    raise UnplannedError(f"nobody said {scenario.said[:40]!r}: {tail[-400:]}")


def _expected(scenario: Scenario, proof: str) -> dict[str, Any]:
    truth = dataclasses.asdict(scenario.truth)
    count = scenario.calls.times
    return {
        "scenario": {
            "fault": scenario.fault,
            "client": scenario.client,
            "server": scenario.server,
            "version": scenario.version,
            "network": scenario.network or None,
        },
        "proof": proof,
        "connections": [{"stream": stream, **truth} for stream in range(count)],
    }
