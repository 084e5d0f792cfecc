"""Every cause of a refused server certificate: the story that shows it, and its quiet neighbour."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from analyzer import rules
from analyzer.diagnosis.causes import Confidence, FailingSide, RemedySide
from analyzer.diagnosis.engine import diagnose
from analyzer.keys import read_secrets
from analyzer.pipeline import Analysis
from analyzer.rules import modules
from analyzer.tls.registry.code_points import AlertDescription
from analyzer.tls.stack import Likelihood, StackGuess
from analyzer.tls.story import Story, Visibility, Way
from analyzer.tls.x509.ocsp import Staple
from tests.rules.judged import findings, headline, notes_of, said_by
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
    offered,
)
from tests.tls.certificates import Made, chain, make, rsa_key

PAST = datetime(2025, 1, 1, tzinfo=UTC)
LAST_YEAR = datetime(2026, 1, 2, tzinfo=UTC)
NEXT_YEAR = datetime(2027, 6, 1, tzinfo=UTC)
LATER = datetime(2028, 1, 1, tzinfo=UTC)
HOST = ("server.example",)
RECORDED = Path(__file__).parents[2] / "bench" / "recorded"
BAD, UNSUPPORTED, REVOKED, EXPIRED, UNKNOWN, UNKNOWN_CA, STAPLE = 42, 43, 44, 45, 46, 48, 113
UNVERIFIED = 51


def usage(**allowed: bool) -> tuple[x509.KeyUsage, bool]:
    names = (
        *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
        *("key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
    )
    return x509.KeyUsage(**{name: allowed.get(name, False) for name in names}), True


Builder = Callable[[Made, Made], tuple[bytes, ...]]


def leaf(*extensions: tuple[x509.ExtensionType, bool], **how: Any) -> Builder:
    """A faulty certificate below the healthy intermediate."""
    given = {"dns": HOST, **how}
    name = given.pop("name", "leaf")
    return lambda above, _: (make(name, *extensions, issuer=above, **given).der, above.der)


def authority(
    *extensions: tuple[x509.ExtensionType, bool], identified: bool = True, **how: Any
) -> Builder:
    """A faulty intermediate above a healthy certificate."""

    def build(_: Made, root: Made) -> tuple[bytes, ...]:
        above = make("Middle", *extensions, issuer=root, **how)
        return make("leaf", issuer=above, dns=HOST, identifiers=identified).der, above.der

    return build


def sha1(_above: Made, _root: Made) -> tuple[bytes, ...]:
    """The library makes no certificates with SHA-1 any more: another algorithm, another signature."""
    signer = make("Old", ca=True, key=rsa_key())
    made = x509.load_der_x509_certificate(make("leaf", issuer=signer, dns=HOST).der)
    body = made.tbs_certificate_bytes.replace(_SHA256_RSA, _SHA1_RSA)
    assert isinstance(signer.key, rsa.RSAPrivateKey)
    signature = signer.key.sign(body, padding.PKCS1v15(), hashes.SHA1())
    der = made.public_bytes(Encoding.DER).replace(_SHA256_RSA, _SHA1_RSA)
    return der.replace(made.signature, signature), signer.der


_SHA256_RSA = bytes.fromhex("2a864886f70d01010b")
_SHA1_RSA = bytes.fromhex("2a864886f70d010105")
MANY = tuple(f"host{number}.server.example" for number in range(1600))
PURPOSE = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False
ANY_PURPOSE = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE]), False
ELSEWHERE = x509.NameConstraints([x509.DNSName("elsewhere.example")], None), True
ODD = x509.UnrecognizedExtension(ObjectIdentifier("1.2.3.4.5"), b"\5\0"), True
DEMAND = x509.TLSFeature([x509.TLSFeatureType.status_request]), False
CASES: dict[str, Builder] = {
    "good": lambda _, __: m.server_ders(),
    "with root": lambda _, root: (*m.server_ders(), root.der),
    "alone": lambda _, root: (make("leaf", issuer=root, dns=HOST).der,),
    "no intermediate": lambda above, _: (make("leaf", issuer=above, dns=HOST).der,),
    "self-signed": lambda _, __: (make("leaf", dns=HOST).der,),
    "self-signed, other name": lambda _, __: (make("leaf", dns=("other.example",)).der,),
    "self-signed, common name only": lambda _, __: (make("server.example").der,),
    "self-signed, expired": lambda _, __: (make("leaf", dns=HOST, begin=PAST, end=LAST_YEAR).der,),
    "self-signed, authority": lambda _, __: (
        make("leaf", usage(key_cert_sign=True), dns=HOST, ca=True).der,
    ),
    "expired": leaf(begin=PAST, end=LAST_YEAR),
    "not yet valid": leaf(begin=NEXT_YEAR, end=LATER),
    "old intermediate": authority(ca=True, begin=PAST, end=LAST_YEAR),
    "no ca": authority(),
    "constrained": authority(ELSEWHERE, ca=True),
    "other name": leaf(dns=("other.example",)),
    "common name only": leaf(name="server.example", dns=()),
    "final dot": leaf(dns=("server.example.",)),
    "narrow intermediate": authority(PURPOSE, ca=True),
    "lawful": authority(usage(key_cert_sign=True), ca=True),
    "no key identifier": authority(usage(key_cert_sign=True), ca=True, identified=False),
    "other purpose": leaf(PURPOSE),
    "any purpose": leaf(ANY_PURPOSE),
    "other key usage": leaf(usage(key_agreement=True)),
    "short key": leaf(key=rsa_key(1024)),
    "sha1": sha1,
    "critical": leaf(ODD),
    "must staple": leaf(DEMAND),
    "large": leaf(dns=(*HOST, *MANY)),
    "malformed": lambda above, _: (m.server_ders()[0][:-40], above.der),
}


@functools.cache
def presented(case: str) -> tuple[bytes, ...]:
    """A chain with one fault."""
    _, intermediate, root = chain()
    return CASES[case](intermediate, root)


def refused(case: str, alert: int | None, *, staple: bool = False) -> Story:
    """A client that gets this chain and gives up, by an alert or without a word."""
    hello = m.client_hello(m.extension(5, b"\1\0\0\0\0")) if staple else None
    scene = offered(hello).server(flight(presented(case))).ack(CLIENT)
    return ended(scene, "fin", CLIENT) if alert is None else alerted(scene, CLIENT, alert)


def flight(ders: tuple[bytes, ...]) -> bytes:
    """The server's flight in records that are no longer than allowed."""
    sent = m.server_hello() + m.certificate(*ders) + m.server_key_exchange() + m.HELLO_DONE
    parts = (sent[at : at + 16_000] for at in range(0, len(sent), 16_000))
    return b"".join(m.record(m.HANDSHAKE, part) for part in parts)


