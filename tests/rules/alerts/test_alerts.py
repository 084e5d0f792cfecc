"""Whatever the alert, the step and the side: there is a headline, and never an exception."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.diagnosis.causes import Confidence, FailingSide, Phase, RemedySide
from analyzer.diagnosis.engine import diagnose
from analyzer.rules import modules
from analyzer.tls.story import Habits, Neighbours
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
    connected,
    finished_by_client,
    hello_only,
    offered,
    tls13,
)

RESUMED = m.record(m.HANDSHAKE, m.server_hello(session_id=bytes(32))) + m.finished()


def hello_only13() -> Scene:
    hello = m.record(m.HANDSHAKE, m.server_hello_13())
    return offered(m.client_hello_13()).server(hello).ack(CLIENT)


def finished13(*lengths: int) -> Scene:
    return answered13(asking=bool(lengths)).client(m.sealed(*lengths, m.FINISHED_13)).ack(SERVER)


STEPS: Mapping[str, Callable[[], Scene]] = {
    "connected": connected,
    "offered": offered,
    "offered 1.3": lambda: offered(m.client_hello_13()),
    "server hello": hello_only,
    "server hello 1.3": hello_only13,
    "server flight": answered,
    "server flight, asked": lambda: answered(asking=True),
    "server flight 1.3": answered13,
    "client finished": finished_by_client,
    "client finished, no certificate": lambda: finished_by_client(shown=()),
    "client finished, certificate": lambda: finished_by_client(shown=m.server_ders()),
    "client finished 1.3, none": lambda: finished13(8),
    "client finished 1.3, certificate": lambda: finished13(700, 79),
    "resumed": lambda: offered(m.client_hello(session_id=bytes(32))).server(RESUMED).ack(CLIENT),
}
ORDERLY = {0, 90}


@settings(max_examples=300, deadline=None)
@given(
    step=st.sampled_from(sorted(STEPS)),
    side=st.sampled_from([CLIENT, SERVER]),
    alert=st.integers(0, 255),
)
def test_every_fatal_alert_at_every_step_has_a_headline(
    step: str, side: object, alert: int
) -> None:
    who = CLIENT if side is CLIENT else SERVER
    said = findings(alerted(STEPS[step](), who, alert))

    if alert not in ORDERLY:
        assert said, (step, who, alert)
    for finding in said:
        assert finding.evidence
        assert finding.failing_side in {FailingSide.CLIENT, FailingSide.SERVER}
        assert finding.remedy
        texts = (finding.title, finding.explanation, *finding.remedy)
        told = (*texts, *(evidence.text for evidence in finding.evidence))
        assert not [text for text in told if "{" in text or "None" in text]


@pytest.mark.parametrize("step", sorted(set(STEPS) - {"connected", "offered", "offered 1.3"}))
@pytest.mark.parametrize("side", [CLIENT, SERVER])
def test_an_encrypted_alert_before_the_end_has_a_headline(step: str, side: object) -> None:
    who = CLIENT if side is CLIENT else SERVER
    sealed = m.sealed(2) if "1.3" in step else m.sealed_alert()
    story = STEPS[step]().say(who, sealed).fin(who).fin(who.peer).story()

    if story.completed is False:
        assert findings(story), (step, who)


@pytest.mark.parametrize(
    ("side", "alert", "rule_id"),
    [
        (SERVER, 40, "TLS-ALERT-001"),
        (SERVER, 47, "TLS-ALERT-001"),
        (SERVER, 255, "TLS-ALERT-001"),
        (SERVER, 10, "TLS-ALERT-005"),
        (SERVER, 50, "TLS-ALERT-005"),
        (CLIENT, 80, "TLS-ALERT-005"),
    ],
)
def test_the_fallback_for_an_offer(side: object, alert: int, rule_id: str) -> None:
    who = CLIENT if side is CLIENT else SERVER

    assert len(said_by(rule_id, alerted(offered(), who, alert))) == 1


@pytest.mark.parametrize(
    ("alert", "cause"),
    [
        (112, "sni_unrecognized"),
        (120, "alpn_mismatch"),
        (115, "psk_unknown"),
        (86, "inappropriate_fallback"),
        (70, "protocol_version"),
        (44, "client_cert_revoked"),
        (48, "client_certificate_rejected"),
    ],
)
def test_an_alert_says_by_itself_what_it_can(alert: int, cause: str) -> None:
    (said,) = said_by("TLS-ALERT-005", alerted(offered().only(SERVER), SERVER, alert))

    assert said.cause == cause


def test_a_contradiction_in_the_offer_is_no_matter_of_the_version() -> None:
    story = alerted(offered(m.client_hello_13()), SERVER, 47)
    (said,) = said_by("TLS-ALERT-001", story)

    assert said.confidence is Confidence.SUSPECTED
    assert said.alternatives[0].cause == "protocol_violation"
    assert said_by("TLS-NEG-002", story) == []


@pytest.mark.parametrize(("asking", "sure"), [(True, "suspected"), (False, "inferred")])
def test_who_was_asked_for_a_certificate_may_mean_that_request(asking: bool, sure: str) -> None:
    (said,) = said_by("TLS-ALERT-003", alerted(answered(asking=asking), CLIENT, 40))

    assert said.confidence.value == sure
    assert ("no_shared_sigalg" in {other.cause for other in said.alternatives}) is asking


@pytest.mark.parametrize("asking", [True, False])
def test_under_encryption_the_own_key_of_a_client_that_was_asked_is_not_excluded(
    *, asking: bool
) -> None:
    """As of BoringSSL with a key of Ed25519 or P-521."""
    scene = answered13(asking=asking).client(m.switch(), m.sealed(2)).fin(CLIENT).fin(SERVER)
    said = findings(scene.story())[0]

    assert (said.cause, said.confidence) == ("server_certificate_rejected", Confidence.INFERRED)
    assert ("no_shared_sigalg" in {other.cause for other in said.alternatives}) is asking


@pytest.mark.parametrize("asking", [True, False])
def test_who_uses_other_connections_with_a_server_hardly_refuses_its_certificate(
    *, asking: bool
) -> None:
    scene = answered13(asking=asking).client(m.switch(), m.sealed(2)).fin(CLIENT).fin(SERVER)
    alone = scene.story()
    habits = Habits(used=(alone.start - 1, alone.start + 1))
    said = findings(replace(alone, neighbours=Neighbours(habits=habits)))[0]

    assert (said.cause, said.confidence) == ("server_certificate_rejected", Confidence.SUSPECTED)
    assert (said.alternatives[0].cause == "no_shared_sigalg") is asking


def test_a_refused_choice_without_a_better_reason() -> None:
    story = alerted(hello_only(), CLIENT, 47)

    assert headline(story) == "negotiation_failed"
    assert said_by("TLS-ALERT-002", alerted(answered(), CLIENT, 48)) == []


def test_a_close_after_an_alert_is_noise() -> None:
    scene = offered().rst(SERVER).say(CLIENT, m.alert(50))

    assert said_by("TLS-ALERT-005", scene.story()) == []


def test_an_alert_stands_before_its_senders_close_whichever_was_captured_first() -> None:
    scene = answered().say(CLIENT, m.alert(48), captured=False).fin(CLIENT)

    assert headline(scene.overtaken(CLIENT, m.alert(48)).story()) == "untrusted_ca"


def test_what_a_cut_hello_lacks_proves_nothing() -> None:
    hello = m.client_hello(sni=None, alpn=("h2",), suites=(0xC02B,))
    whole = offered(hello).server(m.alert(112)).story()
    cut = connected().client(hello, cut=40).ack(SERVER).server(m.alert(112)).story()
    vague = connected().client(hello, cut=40).ack(SERVER).server(m.alert(40)).story()

    assert (headline(whole), headline(cut)) == ("sni_missing", "sni_unrecognized")
    assert headline(vague) == "negotiation_failed"


@pytest.mark.parametrize(
    ("alert", "cause"), [(45, "client_cert_expired"), (42, "client_certificate_rejected")]
)
def test_a_servers_word_on_certificates_is_about_the_clients(alert: int, cause: str) -> None:
    """Also where the snap length took the rest of the handshake."""
    flight = m.server_flight(asking=True)
    scene = offered().server(flight, cut=len(flight) - 120).ack(CLIENT)
    scene.client(m.client_flight(shown=()), captured=False)
    said = findings(scene.server(m.alert(alert)).fin(SERVER).story())[0]

    assert said.cause == cause


def test_a_complaint_about_bytes_that_were_not_captured_is_no_violation() -> None:
    scene = offered().server(m.alert(10)).fin(SERVER)

    assert headline(scene.story()) is not None
    assert headline(scene.only(SERVER).late().story()) is None


def test_an_alert_behind_an_answer_that_the_snap_length_took_refuses_no_offer() -> None:
    """The server had chosen; which of the client's later messages it refused cannot be seen."""
    flight, alert = m.server_flight(asking=True), m.alert(40)
    cut = offered().server(flight, cut=len(flight) - 8).ack(CLIENT)
    shown = m.client_flight(shown=())
    blind = cut.client(shown, cut=len(shown) - 8).ack(SERVER).server(alert).fin(SERVER)
    first = offered().server(alert).fin(SERVER)
    (said, *_), (refused, *_) = findings(blind.story()), findings(first.story())

    assert (said.cause, said.phase) == ("negotiation_failed", Phase.CLIENT_HELLO)
    assert said.confidence is Confidence.SUSPECTED
    assert [other.cause for other in said.alternatives] == ["client_certificate_rejected"]
    assert refused.rule == "TLS-ALERT-001"
    assert said.rule == "TLS-ALERT-005"


