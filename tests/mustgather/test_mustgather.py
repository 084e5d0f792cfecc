"""The bundle for support: complete as far as what was given goes, the same each time, no secrets."""

from __future__ import annotations

import base64
import functools
import io
import json
import struct
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from analyzer import analyze
from analyzer.mustgather.masking import masked_output
from analyzer.pki.names import pem
from tests.capture.captures import Pcapng
from tests.fuzz.seeds import talk
from tests.support import messages
from tests.support.exports import (
    as_cfg,
    as_xml,
    as_zip,
    credentials,
    handler,
    server_profile,
    service,
    thing,
    trust,
)
from tests.support.logs import Entry, as_new, as_report

START = 1_700_000_000_000_000_000
FAILING = talk((True, messages.client_hello()), (False, messages.alert(40)))
REFUSED = "SSL library error: error:0A0000C1:SSL routines::no shared cipher"

# Each is planted where its name says, and must not come out anywhere, in any encoding.
SECRETS = {
    "http target": "Tq7-target-of-the-request",
    "http cookie": "Ck7-cookie-of-the-session",
    "http basic": "operator:Bq7-basic-password",
    "application data": "Ad7-account-number-0815",
    "key log": "c0ffee" * 16,
    "log password": "Lp7-password-in-the-log",
    "log header": "Lh7bearerTokenInTheLog",
    "log key": "MIIEvLk7PrivateKeyInTheLog" + "Q" * 38,
    "export password": "Ep7-password-in-the-xml",
    "export alias": "Ea7-alias-secret",
    "export url": "Eu7-user-password",
    "export query": "Eq7-api-key",
    "export ltpa": "El7-ltpa-key-password",
    "export file": "Ef7-local-file-secret",
    "cfg password": "Cp7-password-in-the-cfg",
    "certificate folder": "MIIEvCf7PrivateKeyInTheFolder",
    "beside a certificate": "MIIEvBc7PrivateKeyBesideIt",
    "openssl master key": "0C0FFEE0" * 12,
    "openssl private key": "MIIEvOp7PrivateKeyInTheOutput",
    "openssl ticket": "de ad be ef 07 07 07 07-07",
}


@functools.cache
def trace() -> bytes:
    """A capture with a failure, HTTP in clear and application data; its key log is in it, too."""
    coded = base64.b64encode(SECRETS["http basic"].encode()).decode()
    request = (
        f"POST /{SECRETS['http target']} HTTP/1.1\r\nHost: a.example\r\nCookie: {SECRETS['http cookie']}"
        f"\r\nAuthorization: Basic {coded}\r\n\r\n{SECRETS['application data']}"
    )
    plain = talk((True, request.encode()), (False, messages.alert(10)), port=40_001)
    data = messages.record(23, SECRETS["application data"].encode())
    going = talk(
        *((True, messages.client_hello()), (False, messages.server_flight())),
        *((True, messages.client_flight()), (False, messages.alert(40)), (True, data)),
        port=40_002,
    )
    file = Pcapng().section().interface()
    lines = f"CLIENT_RANDOM {'01' * 32} {SECRETS['key log']}\n".encode()
    file.block(10, struct.pack("<II", 0x544C534B, len(lines)) + lines + bytes(-len(lines) % 4))
    ticks = START // 1_000
    for number, frame in enumerate([*FAILING, *plain, *going]):
        file.enhanced(frame, ticks + number)
    return bytes(file.data)


def log() -> bytes:
    """A log around the failure."""

    def entry(text: str, **more: object) -> Entry:
        usual = {"domain": "payments", "category": "ssl", "severity": "error", "tid": 17}
        own = {"kind": "ssl-server", "name": "front", "client": "192.0.2.1"}
        return Entry(time=START + 2_000, text=text, **{**usual, **own, **more})  # type: ignore[arg-type]

    texts = [
        f"request failed, password={SECRETS['log password']} given",
        f"header Authorization: Bearer {SECRETS['log header']}",
        f"object holds {SECRETS['log key']}",
    ]
    lines = [as_new(entry(REFUSED, code="0x8120002f"))]
    lines += [as_new(entry(text, severity="debug")) for text in texts]
    lines += ["-----BEGIN PRIVATE KEY-----", SECRETS["log key"], "-----END PRIVATE KEY-----"]
    return "\n".join(lines).encode() + b"\n"