SEEN, INFERRED, SUSPECTED = Confidence.SEEN, Confidence.INFERRED, Confidence.SUSPECTED


@pytest.mark.parametrize(
    ("case", "alert", "cause", "confidence"),
    [
        ("expired", EXPIRED, "cert_expired", SEEN),
        ("expired", BAD, "cert_expired", INFERRED),
        ("expired", UNKNOWN, "cert_expired", INFERRED),
        ("expired", None, "cert_expired", SUSPECTED),
        ("not yet valid", BAD, "cert_not_yet_valid", INFERRED),
        ("not yet valid", EXPIRED, "cert_not_yet_valid", INFERRED),
        ("old intermediate", EXPIRED, "intermediate_expired", SEEN),
        ("old intermediate", UNKNOWN_CA, "intermediate_expired", INFERRED),
        ("with root", UNKNOWN_CA, "untrusted_ca", SEEN),
        ("good", UNKNOWN_CA, "untrusted_ca", INFERRED),
        ("good", UNKNOWN, "untrusted_ca", SUSPECTED),
        ("good", None, "untrusted_ca", SUSPECTED),
        ("alone", UNKNOWN_CA, "untrusted_ca", SUSPECTED),
        ("no intermediate", UNKNOWN_CA, "incomplete_chain", SUSPECTED),
        ("no intermediate", UNKNOWN, "incomplete_chain", SUSPECTED),
        ("self-signed", UNKNOWN_CA, "self_signed", SEEN),
        ("self-signed", BAD, "self_signed", INFERRED),
        ("self-signed", None, "self_signed", SUSPECTED),
        ("other name", BAD, "hostname_mismatch", INFERRED),
        ("other name", None, "hostname_mismatch", SUSPECTED),
        ("other name", UNKNOWN_CA, "untrusted_ca", INFERRED),
        ("common name only", BAD, "hostname_mismatch", SUSPECTED),
        ("final dot", BAD, "hostname_mismatch", SUSPECTED),
        ("final dot", UNKNOWN_CA, "untrusted_ca", INFERRED),
        ("any purpose", UNSUPPORTED, "wrong_key_cert_usage", INFERRED),
        ("any purpose", UNKNOWN, "untrusted_ca", SUSPECTED),
        ("narrow intermediate", UNSUPPORTED, "wrong_key_cert_usage", INFERRED),
        ("narrow intermediate", BAD, "wrong_key_cert_usage", SUSPECTED),
        ("other purpose", UNSUPPORTED, "wrong_key_cert_usage", SEEN),
        ("other purpose", UNKNOWN, "wrong_key_cert_usage", INFERRED),
        ("other key usage", BAD, "wrong_key_cert_usage", INFERRED),
        ("short key", BAD, "weak_cert_key", SUSPECTED),
        ("short key", UNVERIFIED, "weak_cert_key", SUSPECTED),
        ("sha1", BAD, "sha1_signature", SUSPECTED),
        ("sha1", UNVERIFIED, "sha1_signature", SUSPECTED),
        ("good", UNVERIFIED, "tampered", INFERRED),
        ("good", REVOKED, "cert_revoked", SEEN),
        ("no ca", UNKNOWN_CA, "invalid_ca", SEEN),
        ("constrained", UNKNOWN, "name_constraints", INFERRED),
        ("critical", UNKNOWN, "critical_extension", INFERRED),
        ("large", 47, "cert_too_large", INFERRED),
        ("malformed", BAD, "cert_malformed", SEEN),
        ("malformed", 50, "cert_malformed", INFERRED),
        ("good", 40, "server_certificate_rejected", INFERRED),
    ],
)
def test_a_refused_certificate_has_this_cause(
    case: str, alert: int | None, cause: str, confidence: Confidence
) -> None:
    said = findings(refused(case, alert))[0]

    assert (said.cause, said.confidence) == (cause, confidence)
    assert said.failing_side is FailingSide.CLIENT
    assert said.title.partition("; ")[0] not in said.explanation


