"""Make the captures of ``keyed/``: every cipher, version and turn that decryption must follow.

``python -m tests.bench keyed`` makes them anew with the OpenSSL, GnuTLS and NSS programs of this machine;
no privileges are needed. Each case is a capture and the key log that the client wrote. The server's
RSA key stands beside them, to open the RSA key exchanges without a log.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from tests.bench import say

KEYED: Final = Path(__file__).parent / "keyed"
sys.path.append(str(Path(__file__).parents[2] / "sample_pcaps"))
_relay: Any = import_module("relay")  # a sibling of the script that makes the samples

_GNUTLS: Final = (
    "NONE:+COMP-ALL:+SIGN-ALL:+GROUP-ALL:+MAC-ALL:+KX-ALL:+RSA:%UNSAFE_RENEGOTIATION:+VERS-"
)


@dataclass(frozen=True)
class Case:
    """One capture: how server and client are started, and what is typed into the client."""

    name: str
    server: str
    client: str

    @property
    def program(self) -> str:
        """The program that must be installed."""
        return self.server.split()[0]


def cases() -> Iterator[Case]:
    """Everything that is recorded."""
    yield from _gnutls()
    yield from _openssl()
    yield from _nss()


def _gnutls() -> Iterator[Case]:
    plans = {
        **{f"tls12-{c}": f"TLS1.2:+{c}" for c in (*_AEADS12, "ARCFOUR-128", "NULL")},
        **{f"tls12-{c}": f"TLS1.2:+{c}" for c in _CBC},
        **{f"tls12-{c}-mac-then-encrypt": f"TLS1.2:%NO_ETM:+{c}" for c in _CBC},
        **{f"tls11-{c}": f"TLS1.1:+{c}" for c in ("AES-128-CBC", "ARCFOUR-128")},
        **{f"tls10-{c}": f"TLS1.0:+{c}" for c in ("AES-128-CBC", "3DES-CBC", "ARCFOUR-128")},
        "tls10-AES-256-CBC-mac-then-encrypt": "TLS1.0:%NO_ETM:+AES-256-CBC",
        "tls10-AES-256-CBC-old-master": "TLS1.0:%NO_SESSION_HASH:+AES-256-CBC",
        **{f"tls13-{c}": f"TLS1.3:+{c}" for c in _AEADS13},
    }
    for name, plan in plans.items():
        yield Case(
            name.lower(),
            "gnutls-serv -q --http -p {port} --x509certfile {pem} --x509keyfile {pem} "
            f"--priority {_GNUTLS}{plan}",
            "echo | gnutls-cli --insecure -p {port} 127.0.0.1 --logfile /dev/null "
            f"--priority {_GNUTLS}{plan}",
        )


_AEADS12: Final = (
    "AES-128-GCM",
    "AES-256-GCM",
    "CHACHA20-POLY1305",
    "AES-128-CCM",
    "AES-256-CCM-8",
)
_AEADS13: Final = (
    "AES-128-GCM",
    "AES-256-GCM",
    "CHACHA20-POLY1305",
    "AES-128-CCM",
    "AES-128-CCM-8",
)
_CBC: Final = ("AES-128-CBC", "CAMELLIA-256-CBC", "3DES-CBC")

_SERVER: Final = "openssl s_server -accept {port} -cert {pem} -key {pem} -cipher ALL:COMPLEMENTOFALL:@SECLEVEL=0 "
_CLIENT: Final = "openssl s_client -connect 127.0.0.1:{port} -keylogfile {log} "


def _openssl() -> Iterator[Case]:
    """Turns that a connection takes, by name: what the server is told, and what clients do."""
    quit_, save, resume = "echo Q | ", " -sess_out {session}; ", " -sess_in {session}"
    early = "-tls1_3" + save + "(sleep .3; echo Q) | " + _CLIENT + "-tls1_3" + resume
    early += " -early_data {early}"
    turns = {
        "key-update": (
            "-rev",
            "(sleep .3; echo K; sleep .3; echo k; sleep .3; echo Q) | ",
            "-tls1_3",
        ),
        "renegotiation": (
            "-rev -client_renegotiation",
            "(sleep .3; echo R; sleep .5; echo Q) | ",
            "-tls1_2",
        ),
        "retry": ("-www -groups P-384", quit_, "-tls1_3 -groups X25519:P-384"),
        "client-certificate": (
            "-www -Verify 1",
            "(sleep .3; echo Q) | ",
            "-tls1_3 -cert {pem} -key {pem}",
        ),
        "client-certificate-missing": ("-www -Verify 1", "(sleep .3; echo Q) | ", "-tls1_3"),
        "padding": ("-www -record_padding 128", quit_, "-tls1_3 -record_padding 256"),
        "fragments": ("-www -max_send_frag 512", quit_, "-tls1_2 -max_send_frag 512"),
        "ticket": ("-www", quit_, f"-tls1_2{save}{quit_}{_CLIENT}-tls1_2{resume}"),
        "session-id": ("-www -no_ticket", quit_, f"-tls1_2{save}{quit_}{_CLIENT}-tls1_2{resume}"),
        "psk": ("-rev", "(echo; sleep .3) | ", f"-tls1_3{save}{quit_}{_CLIENT}-tls1_3{resume}"),
        "early-data": ("-early_data -no_anti_replay", "(echo; sleep .3) | ", early),
        "early-data-refused": (
            "-early_data -no_anti_replay -groups P-256",
            "(echo; sleep .3) | ",
            early + " -groups X448:P-256",
        ),
        **{
            f"rsa-{cipher.lower()}{version}": (
                "-www",
                quit_,
                f"{version} -cipher {cipher}:@SECLEVEL=0",
            )
            for cipher, version in (
                *(("AES128-SHA", version) for version in ("-tls1", "-tls1_1", "-tls1_2")),
                ("AES256-GCM-SHA384", "-tls1_2"),
            )
        },
        "rsa-ticket": (
            "-www",
            quit_,
            f"-tls1_2 -cipher AES128-SHA{save}{quit_}{_CLIENT}-tls1_2 -cipher AES128-SHA{resume}",
        ),
        "aria": ("-www", quit_, "-tls1_2 -cipher ECDHE-ARIA256-GCM-SHA384"),
    }
    for name, (server, typed, client) in turns.items():
        yield Case(name, _SERVER + server, typed + _CLIENT + client)


def _nss() -> Iterator[Case]:
    """SSL 3.0, which only NSS still speaks. Debian's NSS logs no keys; the server's key opens it."""
    suites = {"aes128-sha": "002f", "rc4-sha": "0005", "3des-sha": "000a", "rc4-md5": "0004"}
    for name, code in suites.items():
        told = f"-d {{nss}} -p {{port}} -V ssl3:ssl3 -c :{code}"
        client = f"echo | timeout 2 tstclnt -h 127.0.0.1 -o {told}"
        yield Case(f"rsa-ssl3-{name}", f"selfserv -n server {told}", client)


def make(folder: Path = KEYED) -> int:
    """Make all captures; returns how many could not be made."""
    folder.mkdir(exist_ok=True)
    pem = folder / "server.pem"
    if not pem.exists():
        words = "req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=gateway.example -keyout"
        done = subprocess.run(
            ["openssl", *words.split(), str(pem)], capture_output=True, check=True
        )
        pem.write_bytes(pem.read_bytes() + done.stdout)  # the certificate goes behind the key
    missed = 0
    for case in cases():
        if shutil.which(case.program) is None:
            say(f"{case.name}: {case.program} is not installed")
            missed += 1
        elif not capture(case, folder, pem) and case.program != "selfserv":
            say(f"{case.name}: the client logged no keys")
            missed += 1
    return missed


def capture(case: Case, folder: Path, pem: Path) -> bool:
    """Run one case and write its capture and key log; False where no keys were logged."""
    log = folder / f"{case.name}.keys"
    log.unlink(missing_ok=True)
    port = _free_port()
    with tempfile.TemporaryDirectory() as place:
        early = Path(place, "early")
        early.write_text("early hello\n", encoding="ascii")
        nss = Path(place, "nss")
        names = {"pem": pem, "log": log, "session": Path(place, "session"), "early": early}
        names["nss"] = nss
        if case.program == "selfserv":
            _fill(nss, pem)
        server = subprocess.Popen(
            case.server.format(port=port, **names).split(),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _wait_for(port)
            relay = _relay.Relay(port)
            subprocess.run(
                ["sh", "-c", case.client.format(port=relay.port, **names)],
                env={**os.environ, "SSLKEYLOGFILE": str(log)},
                capture_output=True,
                timeout=20,
                check=False,
            )
            time.sleep(0.1)
            relay.close()
        finally:
            server.kill()
            server.wait()
            if server.stdin:
                server.stdin.close()
    writer = _relay.Writer()
    for number, recorded in enumerate(relay.connections):
        writer.connection(recorded, number)
    writer.write(folder / f"{case.name}.pcap")
    return log.exists()


def _fill(database: Path, pem: Path) -> None:
    """Put the server's key and certificate into a database of NSS."""
    database.mkdir()
    bundle = database / "server.p12"
    words = f"pkcs12 -export -in {pem} -inkey {pem} -name server -passout pass:x -out {bundle}"
    for command in (
        ["openssl", *words.split()],
        ["certutil", "-N", "-d", str(database), "--empty-password"],
        ["pk12util", "-i", str(bundle), "-d", str(database), "-W", "x"],
    ):
        subprocess.run(command, capture_output=True, check=True)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _wait_for(port: int) -> None:
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.03)
        else:
            return
    raise TimeoutError(f"nothing listens on port {port}")
