"""Every cause of a failed negotiation: the story that shows it, and its quiet neighbour."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from analyzer.diagnosis.causes import Confidence, FailingSide, Phase, RemedySide
from analyzer.diagnosis.engine import diagnose, outcome
from analyzer.rules import modules
from analyzer.tls.message.keyexchange import ServerKeyExchange
from analyzer.tls.registry.code_points import AlertDescription, AlertLevel
from analyzer.tls.registry.keys import NamedGroup, SignatureScheme
from analyzer.tls.story import Neighbours, SeenWith, Story, Visibility, Way
from tests.rules.judged import findings, headline, said_by
from tests.support import messages as m
from tests.support.stories import CLIENT, SERVER, Scene, a_story, alerted, answered, ended, offered

SEEN, INFERRED, SUSPECTED = Confidence.SEEN, Confidence.INFERRED, Confidence.SUSPECTED
BROAD = (*(0xC02F, 0xC030, 0xC02B, 0xC02C, 0xCCA8, 0xCCA9, 0xC013, 0xC014, 0x009C, 0x009D, 0x002F),)
FALLBACK, NULL_SHA, RC4 = 0x5600, 0x0002, 0x0005


def refused(alert: int, **offer: Any) -> Story:
    """A server that refuses this offer by an alert."""
    return alerted(offered(m.client_hello(**{"suites": BROAD, **offer})), SERVER, alert)


def refused13(alert: int, **offer: Any) -> Story:
    """The same for an offer of TLS 1.3."""
    return alerted(offered(m.client_hello_13(**offer)), SERVER, alert)


@pytest.mark.parametrize(
    ("alert", "offer", "cause", "confidence"),
    [
        (70, {}, "protocol_version", SEEN),
        (40, {"legacy_version": 0x0301}, "protocol_version", SUSPECTED),
        (86, {"suites": (*BROAD, FALLBACK)}, "inappropriate_fallback", SEEN),
        (112, {}, "sni_unrecognized", SEEN),
        (112, {"sni": None}, "sni_missing", INFERRED),
        (120, {"alpn": ("h2",)}, "alpn_mismatch", SEEN),
        (115, {}, "psk_unknown", SEEN),
        (80, {}, "server_internal", INFERRED),
        (71, {}, "no_shared_cipher", SUSPECTED),
        (71, {"groups": (30,)}, "no_shared_group", SUSPECTED),
        (40, {"suites": (0xC02B,)}, "no_shared_cipher", SUSPECTED),
        (40, {"suites": (NULL_SHA, RC4, 0x0004)}, "no_shared_cipher", SUSPECTED),
        (40, {"suites": BROAD[:6], "groups": (30,)}, "no_shared_group", SUSPECTED),
        (40, {"schemes": (0x0807,)}, "no_shared_sigalg", SUSPECTED),
        (40, {"sni": None}, "sni_missing", SUSPECTED),
        (40, {"master_secret": False}, "negotiation_failed", INFERRED),
        (71, {"master_secret": False}, "ems_required", SUSPECTED),
        (71, {"master_secret": False, "suites": (0xC02B,)}, "no_shared_cipher", INFERRED),
        (40, {"renegotiation": False}, "legacy_renegotiation", SUSPECTED),
        (40, {}, "negotiation_failed", INFERRED),
        (40, {"suites": (0xC02B,), "groups": (30,)}, "negotiation_failed", INFERRED),
    ],
)
def test_a_refused_offer_has_this_cause(
    alert: int, offer: dict[str, Any], cause: str, confidence: Confidence
) -> None:
    said = findings(refused(alert, **offer))[0]

    assert (said.cause, said.confidence) == (cause, confidence)
    assert (said.failing_side, said.phase) == (FailingSide.SERVER, Phase.CLIENT_HELLO)


@pytest.mark.parametrize(
    ("alert", "offer", "cause"),
    [
        (40, {"groups": (30,), "key_shares": ((30, 56),)}, "no_shared_group"),
        (10, {"groups": (30,), "key_shares": ((30, 56),)}, "no_shared_group"),
        (40, {"schemes": (0x0807, 0x0808), "suites": (0x1301, 0x1302)}, "no_shared_sigalg"),
        (40, {"versions": (0x0304,), "suites": (0x1301, 0x1302)}, "protocol_version"),
        (40, {"versions": (0x0304,), "groups": (29, 23)}, "negotiation_failed"),
        (109, {"schemes": ()}, "no_shared_sigalg"),
    ],
)
def test_a_refused_offer_of_tls13_has_this_cause(
    alert: int, offer: dict[str, Any], cause: str
) -> None:
    assert headline(refused13(alert, **offer)) == cause


def with_others(alert: int, seen: SeenWith, **offer: Any) -> Story:
    """A refused offer at a server that was seen with others."""
    scene = offered(m.client_hello(**{"suites": BROAD, **offer}))
    return scene.say(SERVER, m.alert(alert)).story(neighbours=Neighbours(server=seen))


def test_what_the_server_chose_for_others_speaks_against_a_list() -> None:
    chacha = {"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": 40}
    gcm = SeenWith(established=40, cipher_suites={"TLS_RSA_WITH_AES_256_CBC_SHA": 40})
    suites = BROAD[:6]

    (said,) = said_by("TLS-NEG-001", with_others(40, gcm, suites=suites))

    assert "TLS_RSA_WITH_AES_256_CBC_SHA (40 times)" in said.explanation
    same = SeenWith(established=40, cipher_suites=chacha)
    assert said_by("TLS-NEG-001", with_others(40, same, suites=(0xCCA8,))) == []


def test_others_got_through_with_a_name() -> None:
    seen = SeenWith(established=3, sni={"a.example": 3})

    assert headline(with_others(40, seen, sni=None)) == "sni_missing"
    assert headline(with_others(40, SeenWith(established=3, sni={"": 3}), sni=None)) != (
        "sni_missing"
    )


@pytest.mark.parametrize(
    ("offer", "seen", "cause"),
    [
        pytest.param(
            {"suites": (0x1301,)},
            SeenWith(3, cipher_suites={"TLS_AES_256_GCM_SHA384": 3}, sni={"a.example": 3}),
            "no_shared_cipher",
            id="other suites",
        ),
        pytest.param(
            {"groups": (29, 23, 24)},
            SeenWith(3, groups={"X448": 3}, sni={"a.example": 3}),
            "no_shared_group",
            id="other groups",
        ),
        pytest.param(
            {"schemes": (0x0403,)},
            SeenWith(3, sni={"a.example": 3}),
            "negotiation_failed",
            id="a narrow list",
        ),
        pytest.param({}, SeenWith(3, sni={"a.example": 3}), "sni_missing", id="nothing else"),
    ],
)
@pytest.mark.parametrize("sni", [None, "a.example"])
def test_a_list_explains_more_than_a_name_that_all_others_give(
    offer: dict[str, Any], seen: SeenWith, cause: str, sni: str | None
) -> None:
    """As GnuTLS offers TLS 1.3 alone."""
    scene = offered(m.client_hello_13(sni=sni, versions=(0x0304,), **offer))
    story = scene.say(SERVER, m.alert(40)).story(neighbours=Neighbours(server=seen))
    said = findings(story)[0]

    if sni is None:
        assert said.cause == cause
        assert "sni_missing" in {said.cause, *(other.cause for other in said.alternatives)}
    else:
        assert said.cause != "sni_missing"


def test_without_an_alert_only_neighbours_can_tell() -> None:
    seen = SeenWith(established=3, sni={"a.example": 3})
    scene = offered(m.client_hello(sni=None, suites=BROAD)).rst(SERVER)

    assert headline(scene.story(neighbours=Neighbours(server=seen))) == "sni_missing"
    assert headline(ended(offered(m.client_hello(sni=None, suites=BROAD)), "rst", SERVER)) is None


def test_a_server_that_refuses_everybody_may_have_no_certificate() -> None:
    hopeless = SeenWith(failed=4, alerts={"handshake_failure": 4})
    (said,) = said_by("TLS-NEG-010", with_others(40, hopeless))

    assert said.remedy_side is RemedySide.SERVER
    assert said_by("TLS-NEG-010", with_others(40, SeenWith(established=9))) == []


def test_an_encrypted_alert_right_after_server_hello_may_be_about_alpn() -> None:
    hello = m.record(m.HANDSHAKE, m.server_hello_13())
    scene = offered(m.client_hello_13(alpn=("private/1",))).server(hello, m.switch(), m.sealed(2))
    said = findings(scene.fin(SERVER).story())[0]

    assert (said.cause, said.confidence) == ("alpn_mismatch", SUSPECTED)
    others = {alternative.cause for alternative in said.alternatives}
    assert "server_no_certificate" in others
    assert others.isdisjoint({"protocol_version", "no_shared_cipher", "no_shared_group"})


def refused_flight(alert: int, hello: bytes | None = None, **changes: Any) -> Story:
    """A client that refuses after this ServerHello and the rest of the flight."""
    chosen = m.server_hello() if hello is None else hello
    rest = (m.certificate(*m.server_ders()), m.server_key_exchange(), m.HELLO_DONE)
    flight = b"".join(m.record(m.HANDSHAKE, part) for part in (chosen, *rest))
    return offered().server(flight).ack(CLIENT).say(CLIENT, m.alert(alert)).story(**changes)


def test_a_client_that_refuses_the_version() -> None:
    said = findings(refused_flight(70, m.server_hello(version=0x0301)))[0]

    assert (said.cause, said.phase) == ("protocol_version", Phase.SERVER_HELLO)
    assert (said.failing_side, said.remedy_side) == (FailingSide.CLIENT, RemedySide.SERVER)


@pytest.mark.parametrize(
    ("version", "alert", "cause"),
    [
        (0x0301, 80, "protocol_version"),
        (0x0302, 80, "protocol_version"),
        (0x0303, 80, "server_certificate_rejected"),
        (0x0301, 48, "untrusted_ca"),
    ],
)
def test_old_versions_sign_with_what_clients_of_today_refuse(
    version: int, alert: int, cause: str
) -> None:
    signed = ServerKeyExchange("ECDHE", group=NamedGroup.secp256r1, signature_length=70)
    hello = m.server_hello(version=version, suite=0xC009)
    said = findings(refused_flight(alert, hello, server_key_exchange=signed))[0]

    assert said.cause == cause
    assert (said.phase is Phase.KEY_EXCHANGE) == (cause == "protocol_version")
    assert "found none" not in said.explanation  # the client offered what was chosen


def test_missing_secure_renegotiation_explains_handshake_failure() -> None:
    assert headline(refused_flight(40, m.server_hello(renegotiation=False))) == (
        "legacy_renegotiation"
    )
    assert headline(refused_flight(48, m.server_hello(renegotiation=False))) == "untrusted_ca"


def test_a_missing_master_secret_is_suspected_where_all_else_is_well() -> None:
    hello = m.record(m.HANDSHAKE, m.server_hello(master_secret=False))
    said = findings(alerted(offered().server(hello).ack(CLIENT), CLIENT, 40))[0]

    assert (said.cause, said.confidence) == ("ems_required", SUSPECTED)


def test_a_missing_master_secret_explains_handshake_failure_after_the_flight() -> None:
    hello = m.server_hello(master_secret=False)

    for alert in (40, 71):
        said = findings(refused_flight(alert, hello))[0]
        assert (said.cause, said.phase) == ("ems_required", Phase.SERVER_HELLO)
    assert headline(refused_flight(48, hello)) == "untrusted_ca"


@pytest.mark.parametrize(
    ("seen", "cause"),
    [
        pytest.param(SeenWith(), "negotiation_failed", id="hardly a server insists"),
        pytest.param(SeenWith(3, versions={"TLSv1.2": 3}), "ems_required", id="others know it"),
        pytest.param(SeenWith(3, versions={"TLSv1.3": 3}), "protocol_version", id="no need of it"),
        pytest.param(
            SeenWith(3, versions={"TLSv1.2": 3}, accepted_without={"extended_master_secret": 1}),
            "negotiation_failed",
            id="it takes others without",
        ),
    ],
)
def test_a_missing_master_secret_is_suspected_where_others_of_the_server_know_it(
    seen: SeenWith, cause: str
) -> None:
    story = with_others(40, seen, master_secret=False)

    assert headline(story) == cause
    if cause == "negotiation_failed" and not seen.accepted_without:
        assert "ems_required" in {other.cause for other in findings(story)[0].alternatives}


@pytest.mark.parametrize(("age", "cause"), [(0, "psk_unknown"), (7, "no_shared_cipher")])
def test_a_key_agreed_outside_of_tls_may_be_unknown(age: int, cause: str) -> None:
    identity = b"\0\2me" + age.to_bytes(4)
    binder = b"\x20" + bytes(32)
    body = len(identity).to_bytes(2) + identity + len(binder).to_bytes(2) + binder
    hello = m.client_hello_13(m.extension(41, body))

    assert headline(alerted(offered(hello), SERVER, 40)) == cause


def test_a_warning_about_the_name_that_a_client_takes_for_a_no() -> None:
    warned = offered().server(m.alert(112, level=1))
    said = findings(alerted(warned, CLIENT, 40))[0]
    going_on = offered().server(m.alert(112, level=1)).server(m.server_flight()).ack(CLIENT)

    assert (said.cause, said.failing_side) == ("sni_unrecognized", FailingSide.CLIENT)
    assert headline(alerted(going_on, CLIENT, 48)) == "untrusted_ca"


@pytest.mark.parametrize(
    ("hello", "cause"),
    [
        (m.server_hello(version=0x0304), "protocol_version"),
        (m.server_hello(version=0x0305), "protocol_version"),
        (m.server_hello(suite=0xCCAC), "no_shared_cipher"),
        (m.server_hello(alpn="echo/0.1"), "alpn_mismatch"),
    ],
    ids=["version", "no version", "suite", "protocol"],
)
@pytest.mark.parametrize("alert", [10, 40, 47, 50, None])
def test_what_was_chosen_against_the_offer_is_at_fault_whatever_the_alert(
    hello: bytes, cause: str, alert: int | None
) -> None:
    scene = offered(m.client_hello(alpn=("h2",))).server(m.record(m.HANDSHAKE, hello)).ack(CLIENT)
    story = ended(scene, "rst", CLIENT) if alert is None else alerted(scene, CLIENT, alert)
    said = findings(story)[0]

    assert (said.cause, said.phase) == (cause, Phase.SERVER_HELLO)
    assert said.failing_side is FailingSide.CLIENT


@pytest.mark.parametrize("alert", [40, 47, None])
@pytest.mark.parametrize(("group", "cause"), [(23, "negotiation_failed"), (24, "no_shared_group")])
def test_a_retry_with_a_group_that_was_not_offered(
    group: int, cause: str, alert: int | None
) -> None:
    hello = m.client_hello_13(groups=(29, 23))
    asked = m.record(m.HANDSHAKE, m.hello_retry_request(group))
    scene = offered(hello).server(asked).ack(CLIENT)
    story = ended(scene, "fin", CLIENT) if alert is None else alerted(scene, CLIENT, alert)

    if alert is None and cause == "negotiation_failed":
        assert findings(story) == []  # nothing says why it left
    else:
        said = findings(story)[0]
        assert (said.cause, said.phase) == (cause, Phase.SERVER_HELLO)
        assert "another try with secp" in " ".join(e.text for e in said.evidence)


def test_a_client_that_answers_already_minds_the_key_exchange() -> None:
    answering = answered(asking=True).client(m.record(m.HANDSHAKE, m.certificate()))

    assert findings(alerted(answering, CLIENT, 47))[0].phase is Phase.KEY_EXCHANGE
    assert findings(alerted(answered(asking=True), CLIENT, 47))[0].phase is Phase.SERVER_HELLO


def test_who_leaves_over_a_warning_about_the_name_takes_it_for_a_no() -> None:
    warned = offered().server(m.alert(112, level=1))
    going_on = offered().server(m.alert(112, level=1)).server(m.server_flight()).ack(CLIENT)

    assert headline(ended(warned, "fin", CLIENT)) == "sni_unrecognized"
    assert headline(ended(going_on, "fin", CLIENT)) != "sni_unrecognized"


def test_a_flight_that_comes_after_the_client_left_was_not_judged() -> None:
    hello = m.record(m.HANDSHAKE, m.server_hello_13())
    flight = m.sealed(6, 900, 79, m.FINISHED_13)
    told = offered(m.client_hello_13()).server(m.alert(112, level=1), hello, m.switch())
    left = told.say(CLIENT, m.alert(0, level=1)).fin(CLIENT).server(flight).rst(CLIENT)

    assert headline(left.story()) == "sni_unrecognized"


@pytest.mark.parametrize(
    ("hello", "cause"),
    [
        (m.server_hello(renegotiation=False), "legacy_renegotiation"),
        (m.server_hello(version=0x0302), "protocol_version"),
        (m.server_hello(), "untrusted_ca"),
    ],
    ids=["no RFC 5746", "TLS 1.1", "today's"],
)
def test_who_leaves_an_old_server_without_a_word_may_mind_its_age(hello: bytes, cause: str) -> None:
    """As Node does, whose OpenSSL says no and whose socket is just closed."""
    sent = (hello, m.certificate(*m.server_ders()), m.server_key_exchange(), m.HELLO_DONE)
    flight = b"".join(m.record(m.HANDSHAKE, message) for message in sent)
    said = findings(ended(offered().server(flight).ack(CLIENT), "fin", CLIENT))[0]

    assert (said.cause, said.confidence) == (cause, SUSPECTED)
    assert said.failing_side is FailingSide.CLIENT


@pytest.mark.parametrize(
    ("groups", "cause"), [((29,), "no_shared_group"), ((29, 23), "server_certificate_rejected")]
)
def test_groups_bound_the_key_of_the_certificate(groups: tuple[int, ...], cause: str) -> None:
    scene = offered(m.client_hello(groups=groups)).server(m.server_flight()).ack(CLIENT)

    assert headline(alerted(scene, CLIENT, 40)) == cause


@pytest.mark.parametrize(("bits", "quiet"), [(512, False), (1024, False), (2048, True)])
def test_a_small_prime_explains_handshake_failure(bits: int, quiet: bool) -> None:
    exchange = ServerKeyExchange("DHE", dh_prime=(1 << bits - 1).to_bytes(bits // 8))
    said = said_by("TLS-NEG-008", refused_flight(40, server_key_exchange=exchange))

    assert [f.phase for f in said] == ([] if quiet else [Phase.KEY_EXCHANGE])


def test_a_group_or_signature_that_nobody_offered_is_the_servers_fault() -> None:
    odd_group = ServerKeyExchange("ECDHE", group=NamedGroup.secp521r1)
    odd_scheme = ServerKeyExchange(
        "ECDHE", group=NamedGroup.secp256r1, signature_scheme=SignatureScheme.rsa_pkcs1_sha1
    )

    assert headline(refused_flight(47, server_key_exchange=odd_group)) == "no_shared_group"
    assert headline(refused_flight(47, server_key_exchange=odd_scheme)) == "no_shared_sigalg"


def test_healthy_connections_are_quiet() -> None:
    assert findings(a_story()) == []
    assert findings(answered().story(later=0.0)) == []


@pytest.mark.parametrize(
    ("offered_", "enable"),
    [(("imap",), "enable imap, or"), (("h2", "imap"), "enable one of h2, imap, or")],
)
def test_what_to_enable_is_one_of_several_only(offered_: tuple[str, ...], enable: str) -> None:
    (found,) = said_by("TLS-NEG-009", refused(120, alpn=offered_))

    assert f"Server: {enable}" in found.remedy[0]


def test_a_server_that_fails_by_itself_may_fail_over_the_name() -> None:
    """Go says internal_error where it has no certificate for a name."""
    (found,) = said_by("TLS-NEG-011", refused(80))
    (nameless,) = said_by("TLS-NEG-011", refused(80, sni=None))

    assert "for the name that the client asked for" in found.remedy[1]
    assert nameless.remedy[1] == "Check that certificate and key are loaded."

    assert "sni_unrecognized" in {other.cause for other in found.alternatives}
    assert "sni_unrecognized" not in {other.cause for other in nameless.alternatives}


def unspoken(*protocols: str, extensions: int = 6, version: str = "1.3") -> Scene:
    """A handshake to its end; the server's EncryptedExtensions have so many bytes, or there are none."""
    if version == "1.2":
        scene = offered(m.client_hello(alpn=protocols)).server(m.server_flight()).ack(CLIENT)
        return scene.client(m.client_flight()).server(m.finished()).ack(CLIENT)
    hello = m.record(m.HANDSHAKE, m.server_hello_13())
    flight = m.sealed(extensions, 900, 79, m.FINISHED_13)
    scene = offered(m.client_hello_13(alpn=protocols)).server(hello, m.switch(), flight).ack(CLIENT)
    return scene.client(m.switch(), m.sealed(m.FINISHED_13)).ack(SERVER)


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize(
    "protocols", [("h2",), ("grpc-exp", "h2"), ("h2", "h2-16", "h2-14"), ("postgresql",)]
)
def test_a_client_that_needs_an_agreement_leaves_where_there_is_none(
    protocols: tuple[str, ...], version: str
) -> None:
    """As gRPC does behind a load balancer that ends TLS and knows nothing of HTTP/2."""
    said = findings(ended(unspoken(*protocols, version=version), "fin", CLIENT))[0]

    assert (said.cause, said.confidence) == ("alpn_mismatch", SUSPECTED)
    assert (said.failing_side, said.remedy_side) == (FailingSide.CLIENT, RemedySide.SERVER)