@pytest.mark.parametrize("alert", [None, UNKNOWN_CA])
@pytest.mark.parametrize("case", ["expired", "self-signed", "other name", "good"])
def test_who_leaves_without_a_word_may_be_a_scanner(case: str, alert: int | None) -> None:
    said = findings(refused(case, alert))[0]

    assert ("fine" in {other.cause for other in said.alternatives}) == (alert is None)


def test_a_staple_that_the_certificate_demands_and_the_server_forgot() -> None:
    story = refused("must staple", STAPLE, staple=True)

    assert headline(story) == "staple_missing"
    assert said_by("TLS-CERT-013", refused("must staple", UNKNOWN_CA, staple=True)) == []


@pytest.mark.parametrize(
    ("asked", "closing", "cause"),
    [
        pytest.param(True, b"", "staple_missing", id="asked, closed without a word"),
        pytest.param(True, m.sealed_alert(), "closed_after_handshake", id="asked, closed in order"),
        pytest.param(False, b"", "closed_after_handshake", id="did not ask"),
    ],
)
def test_a_staple_that_is_missed_once_the_handshake_is_done(
    closing: bytes, cause: str, *, asked: bool
) -> None:
    """As wget on GnuTLS leaves; who closes in order may be a probe, as curl does that demands one."""
    hello = m.client_hello(*([m.extension(5, b"\1\0\0\0\0")] if asked else []))
    scene = offered(hello).server(flight(presented("must staple"))).ack(CLIENT)
    scene.client(m.client_flight()).ack(SERVER).server(m.finished()).ack(CLIENT)
    if closing:
        scene.client(closing)
    said = diagnose(scene.fin(CLIENT).fin(SERVER).story(), modules()).headline

    assert said is not None
    assert (said.cause, said.confidence) == (cause, Confidence.SUSPECTED)
    others = {other.cause for other in said.alternatives}
    assert ("staple_missing" in others) == (asked and said.cause != "staple_missing")


def test_a_staple_that_says_revoked() -> None:
    revoked = Staple("successful", "revoked", revoked_at=0)
    scene = offered().server(m.server_flight()).ack(CLIENT).say(CLIENT, m.alert(STAPLE))

    assert headline(scene.story(staple=revoked)) == "revoked_staple"
    assert said_by("TLS-CERT-012", scene.story(staple=Staple("successful", "good"))) == []


