"""The cases that operators of gateways meet, each with the lines that the gateway writes of it.

The page of the documentation lists the same cases: this test holds the two together.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from analyzer import rules
from analyzer.datapower.export.container import read_bytes
from analyzer.datapower.graph import build_graph
from analyzer.datapower.log.load import read_log_bytes
from analyzer.datapower.papers import Papers
from analyzer.diagnosis.causes import Confidence
from analyzer.diagnosis.engine import Diagnosis, diagnose
from analyzer.tls.story import Story
from tests.datapower.test_export_cases import (
    ASKING,
    CLIENT,
    SERVER,
    back,
    client,
    front,
    insecure_server,
    of,
    old_client,
    refused_client,
    server,
)
from tests.support import messages as m
from tests.support import stories as told
from tests.support.exports import Thing, as_xml
from tests.support.logs import stamp

PAGE = Path(__file__).parents[2] / "docs" / "datapower-log.md"
MS = 1_000_000
LIBRARY = "[payments][0x8120002f][ssl][error] {object}: tid(17)[{client}]: SSL library error: error:{error}"
COMPANION = (
    "[payments][0x81200025][ssl][error] ssl-server(front): tid(17)[{client}]: SSL peer did not send a "
    "certificate during the handshake"
)
FAILED = "[payments][0x80e00130][http][error] xmlfirewall(fw): tid(17)[{client}]: could not establish SSL for incoming connection"
ENDED = "[payments][0x80e00531][xmlfirewall][debug] xmlfirewall(fw): tid(17)[{client}]: Starting termination of connection {ends}"
ENDED_TLS = ENDED.replace("00531", "0052e").replace("Starting", "Starting SSL")
AFTER = (COMPANION, FAILED, ENDED)
BACKSIDE = (
    "[payments][0x80e00126][mpgw][error] mpgw(orders): tid(17)[203.0.113.9]: Valid backside connection could "
    "not be established: Failed to establish a backside connection, url: {scheme}://{server}/in"
)
VERDICT = (
    "[payments][0x8060010a][crypto][warn] valcred(V1): tid(17)[{client}]: certificate validation failed "
    "for '/C=CA/CN=peer' against 'V1': {why}"
)
VERDICT_2 = (
    "[payments][0x81200026][ssl][error] ssl-server(front): tid(17)[{client}]: SSL handshake certificate "
    "validation error with validation credentials V1: {why}"
)


def library(error: str, owner: str = "ssl-server(front)") -> str:
    return LIBRARY.replace("{error}", error).replace("{object}", owner)


def back_library(error: str) -> str:
    return library(error, "ssl-client(back)").replace("{client}", "203.0.113.9")


def verdicts(why: str) -> tuple[str, ...]:
    return tuple(line.replace("{why}", why) for line in (VERDICT, VERDICT_2))


def back_verdict(why: str) -> str:
    return VERDICT.replace("{client}", "203.0.113.9").replace("{why}", why)


@dataclass(frozen=True)
class Case:
    """A story and the lines beside it, and what must be said of them."""

    rule: str
    says: str  # what the title holds
    cause: str
    story: Callable[[], Story]
    lines: tuple[str, ...]
    things: list[Thing] = field(default_factory=list)
    sure: Confidence | None = None
    before: bool = False  # the lines are from a minute before


IN, SEEN, MAYBE = Confidence.INFERRED, Confidence.SEEN, Confidence.SUSPECTED


def dark(alert: bytes | None = None) -> Story:
    """TLS 1.3: the client answers the server's flight with an encrypted alert and closes."""
    return (
        told.answered13().client(m.switch(), alert or m.sealed(2)).fin(CLIENT).fin(SERVER).story()
    )


def dark_refusal() -> Story:
    """TLS 1.3: the server answers the client's certificate with an encrypted alert."""
    scene = told.established13(tickets=False, shown=900)
    return scene.server(m.sealed(2)).fin(SERVER).fin(CLIENT).story()