@pytest.mark.parametrize(
    "story",
    [
        pytest.param(ended(unspoken("h2", "http/1.1"), "fin", CLIENT), id="it speaks without"),
        pytest.param(ended(unspoken("h2", extensions=15), "fin", CLIENT), id="room for a choice"),
        pytest.param(ended(unspoken("h2"), "fin", CLIENT, after=30), id="it left later"),
        pytest.param(ended(unspoken("h2").client(m.sealed(60)), "fin", CLIENT), id="it spoke"),
        pytest.param(unspoken("h2").client(m.sealed(2)).fin(CLIENT).story(), id="a probe"),
        pytest.param(
            ended(unspoken("h2", version="1.2").client(m.data(), captured=False), "fin", CLIENT),
            id="its words were not captured",
        ),
    ],
)
def test_no_choice_is_missed_by_who_needs_none_or_may_have_got_it(story: Story) -> None:
    assert "alpn_mismatch" not in [said.cause for said in findings(story)]


def framed_as_ssl2(version: int = 0x0303) -> Scene:
    """An offer of TLS in a hello of SSL 2.0, as Java sends it where SSLv2Hello is enabled."""
    suites = bytes.fromhex("00c02f 00002f 0000ff")
    body = b"\1" + version.to_bytes(2) + len(suites).to_bytes(2) + bytes.fromhex("0000 0010")
    body += suites + bytes(range(16))
    return offered((0x8000 | len(body)).to_bytes(2) + body)