def gateway() -> list[object]:
    """Objects of a domain, with secrets wherever the product may have them."""
    url = (
        f"https://me:{SECRETS['export url']}@backend.example:8443/in?key={SECRETS['export query']}"
    )
    return [
        *credentials("intermediate"),
        *trust("partners", "root"),
        server_profile(Valcred="partners"),
        handler(SSLServer="front", SSLServerConfigType="server"),
        service(url),
        thing("CryptoKey", "k", Filename="cert:///k.pem", Password=SECRETS["export password"]),
        thing("PasswordAlias", "p", Password=SECRETS["export alias"]),
        thing("LTPAKey", "l", LTPAKeyFilePassword=SECRETS["export ltpa"]),
    ]


def export() -> bytes:
    """An export with files in it."""
    things = gateway()
    cfg = as_cfg(things[:-3]) + f'\nuser "x"\n  password {SECRETS["cfg password"]}\nexit\n'.encode()  # type: ignore[arg-type]
    held = {
        "export.xml": as_xml(things),  # type: ignore[arg-type]
        "local/app.js": SECRETS["export file"].encode(),
        "config/payments.cfg": cfg,
    }
    return as_zip(held)


OPENSSL = f"""CONNECTED(00000003)
    Master-Key: {SECRETS["openssl master key"]}
    TLS session ticket:
    0000 - {SECRETS["openssl ticket"]}   ........
-----BEGIN PRIVATE KEY-----
{SECRETS["openssl private key"]}
-----END PRIVATE KEY-----
    Verify return code: 20 (unable to get local issuer certificate)
"""


def write_case(folder: Path) -> list[str]:
    """All inputs in a folder, and the arguments that name them."""
    (folder / "t.pcapng").write_bytes(trace())
    (folder / "default-log").write_bytes(log())
    (folder / "export.zip").write_bytes(export())
    (folder / "s_client.txt").write_text(OPENSSL)
    certificates = folder / "certs"
    certificates.mkdir()
    leaf, intermediate = messages.server_ders()
    beside = f"-----BEGIN PRIVATE KEY-----\n{SECRETS['beside a certificate']}\n-----END PRIVATE KEY-----\n"
    (certificates / "gateway.pem").write_text(pem(leaf) + beside)
    (certificates / "intermediate.pem").write_text(pem(intermediate))
    (certificates / "gateway.key").write_text(
        f"-----BEGIN PRIVATE KEY-----\n{SECRETS['certificate folder']}\n-----END PRIVATE KEY-----\n"
    )
    return [
        *("t.pcapng", "--dp-log", "default-log", "--dp-export", "export.zip"),
        *("--cert-dir", "certs", "--openssl", "s_client.txt"),
    ]


