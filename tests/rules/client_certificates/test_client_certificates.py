"""Every cause of a refused client certificate: the story that shows it, and its quiet neighbour."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from analyzer import rules
from analyzer.diagnosis.causes import Confidence, FailingSide, RemedySide
from analyzer.diagnosis.engine import diagnose, outcome
from analyzer.diagnosis.model import Finding
from analyzer.tls.message.keyexchange import CertificateRequest
from analyzer.tls.story import Begun, Milestone, Story
from tests.rules.judged import findings, headline, said_by
from tests.support import messages as m
from tests.support.stories import (
    CLIENT,
    SERVER,
    Scene,
    a_story,
    alerted,
    answered,
    answered13,
    ended,
    established,
    established13,
    finished_by_client,
    offered,
)
from tests.tls.certificates import chain, make

SEEN, INFERRED, SUSPECTED = Confidence.SEEN, Confidence.INFERRED, Confidence.SUSPECTED
PAST, LAST_YEAR = datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
NEXT_YEAR, LATER = datetime(2027, 6, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
SERVERS_ONLY = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False


def shown(case: str) -> tuple[bytes, ...]:
    """What the client answers to the CertificateRequest."""
    _, above, _ = chain()
    made = {
        "good": lambda: make("partner", issuer=above),
        "expired": lambda: make("partner", issuer=above, begin=PAST, end=LAST_YEAR),
        "not yet valid": lambda: make("partner", issuer=above, begin=NEXT_YEAR, end=LATER),
        "for servers": lambda: make("partner", SERVERS_ONLY, issuer=above),
    }
    return (made[case]().der, above.der) if case in made else ()


def refused(case: str, alert: int | None) -> Story:
    """A server that got this certificate, or none, and gives up."""
    scene = finished_by_client(shown=shown(case))
    return ended(scene, "fin", SERVER) if alert is None else alerted(scene, SERVER, alert)


@pytest.mark.parametrize(
    ("case", "alert", "cause", "confidence"),
    [
        ("none", 40, "client_cert_missing", SEEN),
        ("none", 42, "client_cert_missing", SEEN),
        ("none", 50, "client_cert_missing", SEEN),
        ("none", None, "client_cert_missing", INFERRED),
        ("good", 48, "client_cert_untrusted", INFERRED),
        ("good", 46, "client_cert_untrusted", SUSPECTED),
        ("good", 44, "client_cert_revoked", SEEN),
        ("good", 40, "client_certificate_rejected", INFERRED),
        ("expired", 45, "client_cert_expired", SEEN),
        ("expired", 42, "client_cert_expired", INFERRED),
        ("not yet valid", 42, "client_cert_not_yet_valid", INFERRED),
        ("for servers", 43, "client_cert_wrong_usage", SEEN),
        ("for servers", 46, "client_cert_wrong_usage", INFERRED),
    ],
)
def test_a_refused_client_certificate_has_this_cause(
    case: str, alert: int | None, cause: str, confidence: Confidence
) -> None:
    said = findings(refused(case, alert))[0]

    assert (said.cause, said.confidence) == (cause, confidence)
    assert said.failing_side is FailingSide.SERVER


def test_an_issuer_that_the_server_did_not_name_is_a_fact() -> None:
    other = make("Other CA", ca=True).certificate.subject.public_bytes()
    request = CertificateRequest(authorities=(other,))
    scene = finished_by_client(shown=shown("good")).say(SERVER, m.alert(48))
    (said,) = said_by("TLS-CLCRT-002", scene.story(certificate_request=request))

    assert said.confidence is SEEN
    assert said.remedy_side is RemedySide.SERVER
    assert "CN=Other CA" in said.explanation


def test_in_tls13_the_length_of_an_empty_certificate_tells() -> None:
    scene = answered13(asking=True).client(m.switch(), m.sealed(8, m.FINISHED_13)).ack(SERVER)
    said = findings(scene.server(m.sealed(2)).fin(SERVER).story())[0]

    assert (said.cause, said.confidence) == ("client_cert_missing", INFERRED)


def test_in_tls13_the_fault_of_a_certificate_stays_dark() -> None:
    scene = answered13(asking=True).client(m.switch(), m.sealed(700, 79, m.FINISHED_13))
    said = findings(scene.ack(SERVER).server(m.sealed(2)).fin(SERVER).story())[0]

    assert (said.cause, said.confidence) == ("client_certificate_rejected", INFERRED)
    assert "client_cert_missing" not in {other.cause for other in said.alternatives}


def test_in_tls13_an_answer_of_odd_length_was_refused_all_the_same() -> None:
    scene = answered13(asking=True).client(m.sealed(24)).ack(SERVER).server(m.sealed(2))
    said = findings(scene.fin(SERVER).client(m.sealed(m.FINISHED_13)).rst(SERVER).story())[0]

    assert (said.cause, said.confidence) == ("client_certificate_rejected", SUSPECTED)
    assert said.failing_side is FailingSide.SERVER


def test_in_tls13_a_client_that_left_early_was_refused_nevertheless() -> None:
    scene = answered13(asking=True).client(m.switch(), m.sealed(8, m.FINISHED_13, 41, 2))
    said = findings(scene.ack(SERVER).server(m.sealed(2)).fin(SERVER).fin(CLIENT).story())[0]

    assert (said.cause, said.failing_side) == ("client_cert_missing", FailingSide.SERVER)
    assert said.confidence is SUSPECTED


def test_in_tls13_who_takes_leave_without_a_request_may_be_answered() -> None:
    """A check without a certificate, or psql, which judges the server's name last: both look like this."""
    scene = answered13(asking=True).client(m.switch(), m.sealed(8, m.FINISHED_13)).ack(SERVER)
    scene.client(m.sealed(2)).server(m.sealed(2)).fin(SERVER).rst(CLIENT)
    said = headline_of(scene.story())

    assert (said.cause, said.confidence) == ("client_cert_missing", SUSPECTED)
    assert "closed_after_handshake" in {other.cause for other in said.alternatives}