@pytest.mark.parametrize(
    ("story", "confidence"),
    [
        pytest.param(alerted(framed_as_ssl2(), SERVER, 70), SEEN, id="Go"),
        pytest.param(ended(framed_as_ssl2(), "fin", SERVER), SUSPECTED, id="wolfSSL"),
    ],
)
def test_a_hello_framed_as_ssl2_is_for_the_client_to_change(
    story: Story, confidence: Confidence
) -> None:
    said = findings(story)[0]

    assert (said.cause, said.confidence) == ("protocol_version", confidence)
    assert said.remedy_side is RemedySide.CLIENT
    assert "SSL 2.0" in said.explanation


def test_a_server_that_reads_the_framing_of_ssl2_refuses_something_else() -> None:
    said = findings(alerted(framed_as_ssl2(), SERVER, 40))[0]

    assert "SSL 2.0" not in said.explanation


@pytest.mark.parametrize("name", ["order_service", "shop.example.", "192.0.2.20"])
@pytest.mark.parametrize("refuse", [refused, refused13])
def test_what_is_no_host_name_is_refused_as_illegal(
    refuse: Callable[..., Story], name: str
) -> None:
    """As Java and GnuTLS do; names of containers often have an underscore."""
    said = findings(refuse(47, sni=name))[0]

    assert (said.cause, said.confidence) == ("sni_unrecognized", SUSPECTED)
    assert said.remedy_side is RemedySide.CLIENT
    assert name in said.explanation


