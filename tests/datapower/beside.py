"""Exports beside the recorded failures of the bench, the gateway being one side.

The objects are written from what a scenario set up, never from what its capture shows; with each goes
the label of the object that an operator would have to look at, or None where no object is to blame.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from analyzer.pipeline import Analysis
from tests.bench.__main__ import RECORDED
from tests.bench.lab import CLIENT_IP, SERVER_IP
from tests.bench.pki import HOST
from tests.bench.scenarios import Scenario, scenarios
from tests.bench.stacks import Wish
from tests.support.exports import (
    Property,
    Thing,
    as_cfg,
    as_xml,
    client_profile,
    credentials,
    handler,
    server_profile,
    service,
    thing,
    trust,
)

VERSION_BITS = {
    "1": {"TLSv1d0"},
    "1.1": {"TLSv1d1"},
    "1.2": {"TLSv1d2"},
    "1.3": {"TLSv1d3"},
}
OLD_VERSIONS = ("1", "1.1")  # of scenarios: their servers speak nothing else
EVERY_SUITE = [
    "AES_256_GCM_SHA384",
    "CHACHA20_POLY1305_SHA256",
    "AES_128_GCM_SHA256",
    *(
        f"ECDHE_{key}_WITH_{cipher}"
        for key in ("ECDSA", "RSA")
        for cipher in (
            "AES_256_GCM_SHA384",
            "AES_128_GCM_SHA256",
            "CHACHA20_POLY1305_SHA256",
            "AES_256_CBC_SHA",
            "AES_128_CBC_SHA",
        )
    ),
    "DHE_RSA_WITH_AES_128_GCM_SHA256",
    "DHE_RSA_WITH_AES_256_GCM_SHA384",
    "DHE_RSA_WITH_AES_128_CBC_SHA",
    "RSA_WITH_AES_128_CBC_SHA",
]
SUITES = {
    "aes256": ["ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"],
    "chacha": ["ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"],
}
CURVES = {"p384": ["secp384r1"], "x25519": ["x25519"]}
EVERY_CURVE = ["x25519", "secp256r1", "secp384r1", "secp521r1"]


@dataclass(frozen=True)
class Beside:
    """An export, and the labels of which a finding must name one; empty where it must name none."""

    things: tuple[Thing, ...]
    own: str  # the gateway's address
    blamed: tuple[str, ...]
    stack: str  # the program that plays the gateway
    files: Mapping[str, tuple[bytes, ...]] = field(default_factory=dict)

    def xml(self) -> bytes:
        """As ``export.xml``."""
        return as_xml(self.things, addresses=[self.own])

    def commands(self) -> bytes:
        """As ``.cfg``."""
        return as_cfg(self.things, addresses=[self.own])


def _lists(wish: Wish, version: str = "") -> dict[str, Property]:
    return {
        "Protocols": VERSION_BITS.get(wish.version or version, {"TLSv1d2", "TLSv1d3"}),
        "Ciphers": SUITES.get(wish.suite, EVERY_SUITE),
        "EllipticCurves": CURVES.get(wish.group, EVERY_CURVE),
    }


# --- front ----------------------------------------------------------------------------------------

GATEWAY_CERTIFICATE = ("CryptoCertificate gateway", "CryptoIdentCred gateway")
_FRONT: dict[str, tuple[str, ...]] = {
    "no_shared_cipher": ("SSLServerProfile front",),
    "protocol_version": ("SSLServerProfile front",),
    "no_shared_group": ("SSLServerProfile front",),
    "sni_unrecognized": ("SSLSNIMapping hosts",),
    "sni_missing": ("SSLSNIServerProfile by-name",),
    "server_no_certificate": ("SSLServerProfile front",),
    "dh_key_too_small": ("SSLServerProfile front",),
    "renegotiation_refused": ("SSLServerProfile front",),
    "incomplete_chain": ("CryptoIdentCred gateway",),
    "client_cert_missing": ("SSLServerProfile front",),
    "client_cert_untrusted": ("CryptoValCred customers",),
    "client_cert_expired": ("CryptoValCred customers",),
    "client_cert_not_yet_valid": ("CryptoValCred customers",),
    "client_cert_revoked": ("CryptoValCred customers",),
    "client_cert_wrong_usage": ("CryptoValCred customers",),
    "connection_refused": ("HTTPSSourceProtocolHandler https-in",),
    "plaintext_http_to_tls": ("HTTPSSourceProtocolHandler https-in",),
    "plaintext_other_to_tls": ("HTTPSSourceProtocolHandler https-in",),
    **dict.fromkeys(
        (
            *("cert_expired", "cert_not_yet_valid", "untrusted_ca", "self_signed", "weak_cert_key"),
            *("hostname_mismatch", "wrong_key_cert_usage", "sha1_signature", "cert_revoked"),
            *("critical_extension", "intermediate_expired", "invalid_ca", "name_constraints"),
        ),
        GATEWAY_CERTIFICATE,
    ),
}


def front(scenario: Scenario) -> Beside:
    """The gateway as the server of a scenario."""
    wish = scenario.serves
    old = scenario.version if scenario.version in OLD_VERSIONS else ""
    profile: dict[str, Property] = _lists(wish, old)
    if scenario.fault == "dh_key_too_small":
        profile["Ciphers"] = ["DHE_RSA_WITH_AES_128_GCM_SHA256"]
    if wish.ask:
        profile |= {"RequestClientAuth": "on", "Valcred": "customers"}
    made = with_properties(server_profile(), profile)
    if scenario.fault == "server_no_certificate":
        without = {k: v for k, v in made.properties.items() if k != "Idcred"}
        made = Thing(made.kind, made.name, without)
    things = (
        *credentials(*(() if wish.chain == "pem" else ("issuing",))),
        *trust("customers", wish.ca or "root"),
        made,
        *_by_name(wish),
        _listening(scenario),
    )
    blamed = _FRONT.get(scenario.fault, ())
    return Beside(things, SERVER_IP, blamed, scenario.server, _files(scenario))


def with_properties(one: Thing, changes: dict[str, Property]) -> Thing:
    """An object with some properties changed."""
    return replace(one, properties={**one.properties, **changes})


def _listening(scenario: Scenario) -> Thing:
    """The handler; a name profile where the server is strict, disabled where nobody listens."""
    if scenario.serves.strict:
        return handler(SSLServerConfigType="sni", SSLSNIServer="by-name")
    return replace(handler(), enabled=scenario.fault != "connection_refused")


def _by_name(wish: Wish) -> list[Thing]:
    if not wish.strict:
        return []
    return [
        thing(
            "SSLSNIMapping", "hosts", SNIMapping=[{"HostNameWildmat": HOST, "SSLServer": "front"}]
        ),
        thing(
            "SSLSNIServerProfile",
            "by-name",
            Protocols=VERSION_BITS[wish.version],
            SNIServerMapping="hosts",
        ),
    ]


# --- back -----------------------------------------------------------------------------------------

_BACK: dict[str, tuple[str, ...]] = {
    "no_shared_cipher": ("SSLClientProfile back",),
    "protocol_version": ("SSLClientProfile back",),
    "sni_missing": ("SSLClientProfile back",),
    "dh_key_too_small": ("SSLClientProfile back",),
    "hostname_mismatch": ("SSLClientProfile back",),
    "client_cert_missing": ("SSLClientProfile back",),
    "connection_refused": ("MultiProtocolGateway orders",),
    "syn_timeout": ("MultiProtocolGateway orders",),
    "icmp_rejected": ("MultiProtocolGateway orders",),
    "tls_to_plaintext": ("MultiProtocolGateway orders",),
    "plaintext_http_to_tls": ("MultiProtocolGateway orders",),
    **dict.fromkeys(
        (
            *("untrusted_ca", "self_signed", "incomplete_chain"),
            *("cert_expired", "cert_not_yet_valid", "intermediate_expired", "cert_revoked"),
            *("invalid_ca", "wrong_key_cert_usage", "critical_extension", "name_constraints"),
        ),
        ("CryptoValCred partners",),
    ),
    **dict.fromkeys(
        (
            *("client_cert_untrusted", "client_cert_expired", "client_cert_not_yet_valid"),
            *("client_cert_wrong_usage", "client_cert_revoked"),
        ),
        ("CryptoIdentCred gateway",),
    ),
}


def back(scenario: Scenario) -> Beside:
    """The gateway as the client of a scenario."""
    wish = scenario.calls
    profile: dict[str, Property] = _lists(wish)
    if not wish.name:
        profile["SSLClientFeatures"] = set()
    if wish.cert:
        profile["Idcred"] = "gateway"
    if wish.lax:
        profile["ValidateServerCert"] = "off"
    if scenario.fault == "hostname_mismatch":
        profile |= {"ValidateHostname": "on", "HostnameValidationFailOnError": "on"}
    scheme = "http" if scenario.client == "plain_http" else "https"
    host = SERVER_IP if scenario.client.startswith("plain") or not wish.name else wish.name
    if scenario.fault in {"connection_refused", "syn_timeout", "icmp_rejected"}:
        host = SERVER_IP
    things = (
        *credentials("issuing"),
        *trust("partners", wish.ca or "root"),
        with_properties(client_profile(), profile),
        service(f"{scheme}://{host}:443/"),
    )
    return Beside(things, CLIENT_IP, _BACK.get(scenario.fault, ()), scenario.client)


# --- certificate files ----------------------------------------------------------------------------


def _files(scenario: Scenario) -> dict[str, tuple[bytes, ...]]:
    """The gateway's certificate files, as ``--cert-dir`` gives them.

    They are those of another record of the same certificate, in which TLS 1.2 shows them.
    """
    if scenario.fault != "no_shared_group" and scenario.version != "1.3":
        return {}
    shown = _presented().get((scenario.serves.cert, "chain.pem"), ())
    names = ("gateway.pem", "issuing.pem")
    return {name: (der,) for name, der in zip(names, shown, strict=False)}


@functools.cache
def _presented() -> dict[tuple[str, str], tuple[bytes, ...]]:
    """What the bench's servers presented, by the name of their certificate."""
    found: dict[tuple[str, str], tuple[bytes, ...]] = {}
    for scenario in scenarios():
        key = (scenario.serves.cert, scenario.serves.chain)
        path = RECORDED / f"{scenario.name}.pcap"
        if key in found or scenario.version != "1.2" or not path.exists():
            continue
        for judged in Analysis([path]).judged():
            chain = judged.story.server_chain
            if chain is not None and chain.certificates:
                found[key] = tuple(one.der for one in chain.certificates)
    return found


LEGS: tuple[Callable[[Scenario], Beside], ...] = (front, back)