def cases() -> dict[str, Case]:
    return {
        "A1": Case(
            *("TLS-DPX-026", "SSLServerProfile front", "plaintext_http_to_tls"),
            of("plaintext_http_to_openssl"),
            (library("1407609C:SSL routines:SSL23_GET_CLIENT_HELLO:http request"), *AFTER),
        ),
        "A2": Case(
            *("TLS-DPX-026", "unknown protocol", "protocol_version"),
            of("protocol_version_server_refuses"),
            (library("140760FC:SSL routines:SSL23_GET_CLIENT_HELLO:unknown protocol"), *AFTER),
        ),
        "A3": Case(
            *("TLS-DPX-036", "SSLServerProfile front", "protocol_version"),
            of("protocol_version_client_refuses"),
            (library("1409442E:SSL routines:ssl3_read_bytes:tlsv1 alert protocol version"), *AFTER),
        ),
        "A4": Case(
            *("TLS-DPX-026", "wrong version number", "protocol_version"),
            old_client,
            (library("1408A10B:SSL routines:ssl3_get_client_hello:wrong version number"), *AFTER),
        ),
        "A5": Case(
            *("TLS-DPX-026", "no shared cipher", "no_shared_cipher"),
            of("no_shared_cipher_tls12"),
            (library("1408A0C1:SSL routines:ssl3_get_client_hello:no shared cipher"), *AFTER),
            sure=IN,
        ),
        "A6": Case(
            *("TLS-DPX-026", "showed no certificate", "client_cert_missing"),
            of("client_cert_missing_tls12"),
            (
                library("140890C7:SSL routines:ssl3_get_client_certificate:peer did not return a certificate"),
                *(COMPANION, FAILED, ENDED_TLS),
            ),
        ),
        "A7": Case(
            *("TLS-DPX-027", "CryptoValCred V1 refuses", "client_cert_expired"),
            of("client_cert_expired_tls12"),
            (
                *verdicts("certificate has expired"),
                library("14089086:SSL routines:ssl3_get_client_certificate:certificate verify failed"),
                *AFTER,
            ),
        ),
        "A8": Case(
            *("TLS-DPX-027", "certificate not trusted", "client_cert_untrusted"),
            of("client_cert_untrusted_tls12"),
            (*verdicts("certificate not trusted"), *AFTER),
        ),
        "A10": Case(
            *("TLS-DPX-036", "SSLServerProfile front", "incomplete_chain"),
            of("incomplete_chain_tls12"),
            (
                library("14094418:SSL routines:ssl3_read_bytes:tlsv1 alert unknown ca"),
                library("140940E5:SSL routines:ssl3_read_bytes:ssl handshake failure"),
                *(COMPANION, FAILED, ENDED_TLS),
            ),
        ),
        "A11": Case(
            *("TLS-DPX-036", "SSLServerProfile front", "no_shared_cipher"),
            of("no_shared_cipher_tls12"),
            (COMPANION,),
            sure=MAYBE,
        ),
        "A12": Case(
            *("TLS-DPX-036", "SSLServerProfile webgui-ssl", "untrusted_ca"),
            lambda: told.alerted(told.answered(), CLIENT, 46),
            (
                library("14094416:SSL routines:ssl3_read_bytes:sslv3 alert certificate unknown", "ssl-server(webgui-ssl)"),
                library("140940E5:SSL routines:ssl3_read_bytes:ssl handshake failure", "ssl-server(webgui-ssl)"),
            ),
        ),
        "A13": Case(
            *("TLS-DPX-026", "SSLSNIServerProfile cmc-webapi", "plaintext_http_to_tls"),
            of("plaintext_http_to_gnutls"),
            (
                library("1407609C:SSL routines:SSL23_GET_CLIENT_HELLO:http request", "ssl-sni-server(cmc-webapi)"),
                FAILED.replace("xmlfirewall(fw)", "source-https(webapi-https)"),
            ),
        ),
        "A14": Case(
            *("TLS-DPX-036", "SSLServerProfile front", "client_never_hello"),
            lambda: told.ended(told.connected(), "fin", CLIENT),
            (
                library("140780E5:SSL routines:ssl23_read:ssl handshake failure"),
                "[payments][0x80e00161][mpgw][error] source-https(https-in): tid(17)[{client}]: closed",
            ),
        ),
        "A15": Case(
            *("TLS-DPX-027", "unable to get certificate CRL", "client_certificate_rejected"),
            refused_client,
            verdicts("unable to get certificate CRL"),
        ),
        "A16": Case(
            *("TLS-DPX-023", "CryptoIdentCred gateway", "client_cert_untrusted"),
            of("client_cert_untrusted_tls12"),
            ("[mpgw][error] mpgw(orders): tid(2899): Network Error on Back interface",) * 3,
            back(client(Idcred="gateway")),
        ),
        "A17": Case(
            *("TLS-DPX-029", "MultiProtocolGateway orders", "connection_refused"),
            of("connection_refused"),
            (BACKSIDE.replace("{scheme}", "https"),),
        ),
        "A18": Case(
            *("TLS-DPX-035", "MultiProtocolGateway orders", "plaintext_http_to_tls"),
            of("plaintext_http_to_openssl"),
            (
                BACKSIDE.replace("{scheme}", "http"),
                "[payments][0x01130011][mpgw][error] mpgw(orders): tid(17)[203.0.113.9]: Failed to process response headers",
            ),
        ),
        "A20": Case(
            *("TLS-DPX-030", "HTTPSSourceProtocolHandler https-in is down", "connection_refused"),
            of("connection_refused"),
            (
                "[payments][0x00330061][mgmt][error] valcred(customers): tid(111): A dependent object could not be found",
                "[payments][0x00350015][mgmt][notice] source-https(https-in): tid(111): Operational state down",
            ),
            front(server()),
            before=True,
        ),
        "A21": Case(
            *("TLS-DPX-030", "MultiProtocolGateway H is down", "connection_refused"),
            of("connection_refused"),
            (
                ("[payments][0x80e00386][mpgw][error] mpgw(H): tid(111): Request to activate gateway on 0.0.0.0:443 "
                "failed. The conflicting registration is owned by X in domain Y."),
            ),
            before=True,
        ),
        "A22": Case(
            *("TLS-DPX-030", "SSL proxy profile is not configured", "connection_refused"),
            of("connection_refused"),
            (
                ("[payments][0x00330091][mgmt][error] source-https(https-in): tid(111): A SSL proxy profile is not "
                "configured correctly for this service."),
            ),
            front(server()),
            before=True,
        ),
        "A28": Case(
            *("TLS-DPX-026", "no shared cipher", "no_shared_cipher"),
            lambda: told.alerted(told.offered(m.client_hello(suites=(5, 4))), SERVER, 40),
            (library("1408A0C1:SSL routines:ssl3_get_client_hello:no shared cipher"), *AFTER),
        ),
        "B1": Case(
            *("TLS-DPX-027", "CryptoValCred V1 refuses", "untrusted_ca"),
            of("untrusted_ca_tls12"),
            (
                back_verdict("certificate not trusted"),
                back_library("14090086:SSL routines:ssl3_get_server_certificate:certificate verify failed"),
                BACKSIDE.replace("{scheme}", "https"),
            ),
        ),
        "B2": Case(
            *("TLS-DPX-036", "SSLClientProfile back", "negotiation_failed"),
            lambda: told.alerted(told.offered(m.client_hello(sni=None)), SERVER, 40),
            (
                back_library("14077410:SSL routines:SSL23_GET_SERVER_HELLO:sslv3 alert handshake failure"),
                BACKSIDE.replace("{scheme}", "https"),
            ),
        ),
        "B3": Case(
            *("TLS-DPX-036", "SSLClientProfile back", "rst_after_client_hello"),
            lambda: told.hello_unanswered("rst"),
            (
                back_library("1407E0E5:SSL routines:ssl23_write:ssl handshake failure"),
                BACKSIDE.replace("{scheme}", "https"),
            ),
        ),
        "B4": Case(
            *("TLS-DPX-036", "SSLClientProfile back", "client_cert_missing"),
            of("client_cert_missing_tls12"),
            (
                back_library("14094410:SSL routines:ssl3_read_bytes:sslv3 alert handshake failure"),
                BACKSIDE.replace("{scheme}", "https"),
            ),
        ),
        "B6": Case(
            *("TLS-DPX-036", "SSLClientProfile back", "protocol_version"),
            of("protocol_version_server_refuses"),
            (
                back_library("1407742E:SSL routines:SSL23_GET_SERVER_HELLO:tlsv1 alert protocol version"),
                BACKSIDE.replace("{scheme}", "https"),
            ),
        ),
        "B7": Case(
            *("TLS-DPX-026", "unsafe legacy renegotiation", "legacy_renegotiation"),
            insecure_server,
            (
                back_library("0A000152:SSL routines::unsafe legacy renegotiation disabled"),
                BACKSIDE.replace("{scheme}", "https"),
            ),
        ),
        "B8": Case(
            *("TLS-DPX-026", "Diffie-Hellman group is too small", "dh_key_too_small"),
            of("dh_key_too_small"),
            (
                back_library("141A318A:SSL routines:tls_process_ske_dhe:dh key too small"),
                BACKSIDE.replace("{scheme}", "https"),
            ),
        ),
        "B20": Case(
            *("TLS-DPX-028", "refused the certificate of SSLServerProfile front with alert unknown_ca", "untrusted_ca"),
            dark,
            (library("0A000418:SSL routines::tlsv1 alert unknown ca"), *AFTER),
        ),
        "B21": Case(
            *("TLS-DPX-027", "unsupported certificate purpose", "client_cert_wrong_usage"),
            dark_refusal,
            (*verdicts("unsupported certificate purpose"), library("0A000086:SSL routines::certificate verify failed")),
            sure=IN,
        ),
        "B23": Case(
            *("TLS-DPX-033", "crypto engine is at fault", "tampered"),
            lambda: told.alerted(told.finished_by_client(), SERVER, 20),
            ("[0x8060016b][crypto][critic] : tid(9): Runtime error detected in crypto engine (code: 4, count: 2)",),
            before=True,
        ),
        "B24": Case(
            *("TLS-DPX-027", "not yet valid", "cert_not_yet_valid"),
            of("cert_not_yet_valid_tls13"),
            (back_verdict("certificate is not yet valid"), BACKSIDE.replace("{scheme}", "https")),
        ),
        "B25": Case(
            *("TLS-DPX-027", "certificate revoked", "client_cert_revoked"),
            refused_client,
            verdicts("certificate revoked"),
        ),
        "B29": Case(
            *("TLS-DPX-026", "no shared cipher", "no_shared_group"),
            of("no_shared_group_tls13"),
            (library("0A0000C1:SSL routines::no shared cipher"), *AFTER),
        ),
    }  # fmt: skip