@pytest.mark.parametrize(("after", "told"), [(0.1, "failed"), (6.0, "incomplete")])
def test_in_tls13_a_close_after_a_long_wait_is_answered_and_not_refused(
    after: float, told: str
) -> None:
    """A server without tickets says nothing until it is asked or left."""
    scene = established13(tickets=False, shown=900).wait(after).fin(CLIENT)
    story = scene.server(m.sealed(2)).rst(CLIENT).story()

    assert outcome(story, diagnose(story, rules.modules()).headline) == told


def test_in_tls13_a_client_that_went_on_to_talk_was_not_refused_long_before() -> None:
    """syslog-ng sends lines and hears nothing: a refusal would not have waited for the client's close."""
    scene = established13(tickets=False, shown=900).client(m.sealed(26)).ack(SERVER)
    scene.wait(0.8).client(m.sealed(26)).ack(SERVER).wait(2.0).fin(CLIENT)
    story = scene.server(m.sealed(2)).rst(CLIENT).story()

    assert outcome(story, diagnose(story, rules.modules()).headline) == "incomplete"


def test_in_tls13_two_alerts_are_no_acceptance() -> None:
    """GnuTLS sends access_denied and then another; a ticket or an answer is longer."""
    scene = answered13(asking=True).client(m.switch(), m.sealed(900, 79, m.FINISHED_13)).ack(SERVER)
    story = scene.server(m.sealed(2)).server(m.sealed(2)).fin(SERVER).story()

    assert story.completed is False
    assert headline(story) == "client_certificate_rejected"


