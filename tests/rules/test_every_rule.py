"""Every rule has a story in which it fires, and the nearest one in which it is quiet.

The rules that tell a certificate, an offer or an alert are held to this table; the other families to the
pairs in their own folders. Together they make up the catalogue, and reach every cause.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import pytest

from analyzer import rules
from analyzer.diagnosis.causes import CHILDREN, PARENTS
from analyzer.tls.message.keyexchange import ServerKeyExchange
from analyzer.tls.story import SeenWith, Story
from analyzer.tls.x509.ocsp import Staple
from tests.rules.after import test_after
from tests.rules.capture import test_capture
from tests.rules.certificates import test_server_certificates as server
from tests.rules.client_certificates import test_client_certificates as client
from tests.rules.crypto.test_crypto import PSK_SUITE, psk_until_finished
from tests.rules.judged import said_by
from tests.rules.negotiation import test_negotiation as offer
from tests.rules.not_tls import test_not_tls
from tests.rules.transport import test_transport
from tests.rules.upgrade import test_upgrade
from tests.support import messages as m
from tests.support.stories import CLIENT, SERVER, alerted, answered, finished_by_client, offered

Told = Callable[[], Story]
BAD, UNSUPPORTED, REVOKED, EXPIRED, UNKNOWN, UNKNOWN_CA, STAPLE = 42, 43, 44, 45, 46, 48, 113
FALLBACK = 0x5600
EXTERNAL = m.extension(41, b"\0\x08\0\2me" + bytes(4) + b"\0\x21\x20" + bytes(32))


def chain(case: str, alert: int | None) -> Told:
    """A server's chain with a fault, and how the client gives up."""
    return lambda: server.refused(case, alert)


def shown(case: str, alert: int | None) -> Told:
    """The same of a client's certificate."""
    return lambda: client.refused(case, alert)


def hello(alert: int, **how: object) -> Told:
    """An offer that the server refuses."""
    return lambda: offer.refused(alert, **how)


def stapled(status: str) -> Told:
    scene = offered().server(m.server_flight()).ack(CLIENT).say(CLIENT, m.alert(STAPLE))
    return lambda: scene.story(staple=Staple("successful", status))


