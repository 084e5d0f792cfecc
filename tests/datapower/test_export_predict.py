"""What a profile answers to a ClientHello, step by step; held against a real server of its kind."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from analyzer.cli import run
from analyzer.datapower.export.container import read_bytes
from analyzer.datapower.graph import build_graph
from analyzer.datapower.predict.answer import Answer, answer
from analyzer.pipeline import Analysis
from analyzer.tls.message.client_hello import ClientHello
from tests.bench.__main__ import RECORDED
from tests.bench.scenarios import Scenario, scenarios
from tests.datapower.beside import front
from tests.datapower.test_export_lint import NAMES, files
from tests.support.exports import (
    SUITES,
    Property,
    Thing,
    as_xml,
    credentials,
    handler,
    server_profile,
    thing,
)

SAMPLES = Path(__file__).parents[2] / "sample_pcaps"


def hello_of(capture: str) -> ClientHello:
    (judged, *_) = Analysis([SAMPLES / capture]).judged()
    assert judged.story.offer is not None
    return judged.story.offer


def told(things: list[Thing], capture: str, held: Any = None) -> Answer:
    graph = build_graph([read_bytes(as_xml([*things, *credentials()]), "export.xml")], held)
    profile = graph.listeners[0].profile
    assert profile is not None
    return answer(profile, hello_of(capture))


def served(**changes: Property) -> list[Thing]:
    return [
        Thing("SSLServerProfile", "front", {**server_profile().properties, **changes}),
        handler(),
    ]


def test_the_order_of_the_profile_decides() -> None:
    first = told(served(), "good_tls13.pcapng")
    last = told(served(Ciphers=SUITES[1::-1]), "good_tls13.pcapng")

    assert (first.suite and first.suite.name) == "TLS_AES_256_GCM_SHA384"
    assert (last.suite and last.suite.name) == "TLS_AES_128_GCM_SHA256"


def test_the_order_of_the_client_decides_where_the_profile_says_so() -> None:
    hello = hello_of("good_tls12.pcap")
    found = told(served(Protocols={"TLSv1d2"}, PreferServerCiphers="off"), "good_tls12.pcap")

    assert found.suite is not None
    listed = [f"TLS_{name}" for name in SUITES]
    assert found.suite.name == next(s.name for s in hello.cipher_suites if s.name in listed[2:])


@pytest.mark.parametrize(
    ("changes", "capture", "cause", "setting"),
    [
        pytest.param(
            {"Protocols": {"TLSv1d3"}},
            *("protocol_version_server_refuses.pcap", "protocol_version", "Protocols"),
            id="version",
        ),
        pytest.param(
            {"Ciphers": ["RSA_WITH_RC4_128_SHA"]},
            *("good_tls12.pcap", "no_shared_cipher", "Ciphers"),
            id="suite",
        ),
        pytest.param(
            {"Ciphers": SUITES[2:]},
            *("good_tls13.pcapng", "no_shared_cipher", "Ciphers"),
            id="TLS 1.3 without a suite of its own",
        ),
        pytest.param(
            {"EllipticCurves": ["secp256k1"]},
            *("good_tls13.pcapng", "no_shared_group", "EllipticCurves"),
            id="group",
        ),
    ],
)
def test_a_refusal_names_the_property(
    changes: dict[str, Property], capture: str, cause: str, setting: str
) -> None:
    found = told(served(**changes), capture)

    assert found.refused is not None
    assert (found.refused.cause, found.refused.setting) == (cause, setting)
    assert found.refused.label == "SSLServerProfile front"
    assert found.steps[-1].startswith("refused: ")


def test_the_key_must_fit_a_suite() -> None:
    things = served(Protocols={"TLSv1d2"}, Ciphers=["ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"])
    right = told(things, "good_tls12.pcap", files(gateway="elliptic"))
    wrong = told(things, "good_tls12.pcap", files(gateway="gateway"))

    assert right.refused is None
    assert wrong.refused is not None
    assert wrong.refused.setting == "Idcred"


def test_a_name_that_is_not_mapped_is_refused_although_there_is_a_default() -> None:
    by_name = [
        thing(
            "SSLSNIServerProfile",
            "by-name",
            Protocols={"TLSv1d2", "TLSv1d3"},
            SNIServerMapping="hosts",
            SNIServerDefault="front",
        ),
        NAMES[0].__class__(
            "SSLSNIMapping",
            "hosts",
            {"SNIMapping": [{"HostNameWildmat": "x.test", "SSLServer": "front"}]},
        ),
        server_profile(),
        handler(SSLServerConfigType="sni", SSLSNIServer="by-name"),
    ]
    named = told(by_name, "good_tls12.pcap")
    unnamed = told(by_name, "good_no_sni.pcap")

    assert named.refused is not None
    assert named.refused.cause == "sni_unrecognized"
    assert unnamed.refused is None


def test_what_the_export_does_not_state_is_left_open() -> None:
    bare = [Thing("SSLServerProfile", "front", {"Idcred": "gateway"}), handler()]
    found = told(bare, "good_tls12.pcap")

    assert found.refused is None
    assert "Ciphers" in found.unknown


def expected(scenario: Scenario) -> set[str | None]:
    """What the server of a scenario refuses; where the client may give up first, perhaps nothing."""
    truth = scenario.truth
    if truth.outcome == "established":
        return {None}
    may_be_client = truth.failing_side == "client"
    return {scenario.fault, None} if may_be_client else {scenario.fault}


def test_the_prediction_is_what_real_servers_did() -> None:
    """Refused or taken, and by which version and group, over the records of OpenSSL's kind."""
    wrong: list[str] = []
    compared = 0
    for scenario in scenarios():
        path = RECORDED / f"{scenario.name}.pcap"
        family = scenario.fault in PREDICTED
        if (
            not family
            or scenario.server not in {"openssl", "python", "haproxy"}
            or not path.exists()
        ):
            continue
        beside = front(scenario)
        graph = build_graph([read_bytes(beside.xml(), "export.xml")], beside.files)
        for judged in Analysis([path]).judged():
            story, profile = judged.story, graph.listeners[0].profile
            if story.offer is None or profile is None:
                continue
            found = answer(profile, story.offer)
            compared += 1
            refused = found.refused.cause if found.refused else None
            if refused not in expected(scenario):
                wrong.append(f"{scenario.name}: {refused}")
            elif story.version and found.version and found.version.label != story.version:
                wrong.append(f"{scenario.name}: {found.version.label}, not {story.version}")

    assert compared >= 20
    assert wrong == [], "\n".join(wrong)