CASES = cases()


def written(case: Case, story: Story, *, client_ip: str = "") -> bytes:
    """The lines as the gateway writes them: at the end of the connection, or a minute before it."""
    end = story.ending.time or story.end
    time = story.start - 60_000 * MS if case.before else end + 3 * MS
    ends = f"{story.client.ip}:{story.client.port} {story.server.ip}:{story.server.port}"
    held = {
        "client": client_ip or story.client.ip,
        "ends": ends if not client_ip else "10.9.9.9:1 10.9.9.8:2",
    }
    held["server"] = "10.9.9.8:443" if client_ip else f"{story.server.ip}:{story.server.port}"
    filled = (line.format_map(held) for line in case.lines)
    return "\n".join(f"{stamp(time + n * MS)} {line}" for n, line in enumerate(filled)).encode()


def laid_beside(case: Case, story: Story, log: bytes) -> tuple[Story, Diagnosis]:
    graph = None
    if case.things:
        graph = build_graph([read_bytes(as_xml(case.things, addresses=[]), "export.xml")])
    papers = Papers(graph, read_log_bytes(log, "default-log"))
    papers.meet(story)
    placed = papers.place(story)
    return placed, diagnose(placed, rules.modules())


@pytest.mark.parametrize("name", CASES)
def test_the_lines_say_which_object_and_why(name: str) -> None:
    case = CASES[name]
    story = case.story()
    placed, diagnosis = laid_beside(case, story, written(case, story))
    found = diagnosis.headline

    assert found is not None
    assert (found.rule, found.cause) == (case.rule, case.cause), found.title
    assert case.says in found.title
    assert case.sure in {None, found.confidence}
    assert placed.log is not None
    assert placed.log.contradictions == ()
    assert "None" not in found.title + found.explanation + "".join(found.remedy)
    if found.rule not in {"TLS-DPX-036", "TLS-DPX-023"}:
        assert any("gateway's log (default-log:" in one.text for one in found.evidence)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if not case.before])