@pytest.mark.parametrize("answer", [(700, 79), (8,)], ids=["certificate", "none"])
@pytest.mark.parametrize("segments", [1, 2])
def test_in_tls13_two_bytes_of_data_and_a_close_look_like_two_alerts(
    answer: tuple[int, ...], segments: int
) -> None:
    scene = answered13(asking=True).client(m.switch(), m.sealed(*answer, m.FINISHED_13)).ack(SERVER)
    for _ in range(segments - 1):
        scene.server(m.sealed(2))
    said = findings(scene.server(*[m.sealed(2)] * (3 - segments)).fin(SERVER).story())[0]

    assert said.confidence is SUSPECTED
    assert said.alternatives[-1].cause == "fine"


@pytest.mark.parametrize("asked", [answered, answered13])
def test_a_client_that_leaves_when_it_is_asked_has_none_at_hand(
    asked: Callable[..., Scene],
) -> None:
    """As browsers do, whose user is to choose one first."""
    said = findings(ended(asked(asking=True, alpn=("h2", "http/1.1")), "fin", CLIENT))[0]

    assert (said.cause, said.confidence) == ("client_cert_missing", SUSPECTED)
    assert (said.failing_side, said.remedy_side) == (FailingSide.CLIENT, RemedySide.CLIENT)
    assert headline(ended(asked(), "fin", CLIENT)) != "client_cert_missing"
    assert headline(alerted(asked(asking=True), CLIENT, 42)) != "client_cert_missing"


def test_a_client_of_no_known_stack_that_does_not_ask_for_http_is_no_browser() -> None:
    """As openconnect, whose list of extensions GnuTLS writes in an order of its caller's making."""
    said = findings(ended(answered13(asking=True), "fin", CLIENT))[0]

    assert (said.cause, said.confidence) == ("server_certificate_rejected", SUSPECTED)


def test_a_program_answers_when_it_is_asked_and_leaves_over_the_server() -> None:
    """WeeChat (GnuTLS) resets when it does not trust the server, which had asked for a certificate."""
    found = (
        *((10, m.numbers((29, 23))), (13, m.numbers((0x0403, 0x0804))), (22, b""), (23, b"")),
        *((35, b""), (51, b"\0\x24\0\x1d\0\x20" + bytes(32)), (43, b"\2\3\4")),
        *((0xFF01, b"\0"), (0, m.server_name(m.HOST))),
    )
    bare: dict[str, Any] = dict.fromkeys(("groups", "schemes", "versions", "key_shares"), ())
    bare |= {"sni": None, "renegotiation": False, "master_secret": False}
    hello = m.client_hello_13(*[m.extension(*one) for one in found], **bare)
    flight = m.record(m.HANDSHAKE, m.server_hello_13()), m.switch()
    scene = offered(hello).server(*flight, m.sealed(6, 60, 900, 79, m.FINISHED_13)).ack(CLIENT)
    said = findings(ended(scene.client(m.switch()), "rst", CLIENT))[0]

    assert (said.cause, said.confidence) == ("server_certificate_rejected", SUSPECTED)


def test_a_client_that_leaves_over_a_plain_flaw_was_not_asked_too_much() -> None:
    _, above, _ = chain()
    old = make("leaf", issuer=above, dns=(m.HOST,), begin=PAST, end=LAST_YEAR).der, above.der

    assert headline(ended(answered(asking=True, ders=old), "fin", CLIENT)) == "cert_expired"


def test_accepted_certificates_are_quiet() -> None:
    accepted = established(shown=shown("good")).client(m.data()).server(m.data())

    assert headline(accepted.client(m.sealed_alert()).fin(CLIENT).fin(SERVER).story()) is None
    assert headline(a_story()) is None


def test_a_server_that_answers_shortly_after_a_certificate_accepted_it() -> None:
    scene = established13(tickets=False, shown=900).server(m.sealed(4)).ack(CLIENT)
    story = scene.client(m.sealed(2)).fin(CLIENT).fin(SERVER).story()

    assert (story.completed, headline(story)) == (True, None)


