"""``analyze --dp-export``: reports name the objects, and never a secret."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from analyzer.cli import run
from tests.support.exports import (
    Thing,
    as_cfg,
    as_xml,
    as_zip,
    credentials,
    handler,
    server_profile,
    service,
    thing,
)

SAMPLES = Path(__file__).parents[2] / "sample_pcaps"
TRACE = str(SAMPLES / "no_shared_cipher_tls12.pcap")
OWN = ["198.51.100.20"]
SECRET = "xyzzy-s3cret"
NARROW = {
    **server_profile().properties,
    "Protocols": {"TLSv1d2"},
    "Ciphers": ["ECDHE_RSA_WITH_AES_256_GCM_SHA384"],
}
THINGS = [Thing("SSLServerProfile", "front", NARROW), handler(), *credentials()]


def export(folder: Path, things: list[Thing], name: str = "export.xml") -> str:
    file = folder / name
    data = as_cfg(things, OWN) if name.endswith(".cfg") else as_xml(things, addresses=OWN)
    file.write_bytes(as_zip({"export.xml": data}) if name.endswith(".zip") else data)
    return str(file)


@pytest.mark.parametrize("name", ["export.xml", "payments.cfg", "export.zip"])
def test_a_finding_names_the_object_in_text_and_json(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["analyze", TRACE, "--dp-export", export(tmp_path, THINGS, name)]

    assert run(words) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "✗ SSLServerProfile front: Ciphers holds none of the client's suites" in text
    assert "gateway front side of domain payments: HTTPSSourceProtocolHandler https-in" in (
        text.replace("domain default", "domain payments")
    )
    assert run([*words, "-f", "json"]) == 0
    (connection,) = json.loads(capsys.readouterr().out)["connections"]
    assert connection["diagnosis"]["rule"] == "TLS-DPX-002"
    assert connection["objects"]["leg"] == "front"
    assert connection["objects"]["profile"] == "SSLServerProfile front"


def test_addresses_that_the_export_lacks_can_be_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "payments.cfg"
    file.write_bytes(as_cfg(THINGS))
    words = ["analyze", TRACE, "-f", "json", "--dp-export", str(file)]
    told: list[str] = []
    for more in ([], ["--dp-address", *OWN], ["--dp-address", "203.0.113.9"]):
        assert run([*words, *more]) == 0
        (connection,) = json.loads(capsys.readouterr().out)["connections"]
        told.append(f"{connection['diagnosis']['rule']} {connection['diagnosis']['confidence']}")

    assert told == ["TLS-DPX-002 suspected", "TLS-DPX-002 inferred", "TLS-NEG-001 suspected"]


def test_without_an_export_nothing_changes(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["analyze", TRACE, "-f", "json"]) == 0
    (connection,) = json.loads(capsys.readouterr().out)["connections"]

    assert connection["objects"] is None
    assert connection["diagnosis"]["rule"] == "TLS-NEG-001"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(["--dp-export", "nowhere.zip"], "nowhere.zip", id="no file"),
        pytest.param(["--dp-export", TRACE], "no DataPower export", id="a capture"),
        pytest.param(["--dp-export", os.devnull], "no DataPower export", id="nothing"),
        pytest.param(["--dp-address", "192.0.2.1"], "give --dp-export", id="an address alone"),
        pytest.param(["--dp-export", "E", "--dp-address", "me"], "no IP address", id="a name"),
        pytest.param(["--cert-dir", "."], "give --dp-export as well", id="certificates alone"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = export(tmp_path, THINGS)

    assert run(["analyze", TRACE, *(file if word == "E" else word for word in words)]) == 2
    told = capsys.readouterr()

    assert said in told.err
    assert told.err.count("\n") == 1
    assert told.out == ""


SECRETIVE = [
    Thing("SSLServerProfile", "front", NARROW),
    handler(),
    thing("CryptoCertificate", "gateway", Filename="cert:///g.pem", Password=SECRET),
    thing("CryptoKey", "gateway-key", Filename="cert:///g.key", Password=SECRET),
    thing("CryptoIdentCred", "gateway", Key="gateway-key", Certificate="gateway"),
    service(f"https://user:{SECRET}@backend.example:8443/?key={SECRET}"),
]


@pytest.mark.parametrize("name", ["export.xml", "payments.cfg", "export.zip"])
@pytest.mark.parametrize(
    "command",
    [
        pytest.param(["analyze", TRACE], id="analyze"),
        pytest.param(["analyze", TRACE, "-f", "json"], id="analyze as JSON"),
        pytest.param(["datapower", "lint"], id="lint"),
        pytest.param(["datapower", "lint", "-f", "json"], id="lint as JSON"),
        pytest.param(["datapower", "predict", "--hello", f"{TRACE}:0"], id="predict"),
    ],
)
def test_no_output_holds_a_secret(
    name: str, command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = export(tmp_path, SECRETIVE, name)

    assert run([*command, "--dp-export", file]) == 0
    told = capsys.readouterr()
    assert told.out
    assert SECRET not in told.out + told.err