def test_lines_of_another_client_or_server_say_nothing(name: str) -> None:
    case = CASES[name]
    story = case.story()
    case = replace(case, things=[])
    log = written(case, story, client_ip="10.9.9.9").replace(
        b"ssl-client(back)", b"ssl-client(other)"
    )
    placed, diagnosis = laid_beside(case, story, log)

    assert placed.log is None
    assert diagnosis == diagnose(story, rules.modules())


def test_a_certificate_that_passed_and_a_handshake_that_completed_stay_fine() -> None:  # A9
    case = Case(
        "",
        "",
        "",
        told.a_story,
        (VERDICT.replace("failed", "succeeded").replace(": {why}", ""), ENDED_TLS),
    )
    placed, diagnosis = laid_beside(case, told.a_story(), written(case, told.a_story()))

    assert placed.log is not None
    assert diagnosis.headline is None
    assert diagnosis.findings == ()


@pytest.mark.parametrize(
    "line",
    [
        "[payments][0x806000c6][ssl][error] ssl-server(front): tid(17)[{client}]: shutdown error, no read/write info",
        library("0A000126:SSL routines::unexpected eof while reading"),
    ],
)
def test_an_error_at_the_close_is_no_failed_handshake(line: str) -> None:  # A19
    case = Case("", "", "", told.a_story, (line, ENDED_TLS))
    _, diagnosis = laid_beside(case, told.a_story(), written(case, told.a_story()))

    assert diagnosis.headline is None
    assert [one.rule for one in diagnosis.findings] == ["TLS-DPX-034"]