def test_an_alert_to_a_client_that_went_on_refuses_no_offer() -> None:
    """All that the server said before was not captured; the client had its answer."""
    scene = offered().server(m.server_flight()).ack(CLIENT).client(m.client_flight()).ack(SERVER)
    said = findings(scene.server(m.alert(40)).fin(SERVER).heard_last(SERVER).story())[0]

    assert said.rule == "TLS-ALERT-005"
    assert said.confidence is Confidence.SUSPECTED


def test_a_client_that_shows_a_certificate_was_asked_for_it() -> None:
    flight = m.server_flight(asking=True)
    scene = offered().server(flight, cut=len(flight) - 8).ack(CLIENT)
    scene.client(m.client_flight(shown=())).ack(SERVER)

    assert headline(scene.server(m.alert(40)).fin(SERVER).story()) == "client_cert_missing"


@pytest.mark.parametrize("alert", [40, 80])
def test_a_no_in_a_connection_that_began_before_the_capture_is_only_suspected(alert: int) -> None:
    story = answered().client(m.alert(alert)).fin(CLIENT).late().only(CLIENT).story()
    told = findings(replace(story, offers=()))[0]

    assert told.confidence is Confidence.SUSPECTED
    assert "server_certificate_rejected" in {other.cause for other in told.alternatives}


