"""Keys on the command line: what they show, what is said of bad ones, and that they stay secret."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from analyzer import UsageError, analyze
from analyzer.keys import read_secrets
from analyzer.pipeline import Analysis

KEYED = Path(__file__).parent / "bench" / "keyed"
TLS13, RSA = KEYED / "client-certificate-missing.pcap", KEYED / "rsa-aes128-sha-tls1_2.pcap"
PASSWORD = "open sesame"


def run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "analyzer", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ
        | {"PYTHONPATH": str(Path(__file__).parents[1]), "PYTHONUTF8": "1"}
        | environment,
    )


def connections(done: subprocess.CompletedProcess[str]) -> list[dict[str, dict[str, str]]]:
    found: list[dict[str, dict[str, str]]] = json.loads(done.stdout)["connections"]
    return found


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The server's key under a password, its certificate before it."""
    pem = (KEYED / "server.pem").read_bytes()
    key = load_pem_private_key(pem[: pem.index(b"-----BEGIN CERT")], None)
    secret = key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(PASSWORD.encode())
    )
    path = tmp_path_factory.mktemp("keys") / "locked.pem"
    path.write_bytes(pem[pem.index(b"-----BEGIN CERT") :] + secret)
    return path


def test_a_key_log_makes_seen_what_was_inferred() -> None:
    without = run("analyze", TLS13, "--format", "json")
    done = run("analyze", TLS13, "--keylog", TLS13.with_suffix(".keys"), "--format", "json")
    (before,), (after,) = connections(without), connections(done)

    assert done.returncode == 0
    assert before["handshake"]["signature"] == "CsiI"
    assert after["handshake"]["signature"] == "CsiorxyfIXFl"
    assert after["diagnosis"]["cause"] == "client_cert_missing"
    assert after["diagnosis"]["confidence"] == "seen"
    assert after["certificates"]["server"]
    assert not before["certificates"]["server"]


@pytest.mark.parametrize("form", ["text", "json", "ndjson", "csv"])
def test_keys_that_match_nothing_are_told_in_a_line_and_the_report_comes(form: str) -> None:
    done = run("analyze", TLS13, "--keylog", KEYED / "psk.keys", "--format", form)

    assert done.returncode == 0
    assert "capture" in done.stdout or form in {"ndjson", "csv"}
    told = " ".join((done.stdout + done.stderr).split())
    assert "belongs to a connection of this capture" in told


def test_the_servers_key_opens_rsa(locked: Path) -> None:
    done = run(
        *("analyze", RSA, "--key", locked, "--format", "json"),
        HANDSHAKE_ANALYZER_KEY_PASSWORD=PASSWORD,
    )

    assert connections(done)[0]["handshake"]["signature"] == "CsxnGIFtifLl"


def test_the_password_may_stand_in_a_file(locked: Path, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\r\nnot this line\n", encoding="utf-8", newline="")
    done = run("analyze", RSA, "--key", locked, "--key-password-file", file, "--format", "json")

    assert connections(done)[0]["handshake"]["signature"] == "CsxnGIFtifLl"


@pytest.mark.parametrize(
    ("password", "sentence"),
    [
        (None, "its key is encrypted; give the password by --key-password-file"),
        ("wrong", "the password does not open its key"),
    ],
)
def test_a_wrong_password_is_one_line_and_the_analysis_goes_on(
    locked: Path, password: str | None, sentence: str
) -> None:
    environment = {"HANDSHAKE_ANALYZER_KEY_PASSWORD": password} if password else {}
    done = run("analyze", RSA, "--key", locked, "--format", "json", **environment)
    (caveat,) = json.loads(done.stdout)["captures"][0]["caveats"]

    assert done.returncode == 0
    assert caveat == f"{locked}: {sentence}."
    assert connections(done)[0]["handshake"]["signature"] == "CsxnGIti"


def pem_of(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, path: Path) -> Path:
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path


def test_a_key_of_no_use_is_told(tmp_path: Path) -> None:
    curve = pem_of(ec.generate_private_key(ec.SECP256R1()), tmp_path / "curve.pem")
    other = pem_of(rsa.generate_private_key(65537, 2048), tmp_path / "other.pem")
    empty = tmp_path / "empty.pem"
    empty.write_bytes(b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    text = tmp_path / "text.pem"
    text.write_bytes(b"hello")
    analysis = Analysis([RSA], secrets=read_secrets([], [curve, other, empty, text]))

    assert [line.partition(": ")[2] for line in sorted(analysis.complaints)] == [
        "its key is not RSA, and opens no key exchange; use a key log.",
        "its key cannot be read.",
        (
            "no key exchange of this capture was encrypted to its key; "
            "(EC)DHE and TLS 1.3 need a key log."
        ),
        "it holds no private key in PEM form.",
    ]


@pytest.mark.parametrize("option", ["--keylog", "--key", "--key-password-file"])
def test_a_file_that_is_not_there_is_a_mistake_of_the_command_line(
    option: str, tmp_path: Path
) -> None:
    done = run("analyze", TLS13, option, tmp_path / "absent")

    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert str(tmp_path / "absent") in done.stderr
    with pytest.raises(UsageError):
        read_secrets([tmp_path])  # a folder


def test_nothing_secret_is_printed(locked: Path) -> None:
    secrets = [line.split()[2] for line in TLS13.with_suffix(".keys").read_text().splitlines()[1:]]
    done = run(
        *("analyze", TLS13, "--keylog", TLS13.with_suffix(".keys"), "--key", locked, "--verbose"),
        HANDSHAKE_ANALYZER_KEY_PASSWORD=PASSWORD,
    )
    shown = done.stdout + done.stderr

    assert secrets
    assert not [secret for secret in (*secrets, PASSWORD) if secret in shown]


def test_the_library_takes_keys_as_well(locked: Path) -> None:
    (told,) = analyze(TLS13, keylogs=[TLS13.with_suffix(".keys")]).connections
    (other,) = analyze(RSA, keys=[locked], key_password=PASSWORD.encode()).connections

    assert told.handshake.signature == "CsiorxyfIXFl"
    assert other.handshake.signature == "CsxnGIFtifLl"


@pytest.mark.parametrize(
    "name", ["recorded/client-cert-revoked-openssl-gnutls-tls13", "keyed/client-certificate"]
)
def test_the_report_says_that_keys_would_tell_until_they_are_given(name: str) -> None:
    capture = (KEYED.parent / name).with_suffix(".pcap")
    (dark,) = analyze(capture).connections
    (clear,) = analyze(capture, keylogs=[capture.with_suffix(".keys")]).connections

    for connection, told in ((dark, True), (clear, False)):
        found = [*connection.findings, *([connection.diagnosis] if connection.diagnosis else [])]
        steps = " ".join(step for finding in found for step in finding.remedy)

        assert ("DataPower: the SSL key log option" in steps) is told


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be"])
def test_a_key_log_that_windows_wrote_is_read(encoding: str, tmp_path: Path) -> None:
    path, text = tmp_path / "keys.txt", TLS13.with_suffix(".keys").read_text()
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    path.write_bytes((mark + text.replace("\n", "\r\n")).encode(encoding))
    secrets = read_secrets([path])

    assert secrets is not None
    assert repr(secrets) == repr(read_secrets([TLS13.with_suffix(".keys")]))
    assert not [line for line in secrets.complaints() if "line" in line]