@pytest.mark.parametrize(
    ("rule_id", "case"),
    [
        ("TLS-CERT-001", "expired"),
        ("TLS-CERT-002", "not yet valid"),
        ("TLS-CERT-007", "other name"),
        ("TLS-CERT-009", "short key"),
    ],
)
def test_a_flaw_that_the_client_did_not_mind_is_noted(rule_id: str, case: str) -> None:
    scene = offered().server(m.server_flight(ders=presented(case))).ack(CLIENT)
    done = scene.client(m.client_flight()).server(m.finished()).client(m.data()).server(m.data())
    story = done.client(m.sealed_alert()).fin(CLIENT).fin(SERVER).story()

    assert headline(story) is None
    assert len(notes_of(rule_id, story)) == 1
    assert notes_of(rule_id, a_story()) == []


def test_two_hard_flaws_make_the_answer_a_suspicion_that_names_the_other() -> None:
    _, intermediate, _ = chain()
    both = make("leaf", issuer=intermediate, dns=("a.example",), begin=PAST, end=LAST_YEAR)
    scene = offered().server(m.server_flight(ders=(both.der, intermediate.der))).ack(CLIENT)
    said = findings(alerted(scene, CLIENT, BAD))[0]

    assert (said.cause, said.confidence) == ("cert_expired", SUSPECTED)
    assert [alternative.cause for alternative in said.alternatives] == ["hostname_mismatch"]


@pytest.mark.parametrize(
    ("case", "stack", "cause", "confidence", "other"),
    [
        ("other name", "gnutls", "self_signed", SUSPECTED, "hostname_mismatch"),
        ("other name", "java", "self_signed", SUSPECTED, "hostname_mismatch"),
        ("other name", "go", "hostname_mismatch", INFERRED, None),
        ("other name", "openssl", "hostname_mismatch", INFERRED, None),
        ("common name only", "java", "self_signed", INFERRED, "hostname_mismatch"),
        ("common name only", "go", "hostname_mismatch", SUSPECTED, "self_signed"),
        ("authority", "go", "self_signed", SUSPECTED, "wrong_key_cert_usage"),
        ("expired", "gnutls", "cert_expired", SUSPECTED, "self_signed"),
        ("expired", "java", "self_signed", SUSPECTED, "cert_expired"),
        ("expired", "go", "cert_expired", INFERRED, None),
    ],
)
def test_that_nobody_vouches_comes_before_name_and_purpose(
    monkeypatch: pytest.MonkeyPatch,
    case: str,
    stack: str,
    cause: str,
    confidence: Confidence,
    other: str | None,
) -> None:
    monkeypatch.setattr(Story, "client_stack", StackGuess(stack, Likelihood.LIKELY))
    said = findings(refused(f"self-signed, {case}", BAD))[0]

    assert (said.cause, said.confidence) == (cause, confidence)
    assert {alternative.cause for alternative in said.alternatives} == {other} - {None}


@pytest.mark.parametrize(
    ("alert", "cause", "confidence"),
    [
        (EXPIRED, "cert_expired", INFERRED),
        (UNKNOWN_CA, "untrusted_ca", SUSPECTED),
        (REVOKED, "cert_revoked", SEEN),
        (UNSUPPORTED, "wrong_key_cert_usage", INFERRED),
        (BAD, "server_certificate_rejected", SEEN),
        (STAPLE, "server_certificate_rejected", SEEN),
        (40, "server_certificate_rejected", INFERRED),
    ],
)
def test_in_tls13_a_clear_alert_says_as_much_as_its_number(
    alert: int, cause: str, confidence: Confidence
) -> None:
    said = findings(alerted(answered13(), CLIENT, alert))[0]

    assert (said.cause, said.confidence) == (cause, confidence)


def test_in_tls13_an_encrypted_alert_is_answered_by_the_parent() -> None:
    scene = answered13().client(m.sealed(2)).fin(CLIENT).fin(SERVER)
    said = findings(scene.story())[0]

    assert (said.cause, said.confidence) == ("server_certificate_rejected", INFERRED)
    assert "untrusted_ca" in {alternative.cause for alternative in said.alternatives}


def test_in_tls13_a_bare_close_right_after_the_flight_is_suspected_only() -> None:
    said = findings(ended(answered13(), "fin", CLIENT))[0]

    assert (said.cause, said.confidence) == ("server_certificate_rejected", SUSPECTED)