def test_a_complaint_about_an_answer_that_cannot_be_read_is_no_violation() -> None:
    """Another protocol's words, perhaps, of which only the SYN would tell whether they are the first."""
    scene = offered().server(b"who are you?\r\n").client(m.alert(10)).fin(CLIENT)

    assert headline(scene.late().story()) is None


def test_a_warning_to_go_on_after_is_no_failure() -> None:
    warned = offered().say(SERVER, m.alert(112, level=1)).server(m.server_flight()).ack(CLIENT)
    done = warned.client(m.client_flight()).server(m.finished()).client(m.data()).server(m.data())

    assert findings(done.client(m.sealed_alert()).fin(CLIENT).fin(SERVER).story()) == []


@pytest.mark.parametrize("noise", [b"HTTP/1.1 502 Bad Gateway\r\n\r\n", bytes(range(40, 240))])
@pytest.mark.parametrize("alert", [70, 10, 22, 50])
def test_an_alert_behind_bytes_that_are_no_records_is_about_these(noise: bytes, alert: int) -> None:
    """OpenSSL calls the version of a record wrong whose header is none."""
    hello = m.record(m.HANDSHAKE, m.server_hello())
    story = alerted(offered().server(hello).server(noise).ack(CLIENT), CLIENT, alert)
    said = findings(story)[0]

    assert (said.cause, said.remedy_side) == ("protocol_violation", RemedySide.SERVER)
    assert any("no TLS record" in evidence.text for evidence in said.evidence)


