"""Failed checks of signatures, Finished messages and records."""

from __future__ import annotations

import pytest

from analyzer.diagnosis.causes import Confidence, FailingSide, Phase, RemedySide
from tests.rules.judged import findings, headline, said_by
from tests.support import messages as m
from tests.support.stories import (
    CLIENT,
    SERVER,
    a_story,
    alerted,
    answered,
    answered13,
    finished_by_client,
    offered,
)

SRP_SUITE = 0xC01D  # TLS_SRP_SHA_WITH_AES_128_CBC_SHA
PSK_SUITE = 0x008C  # TLS_PSK_WITH_AES_128_CBC_SHA


def psk_until_finished() -> bytes:
    hello = m.record(m.HANDSHAKE, m.server_hello(suite=PSK_SUITE))
    return hello + m.record(m.HANDSHAKE, m.HELLO_DONE)


@pytest.mark.parametrize("alert", [20, 51])
def test_a_finished_that_does_not_verify(alert: int) -> None:
    (said,) = said_by("TLS-CRY-001", alerted(finished_by_client(), SERVER, alert))

    assert (said.cause, said.phase) == ("tampered", Phase.FINISHED)


def test_a_key_exchange_whose_signature_does_not_verify() -> None:
    said = findings(alerted(answered(), CLIENT, 51))[0]

    assert (said.cause, said.phase) == ("tampered", Phase.KEY_EXCHANGE)
    assert said.failing_side is FailingSide.CLIENT


def test_a_certificate_verify_that_does_not_fit_its_certificate() -> None:
    """RFC 5246 section 7.4.8: all that is signed is in clear, so it can be checked again."""
    scene = offered(m.client_hello()).server(m.server_flight(asking=True))
    scene = scene.client(m.client_flight(shown=(m.client_made().der,))).ack(SERVER)
    (said, *_) = findings(alerted(scene, SERVER, 51))

    assert (said.cause, said.phase) == ("tampered", Phase.CLIENT_CERTIFICATE)
    assert said.confidence is Confidence.SEEN
    assert "CertificateVerify does not verify" in " ".join(e.text for e in said.evidence)


def test_in_tls13_a_clear_decrypt_error() -> None:
    assert headline(alerted(answered13(), CLIENT, 51)) == "tampered"


def test_keys_of_tls13_come_of_the_hellos_and_of_no_certificate() -> None:
    hello = m.record(m.HANDSHAKE, m.server_hello_13())
    scene = offered(m.client_hello_13()).server(hello, m.switch(), m.sealed(600)).ack(CLIENT)
    (said, *_) = findings(alerted(scene, CLIENT, 20))

    assert (said.cause, said.phase) == ("tampered", Phase.FINISHED)
    assert "certificate" not in " ".join([said.explanation, *said.remedy])


def test_a_downgrade_mark_that_the_client_refuses() -> None:
    marked = m.server_hello(random=bytes(24) + b"DOWNGRD\1")
    flight = (
        m.record(m.HANDSHAKE, marked) + m.server_flight()[len(m.record(22, m.server_hello())) :]
    )
    scene = offered(m.client_hello_13()).server(flight).ack(CLIENT)

    assert headline(alerted(scene, CLIENT, 47)) == "tampered"


@pytest.mark.parametrize("alert", [20, 51])
def test_with_a_pre_shared_key_the_key_is_wrong(alert: int) -> None:
    hello = m.client_hello(suites=(PSK_SUITE,))
    scene = offered(hello).server(psk_until_finished()).client(m.client_flight()).ack(SERVER)
    story = alerted(scene, SERVER, alert)

    (said, *_) = findings(story)
    assert (said.cause, said.confidence) == ("psk_wrong_key", Confidence.SUSPECTED)
    assert "psk_unknown" in {alternative.cause for alternative in said.alternatives}
    assert said_by("TLS-CRY-001", story) == []
    assert said_by("TLS-CRY-002", alerted(finished_by_client(), SERVER, alert)) == []


def test_a_wrong_password_of_srp_is_like_a_wrong_key() -> None:
    hello = m.record(m.HANDSHAKE, m.server_hello(suite=SRP_SUITE)) + m.record(
        m.HANDSHAKE, m.HELLO_DONE
    )
    scene = offered(m.client_hello(suites=(SRP_SUITE,))).server(hello).client(m.client_flight())
    said = findings(alerted(scene.ack(SERVER), SERVER, 20))[0]

    assert (said.cause, said.remedy_side) == ("psk_wrong_key", RemedySide.CLIENT)
    assert "passwords" in said.title


def test_an_unknown_identity_is_another_matter() -> None:
    hello = m.client_hello(suites=(PSK_SUITE,))
    scene = offered(hello).server(psk_until_finished()).client(m.client_flight()).ack(SERVER)

    assert headline(alerted(scene, SERVER, 115)) == "psk_unknown"


def test_healthy_connections_are_quiet() -> None:
    assert said_by("TLS-CRY-001", a_story()) == []
