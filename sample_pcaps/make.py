"""Record the samples anew: every case, its expectation, and the index.

Run by ``make samples``; needs ``openssl`` and, for a few cases, ``gnutls-serv``. The truth stands in
cases.py and network.py; what only describes the packets (last message, alerts, confidence) is taken
from an analysis, so review the difference before you commit it.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from cases import GET, GOOD, HOST, Case, Truth, openssl_cases  # noqa: E402 - siblings of a script
from network import _early, crafted_cases, spoken_cases, unused  # noqa: E402
from peers import client, free_port, program, says, server_of  # noqa: E402
from pki import Authority  # noqa: E402
from relay import Recorded, Relay, Writer  # noqa: E402

from analyzer import analyze  # noqa: E402

KEYS = ("cause", "phase", "failing_side", "remedy_side")


class Samples:
    """Writes captures with their expectations, and remembers the lines of the index."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.wrong: list[str] = []

    def add(self, path: Path, made: str, shows: str, truth: Truth, streams: int = 1) -> None:
        """Write the expectation of a capture that lies at ``path``."""
        report = analyze(path)
        told = [
            _expected(msgspec.to_builtins(connection), truth) for connection in report.connections
        ]
        for connection, expected in zip(report.connections, told, strict=True):
            found = connection.diagnosis
            got = (connection.outcome, found and found.cause)
            accepted = {truth.cause, *truth.accept}
            if got[0] != expected["outcome"] or got[1] not in accepted:
                self.wrong.append(f"{path.name}: {got} instead of {truth.outcome} {truth.cause}")
        assert len(told) >= streams, path
        target = path.with_suffix(".expect.json")
        target.write_text(json.dumps({"connections": told}, indent=1) + "\n")
        self.lines.append(f"| `{path.name}` | {shows} | {made} |")

    def index(self) -> None:
        """Write INDEX.md."""
        head = [
            "# Samples",
            "",
            "Captures of real TLS stacks, made by `make samples`. Addresses are those of RFC 5737; the",
            "truth about each case stands in `cases.py` and `network.py`, checked against what the",
            "programs printed.",
            "",
            "| capture | shows | made with |",
            "|---|---|---|",
        ]
        (HERE / "INDEX.md").write_text("\n".join([*head, *sorted(self.lines)]) + "\n")


def _expected(told: dict[str, Any], truth: Truth) -> dict[str, Any]:
    """The contract's part of an analysis, with the truth in its place."""
    last, found = told["handshake"]["last_message"], told["diagnosis"]
    expected: dict[str, Any] = {
        "stream": told["stream"],
        "outcome": truth.outcome,
        **{key: getattr(truth, key) for key in KEYS},
        "confidence": found and found["confidence"],
        "last_message": last and f"{last['sender']} {last['name']}",
        "alerts": [
            f"{alert['sender']} {alert['description'] if alert['visible'] else 'encrypted'}"
            for alert in told["handshake"]["alerts"]
        ],
    }
    if truth.outcome == "incomplete" and found:
        expected |= {key: found[key] for key in KEYS if key != "cause"}
    if truth.accept:
        expected["cause"] = [truth.cause, *truth.accept]
    return expected


def openssl(samples: Samples, pki: Authority, version: str) -> Recorded:
    """Record OpenSSL against itself; returns a good handshake for the crafted cases."""
    good = Recorded()
    for case in openssl_cases(pki):
        recorded, printed = _record(case, pki)
        if case.proof and case.proof not in printed:
            raise SystemExit(f"{case.name}: the programs did not say {case.proof!r}:\n{printed}")
        writer = Writer()
        for number, connection in enumerate(recorded):
            writer.connection(connection, number, case.mss)
        path = HERE / f"{case.name}{case.suffix}"
        writer.write(path, snaplen=case.snaplen)
        made = f"{version}: s_client and s_server"
        samples.add(path, made, case.shows, case.truth, case.connections)
        if case.name == "good_tls12":
            good = recorded[0]
    return good


def _record(case: Case, pki: Authority) -> tuple[list[Recorded], str]:
    port = free_port()
    server = ["openssl", "s_server", "-accept", str(port), *case.server]
    with program(server, "ACCEPT"):
        relay = Relay(port, case.mangle)
        printed = ""
        session = pki.folder / "session.pem"
        for number in range(case.connections):
            command = ["openssl", "s_client", "-connect", f"127.0.0.1:{relay.port}", *case.client]
            command += ["-servername", case.sni] if case.sni else ["-noservername"]
            if case.connections > 1:
                command += ["-ign_eof", "-sess_in" if number else "-sess_out", str(session)]
            printed += client(command, case.said)
        time.sleep(0.2)
        relay.close()
    return relay.connections, printed


