"""Profiles that contradict themselves, weak settings, certificates near their end."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from analyzer.cli import run
from analyzer.datapower.export.container import read_bytes
from analyzer.datapower.graph import build_graph
from analyzer.datapower.lint.issues import Severity
from analyzer.datapower.lint.linting import lint
from tests.support.exports import (
    SUITES,
    Property,
    Thing,
    as_xml,
    client_profile,
    credentials,
    handler,
    server_profile,
    service,
    thing,
    trust,
)
from tests.tls.certificates import END, Made, day, make, ns, rsa_key

NOW = ns(END) - 200 * 86_400 * 1_000_000_000
Files = Mapping[str, tuple[bytes, ...]]


@functools.cache
def pki() -> dict[str, Made]:
    root = make("Root", ca=True)
    issuing = make("Issuing CA", issuer=root, ca=True)
    return {
        "root": root,
        "issuing": issuing,
        "gateway": make("gateway", issuer=issuing, key=rsa_key(), dns=("gateway.example",)),
        "elliptic": make("gateway", issuer=issuing, dns=("gateway.example",)),
        "expired": make("gateway", issuer=issuing, end=END - day(300)),
        "old": make("old", issuer=root, key=rsa_key(1024), algorithm=hashes.SHA256()),
    }


def files(**names: str) -> dict[str, tuple[bytes, ...]]:
    """Certificate files by object name."""
    return {f"{name}.pem": (pki()[what].der,) for name, what in names.items()}


def found(things: list[Thing], held: Files | None = None, at: int = NOW) -> dict[str, set[str]]:
    """Checks by label."""
    issues = lint(build_graph([read_bytes(as_xml(things), "export.xml")], held), at)
    by_label: dict[str, set[str]] = {}
    for issue in issues:
        by_label.setdefault(issue.label, set()).add(issue.check)
    return by_label


GOOD = [
    *credentials("issuing"),
    *trust("partners", "root"),
    server_profile(Protocols={"TLSv1d2", "TLSv1d3"}),
    client_profile(Protocols={"TLSv1d2", "TLSv1d3"}),
    handler(),
    service(),
]
GOOD_FILES = files(gateway="gateway", issuing="issuing", root="root")


def test_a_sound_export_has_nothing_against_itself() -> None:
    assert found(GOOD, GOOD_FILES) == {}


FRONT = "SSLServerProfile front"
BACK = "SSLClientProfile back"


def server(**changes: Property) -> list[Thing]:
    return [server_profile(**{"Protocols": {"TLSv1d2", "TLSv1d3"}, **changes}), *credentials()]  # type: ignore[arg-type]


def client(**changes: Property) -> list[Thing]:
    both = {"Protocols": {"TLSv1d2", "TLSv1d3"}, **changes}
    return [client_profile(**both), *trust("partners", "root")]  # type: ignore[arg-type]


NAMES = [
    thing(
        "SSLSNIMapping",
        "hosts",
        SNIMapping=[
            {"HostNameWildmat": "*.example", "SSLServer": "front"},
            {"HostNameWildmat": "a.example", "SSLServer": "front"},
            {"HostNameWildmat": "b.other", "SSLServer": "nowhere"},
        ],
    ),
    thing(
        "SSLSNIServerProfile", "by-name", Protocols={"TLSv1d2", "TLSv1d3"}, SNIServerMapping="hosts"
    ),
]


@pytest.mark.parametrize(
    ("things", "label", "check"),
    [
        pytest.param(server(Protocols=set()), FRONT, "no-version", id="no version"),
        pytest.param(server(Protocols={"TLSv1d0", "TLSv1d2"}), FRONT, "old-version", id="TLS 1.0"),
        pytest.param(
            server(Protocols={"TLSv1d2"}), FRONT, "unusable-suite", id="1.3 suites, no 1.3"
        ),
        pytest.param(
            server(Ciphers=SUITES[2:]), FRONT, "version-without-suite", id="1.3 without its suites"
        ),
        pytest.param(
            server(Ciphers=[*SUITES, "RSA_WITH_RC4_128_SHA"]), FRONT, "weak-suite", id="RC4"
        ),
        pytest.param(
            server(Protocols={"TLSv1d2"}, Ciphers=["RSA_WITH_AES_128_GCM_SHA256"]),
            *(FRONT, "rsa-only"),
            id="RSA only",
        ),
        pytest.param(server(Ciphers=[*SUITES, "BOGUS"]), FRONT, "unknown-suite", id="unknown name"),
        pytest.param(
            server(EllipticCurves=["secp256k1"]), FRONT, "unusual-groups", id="only odd curves"
        ),
        pytest.param(
            [Thing("SSLServerProfile", "front", {"Ciphers": SUITES})],
            *(FRONT, "no-credential"),
            id="no credential",
        ),
        pytest.param(
            server(RequestClientAuth="on"), FRONT, "no-validation", id="asks, nobody judges"
        ),
        pytest.param(
            server(RequestClientAuth="on", ValidateClientCert="off"),
            *(FRONT, "unjudged-clients"),
            id="anybody's certificate",
        ),
        pytest.param(server(Valcred="x"), FRONT, "unused-validation", id="never asks"),
        pytest.param(
            server(RequestClientAuth="on", Valcred="x", SendClientAuthCAList="off"),
            *(FRONT, "no-authorities"),
            id="no list",
        ),
        pytest.param(
            server(AllowLegacyRenegotiation="on"), FRONT, "legacy-renegotiation", id="renegotiation"
        ),
        pytest.param(client(ValidateServerCert="off"), BACK, "unjudged-server", id="any backend"),
        pytest.param(client(SSLClientFeatures=set()), BACK, "no-server-name", id="no SNI"),
        pytest.param(
            client(SSLClientFeatures={"use-sni", "permit-insecure-servers"}),
            *(BACK, "insecure-servers"),
            id="insecure servers",
        ),
        pytest.param(client(ValidateHostname="on"), BACK, "host-name-only-logged", id="logged"),
        pytest.param(
            [*server(Protocols={"TLSv1d2"}), *NAMES], FRONT, "versions-disagree", id="versions"
        ),
        pytest.param(
            [*server(), *NAMES], "SSLSNIMapping hosts", "shadowed-name", id="never reached"
        ),
        pytest.param(
            [*server(), *NAMES], "SSLSNIMapping hosts", "dangling-name", id="leads nowhere"
        ),
        pytest.param(
            [*server(), *NAMES], "SSLSNIServerProfile by-name", "no-default", id="no default"
        ),
        pytest.param(
            trust("v", "root", CertValidationMode="exact-match"),
            *("CryptoValCred v", "exact-match"),
            id="exact match",
        ),
        pytest.param(trust("v"), "CryptoValCred v", "empty-validation", id="empty"),
        pytest.param(
            trust("v", "root", CheckDates="off"), "CryptoValCred v", "no-dates", id="no dates"
        ),
        pytest.param(
            trust("v", "root", RequireCRL="on"), "CryptoValCred v", "no-revocation-list", id="CRL"
        ),
        pytest.param(trust("v", "issuing"), "CryptoValCred v", "no-root", id="pkix without a root"),
        pytest.param(
            [handler(SSLServer="nowhere")],
            *("SSLServerProfile nowhere", "listener-down"),
            id="missing profile",
        ),
        pytest.param(
            [*server(), handler(), handler("twin")],
            *("HTTPSSourceProtocolHandler twin", "listener-down"),
            id="two on one port",
        ),
        pytest.param(
            [thing("HTTPSSourceProtocolHandler", "bare", LocalPort="8443")],
            *("HTTPSSourceProtocolHandler bare", "listener-down"),
            id="no profile",
        ),
        pytest.param(
            [service("https://backend.example/", SSLClient="")],
            *("MultiProtocolGateway orders", "no-client-profile"),
            id="https without profile",
        ),
        pytest.param(
            [service("http://backend.example:443/")],
            *("MultiProtocolGateway orders", "plain-to-https"),
            id="http to 443",
        ),
        pytest.param(
            [service("https://192.0.2.9/"), *client()],
            *("MultiProtocolGateway orders", "address-without-name"),
            id="an address",
        ),
        pytest.param(
            [thing("CertMonitor", "m", DisableExpiredCerts="on")],
            *("CertMonitor m", "disables-expired"),
            id="monitor",
        ),
    ],
)
def test_a_contradiction_is_found_at_its_object(
    things: list[Thing], label: str, check: str
) -> None:
    assert check in found(things, GOOD_FILES)[label]
    assert check not in found(GOOD, GOOD_FILES).get(label, set())


@pytest.mark.parametrize(
    ("held", "label", "check"),
    [
        pytest.param(
            files(gateway="elliptic"), FRONT, "key-does-not-fit", id="ECDSA key, RSA suites"
        ),
        pytest.param(
            files(gateway="gateway"), "CryptoIdentCred gateway", "missing-intermediate", id="alone"
        ),
        pytest.param(
            files(gateway="expired"), "CryptoCertificate gateway", "expired", id="expired"
        ),
        pytest.param(files(gateway="old"), "CryptoCertificate gateway", "weak-key", id="weak key"),
    ],
)
def test_certificate_files_tell_more(held: Files, label: str, check: str) -> None:
    things = [*credentials(), server_profile(), handler()]

    assert check in found(things, held)[label]
    assert check not in found(things, None).get(label, set())


def test_a_certificate_near_its_end_is_called_out_as_the_monitor_says() -> None:
    soon = ns(END) - 40 * 86_400 * 1_000_000_000
    monitor = thing("CertMonitor", "m", ReminderTime="45")
    label = "CryptoCertificate gateway"

    assert "expires-soon" not in found(GOOD, GOOD_FILES, soon).get(label, set())
    assert "expires-soon" in found([*GOOD, monitor], GOOD_FILES, soon)[label]


def test_an_expired_certificate_in_a_validation_credential_is_the_worst() -> None:
    things = [*trust("partners", "stale"), *client()[:1]]
    held = files(stale="expired")
    graph = build_graph([read_bytes(as_xml(things), "export.xml")], held)
    (worst, *_) = lint(graph, NOW)

    assert (worst.label, worst.check) == ("CryptoCertificate stale", "expired")
    assert worst.severity is Severity.ERROR
    assert "takes everything above it along; CryptoValCred partners uses it" in worst.text


def write(folder: Path, things: list[Thing]) -> str:
    file = folder / "export.xml"
    file.write_bytes(as_xml(things))
    return str(file)


def test_the_command_prints_text_and_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export = write(tmp_path, server(Protocols={"TLSv1d0", "TLSv1d2", "TLSv1d3"}))

    assert run(["datapower", "lint", "--dp-export", export]) == 0
    text = capsys.readouterr().out
    assert "! SSLServerProfile front (domain payments): TLSv1d0 is on" in text
    assert run(["datapower", "lint", "--dp-export", export, "-f", "json", "--exit-code"]) == 1
    (issue, *_) = json.loads(capsys.readouterr().out)
    assert set(issue) == {
        *("check", "severity", "domain", "object", "property", "text", "change"),
    }


def test_the_command_reads_a_folder_of_certificates(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export = write(tmp_path, GOOD)
    for name in ("gateway", "issuing", "root"):
        pem = pki()[name].certificate.public_bytes(Encoding.PEM)
        (tmp_path / f"{name}.pem").write_bytes(pem)
    words = ["datapower", "lint", "--dp-export", export, "--cert-dir", str(tmp_path)]

    assert run([*words, "--at", "2026-06-01"]) == 0
    assert capsys.readouterr().out == "nothing found\n"
    assert run([*words, "--at", "2026-12-20", "--exit-code"]) == 1
    assert "in 12 days" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(["--dp-export", "nowhere.zip"], "nowhere.zip", id="no such file"),
        pytest.param([], "--dp-export", id="no export"),
        pytest.param(["--dp-export", "E", "--at", "soon"], "write it as", id="no date"),
        pytest.param(["--dp-export", "E", "--cert-dir", "none"], "no such folder", id="no folder"),
    ],
)
def test_a_wrong_command_line_is_one_line(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export = write(tmp_path, GOOD)

    assert run(["datapower", "lint", *(export if word == "E" else word for word in words)]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1
