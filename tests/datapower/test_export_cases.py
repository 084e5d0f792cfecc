"""The cases that operators of gateways meet, each with the object and the property that it is about.

The page of the documentation lists the same cases: this test holds the two together.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from analyzer import rules
from analyzer.datapower.export.container import read_bytes
from analyzer.datapower.graph import build_graph
from analyzer.datapower.view import with_objects
from analyzer.diagnosis.engine import diagnose
from analyzer.diagnosis.model import Finding
from analyzer.pipeline import Analysis
from analyzer.tcp.timeline import Side
from analyzer.tls.objects import Leg
from analyzer.tls.story import Story
from tests.bench.__main__ import RECORDED
from tests.datapower.beside import EVERY_CURVE, EVERY_SUITE
from tests.support import messages as m
from tests.support import stories as told
from tests.support.exports import (
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
from tests.tls.certificates import BEGIN, Made, chain, day, make

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "sample_pcaps"
PAGE = ROOT / "docs" / "datapower-export.md"
CLIENT, SERVER = Side.CLIENT, Side.SERVER
Tell = Callable[[], Story]


@functools.cache
def sample(name: str) -> Story:
    """The first connection of a capture: of the samples, else of the bench."""
    path = SAMPLES / f"{name}.pcap"
    (judged, *_) = Analysis([path if path.exists() else RECORDED / f"{name}.pcap"]).judged()
    return judged.story


# --- objects --------------------------------------------------------------------------------------

LISTS: dict[str, Property] = {
    "Protocols": {"TLSv1d0", "TLSv1d1", "TLSv1d2", "TLSv1d3"},
    "Ciphers": EVERY_SUITE,
    "EllipticCurves": EVERY_CURVE,
}
ASKING: dict[str, Property] = {"RequestClientAuth": "on", "Valcred": "customers"}


def server(**changes: Property) -> Thing:
    return Thing("SSLServerProfile", "front", {**server_profile().properties, **LISTS, **changes})


def client(**changes: Property) -> Thing:
    return Thing("SSLClientProfile", "back", {**client_profile().properties, **LISTS, **changes})


def front(profile: Thing, *more: Thing, above: tuple[str, ...] = ("issuing",)) -> list[Thing]:
    """A handler with a server profile."""
    return [*credentials(*above), *trust("customers", "root"), profile, handler(), *more]


def back(profile: Thing, url: str = "https://gateway.example:443/", *more: Thing) -> list[Thing]:
    """A service that calls the server of the samples."""
    return [*credentials("issuing"), *trust("partners", "root"), profile, service(url), *more]


def by_name(
    host: str, profile: Thing, bits: set[str] | None = None, **more: Property
) -> list[Thing]:
    """A handler that chooses the profile by host name."""
    names: dict[str, Property] = {
        "Protocols": bits or {"TLSv1d2", "TLSv1d3"},
        "SNIServerMapping": "hosts",
    }
    return [
        *credentials("issuing"),
        profile,
        thing(
            "SSLSNIMapping", "hosts", SNIMapping=[{"HostNameWildmat": host, "SSLServer": "front"}]
        ),
        Thing("SSLSNIServerProfile", "by-name", {**names, **more}),
        handler(SSLServerConfigType="sni", SSLSNIServer="by-name"),
    ]


def deprecated(**changes: Property) -> list[Thing]:
    """A handler with an SSL proxy profile."""
    made: dict[str, Property] = {
        "IdentCredential": "gateway",
        "Ciphers": "HIGH:MEDIUM:!aNULL:!eNULL:!RC4:@STRENGTH",
        "SSLOptions": {"OpenSSL-default", "Disable-SSLv3"},
    }
    return [
        *credentials("issuing"),
        Thing("CryptoProfile", "old", {**made, **changes}),
        thing("SSLProxyProfile", "way", Direction="reverse", ReverseCryptoProfile="old"),
        handler(SSLServerConfigType="proxy", SSLProxy="way"),
    ]


# --- stories that no sample tells -----------------------------------------------------------------


def old_client() -> Story:
    """SSL 3.0 is all that the client has."""
    hello = m.client_hello(legacy_version=0x0300, suites=(0x002F, 0x0035))
    return told.alerted(told.offered(hello), SERVER, 70)


def only_rc4() -> Story:
    return told.alerted(told.offered(m.client_hello(suites=(0x0005, 0x0004))), SERVER, 40)


def no_name() -> Story:
    return told.alerted(told.offered(m.client_hello(sni=None)), SERVER, 112)


def refused_13() -> Story:
    """A server that agreed on TLS 1.3 by one profile and cannot go on by the other."""
    return told.alerted(told.offered(m.client_hello_13(sni="gateway.example")), SERVER, 70)


def insecure_server() -> Story:
    hello = m.record(m.HANDSHAKE, m.server_hello(renegotiation=False))
    return told.alerted(told.offered().server(hello).ack(CLIENT), CLIENT, 40)


def refused_client() -> Story:
    """A client certificate with its intermediate, refused with unknown_ca."""
    leaf, intermediate, _ = chain()
    return told.alerted(told.finished_by_client(shown=(leaf.der, intermediate.der)), SERVER, 48)


@functools.cache
def stale() -> Made:
    return make("stale", ca=True, begin=BEGIN - day(400), end=BEGIN - day(10))


# --- cases ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """A story and an export, what must be said of them, and an export of which it must not."""

    rule: str
    label: str  # how the title begins
    says: str  # what it must hold
    story: Tell
    things: list[Thing]
    otherwise: list[Thing]  # the same place, set up so that this rule has nothing to say
    leg: Leg = Leg.FRONT
    files: Mapping[str, tuple[bytes, ...]] = field(default_factory=dict)


def of(name: str) -> Tell:
    return functools.partial(sample, name)


def case_file(made: Made) -> tuple[bytes, ...]:
    return (made.der,)


FINE = front(server())
FINE_BACK = back(client())
B = Leg.BACK


def cases() -> dict[str, Case]:
    root = {"root.pem": case_file(chain()[2])}
    requiring = trust("customers", "root", RequireCRL="on")
    asking = front(server(**ASKING))
    without = Thing("SSLClientProfile", "back", client().properties)
    narrow = {"SSLClientFeatures": {"permit-insecure-servers"}}
    webgui = thing(
        "WebGUI", "web-mgmt", LocalAddress="0.0.0.0", LocalPort="443", SSLServerProfile="front"
    )
    return {
        "A1": Case(
            "TLS-DPX-019",
            "HTTPSSourceProtocolHandler https-in",
            "plain HTTP",
            of("plaintext_http_to_openssl"),
            FINE,
            [thing("HTTPSourceProtocolHandler", "http-in", LocalPort="443")],
        ),
        "A2": Case(
            "TLS-DPX-001",
            "SSLServerProfile front",
            "Protocols lacks TLSv1d2",
            of("protocol_version_server_refuses"),
            front(server(Protocols={"TLSv1d3"})),
            FINE,
        ),
        "A3": Case(
            "TLS-DPX-001",
            "SSLServerProfile front",
            "Protocols lacks TLSv1d",
            of("protocol_version_client_refuses"),
            front(server(Protocols={"TLSv1d1"})),
            front(server(), handler("twin")),
        ),
        "A4": Case(
            "TLS-DPX-001",
            "SSLServerProfile front",
            "Protocols lacks SSLv3",
            old_client,
            FINE,
            front(server(Protocols={"SSLv3", "TLSv1d2"})),
        ),
        "A5": Case(
            "TLS-DPX-002",
            "SSLServerProfile front",
            "Ciphers holds none",
            of("no_shared_cipher_tls12"),
            front(server(Protocols={"TLSv1d2"}, Ciphers=["ECDHE_RSA_WITH_AES_256_GCM_SHA384"])),
            FINE,
        ),
        "A6": Case(
            "TLS-DPX-007",
            "SSLServerProfile front",
            "RequireClientAuth is on",
            of("client_cert_missing_tls12"),
            asking,
            front(server(**ASKING, RequireClientAuth="off")),
        ),
        "A7": Case(
            "TLS-DPX-009",
            "CryptoValCred customers",
            "CheckDates is on",
            of("client_cert_expired_tls12"),
            asking,
            [*front(server(**ASKING)), *trust("customers", "root", CheckDates="off")],
        ),
        "A8": Case(
            "TLS-DPX-008",
            "CryptoValCred customers (pkix)",
            "it refuses 192.0.2.10",
            of("client_cert_untrusted_tls12"),
            asking,
            FINE,
        ),
        "A10": Case(
            "TLS-DPX-010",
            "CryptoIdentCred gateway",
            "CA is empty",
            of("incomplete_chain_tls12"),
            front(server(), above=()),
            FINE,
        ),
        "A12": Case(
            "TLS-DPX-018",
            "CryptoCertificate gateway",
            "refuses it",
            of("untrusted_ca_tls12"),
            [*credentials("issuing"), server(), webgui],
            [webgui],
        ),
        "A13": Case(
            "TLS-DPX-019",
            "HTTPSSourceProtocolHandler https-in",
            "plain HTTP",
            of("plaintext_http_to_gnutls"),
            by_name("*", server()),
            [thing("HTTPSourceProtocolHandler", "http-in", LocalPort="443")],
        ),
        "A15": Case(
            "TLS-DPX-016",
            "CryptoValCred customers",
            "RequireCRL is on",
            refused_client,
            [*asking, *requiring],
            asking,
            files=root,
        ),
        "A16": Case(
            "TLS-DPX-023",
            "CryptoIdentCred gateway",
            "refuses its certificate",
            of("client_cert_untrusted_tls12"),
            back(client(Idcred="gateway")),
            FINE_BACK,
            B,
        ),
        "A17": Case(
            "TLS-DPX-022",
            "MultiProtocolGateway orders",
            "cannot be reached",
            of("connection_refused"),
            back(client(), "https://198.51.100.20:443/"),
            back(client(), "https://198.51.100.21:443/"),
            B,
        ),
        "A18": Case(
            "TLS-DPX-017",
            "MultiProtocolGateway orders",
            "BackendUrl is http://",
            of("plaintext_http_to_openssl"),
            back(client(), "http://198.51.100.20:443/"),
            back(client(), "https://198.51.100.20:443/"),
            B,
        ),
        "A20": Case(
            "TLS-DPX-011",
            "CryptoCertificate stale",
            "took CryptoValCred customers down",
            of("connection_refused"),
            [*asking, *trust("customers", "root", "stale")],
            asking,
            files={"stale.pem": case_file(stale())},
        ),
        "A21": Case(
            "TLS-DPX-011",
            "HTTPSSourceProtocolHandler https-in",
            "only one of them gets it",
            of("connection_refused"),
            front(server(), handler("twin")),
            FINE,
        ),
        "A22": Case(
            "TLS-DPX-011",
            "HTTPSSourceProtocolHandler https-in",
            "no TLS profile",
            of("connection_refused"),
            [replace(handler(), properties={"LocalPort": "443"})],
            FINE,
        ),
        "A24": Case(
            "TLS-DPX-006",
            "SSLServerProfile front",
            "decides for TLSv1.3",
            refused_13,
            by_name("gateway.example", server(Protocols={"TLSv1d2"})),
            by_name("gateway.example", server()),
        ),
        "A25": Case(
            "TLS-DPX-005",
            "SSLSNIMapping hosts",
            "has no entry for",
            of("sni_unrecognized"),
            by_name("gateway.example", server()),
            by_name("*", server()),
        ),
        "A28": Case(
            "TLS-DPX-002",
            "SSLServerProfile front",
            "RSA_WITH_RC4_128_SHA",
            only_rc4,
            FINE,
            front(server(Ciphers=["RSA_WITH_RC4_128_SHA"])),
        ),
        "A29": Case(
            "TLS-DPX-002",
            "CryptoProfile old",
            "RSA_WITH_RC4_128_SHA",
            only_rc4,
            deprecated(),
            deprecated(Ciphers="ALL:!aNULL"),
        ),
        "B1": Case(
            "TLS-DPX-008",
            "CryptoValCred partners (pkix)",
            "it refuses 198.51.100.20:443",
            of("untrusted_ca_tls12"),
            FINE_BACK,
            back(client(ValidateServerCert="off")),
            B,
        ),
        "B2": Case(
            "TLS-DPX-012",
            "SSLClientProfile back",
            "SSLClientFeatures lacks use-sni",
            no_name,
            back(client(SSLClientFeatures=set()), "https://198.51.100.20:443/"),
            back(
                client(CustomSNIHostname="a.example", UseCustomSNIHostname="yes"),
                "https://198.51.100.20:443/",
            ),
            B,
        ),
        "B4": Case(
            "TLS-DPX-013",
            "SSLClientProfile back",
            "Idcred is empty",
            of("client_cert_missing_tls12"),
            back(without),
            back(client(Idcred="gateway")),
            B,
        ),
        "B5": Case(
            "TLS-DPX-023",
            "CryptoIdentCred gateway",
            "client cert expired",
            of("client_cert_expired_tls12"),
            back(client(Idcred="gateway")),
            FINE_BACK,
            B,
        ),
        "B6": Case(
            "TLS-DPX-001",
            "SSLClientProfile back",
            "Protocols lacks TLSv1d3",
            of("protocol_version_server_refuses"),
            back(client(Protocols={"TLSv1d2"})),
            FINE_BACK,
            B,
        ),
        "B7": Case(
            "TLS-DPX-014",
            "SSLClientProfile back",
            "lacks permit-insecure-servers",
            insecure_server,
            back(client(), "https://198.51.100.20:443/"),
            back(client(**narrow), "https://198.51.100.20:443/"),
            B,
        ),
        "B8": Case(
            "TLS-DPX-021",
            "SSLClientProfile back",
            "Ciphers lists TLS_DHE_",
            of("dh_key_too_small"),
            FINE_BACK,
            back(client(Ciphers=EVERY_SUITE[:13])),
            B,
        ),
        "B9": Case(
            "TLS-DPX-021",
            "SSLServerProfile front",
            "Ciphers lists TLS_DHE_",
            of("dh_key_too_small"),
            FINE,
            front(server(Ciphers=EVERY_SUITE[:13])),
        ),
        "B12": Case(
            "TLS-DPX-018",
            "CryptoCertificate gateway",
            "hostname mismatch",
            of("hostname_mismatch_tls12"),
            FINE,
            [handler(SSLServer="nowhere")],
        ),
        "B13": Case(
            "TLS-DPX-015",
            "SSLClientProfile back",
            "ValidateHostname is on",
            of("hostname_mismatch_tls12"),
            back(
                client(ValidateHostname="on", HostnameValidationFailOnError="on"),
                "https://partner.example/",
            ),
            back(client(ValidateHostname="on"), "https://partner.example/"),
            B,
        ),
        "B14": Case(
            "TLS-DPX-020",
            "SSLServerProfile front",
            "NumberOfRenegotiationAllowed is 0",
            of("renegotiation-refused-openssl-nginx-tls12"),
            FINE,
            front(server(NumberOfRenegotiationAllowed="3")),
        ),
        "B20": Case(
            "TLS-DPX-018",
            "CryptoCertificate gateway",
            "refuses it",
            of("untrusted_ca_tls13"),
            FINE,
            [handler(SSLServer="nowhere")],
        ),
        "B21": Case(
            "TLS-DPX-025",
            "CryptoValCred customers",
            "client cert wrong usage",
            of("client_cert_wrong_usage_tls12"),
            asking,
            FINE,
        ),
        "B24": Case(
            "TLS-DPX-009",
            "CryptoValCred partners",
            "out of its dates",
            of("cert_not_yet_valid_tls12"),
            FINE_BACK,
            [*FINE_BACK, *trust("partners", "root", CheckDates="off")],
            B,
        ),
        "B25": Case(
            "TLS-DPX-025",
            "CryptoValCred customers",
            "client cert revoked",
            of("client-cert-revoked-python-openssl-tls12"),
            asking,
            FINE,
        ),
        "B27": Case(
            "TLS-DPX-019",
            "HTTPSSourceProtocolHandler https-in",
            "another protocol",
            of("plaintext_ssh_to_gnutls"),
            FINE,
            [thing("HTTPSourceProtocolHandler", "http-in", LocalPort="443")],
        ),
        "B28": Case(
            "TLS-DPX-018",
            "CryptoCertificate gateway",
            "weak cert key",
            of("weak_cert_key_tls12"),
            FINE,
            [handler(SSLServer="nowhere")],
        ),
        "B29": Case(
            "TLS-DPX-003",
            "SSLServerProfile front",
            "EllipticCurves",
            of("no_shared_group_tls13"),
            front(server(EllipticCurves=["secp521r1"])),
            front(server(EllipticCurves=EVERY_CURVE)),
        ),
    }


CASES = cases()


def headline(case: Case, things: list[Thing]) -> Finding | None:
    story = case.story()
    own = story.server.ip if case.leg is Leg.FRONT else story.client.ip
    export = read_bytes(as_xml(things, addresses=[own]), "export.xml")
    return diagnose(
        with_objects(build_graph([export], case.files), story), rules.modules()
    ).headline


@pytest.mark.parametrize("name", CASES)
def test_a_case_is_laid_to_its_object(name: str) -> None:
    case = CASES[name]
    found = headline(case, case.things)

    assert found is not None
    assert found.rule == case.rule, found.title
    assert found.title.startswith(f"{case.label}: ")
    assert case.says in found.title
    assert found.evidence
    assert any("DataPower" in line for line in found.remedy)
    assert "None" not in found.title + found.explanation + "".join(found.remedy)


@pytest.mark.parametrize("name", CASES)
def test_an_export_that_says_otherwise_is_not_accused_of_it(name: str) -> None:
    case = CASES[name]
    found = headline(case, case.otherwise)

    assert found is None or found.rule != case.rule, found.title


@pytest.mark.parametrize("name", CASES)
def test_an_export_of_another_appliance_says_nothing(name: str) -> None:
    case = CASES[name]
    export = read_bytes(as_xml(case.things, addresses=["203.0.113.77"]), "export.xml")
    story = with_objects(build_graph([export], case.files), case.story())

    assert story.objects is None


def test_every_rule_has_a_case_or_a_scenario() -> None:
    traps = {"TLS-DPX-037", "TLS-DPX-038", "TLS-DPX-039"}  # tests of their own
    told_of = {case.rule for case in CASES.values()} | {"TLS-DPX-004", "TLS-DPX-024"} | traps
    of_exports = {
        id_
        for id_, module in rules.modules().items()
        if id_.startswith("TLS-DPX-") and not module.RULE.name.startswith("log-")
    }

    assert of_exports == told_of


def test_the_key_of_the_credential_is_named_where_it_fits_nothing() -> None:
    elliptic = {"gateway.pem": case_file(make("gateway"))}
    things = front(server(Protocols={"TLSv1d2"}, Ciphers=["ECDHE_RSA_WITH_AES_128_GCM_SHA256"]))
    hello = m.client_hello(suites=(0xC02F,))
    case = Case(
        *("TLS-DPX-004", "SSLServerProfile front", "Idcred gateway has a key of kind EC"),
        lambda: told.alerted(told.offered(hello), SERVER, 40),
        *(things, things),
        files=elliptic,
    )
    found = headline(case, things)

    assert found is not None
    assert found.rule == case.rule
    assert case.says in found.title


def test_the_page_lists_the_cases() -> None:
    rows = re.findall(
        r"^\| ([AB]\d+) \|.*\| (TLS-DPX-\d{3}) \|", PAGE.read_text("utf-8"), re.MULTILINE
    )

    assert dict(rows) == {name: case.rule for name, case in CASES.items()}
    assert len(CASES) >= 25


@pytest.mark.parametrize("name", ["A1", "A20"])
def test_a_client_speaks_to_an_address_and_not_to_all_of_them(name: str) -> None:
    found = headline(CASES[name], CASES[name].things)

    assert found is not None
    assert "0.0.0.0" not in found.title