def others(samples: Samples, pki: Authority) -> None:
    """Record Python's ssl, GnuTLS, and servers of one answer."""
    for case in spoken_cases():
        with server_of(case.talk) as port:
            _spoken(samples, port, case.client, case.name, case.shows, case.truth, "sockets")
    leaf = pki.leaf("good")
    chain = str(pki.chain("served", leaf, pki.intermediate))
    server = ["openssl", "s_server", "-cert", str(leaf.cert_path), "-key", str(leaf.key_path)]
    server += ["-cert_chain", str(pki.chain("good", pki.intermediate)), "-www"]
    leaves = _early("closed_after_handshake", "client", "server", "post_handshake")
    orderly = Truth("established", *[getattr(leaves, key) for key in KEYS])
    port = free_port()
    with program([*server, "-accept", str(port)], "ACCEPT"):
        for name, truth, calm in (("abrupt", leaves, False), ("orderly", orderly, True)):
            _spoken(
                samples,
                port,
                lambda relay, calm=calm: unused(relay, pki, orderly=calm),  # type: ignore[misc]
                f"closed_after_handshake_{name}",
                f"a handshake that nobody used, with an {name} close",
                truth,
                "Python's ssl against s_server",
            )
        http = _early("plaintext_http_to_tls", "server", "client")
        shows = "plain HTTP to s_server, which closes"
        _spoken(
            samples,
            port,
            lambda r: says(r, GET),
            "plaintext_http_to_openssl",
            shows,
            http,
            "s_server",
        )
    if shutil.which("gnutls-serv") is None:
        print("gnutls-serv is not installed: its cases stay as they are")
        return
    port = free_port()
    serve = ["gnutls-serv", "--port", str(port), "--x509certfile", chain, "--http"]
    serve += ["--x509keyfile", str(leaf.key_path)]
    with program(serve, "listening"):
        shows = "plain HTTP to GnuTLS, which sends an alert"
        _spoken(
            samples, port, lambda r: says(r, GET), "plaintext_http_to_gnutls", shows, http, "GnuTLS"
        )
        ssh = _early("plaintext_other_to_tls", "server", "client")
        shows = "SSH to GnuTLS, which sends an alert"
        talk = b"SSH-2.0-client\r\n"
        _spoken(
            samples, port, lambda r: says(r, talk), "plaintext_ssh_to_gnutls", shows, ssh, "GnuTLS"
        )
        run = ["gnutls-cli", "127.0.0.1", "--sni-hostname", HOST, "--verify-hostname", HOST]
        run += ["--x509cafile", str(pki.root.cert_path), "--port"]
        shows = "GnuTLS against itself"
        _spoken(
            samples,
            port,
            lambda r: _quietly(client([*run, str(r)], GET)),
            "good_gnutls",
            shows,
            GOOD,
            "GnuTLS",
        )


def _quietly(_: str) -> None:
    """Drop what a program printed."""


def _spoken(
    samples: Samples, port: int, talk: Any, name: str, shows: str, truth: Truth, made: str
) -> None:
    relay = Relay(port)
    talk(relay.port)
    time.sleep(0.3)
    relay.close()
    writer = Writer()
    for number, connection in enumerate(relay.connections):
        writer.connection(connection, number)
    path = HERE / f"{name}.pcap"
    writer.write(path)
    samples.add(path, made, shows, truth)


def crafted(samples: Samples, good: Recorded) -> None:
    """Write the cases in which the network misbehaves."""
    for number, case in enumerate(crafted_cases(), 1):
        writer = Writer()
        case.build(writer, good.later(60 * number))
        path = HERE / f"{case.name}.pcap"
        writer.write(path)
        samples.add(path, "packets rearranged by hand", case.shows, case.truth)


def main() -> None:
    """Record everything; say what the analyzer tells otherwise than the truth."""
    if shutil.which("openssl") is None:
        raise SystemExit("openssl is not installed: nothing can be recorded")
    version = subprocess.run(
        ["openssl", "version"], capture_output=True, text=True, check=True
    ).stdout
    samples = Samples()
    with tempfile.TemporaryDirectory() as folder:
        pki = Authority(Path(folder))
        subprocess.run(
            ["openssl", "dhparam", "-out", str(pki.folder / "dh1024.pem"), "1024"],
            check=True,
            capture_output=True,
        )
        good = openssl(samples, pki, " ".join(version.split()[:2]))
        others(samples, pki)
        crafted(samples, good)
    samples.index()
    print(f"{len(samples.lines)} samples")
    for line in samples.wrong:
        print(f"not as it was: {line}")


if __name__ == "__main__":
    main()