def test_a_bad_signature_is_not_a_bad_certificate() -> None:
    said = findings(refused("good", 51))[0]

    assert said.cause == "tampered"


def test_a_certificate_in_clear_is_not_called_hidden() -> None:
    (shown_,) = said_by("TLS-CLCRT-006", refused("good", 44))

    assert "not in clear" not in shown_.explanation
    assert shown_.explanation.startswith("The certificate does not show it; the alert names")


def test_a_server_that_goes_on_after_a_reset_in_its_name_refused_nothing() -> None:
    reset = answered(asking=True).client(m.client_flight(shown=())).ack(SERVER).rst(SERVER)
    refused = reset.story()
    went_on = reset.server(m.switch()).fin(SERVER).story()

    assert headline(refused) == "client_cert_missing"
    assert headline(went_on) is None


def test_an_internal_error_behind_a_certificate_may_be_about_it() -> None:
    """Apache says so where a chain is deeper than SSLVerifyDepth."""
    said = headline_of(refused("good", 80))

    assert (said.cause, said.confidence) == ("server_internal", SUSPECTED)
    assert "client_certificate_rejected" in {other.cause for other in said.alternatives}


def headline_of(story: Story) -> Finding:
    found = diagnose(story, rules.modules()).headline
    assert found is not None
    return found


def asked_later(case: str, alert: int) -> Story:
    """As keys show it: the handshake was complete when the server asked for a certificate."""
    story = refused(case, alert)
    finished = story.milestones[Milestone.CLIENT_HELLO]
    passed = {**story.milestones, Milestone.CLIENT_FINISHED: finished}
    return replace(story, completed=True, milestones=passed)


@pytest.mark.parametrize(
    ("case", "alert", "cause"),
    [
        ("expired", 45, "client_cert_expired"),
        ("good", 48, "client_cert_untrusted"),
        ("none", 116, "client_cert_missing"),
        ("good", 90, None),
    ],
)
def test_a_certificate_may_be_refused_behind_the_handshake(
    case: str, alert: int, cause: str | None
) -> None:
    assert headline(asked_later(case, alert)) == cause


def test_a_certificate_of_the_handshake_itself_was_not_refused_by_what_ends_the_connection() -> (
    None
):
    assert headline(replace(refused("good", 48), completed=True)) is None


@pytest.mark.parametrize(
    ("case", "side"), [("good", RemedySide.SERVER), ("expired", RemedySide.CLIENT)]
)
def test_a_server_that_calls_a_valid_certificate_expired_looks_at_its_clock(
    case: str, side: RemedySide
) -> None:
    said = findings(refused(case, 45))[0]

    assert (said.cause, said.remedy_side) == ("client_cert_expired", side)


@pytest.mark.parametrize(("names", "cause"), [(2000, True), (1, False)])
def test_a_server_need_not_take_a_long_certificate(names: int, cause: bool) -> None:
    """JSSE says unexpected_message of handshake messages beyond its limit."""
    _, above, _ = chain()
    many = tuple(f"host{number}.partner.example" for number in range(names))
    long = make("partner", issuer=above, dns=many).der
    body = m.certificate(long, above.der)
    parts = b"".join(
        m.record(m.HANDSHAKE, body[at : at + 16_384]) for at in range(0, len(body), 16_384)
    )
    scene = answered(asking=True).client(parts).ack(SERVER)

    assert (headline(alerted(scene, SERVER, 10)) == "client_certificate_rejected") is cause


def test_nor_need_a_server_of_tls13_take_one_that_keys_show() -> None:
    scene = answered13(asking=True).client(m.switch(), m.sealed(16_384)).ack(SERVER)
    story = alerted(scene, SERVER, 10)
    begun = Begun("certificate", CLIENT, story.ending.frame - 1, 40_000)

    assert headline(story) != "client_certificate_rejected"
    assert headline(replace(story, begun=(begun,))) == "client_certificate_rejected"