def test_nss_judges_after_its_finished() -> None:
    scene = answered().client(m.client_flight()).client(m.sealed_alert()).fin(CLIENT).fin(SERVER)
    story = scene.story()

    assert headline(story) == "untrusted_ca"
    assert findings(story)[0].confidence is SUSPECTED


@pytest.mark.parametrize(
    ("way", "cause"), [("fin", "hostname_mismatch"), ("rst", None)], ids=["closes", "resets"]
)
def test_who_judges_the_certificate_at_once_does_not_wait_for_the_rest(
    way: str, cause: str | None
) -> None:
    shown = (m.server_hello(), m.certificate(*presented("other name")))
    begun = b"".join(m.record(m.HANDSHAKE, message) for message in shown)
    rest = m.record(m.HANDSHAKE, m.server_key_exchange() + m.HELLO_DONE)
    scene = offered().server(begun).ack(CLIENT)
    scene = (scene.fin(CLIENT) if way == "fin" else scene.rst(CLIENT)).server(rest)

    assert headline(scene.rst(CLIENT).story()) == cause


@pytest.mark.parametrize(("after", "cause"), [(0.1, "untrusted_ca"), (1.5, "handshake_timeout")])
def test_who_waited_for_the_rest_of_the_flight_did_not_mind_the_certificate(
    after: float, cause: str
) -> None:
    begun = m.record(m.HANDSHAKE, m.server_hello() + m.certificate(*presented("good")))
    story = ended(offered().server(begun).ack(CLIENT), "fin", CLIENT, after=after)
    told = diagnose(story, rules.modules()).headline

    assert told is not None
    assert told.cause == cause


@pytest.mark.parametrize("rest", [(), (79,)], ids=["proof", "finished"])
def test_in_tls13_too_who_waited_for_the_rest_of_the_flight_minded_nothing(
    rest: tuple[int, ...],
) -> None:
    hello = m.record(m.HANDSHAKE, m.server_hello_13())
    scene = offered(m.client_hello_13()).server(hello, m.switch(), m.sealed(6, 900, *rest))
    told = diagnose(ended(scene.ack(CLIENT), "fin", CLIENT, after=1.5), rules.modules()).headline

    assert told is not None
    assert (told.cause, told.failing_side) == ("handshake_timeout", FailingSide.SERVER)


def openssl_hello() -> bytes:
    """A hello whose extensions stand in the order of OpenSSL's table."""
    bare = {"sni": None, "groups": (), "schemes": (), "renegotiation": False}
    lists = (
        *((0xFF01, b"\0"), (0, m.server_name(m.HOST)), (11, b"\1\0"), (10, m.numbers((29, 23)))),
        *((35, b""), (22, b""), (23, b""), (13, m.numbers((0x0403, 0x0804, 0x0401)))),
    )
    extensions = [m.extension(kind, body) for kind, body in lists]
    return m.client_hello(*extensions, master_secret=False, **bare)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("case", "hello", "cause"),
    [
        ("good", openssl_hello(), "invalid_ca"),
        ("good", m.client_hello(), "untrusted_ca"),
        ("no key identifier", openssl_hello(), "cert_malformed"),
        ("no key identifier", m.client_hello(), "untrusted_ca"),
        ("lawful", openssl_hello(), "server_certificate_rejected"),
    ],
)
def test_a_strict_client_minds_what_rfc_5280_demands(case: str, hello: bytes, cause: str) -> None:
    """Python from 3.13 on checks so; OpenSSL calls a missing authority by its own alert."""
    scene = offered(hello).server(flight(presented(case))).ack(CLIENT)
    told = diagnose(alerted(scene, CLIENT, UNKNOWN), rules.modules()).headline

    assert told is not None
    assert told.cause == cause


def test_openssl_says_bad_certificate_of_dates_and_names_and_not_of_trust() -> None:
    scene = offered(openssl_hello()).server(flight(presented("lawful"))).ack(CLIENT)
    said = findings(alerted(scene, CLIENT, BAD))[0]

    assert said.cause == "server_certificate_rejected"
    assert said.alternatives[0].cause == "cert_not_yet_valid"  # a clock that is slow


@pytest.mark.parametrize(
    ("case", "side"), [("good", RemedySide.CLIENT), ("expired", RemedySide.SERVER)]
)
def test_who_calls_valid_certificates_expired_looks_at_its_clock_or_store(
    case: str, side: RemedySide
) -> None:
    said = findings(refused(case, EXPIRED))[0]

    assert (said.cause, said.remedy_side) == ("cert_expired", side)