def run(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run ``mustgather`` as a process."""
    command = [sys.executable, "-m", "analyzer", "mustgather", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)


def members(path: Path) -> Mapping[str, bytes]:
    """The files of a bundle."""
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist()}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a whole case and its bundle."""
    folder = tmp_path_factory.mktemp("case")
    done = run(*write_case(folder), "--out", "case.zip", folder=folder)
    assert done.returncode == 0, done.stderr
    (folder / "stdout").write_text(done.stdout)
    return folder


def forms(secret: str) -> Iterator[bytes]:
    """A secret as it is, in hexadecimal, and in base64 at every alignment."""
    data = secret.encode()
    yield data
    yield data.hex().encode()
    for shift in range(3):
        coded = base64.b64encode(bytes(shift) + data)
        yield coded[4 if shift else 0 : len(coded) // 4 * 4 - 4]


@pytest.mark.parametrize("where", SECRETS)
def test_no_secret_is_in_the_bundle(made: Path, where: str) -> None:
    found = members(made / "case.zip")

    for form in forms(SECRETS[where]):
        assert [name for name, data in found.items() if form.lower() in data.lower()] == []
        assert form.decode() not in (made / "stdout").read_text()


def test_every_secret_was_planted(tmp_path: Path) -> None:
    write_case(tmp_path)
    held = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    with zipfile.ZipFile(tmp_path / "export.zip") as file:
        held += b"".join(file.read(name) for name in file.namelist())
    coded = base64.b64encode(SECRETS["http basic"].encode())

    for where, secret in SECRETS.items():
        assert (coded if where == "http basic" else secret.encode()) in held, where


def test_all_that_support_asks_for_is_in_it(made: Path) -> None:
    found = members(made / "case.zip")
    report = json.loads(found["report.json"])
    checklist = found["checklist.md"].decode()

    assert {"trace.pcap", "report.txt", "report.html", "openssl.md", "certificates/index.md"} < set(
        found
    )
    assert {"configuration/payments.txt", "openssl/s_client.txt", "log/stream-0.txt"} < set(found)
    assert report["summary"]["failed"] == 3
    assert "0000000" in checklist
    assert "IDG.10.6.0.1" in checklist
    assert "root.pem" in checklist  # named by the export, and given by nobody
    assert "show system" not in checklist
    told = "* output: openssl/s_client.txt: the chain does not verify: unable to get local issuer"
    assert told in checklist
    assert "Verify return code: 20" in found["openssl/s_client.txt"].decode()
    assert "openssl s_client -connect 198.51.100.2:443" in found["openssl.md"].decode()
    assert "no shared cipher" in found["log/stream-0.txt"].decode()


def test_the_report_speaks_of_the_trace_in_the_bundle(made: Path) -> None:
    found = members(made / "case.zip")
    report = json.loads(found["report.json"])
    own = analyze(io.BytesIO(found["trace.pcap"]))

    assert [capture["path"] for capture in report["captures"]] == ["trace.pcap"]
    assert [c["stream"] for c in report["connections"]] == [c.stream for c in own.connections]
    assert [c["tcp"]["end"] for c in report["connections"]] == [c.tcp.end for c in own.connections]


def test_a_certificate_says_who_uses_it(made: Path) -> None:
    found = members(made / "case.zip")
    texts = [data.decode() for name, data in found.items() if name.startswith("certificates/")]
    (text,) = [text for text in texts if "Files: gateway.pem" in text]

    assert "CryptoCertificate gateway < CryptoIdentCred gateway < SSLServerProfile front" in text
    assert "sent by server 198.51.100.2:443, tcp.stream 2" in text
    assert text.count("BEGIN CERTIFICATE") == 1


def test_the_same_case_gives_the_same_bytes(made: Path, tmp_path: Path) -> None:
    done = run(*write_case(tmp_path), "--out", "again.zip", folder=tmp_path)

    assert done.returncode == 0
    assert (tmp_path / "again.zip").read_bytes() == (made / "case.zip").read_bytes()
    assert (tmp_path / "again.zip").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("part", "missing"),
    [
        pytest.param(
            ["t.pcapng"], ["Export of the domain", "Log at level debug", "Serial"], id="trace"
        ),
        pytest.param(
            ["--dp-log", "default-log"], ["Packet trace", "Export of the domain"], id="log"
        ),
        pytest.param(
            ["--dp-export", "export.zip"], ["Packet trace", "Log at level debug"], id="export"
        ),
    ],
)
def test_what_is_missing_is_listed_with_the_way_to_it(
    tmp_path: Path, part: list[str], missing: list[str]
) -> None:
    write_case(tmp_path)
    done = run(*part, "--out", "case.zip", folder=tmp_path)
    checklist = members(tmp_path / "case.zip")["checklist.md"].decode()

    assert done.returncode == 0
    for title in missing:
        section = next(s for s in checklist.split("\n## ") if s.startswith(title))
        assert section.splitlines()[0].endswith(": missing")
        assert "WebGUI: " in section or "CLI: " in section
    assert "Next: " in done.stdout


def test_an_error_report_brings_all_three(tmp_path: Path) -> None:
    frames = Pcapng().section().interface()
    for number, frame in enumerate(FAILING):
        frames.enhanced(frame, START // 1_000 + number)
    things = gateway()[:-3]
    parts = [
        ("default-log", log()),
        ("payments-config", as_cfg(things)),  # type: ignore[arg-type]
        ("capture", bytes(frames.data)),
    ]
    (tmp_path / "report.txt").write_bytes(as_report(parts))
    done = run("report.txt", "--out", "case.zip", folder=tmp_path)
    found = members(tmp_path / "case.zip")

    assert done.returncode == 0, done.stderr
    assert json.loads(found["report.json"])["summary"]["failed"] == 1
    assert "log/stream-0.txt" in found
    assert [name for name in found if name.startswith("configuration/")]


def test_a_trace_without_failures_is_told_so(tmp_path: Path) -> None:
    file = Pcapng().section().interface()
    (tmp_path / "t.pcapng").write_bytes(bytes(file.enhanced(FAILING[0]).data))
    done = run("t.pcapng", "--out", "case.zip", folder=tmp_path)

    assert done.returncode == 0, done.stderr
    assert "trace.pcap" in members(tmp_path / "case.zip")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param([], "nothing to collect", id="nothing"),
        pytest.param(["-"], "write it to a file first", id="standard input"),
        pytest.param(["none.pcap"], "none.pcap", id="no such file"),
        pytest.param(["--dp-export", "default-log"], "default-log", id="no export"),
        pytest.param(
            ["t.pcapng", "--out", "t.pcapng"], "is one of the inputs", id="over the input"
        ),
        pytest.param(["t.pcapng", "--out", "no/case.zip"], "no/case.zip", id="no such folder"),
        pytest.param(["--openssl", "none.txt"], "none.txt", id="no such output"),
        pytest.param(["t.pcapng", "--cert-dir", "certs"], "--dp-export", id="folder alone"),
    ],
)
def test_what_cannot_be_done_is_one_line(tmp_path: Path, arguments: list[str], says: str) -> None:
    write_case(tmp_path)
    done = run(*arguments, folder=tmp_path)

    assert done.returncode == 2
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "case.zip").exists()