def test_a_host_name_is_not_what_is_illegal() -> None:
    assert headline(refused13(47, sni="xn--mnchen-3ya.example")) != "sni_unrecognized"


def test_an_internal_error_may_be_about_the_name() -> None:
    """As Caddy says, and other programs in Go that find their certificates by name."""
    said = findings(refused13(80, sni="unknown.example"))[0]

    assert said.cause == "server_internal"
    assert "sni_unrecognized" in [other.cause for other in said.alternatives]


ECH = m.extension(0xFE0D, bytes.fromhex("00 0001 0001 2a 0002 aabb 0003 010203"))


def left_over_ech(*extensions: bytes) -> Scene:
    """A client of TLS 1.3 that says something short under encryption right behind its Finished."""
    flight = m.sealed(6, 900, 79, m.FINISHED_13)
    scene = offered(m.client_hello_13(*extensions))
    scene.server(m.record(m.HANDSHAKE, m.server_hello_13()), m.switch(), flight).ack(CLIENT)
    return scene.client(m.switch(), m.sealed(m.FINISHED_13), m.sealed(2)).fin(CLIENT).fin(SERVER)


def test_an_encrypted_hello_that_the_server_cannot_open_is_told_with_keys() -> None:
    story = left_over_ech(ECH).story()
    alert = story.alerts[0]._replace(
        level=AlertLevel.FATAL,
        description=AlertDescription.ECH_REQUIRED,
        visibility=Visibility.DECRYPTED,
    )
    ending = replace(story.ending, way=Way.ALERT, alert=alert)
    told = replace(story, alerts=(alert,), ending=ending)
    said = diagnose(told, modules()).headline

    assert told.completed
    assert said is not None
    assert (said.cause, said.confidence, said.phase) == ("ech_rejected", SEEN, Phase.SERVER_HELLO)
    assert (said.failing_side, said.remedy_side) == (FailingSide.CLIENT, RemedySide.SERVER)
    assert outcome(told, said) == "failed"


