"""``certs`` as users meet it: what is listed, found, exported, verified, and how it ends."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from cryptography import x509

from analyzer.cli import run
from analyzer.pki.inventory import serials_of, span_of
from analyzer.pki.names import file_name
from analyzer.report.holdings.schema import CertificateReport
from analyzer.tls.x509.chain import read_certificate
from tests.pki.matrix import HOST, SERVER, SIGNER, crl, purposes
from tests.pki.stores import SECRET, jks, key_pem, p12, pem
from tests.tls.certificates import Made, make, name

SAMPLES = Path(__file__).parents[2] / "sample_pcaps"
EXPIRED = SAMPLES / "cert_expired.pcap"

Call = Callable[..., tuple[int, str, str]]

ROOT = make("Root", SIGNER, ca=True, serial=1)
SUB = make("Issuing", SIGNER, issuer=ROOT, ca=True, serial=2)
LEAF = make("leaf", purposes(SERVER), issuer=SUB, dns=(HOST,), serial=0xABCDEF)


@pytest.fixture
def certs(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Call:
    monkeypatch.setenv("COLUMNS", "80")

    def call(*arguments: str | Path) -> tuple[int, str, str]:
        status = run(["certs", *map(str, arguments)])
        said = capsys.readouterr()
        return status, said.out, said.err

    return call


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "root.pem").write_bytes(pem(ROOT))
    (tmp_path / "chain.pem").write_bytes(pem(LEAF, SUB))
    (tmp_path / "leaf.pem").write_bytes(pem(LEAF))
    (tmp_path / "leaf.key").write_bytes(key_pem(LEAF))
    (tmp_path / "other.key").write_bytes(key_pem(ROOT))
    (tmp_path / "password").write_bytes(SECRET + b"\n")
    return tmp_path


def document(out: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(out)
    jsonschema.validate(found, msgspec.json.schema(CertificateReport))
    return found


def test_a_capture_shows_who_sent_what(certs: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(SAMPLES)
    status, out, err = certs("cert_expired.pcap")

    assert (status, err) == (0, "")
    assert "2 certificates, seen 2 times in 1 file" in out
    assert "stream 0 frame 6: sent by the server" in out
    assert "CN=Example Issuing CA,O=Example" in out
    assert max(map(len, out.splitlines())) <= 80


def test_a_certificate_is_shown_once_with_all_its_places(certs: Call, folder: Path) -> None:
    (folder / "trust.jks").write_bytes(jks(("theleaf", (LEAF,))))
    _, out, _ = certs(folder, "--serial", "abcdef", "--format", "json")
    (holding,) = document(out)["certificates"]

    assert holding["times_seen"] == 3
    assert {Path(p["source"]).name for p in holding["seen"]} == {
        "chain.pem",
        "leaf.pem",
        "trust.jks",
    }
    assert [p["label"] for p in holding["seen"] if p["kind"] == "JKS"] == ["theleaf"]


@pytest.mark.parametrize("text", ["abcdef", "AB:CD:EF", "0xabcdef", "11259375", "ab cd ef"])
def test_a_serial_number_may_be_written_in_many_ways(text: str, certs: Call, folder: Path) -> None:
    _, out, _ = certs(folder / "chain.pem", "--serial", text)

    assert "1 of 2 certificates" in out
    assert 0xABCDEF in serials_of(text)


def test_names_are_found_in_common_names_and_alternative_names(certs: Call, folder: Path) -> None:
    for text, count in (("LEAF", 1), ("server.ex", 1), ("issuing", 1), ("absent", 0)):
        _, out, _ = certs(folder / "chain.pem", "--cn", text, "--format", "json")

        assert len(document(out)["certificates"]) == count


def test_what_expires_soon_gives_status_1_only_where_there_is_some(certs: Call) -> None:
    soon = (EXPIRED, "--expires-within", "30d", "--exit-code")
    assert certs(*soon, "--cn", "gateway")[0] == 1
    assert certs(*soon, "--cn", "Issuing CA")[0] == 0


def test_export_writes_files_with_safe_names(certs: Call, tmp_path: Path) -> None:
    wicked = make("../../etc/\x1b[2J pass*wd")
    (tmp_path / "wicked.pem").write_bytes(pem(wicked))
    certs(tmp_path / "wicked.pem", "--export", tmp_path / "out")
    (written,) = (tmp_path / "out").iterdir()

    assert written.read_bytes() == pem(wicked)
    assert written.name == file_name(read_certificate(wicked.der))
    assert written.name.startswith("etc_2J_passstarwd-")


@pytest.mark.parametrize("common", ["", ".", "..", "con", "-rf", "\u202e", "a" * 64, "ä/ö"])
def test_no_name_makes_a_file_name_unsafe(common: str) -> None:
    made = file_name(read_certificate(make(common or None).der))

    assert made.replace("-", "").replace("_", "").replace(".", "").isalnum()
    assert made.isascii()
    assert not made.startswith((".", "-"))
    assert len(made) < 90


def test_csv_has_a_line_for_each_and_no_formula(certs: Call, tmp_path: Path) -> None:
    (tmp_path / "x.pem").write_bytes(pem(make("=HYPERLINK(1)"), LEAF))
    _, out, _ = certs(tmp_path / "x.pem", "--format", "csv")
    first, second = csv.DictReader(io.StringIO(out))

    assert first["name"] == "'=HYPERLINK(1)"
    assert (second["serial"], second["names"]) == ("abcdef", HOST)


def test_pem_output_can_be_read_again(certs: Call, tmp_path: Path) -> None:
    _, out, _ = certs(EXPIRED, "--format", "pem")
    again = tmp_path / "again.pem"
    again.write_text(out, encoding="utf-8")

    assert len(x509.load_pem_x509_certificates(out.encode())) == 2
    assert "2 certificates" in certs(again)[1]


def test_a_good_chain_verifies_then_and_now_apart(certs: Call, folder: Path) -> None:
    _, out, _ = certs(
        *(folder / "chain.pem", "--verify", "--ca", folder / "root.pem", "--format", "json"),
        *("--attime", "2026-06-01", "--hostname", HOST, "--purpose", "sslserver", "--exit-code"),
    )
    (found,) = document(out)["verifications"]

    assert found["then"]["ok"]
    assert [step["origin"] for step in found["path"]] == ["sent", "sent", "trusted"]
    _, out, _ = certs(
        *(folder / "chain.pem", "--verify", "--ca", folder / "root.pem", "--format", "json"),
        *("--attime", "2025-06-01"),
    )
    (found,) = document(out)["verifications"]

    assert found["then"]["name"] == "X509_V_ERR_CERT_NOT_YET_VALID"
    assert found["now"]["code"] != 9


def test_a_missing_intermediate_says_who_adds_what(certs: Call, folder: Path) -> None:
    status, out, _ = certs(
        *(folder / "leaf.pem", "--verify", "--ca", folder / "root.pem", "--exit-code")
    )

    assert status == 1
    assert "unable to get local issuer certificate (error 20 at depth 0)" in out
    assert "It looks like an intermediate" in out
    assert "The sender installs the missing intermediate" in out
    assert "openssl verify" in out


def test_a_capture_is_verified_by_who_sent_it(certs: Call, folder: Path) -> None:
    _, out, _ = certs(EXPIRED, "--verify", "--ca", folder / "root.pem", "--format", "json")
    (found,) = document(out)["verifications"]

    assert (found["purpose"], found["hostname"]) == ("sslserver", "gateway.example")
    assert found["then"]["time"] == found["seen"]["time"]
    codes = [problem["code"] for problem in found["then"]["problems"]]
    assert codes == [20, 10]


def test_a_list_at_hand_is_enough_to_know_of_a_revocation(certs: Call, folder: Path) -> None:
    (folder / "list.crl").write_bytes(crl(SUB, LEAF))
    chain = (folder / "chain.pem", "--verify", "--ca", folder / "root.pem")
    _, out, _ = certs(*chain, "--crl", folder / "list.crl", "--attime", "2026-06-01")

    assert "certificate revoked (error 23 at depth 0)" in out
    _, out, _ = certs(*chain, "--crl-check", "leaf", "--attime", "2026-06-01")

    assert "unable to get certificate CRL (error 3 at depth 0)" in out


def test_a_key_is_told_and_never_shown(
    certs: Call, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")  # the folder's name may be longer than a line
    status, out, err = certs(
        *(folder / "chain.pem", "--key", folder / "leaf.key", "--key", folder / "other.key"),
        "--exit-code",
    )
    words = " ".join(out.split())

    assert status == 1
    assert "leaf.key belongs to leaf" in words
    assert "other.key belongs to none of them" in words
    secret = key_pem(LEAF).decode().splitlines()[1]
    assert secret not in out + err


def test_passwords_come_from_files_or_the_environment(
    certs: Call, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "own.p12").write_bytes(p12(LEAF, SUB))
    monkeypatch.setenv("STORE_PASSWORD", SECRET.decode())

    assert certs(folder / "own.p12", "--password-file", folder / "password")[0] == 0
    assert certs(folder / "own.p12", "--password-env", "STORE_PASSWORD")[0] == 0
    status, out, err = certs(folder / "own.p12")
    assert (status, out) == (2, "")
    assert "needs a password" in err


def test_a_locked_store_in_a_folder_is_a_note_not_the_end(
    certs: Call, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")  # the folder's name may be longer than a line
    (folder / "own.p12").write_bytes(p12(LEAF, SUB))
    status, out, _ = certs(folder)

    assert status == 0
    assert "3 certificates" in out
    assert "own.p12: a PKCS#12 store: needs a password" in " ".join(out.split())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["absent.pem"], "cannot be opened", id="no file"),
        pytest.param(["notes.txt"], "holds no certificates", id="text"),
        pytest.param(["leaf.pem", "--verify"], "--ca FILE", id="no roots"),
        pytest.param(["leaf.pem", "--exit-code"], "say what to check", id="nothing to check"),
        pytest.param(["leaf.pem", "--serial", "xyz"], "no number", id="serial"),
        pytest.param(["leaf.pem", "--expires-within", "soon"], "no span", id="span"),
        pytest.param(["leaf.pem", "--attime", "soon"], "no point in time", id="time"),
        pytest.param(["leaf.pem", "--key", "root.pem"], "no private key", id="no key"),
        pytest.param(["leaf.pem", "--password-env", "ABSENT_X"], "no such", id="no variable"),
        pytest.param(
            ["leaf.pem", "--verify", "--ca", "root.pem", "--crl", "root.pem"],
            "revocation list",
            id="no list",
        ),
    ],
)
def test_a_mistake_is_one_line_and_status_2(
    arguments: list[str],
    words: str,
    certs: Call,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (folder / "notes.txt").write_text("buy milk\n")
    monkeypatch.chdir(folder)
    status, out, err = certs(*arguments)

    assert (status, out) == (2, "")
    assert words in err
    assert err.count("\n") == 1


def test_names_from_certificates_cannot_move_the_cursor(certs: Call, tmp_path: Path) -> None:
    wicked = make("x\x1b[2J", issuer_name=name("y\x1b]0;z\x07"))
    (tmp_path / "wicked.pem").write_bytes(pem(wicked))
    for form in ("text", "csv", "json", "pem"):
        _, out, _ = certs(tmp_path / "wicked.pem", "--format", form, "-v")

        assert "\x1b" not in out
        assert "\x07" not in out


def test_many_certificates_are_one_line_each(certs: Call, tmp_path: Path) -> None:
    made: list[Made] = [make(f"host{n}", issuer=ROOT, serial=n) for n in range(1, 9)]
    (tmp_path / "many.pem").write_bytes(pem(*made))
    _, out, _ = certs(tmp_path / "many.pem")

    for n in range(1, 9):
        (line,) = (line for line in out.splitlines() if f" host{n} " in line)
        assert "Root" in line
    assert "host3:" in certs(tmp_path / "many.pem", "-v")[1]


def test_spans_have_units() -> None:
    assert span_of("2w") == 14 * span_of("1d") == 14 * 24 * span_of("1h")


@pytest.mark.peer
@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
def test_the_openssl_command_says_the_same(certs: Call, folder: Path) -> None:
    _, out, _ = certs(
        *(EXPIRED, "--verify", "--ca", folder / "root.pem", "--format", "json"),
        *("--export", folder),
    )
    (found,) = document(out)["verifications"]
    done = subprocess.run(
        found["command"], shell=True, cwd=folder, capture_output=True, text=True, check=False
    )

    assert f"error {found['then']['code']} at {found['then']['depth']} depth" in (
        done.stdout + done.stderr
    )


def piped(data: bytes, *arguments: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "analyzer", "certs", "-", *arguments],
        input=data,
        capture_output=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONUTF8": "1"},
    )
    texts = (done.stdout.decode(), done.stderr.decode())
    return subprocess.CompletedProcess(done.args, done.returncode, *texts)


@pytest.mark.parametrize(
    ("data", "count"),
    [
        pytest.param(b"CONNECTED(00000003)\n---\n" + pem(LEAF, SUB), 2, id="s_client -showcerts"),
        pytest.param(LEAF.der, 1, id="DER"),
        pytest.param(jks(("a", (ROOT,))), 1, id="JKS"),
        pytest.param(EXPIRED.read_bytes(), 2, id="capture"),
        pytest.param(gzip.compress(EXPIRED.read_bytes()), 2, id="packed capture"),
        pytest.param(bz2.compress(EXPIRED.read_bytes()), 2, id="capture packed otherwise"),
    ],
)
def test_standard_input_may_be_any_of_them(data: bytes, count: int) -> None:
    done = piped(data)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{count} certificate")


def test_certificates_that_are_encrypted_are_said_to_be(certs: Call) -> None:
    _, out, _ = certs(SAMPLES / "cert_expired_tls13.pcap")

    assert "1 connection hides its certificates" in out


def test_the_file_with_the_private_key_is_named(certs: Call, folder: Path) -> None:
    _, out, _ = certs(folder, "--format", "json")
    files = {
        holding["file"].split("-")[0]: [Path(p).name for p in holding["private_key_in"]]
        for holding in document(out)["certificates"]
    }

    assert files == {"leaf": ["leaf.key"], "Root": ["other.key"], "Issuing": []}


def test_a_folder_of_thousands_is_verified_in_time(certs: Call, tmp_path: Path) -> None:
    one, many = pem(LEAF), make("many", issuer=SUB)
    (tmp_path / "many.pem").write_bytes((one + pem(many)) * 1500)
    (tmp_path / "above.pem").write_bytes(pem(SUB))
    (tmp_path / "root.pem").write_bytes(pem(ROOT))
    begun = time.process_time()
    _, out, _ = certs(
        tmp_path / "many.pem",
        tmp_path / "above.pem",
        "--verify",
        "--format",
        "json",
        "--ca",
        tmp_path / "root.pem",
        "--attime",
        "2026-06-01",
    )

    assert [v["times_seen"] for v in document(out)["verifications"]] == [1500, 1500]
    assert time.process_time() - begun < 5


def test_the_process_prints_and_ends_as_the_call_does(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "analyzer", "certs", str(folder / "chain.pem")],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONUTF8": "1"},
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert "2 certificates" in done.stdout