@pytest.mark.parametrize(
    "line",
    [
        "Cookie: a=1; session=geheim",
        "header 'Cookie: a=1; session=geheim' was sent",
        "Authorization: ApiKey geheim",
        'Authorization: Digest username="operator", response="geheim"',
        '{"Authorization": "Bearer geheim"}',
        "refresh_token=geheim&scope=1",
        "userPassword='geheim'",
        "Enter PEM pass phrase:geheim",
        "Enter pass phrase for /keys/server.pem: geheim",
        "AUTH PLAIN geheim",
        "a1 LOGIN operator geheim",
        "openssl s_client -psk geheim -psk_identity gateway",
        "openssl s_client -connect a.example:443 -proxy_pass geheim",
        "    Keying material: geheim",
        "    PSK: geheim",
    ],
)
def test_what_was_typed_or_quoted_as_a_secret_is_masked(line: str) -> None:
    told = masked_output(f"CONNECTED(00000003)\n{line}\nVerify return code: 0 (ok)")

    assert "geheim" not in told
    assert told.startswith("CONNECTED(00000003)\n")
    assert told.endswith("\nVerify return code: 0 (ok)")


@pytest.mark.parametrize(
    "line",
    [
        "    Extended master secret: yes",
        "    PSK identity: gateway",
        "    PSK identity hint: None",
        "New, TLSv1.3, Cipher is TLS_AES_256_GCM_SHA384",
        "Server public key is 256 bit",
        "verify error:num=20:unable to get local issuer certificate",
        "subject=C = DE, O = Example, CN = gateway.example",
        "openssl s_client -key key.pem -cert cert.pem -CAfile roots.pem",
    ],
)
def test_what_openssl_says_of_a_handshake_is_left_as_it_is(line: str) -> None:
    assert masked_output(line) == line


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_output_that_powershell_redirected_is_masked_as_well(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "t.pcap").write_bytes(trace())
    printed = "CONNECTED(00000003)\r\n    Master-Key: 0C0FFEE0\r\n"
    (tmp_path / "out.txt").write_bytes(printed.encode(encoding))
    done = run("t.pcap", "--openssl", "out.txt", folder=tmp_path)

    assert done.returncode == 0
    with zipfile.ZipFile(tmp_path / "case.zip") as case:
        told = case.read("openssl/out.txt").decode()
    assert told.split() == ["CONNECTED(00000003)", "Master-Key:", "***"]


def test_a_key_store_is_no_output(tmp_path: Path) -> None:
    (tmp_path / "t.pcap").write_bytes(trace())
    (tmp_path / "key.p12").write_bytes(b"\x30\x82\1\0\2\1\3" + bytes(range(256)))
    done = run("t.pcap", "--openssl", "key.p12", folder=tmp_path)

    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "key.p12: is no text" in done.stderr
    assert not (tmp_path / "case.zip").exists()