@pytest.mark.parametrize(("extensions", "perhaps"), [((ECH,), True), ((), False)])
def test_an_encrypted_alert_of_a_client_with_an_encrypted_hello_may_be_about_that(
    extensions: tuple[bytes, ...], *, perhaps: bool
) -> None:
    """A browser that only pretends to encrypt its hello takes leave just so."""
    story = left_over_ech(*extensions).story()
    said = diagnose(story, modules()).headline

    assert said is not None
    assert said.cause == "closed_after_handshake"
    assert ("ech_rejected" in {other.cause for other in said.alternatives}) is perhaps


def test_ech_required_in_clear_is_about_the_choice() -> None:
    assert headline(alerted(answered(), CLIENT, 121)) == "ech_rejected"


EVERY_VERSION = (0x0304, 0x0303, 0x0302, 0x0301)


@pytest.mark.parametrize(
    ("versions", "cause", "confidence", "other"),
    [
        ((0x0304, 0x0303), "protocol_version", INFERRED, "server_no_certificate"),
        (EVERY_VERSION, "server_no_certificate", SUSPECTED, "protocol_version"),
    ],
)
def test_a_server_that_wants_no_version_of_all_may_lack_a_certificate_for_its_own(
    versions: tuple[int, ...], cause: str, confidence: Confidence, other: str
) -> None:
    """OpenSSL, limited to TLS 1.3 with a key that TLS 1.3 cannot use, says protocol_version."""
    hello = m.client_hello_13(versions=versions)
    said = findings(alerted(offered(hello), SERVER, 70))[0]

    assert (said.cause, said.confidence) == (cause, confidence)
    assert other in {alternative.cause for alternative in said.alternatives}


def test_an_internal_error_to_one_name_alone_is_about_that_name() -> None:
    """Caddy has certificates for names, and for this one none."""
    seen = SeenWith(established=2, sni={"other.example": 2})
    scene = offered(m.client_hello(suites=BROAD)).server(m.alert(80))
    said = findings(scene.story(neighbours=Neighbours(server=seen)))[0]

    assert (said.cause, said.confidence) == ("sni_unrecognized", SUSPECTED)
    assert said.alternatives[0].cause == "server_internal"
    assert "other.example" in said.explanation


@pytest.mark.parametrize("alert", [40, 47])
def test_a_suite_that_was_not_offered_says_more_than_what_it_makes_of_the_key_exchange(
    alert: int,
) -> None:
    """ServerKeyExchange cannot be read as that of another suite."""
    said = findings(refused_flight(alert, m.server_hello(suite=0x0002)))[0]

    assert said.cause == "no_shared_cipher"