def prime(bits: int) -> Told:
    exchange = ServerKeyExchange("DHE", dh_prime=(1 << bits - 1).to_bytes(bits // 8))
    return lambda: offer.refused_flight(40, server_key_exchange=exchange)


def keyed(suite: int, flight: bytes, alert: int) -> Told:
    """A key exchange with this suite that the server refuses at the end."""
    scene = offered(m.client_hello(suites=(suite,))).server(flight).client(m.client_flight())
    return lambda: alerted(scene.ack(SERVER), SERVER, alert)


def hopeless(refused: int) -> Told:
    seen = SeenWith(failed=refused, alerts={"handshake_failure": refused} if refused else {})
    return lambda: offer.with_others(40, seen)


ECDHE = 0xC02B
TABLE: Mapping[str, tuple[Told, Told]] = {
    "TLS-ALERT-001": (hello(40), hello(50)),
    "TLS-ALERT-002": (
        lambda: alerted(offered().server(m.record(22, m.server_hello())).ack(CLIENT), CLIENT, 47),
        lambda: alerted(answered(), CLIENT, UNKNOWN_CA),
    ),
    "TLS-ALERT-003": (chain("good", 40), chain("expired", 51)),
    "TLS-ALERT-004": (shown("good", 40), shown("none", 51)),
    "TLS-ALERT-005": (
        lambda: alerted(offered(), SERVER, 50),
        lambda: alerted(offered(), SERVER, 40),
    ),
    "TLS-ALERT-006": (
        lambda: finished_by_client().say(SERVER, m.switch() + m.sealed_alert()).fin(SERVER).story(),
        lambda: alerted(finished_by_client(), SERVER, 20),
    ),
    "TLS-CERT-001": (chain("expired", EXPIRED), chain("expired", UNKNOWN_CA)),
    "TLS-CERT-002": (chain("not yet valid", BAD), chain("expired", BAD)),
    "TLS-CERT-003": (chain("old intermediate", EXPIRED), chain("expired", EXPIRED)),
    "TLS-CERT-004": (chain("good", UNKNOWN_CA), chain("no intermediate", UNKNOWN_CA)),
    "TLS-CERT-005": (chain("no intermediate", UNKNOWN_CA), chain("alone", UNKNOWN_CA)),
    "TLS-CERT-006": (chain("self-signed", UNKNOWN_CA), chain("alone", UNKNOWN_CA)),
    "TLS-CERT-007": (chain("other name", BAD), chain("other name", UNKNOWN_CA)),
    "TLS-CERT-008": (chain("other purpose", UNSUPPORTED), chain("good", UNKNOWN)),
    "TLS-CERT-009": (chain("short key", BAD), chain("short key", EXPIRED)),
    "TLS-CERT-010": (chain("sha1", BAD), chain("sha1", EXPIRED)),
    "TLS-CERT-011": (chain("good", REVOKED), chain("good", EXPIRED)),
    "TLS-CERT-012": (stapled("revoked"), stapled("good")),
    "TLS-CERT-013": (
        lambda: server.refused("must staple", STAPLE, staple=True),
        lambda: server.refused("must staple", UNKNOWN_CA, staple=True),
    ),
    "TLS-CERT-014": (chain("constrained", UNKNOWN), chain("good", UNKNOWN)),
    "TLS-CERT-015": (chain("no ca", UNKNOWN_CA), chain("good", UNKNOWN_CA)),
    "TLS-CERT-016": (chain("critical", UNKNOWN), chain("good", UNKNOWN)),
    "TLS-CERT-017": (chain("large", 47), chain("good", 47)),
    "TLS-CERT-018": (chain("malformed", BAD), chain("good", BAD)),
    "TLS-CLCRT-001": (shown("none", 40), shown("good", 40)),
    "TLS-CLCRT-002": (shown("good", 48), shown("good", 44)),
    "TLS-CLCRT-003": (shown("expired", 45), shown("expired", 48)),
    "TLS-CLCRT-004": (shown("not yet valid", 42), shown("expired", 42)),
    "TLS-CLCRT-005": (shown("for servers", 43), shown("good", 46)),
    "TLS-CLCRT-006": (shown("good", 44), shown("good", 48)),
    "TLS-CRY-001": (
        lambda: alerted(finished_by_client(), SERVER, 20),
        lambda: alerted(finished_by_client(), SERVER, 40),
    ),
    "TLS-CRY-002": (
        keyed(PSK_SUITE, psk_until_finished(), 20),
        keyed(ECDHE, m.server_flight(), 20),
    ),
    "TLS-NEG-001": (hello(40, suites=(ECDHE,)), hello(40)),
    "TLS-NEG-002": (hello(70), hello(40)),
    "TLS-NEG-003": (hello(86, suites=(*offer.BROAD, FALLBACK)), hello(70)),
    "TLS-NEG-004": (hello(112), hello(112, sni=None)),
    "TLS-NEG-005": (hello(112, sni=None), hello(112)),
    "TLS-NEG-006": (hello(40, suites=offer.BROAD[:6], groups=(30,)), hello(40)),
    "TLS-NEG-007": (hello(40, schemes=(0x0807,)), hello(40)),
    "TLS-NEG-008": (prime(1024), prime(2048)),
    "TLS-NEG-009": (hello(120, alpn=("h2",)), hello(40, alpn=("h2",))),
    "TLS-NEG-010": (hopeless(4), hopeless(0)),
    "TLS-NEG-011": (hello(80), hello(40)),
    "TLS-NEG-012": (
        lambda: alerted(offered(m.client_hello_13(EXTERNAL)), SERVER, 40),
        lambda: alerted(offered(m.client_hello_13()), SERVER, 40),
    ),
    "TLS-NEG-013": (
        lambda: offer.refused_flight(40, m.server_hello(renegotiation=False)),
        lambda: offer.refused_flight(48, m.server_hello(renegotiation=False)),
    ),
    "TLS-NEG-014": (
        lambda: offer.refused_flight(40, m.server_hello(master_secret=False)),
        lambda: offer.refused_flight(40),
    ),
    "TLS-NEG-015": (lambda: offer.refused_flight(121), lambda: offer.refused_flight(120)),
}
PAIRS = [
    pair
    for module in (test_after, test_capture, test_not_tls, test_transport, test_upgrade)
    for pair in module.PAIRS
]
IN_PAIRS = {pair.rule for pair in PAIRS}
# Of these families a packet always tells which child it was.
NEVER_THE_PARENT = {"not_tls", "upgrade_failed", "transport", "after_handshake", "capture"}


@pytest.mark.parametrize("rule", TABLE)
def test_a_rule_tells_its_case_from_its_neighbour(rule: str) -> None:
    fires, quiet = TABLE[rule]
    cause = rules.modules()[rule].RULE.cause
    said = said_by(rule, fires())

    assert [(finding.rule, finding.cause) for finding in said] == [(rule, cause)]
    assert all(evidence.frame > 0 and evidence.text for evidence in said[0].evidence)
    assert said[0].remedy
    texts = (said[0].title, said[0].explanation, *said[0].remedy)
    assert not [text for text in texts if "{" in text or "None" in text]
    sentences = said[0].explanation.lower().rstrip(".").split(". ")
    assert not [sentence for sentence in sentences if sentence in said[0].title.lower()]
    assert said_by(rule, quiet()) == []


FIRING: Mapping[str, Told] = {rule: fires for rule, (fires, _) in TABLE.items()} | {
    pair.rule: pair.fires for pair in PAIRS
}
COMMAND = re.compile(r"openssl (?:s_client|x509|verify|ocsp|pkey|asn1parse) ")


@pytest.mark.parametrize("rule", FIRING)
def test_a_command_stands_behind_a_colon_and_ends_its_step(rule: str) -> None:
    """Who copies it has all of it, and nothing else."""
    told = next(iter(rules.modules()[rule].check(FIRING[rule]())))
    for step in told.remedy:
        if (found := COMMAND.search(step)) is None:
            continue
        command = step[found.start() :]

        assert step[: found.start()].endswith(": "), step
        assert not {"and", "or", "with", "against", "shows"} & set(command.split()), step
        assert command[-1] not in ".,)", step
        assert "s_client" not in command or "</dev/null" in command, step


def test_no_rule_is_without_a_case() -> None:
    wire = {rule for rule in rules.modules() if not rule.startswith("TLS-DP")}

    assert set(TABLE) | IN_PAIRS == wire
    assert not set(TABLE) & IN_PAIRS


def test_every_cause_is_reached_by_a_rule() -> None:
    reached = {module.RULE.cause for module in rules.modules().values()}
    parents = set(filter(None, CHILDREN)) - NEVER_THE_PARENT

    assert reached - {"fine"} == (set(PARENTS) - {"fine", "internal_error"}) | parents