PREDICTED = {
    *("good", "good_retry_request", "no_shared_cipher", "protocol_version", "no_shared_group"),
    *("sni_unrecognized", "sni_missing", "server_no_certificate"),
}


def test_the_command_tells_every_listener(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export = tmp_path / "export.xml"
    export.write_bytes(as_xml([*served(), *credentials(), handler("other", 8443)]))
    shutil.copy(SAMPLES / "good_tls12.pcap", tmp_path / "trace.pcap")
    words = ["datapower", "predict", "--dp-export", str(export)]
    words += ["--hello", f"{tmp_path / 'trace.pcap'}:0"]

    assert run(words) == 0
    text = capsys.readouterr().out
    assert text.count("✓ HTTPSSourceProtocolHandler") == 2
    assert "    suite: TLS_" in text
    assert run([*words, "--listener", "other", "-f", "json"]) == 0
    (one,) = json.loads(capsys.readouterr().out)
    assert (one["listener"], one["accepts"], one["certificate"]) == ("other", True, "gateway")


@pytest.mark.parametrize(
    ("hello", "said"),
    [
        pytest.param("trace.pcap", "give the capture and the stream", id="no stream"),
        pytest.param(f"{SAMPLES / 'good_tls12.pcap'}:9", "no TCP stream 9", id="no such stream"),
        pytest.param(f"{SAMPLES / 'connection_refused.pcap'}:0", "no ClientHello", id="no hello"),
    ],
)
def test_a_hello_that_is_none_is_said_so(
    hello: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export = tmp_path / "export.xml"
    export.write_bytes(as_xml([*served(), *credentials()]))

    assert run(["datapower", "predict", "--dp-export", str(export), "--hello", hello]) == 2
    assert said in capsys.readouterr().err