def test_a_servers_complaint_about_such_bytes_refuses_no_offer() -> None:
    story = alerted(answered().client(bytes(range(40, 240))).ack(SERVER), SERVER, 70)
    said = findings(story)[0]

    assert (said.cause, said.remedy_side) == ("protocol_violation", RemedySide.CLIENT)


@pytest.mark.parametrize("alert", [40, 50, 10])
def test_a_client_that_finds_fault_with_nothing_answers_a_close_that_was_not_captured(
    alert: int,
) -> None:
    said = findings(alerted(offered(), CLIENT, alert))[0]

    assert (said.cause, said.failing_side) == ("server_closed_silently", FailingSide.SERVER)
    assert said.confidence is Confidence.SUSPECTED


@pytest.mark.parametrize("alert", [40, 50, 10])
@pytest.mark.parametrize("step", [answered, finished_by_client, answered13])
def test_an_alert_that_acknowledges_a_close_answers_it(
    step: Callable[[], Scene], alert: int
) -> None:
    scene = step().fin(SERVER, captured=False).client(m.alert(alert))
    diagnosis = diagnose(scene.fin(CLIENT).story(), modules())

    assert diagnosis.headline is not None
    assert diagnosis.headline.failing_side is FailingSide.SERVER
    assert diagnosis.headline.cause == "rst_mid_handshake"
    assert "was not captured" in diagnosis.headline.evidence[-1].text


def test_a_close_on_the_hello_is_inferred_from_what_acknowledges_it() -> None:
    scene = offered().fin(SERVER, captured=False).client(m.alert(50))
    headline = diagnose(scene.story(), modules()).headline

    assert headline is not None
    assert headline.cause == "server_closed_silently"
    assert headline.confidence is Confidence.INFERRED


def test_a_server_does_not_refuse_the_version_that_it_chose() -> None:
    said = findings(alerted(finished_by_client(), SERVER, 70))[0]

    assert (said.cause, said.remedy_side) == ("protocol_violation", RemedySide.CLIENT)


@pytest.mark.parametrize(
    ("step", "alert", "cause", "remedy"),
    [
        ("hello", 80, "server_internal", RemedySide.SERVER),
        ("finished", 80, "server_internal", RemedySide.SERVER),
        ("hello", 47, "protocol_violation", RemedySide.CLIENT),
        ("finished", 47, "protocol_violation", RemedySide.CLIENT),
        ("hello", 40, "negotiation_failed", RemedySide.SERVER),
    ],
)
def test_a_server_that_has_chosen_refuses_no_offer_by_what_it_says_of_itself_or_of_a_value(
    step: str, alert: int, cause: str, remedy: RemedySide
) -> None:
    hello = offered().server(m.record(m.HANDSHAKE, m.server_hello())).ack(CLIENT)
    said = findings(alerted(hello if step == "hello" else finished_by_client(), SERVER, alert))[0]

    assert (said.cause, said.remedy_side) == (cause, remedy)


def test_under_encryption_a_client_minds_what_it_could_not_read_and_no_certificate() -> None:
    scene = finished_by_client().server(bytes(range(40, 240))).ack(CLIENT)
    story = scene.client(m.sealed_alert()).fin(CLIENT).fin(SERVER).story()

    assert headline(story) == "protocol_violation"


def test_healthy_connections_are_quiet() -> None:
    assert findings(a_story()) == []
    assert findings(tls13()) == []


def test_who_calls_it_off_refused_nothing() -> None:
    (found,) = said_by("TLS-ALERT-005", alerted(hello_only(), CLIENT, 90))

    assert not [line for line in found.remedy if "refused" in line]


@pytest.mark.parametrize("alert", [0, 90])
def test_it_is_the_server_that_leaves_where_the_server_calls_it_off(alert: int) -> None:
    left = answered().server(m.alert(alert, 1)).fin(SERVER).story()

    assert headline(left) == "server_closed_silently"