def test_a_staple_about_another_certificate_is_none() -> None:
    about_another = Staple("successful", "good", serial="0abc")
    scene = offered().server(m.server_flight()).ack(CLIENT).say(CLIENT, m.alert(BAD))
    said = findings(scene.story(staple=about_another))[0]

    assert (said.cause, said.confidence) == ("staple_missing", SUSPECTED)
    assert "another certificate" in said.title + said.explanation


def patient() -> Scene:
    return answered().wait(60)


def test_a_client_that_leaves_late_refused_nothing() -> None:
    assert headline(ended(patient(), "fin", CLIENT)) is None


@pytest.mark.parametrize("ttl", [201, 63])
def test_a_reset_from_elsewhere_is_no_refusal(ttl: int) -> None:
    assert headline(answered().rst(CLIENT, ttl=ttl).story()) is None


def test_a_reset_that_came_as_far_as_the_clients_packets_is_the_clients() -> None:
    """Stacks may reset with another initial TTL (255) than they send with (64)."""
    story = answered().rst(CLIENT, ttl=255).story()

    assert headline(story) == headline(answered().rst(CLIENT).story())


def test_trust_is_the_clients_and_the_chain_the_servers() -> None:
    (trust,) = said_by("TLS-CERT-004", refused("with root", UNKNOWN_CA))
    (gap,) = said_by("TLS-CERT-005", refused("no intermediate", UNKNOWN_CA))

    assert trust.remedy_side is RemedySide.CLIENT
    assert gap.remedy_side is RemedySide.SERVER
    assert [alternative.cause for alternative in gap.alternatives] == ["untrusted_ca"]


def unused(case: str, *, alpn: tuple[str, ...] = ()) -> Scene:
    """A complete handshake that nobody used yet."""
    scene = (
        offered(m.client_hello(alpn=alpn))
        .server(flight(presented(case)))
        .ack(CLIENT)
        .client(m.client_flight())
    )
    return scene.server(m.finished()).ack(CLIENT)


@pytest.mark.parametrize(
    ("case", "cause"),
    [("expired", "cert_expired"), ("self-signed", "self_signed"), ("good", None)],
)
def test_a_client_that_judges_after_the_handshake_leaves_without_a_word(
    case: str, cause: str | None
) -> None:
    story = ended(unused(case), "fin", CLIENT)

    assert headline(story) == cause
    assert [f.confidence for f in findings(story)] == ([SUSPECTED] if cause else [])


WEB = ("h2", "http/1.1")


def test_an_orderly_close_is_a_probe_unless_the_name_is_wrong_for_who_means_to_use_it() -> None:
    """As of curl; openssl s_client, which offers no protocol, looks and leaves."""

    def leave(case: str, alpn: tuple[str, ...]) -> Story:
        closing = unused(case, alpn=alpn).client(m.sealed_alert()).fin(CLIENT)
        return closing.server(m.sealed_alert()).fin(SERVER).story()

    assert headline(leave("expired", WEB)) is None
    assert headline(leave("other name", WEB)) == "hostname_mismatch"
    assert headline(leave("other name", ())) is None
    (left,) = said_by("TLS-END-002", leave("expired", ()))
    assert left.alternatives[0].cause == "cert_expired"
    (left,) = said_by("TLS-END-002", leave("other name", ()))
    assert left.alternatives[0].cause == "hostname_mismatch"
    assert len(notes_of("TLS-CERT-007", leave("other name", ()))) == 1


def test_an_orderly_close_is_one_with_keys_as_well() -> None:
    story = unused("expired").client(m.sealed_alert()).fin(CLIENT).story()
    assert story.ending.alert is not None
    goodbye = story.ending.alert._replace(
        description=AlertDescription.CLOSE_NOTIFY, visibility=Visibility.DECRYPTED
    )
    opened = replace(story, ending=replace(story.ending, way=Way.ALERT, alert=goodbye))

    assert headline(opened) is None


