"""What openssl said is put beside a connection where address, name or certificate agree, and changes no verdict."""

from __future__ import annotations

import functools
import io

import pytest

from analyzer import Report, analyze
from analyzer.mustgather.runs import runs_of, told_by
from analyzer.pki.names import file_name, pem
from analyzer.report.witness import with_witness
from analyzer.tls.x509.chain import read_certificate
from tests.capture.captures import pcap
from tests.fuzz.seeds import talk
from tests.support import messages

SERVER = "198.51.100.2"
LEAF, ABOVE = messages.server_ders()[:2]
REFUSED = pcap(
    talk(
        (True, messages.client_hello()),
        (False, messages.server_flight()),
        (True, messages.alert(48)),
    )
)
DONE = "CONNECTED(00000003)\nNew, TLSv1.3, Cipher is TLS_AES_256_GCM_SHA384\nVerify return code: 0 (ok)\n"
UNVERIFIED = "error 20 at 0 depth lookup: unable to get local issuer certificate\n"


def beside(text: str, capture: bytes = REFUSED) -> tuple[Report, Report]:
    """The report of a capture, and that with what openssl said."""
    report = analyze(io.BytesIO(capture))
    return report, with_witness(report, functools.partial(told_by, runs_of({"out.txt": text})))


def added(text: str, capture: bytes = REFUSED) -> list[tuple[object, str]]:
    before, after = (one.connections[0].diagnosis for one in beside(text, capture))
    assert before is not None
    assert after is not None
    assert after.evidence[: len(before.evidence)] == before.evidence
    return [(one.frame, one.text) for one in after.evidence[len(before.evidence) :]]


@pytest.mark.parametrize(
    "command",
    [
        f"$ openssl s_client -connect {SERVER}:443 -servername {messages.HOST}",
        f"C:\\> openssl.exe s_client -servername {messages.HOST} -connect {messages.HOST.upper()}:443",
    ],
)
def test_a_run_with_the_same_server_is_evidence(command: str) -> None:
    ((frame, text),) = added(f"{command}\n{DONE}")

    assert frame == 3
    assert text.startswith("openssl to ")
    assert text.endswith(
        f":443 as {messages.HOST} (openssl/out.txt): the handshake completed "
        "(TLSv1.3, TLS_AES_256_GCM_SHA384); the chain verifies"
    )


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(DONE.replace("New,", pem(LEAF) + "New,"), id="s_client"),
        pytest.param(
            f"$ openssl verify -CAfile r.pem certificates/{file_name(read_certificate(LEAF))}\n{UNVERIFIED}",
            id="verify",
        ),
    ],
)
def test_a_run_that_was_given_the_same_certificate_is_evidence(text: str) -> None:
    ((frame, said),) = added(text)

    assert frame == 4
    assert said.startswith("openssl, given the same certificate (openssl/out.txt): ")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(DONE, id="nothing to know it by"),
        pytest.param(f"openssl s_client -connect {SERVER}:8443\n{DONE}", id="another port"),
        pytest.param(f"openssl s_client -connect other.example:443\n{DONE}", id="another host"),
        pytest.param(DONE.replace("New,", pem(ABOVE) + "New,"), id="the issuer's certificate"),
        pytest.param(f"openssl s_client -connect {SERVER}:443\n", id="it says nothing"),
        pytest.param(
            "-----BEGIN CERTIFICATE-----\nAAA=A\n-----END CERTIFICATE-----\n" + DONE,
            id="no certificate",
        ),
    ],
)
def test_what_does_not_agree_joins_nothing(text: str) -> None:
    assert added(text) == []


def test_each_run_of_a_file_is_joined_by_its_own_command() -> None:
    text = (
        f"$ openssl s_client -connect other.example:443\n{DONE}"
        f"$ openssl s_client -connect {SERVER}:443\nconnect:errno=111\n"
        f"{DONE}"
    )
    ((_, said),) = added(text)

    assert said == f"openssl to {SERVER}:443 (openssl/out.txt): no TCP connection came about"


def test_no_verdict_changes_and_who_did_not_fail_gets_nothing() -> None:
    good = pcap(
        talk(
            *((True, messages.client_hello()), (False, messages.server_flight())),
            *((True, messages.client_flight()), (False, messages.finished())),
            *((True, messages.data()), (False, messages.data())),
        )
    )
    before, after = beside(f"openssl s_client -connect {SERVER}:443\n{DONE}", good)

    assert after == before