@pytest.mark.parametrize(
    ("name", "warned"), [("A5", True), ("A6", False), ("A11", True), ("B20", True)]
)
def test_the_companion_of_every_failure_is_called_what_it_is(name: str, warned: bool) -> None:
    case = CASES[name]
    story = case.story()
    _, diagnosis = laid_beside(case, story, written(case, story))

    assert ("TLS-DPX-032" in {one.rule for one in diagnosis.findings}) is warned


def test_an_object_that_came_up_again_is_not_to_blame() -> None:
    case = CASES["A20"]
    up = "[payments][0x00350014][mgmt][notice] source-https(https-in): tid(111): Operational state up"
    story = case.story()
    _, diagnosis = laid_beside(case, story, written(replace(case, lines=(*case.lines, up)), story))

    assert diagnosis.headline is not None
    assert diagnosis.headline.rule != "TLS-DPX-030"


def test_lines_on_another_port_or_of_another_listener_are_not_to_blame() -> None:
    story = CASES["A21"].story()
    for name, old, new in (
        ("A21", "0.0.0.0:443", "0.0.0.0:8443"),
        ("A20", "https-in", "https-out"),
    ):
        case = CASES[name]
        lines = tuple(line.replace(old, new) for line in case.lines)
        _, diagnosis = laid_beside(case, story, written(replace(case, lines=lines), story))

        assert diagnosis.headline is not None
        assert diagnosis.headline.rule != "TLS-DPX-030"


def test_a_crypto_engine_that_complained_an_hour_ago_is_not_to_blame() -> None:
    case = CASES["B23"]
    story = case.story()
    old = written(case, story).replace(
        stamp(story.start - 60_000 * MS).encode(), stamp(story.start - 3_600_000 * MS).encode()
    )
    _, diagnosis = laid_beside(case, story, old)

    assert diagnosis.headline is not None
    assert diagnosis.headline.rule != "TLS-DPX-033"


def test_a_log_raises_what_is_suspected_and_never_above_inferred() -> None:
    for name in ("A5", "B21"):
        case = CASES[name]
        story = case.story()
        alone = diagnose(story, rules.modules()).headline
        found = laid_beside(case, story, written(case, story))[1].headline

        assert alone is not None
        assert found is not None
        assert found.confidence is Confidence.INFERRED, name
        assert alone.confidence is not Confidence.SEEN


def test_what_the_wire_states_in_clear_stays_above_the_log() -> None:
    story = CASES["A7"].story()  # alert certificate_expired, in clear, and the dates beside it
    case = replace(CASES["A8"], story=CASES["A7"].story)
    found = laid_beside(case, story, written(case, story))[1].headline

    assert found is not None
    assert found.cause == "client_cert_expired"


def test_an_alert_that_only_the_log_reads_is_not_seen() -> None:
    lines = (library("0A000412:SSL routines::sslv3 alert bad certificate"),)
    case = replace(CASES["B20"], lines=lines)
    story = dark()
    found = laid_beside(case, story, written(case, story))[1].headline

    assert found is not None
    assert (found.cause, found.confidence) == ("server_certificate_rejected", Confidence.INFERRED)


def test_with_an_export_the_objects_property_is_named_by_the_logs_reason() -> None:
    case = replace(CASES["B21"], things=front(server(**ASKING)))
    lines = tuple(
        line.replace("V1", "customers") for line in (*verdicts("certificate has expired"), FAILED)
    )
    case = replace(case, lines=lines)
    story = case.story()
    without = laid_beside(case, story, b"20200101T000000Z [0x8100006e][system][notice] : x")[
        1
    ].headline
    found = laid_beside(case, story, written(case, story))[1].headline

    assert without is not None
    assert found is not None
    assert found.rule == "TLS-DPX-009"
    assert found.title.startswith("CryptoValCred customers")
    assert without.rule != found.rule


def test_every_rule_of_the_log_has_a_case() -> None:
    told_of = {case.rule for case in CASES.values()} | {"TLS-DPX-031", "TLS-DPX-032", "TLS-DPX-034"}
    of_log = {
        id_
        for id_, one in rules.modules().items()
        if id_.startswith("TLS-DPX-") and one.RULE.name.startswith("log-")
    }

    assert of_log <= told_of


def test_the_page_lists_the_cases() -> None:
    rows = re.findall(
        r"^\| ([AB]\d+) \|.*\| (TLS-DPX-\d{3}) \|", PAGE.read_text("utf-8"), re.MULTILINE
    )

    assert dict(rows) == {name: case.rule for name, case in CASES.items()}