def test_with_keys_the_fault_that_a_client_minds_late_is_in_sight_in_tls13() -> None:
    """As of curl on BoringSSL, which finishes first; without keys nobody can know."""
    capture = RECORDED / "cert-expired-boringssl-nginx-tls13.pcap"
    secrets = read_secrets([capture.with_suffix(".keys")])
    (dark,) = Analysis([str(capture)]).judged()
    (opened,) = Analysis([str(capture)], secrets=secrets).judged()

    assert headline(dark.story) is None
    assert (headline(opened.story), findings(opened.story)[0].confidence) == (
        "cert_expired",
        SUSPECTED,
    )


def test_an_encrypted_alert_that_nobody_answers_is_an_orderly_close_of_most_clients() -> None:
    def leave(case: str) -> Story:
        closing = unused(case, alpn=WEB).client(m.sealed_alert())
        return closing.fin(CLIENT).fin(SERVER).story()

    assert headline(leave("expired")) is None
    assert headline(leave("good")) is None
    assert headline(leave("other name")) == "hostname_mismatch"


def test_of_a_stack_that_judges_late_it_is_a_refusal() -> None:
    capture = RECORDED / "untrusted-ca-nss-nginx-tls12.pcap"
    (judged,) = Analysis([str(capture)]).judged()

    assert judged.story.completed
    assert headline(judged.story) == "untrusted_ca"
    assert findings(judged.story)[0].confidence is SUSPECTED


def test_a_client_that_reads_the_staple_last_leaves_in_order() -> None:
    revoked = Staple("successful", "revoked", revoked_at=0)
    scene = unused("good").client(m.sealed_alert()).fin(CLIENT).server(m.sealed_alert())

    assert headline(scene.story(staple=revoked)) == "revoked_staple"
    assert headline(scene.story()) is None


def cut_short(length: int, alert: int) -> Story:
    """A Certificate message that its header makes ``length`` long, refused before it is whole."""
    sent = m.server_hello() + b"\x0b" + length.to_bytes(3) + bytes(900)
    scene = offered().server(m.record(m.HANDSHAKE, sent)).ack(CLIENT)
    return alerted(scene, CLIENT, alert)


@pytest.mark.parametrize(
    ("length", "alert", "cause"),
    [
        (40_000, 10, "cert_too_large"),  # JSSE
        (130_000, 47, "cert_too_large"),  # OpenSSL
        (2_000, 47, "negotiation_failed"),
    ],
)
def test_a_client_need_not_hear_a_long_certificate_out(length: int, alert: int, cause: str) -> None:
    said = findings(cut_short(length, alert))[0]

    assert said.cause == cause
    assert said.failing_side is FailingSide.CLIENT


@pytest.mark.parametrize(("count", "cause"), [(12, "cert_too_large"), (3, None)])
def test_a_long_chain_explains_handshake_failure(count: int, cause: str | None) -> None:
    scene = answered(ders=m.server_ders()[:1] * count)
    said = [f.cause for f in findings(alerted(scene, CLIENT, 40))]

    assert (cause in said) is (cause is not None)


def test_a_root_that_is_encrypted_is_not_named() -> None:
    story = alerted(answered13(), CLIENT, UNKNOWN_CA)
    (found,) = said_by("TLS-CERT-004", story)

    assert "(" not in found.remedy[0]
    assert "not in clear" in found.explanation


def test_what_the_alert_does_not_name_may_come_next() -> None:
    (next_,) = notes_of("TLS-CERT-001", refused("expired", UNKNOWN_CA))

    assert next_.title.endswith(
        " UTC: 192.0.2.10 (Windows) gave another reason, and may mind this next"
    )


def test_of_a_client_that_left_at_once_nobody_knows_what_it_minded() -> None:
    (left,) = notes_of("TLS-CERT-009", ended(unused("short key"), "fin", CLIENT))
    used = unused("short key").client(m.data()).server(m.data())
    (stayed,) = notes_of("TLS-CERT-009", ended(used, "fin", CLIENT))

    assert left.title.endswith("noted only, 192.0.2.10 (Windows) left without saying why")
    assert stayed.title.endswith("noted only, the handshake did not fail by it")


@pytest.mark.parametrize(("alert", "two"), [(EXPIRED, True), (BAD, False)])
def test_a_certificate_to_come_that_a_client_calls_expired_may_be_a_matter_of_clocks(
    alert: int, *, two: bool
) -> None:
    (said,) = said_by("TLS-CERT-002", refused("not yet valid", alert))

    assert ("cert_expired" in {other.cause for other in said.alternatives}) is two
    assert ("that of the capture is behind" in said.explanation) is two
