"""Logs beside the recorded failures of the bench, the gateway being one side.

Lines are written as the gateway would write them: its own reason from what a scenario set up, its
peer's alert from what the peer's stack sends in that case. The capture lends addresses and moments.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from analyzer.tls.story import Story
from tests.bench.scenarios import Scenario
from tests.support.logs import Entry

DOMAIN = "payments"
MS = 1_000_000

# OpenSSL 3 and 1.x write the same reason in different words.
NEW = "SSL library error: error:{0:08X}:SSL routines::{1}"
OLD = "SSL library error: error:{0:08X}:SSL routines:ssl3_read:{1}"

OWN_FRONT = {
    "no_shared_cipher": (193, "no shared cipher"),
    "protocol_version": (258, "unsupported protocol"),
    "no_shared_group": (193, "no shared cipher"),
    "sni_unrecognized": (234, "callback failed"),
    "sni_missing": (234, "callback failed"),
    "server_no_certificate": (193, "no shared cipher"),
    "client_cert_missing": (199, "peer did not return a certificate"),
    "plaintext_http_to_tls": (156, "http request"),
    "plaintext_other_to_tls": (267, "wrong version number"),
    "renegotiation_refused": (339, "no renegotiation"),
}
OWN_BACK = {
    "no_shared_cipher": (193, "no shared cipher"),
    "protocol_version": (258, "unsupported protocol"),
    "dh_key_too_small": (394, "dh key too small"),
    "tls_to_plaintext": (267, "wrong version number"),
    "legacy_renegotiation": (338, "unsafe legacy renegotiation disabled"),
}
VERDICTS = {
    **dict.fromkeys(("cert_expired", "client_cert_expired", "intermediate_expired"), "certificate has expired"),
    **dict.fromkeys(("cert_not_yet_valid", "client_cert_not_yet_valid"), "certificate is not yet valid"),
    **dict.fromkeys(("cert_revoked", "client_cert_revoked"), "certificate revoked"),
    **dict.fromkeys(("wrong_key_cert_usage", "client_cert_wrong_usage"), "unsupported certificate purpose"),
    **dict.fromkeys(("untrusted_ca", "client_cert_untrusted", "incomplete_chain", "invalid_ca"), "certificate not trusted"),
    "self_signed": "self signed certificate",
    "hostname_mismatch": "Hostname mismatch",
    "critical_extension": "unhandled critical extension",
    "name_constraints": "permitted subtree violation",
    "weak_cert_key": "EE certificate key too weak",
    "sha1_signature": "CA signature digest algorithm too weak",
}  # fmt: skip
OF_THE_LIBRARY = {
    "hostname_mismatch",
    "weak_cert_key",
    "sha1_signature",
}  # not the credential's checks
# What the peer's stack sends where it refuses the gateway's certificate (else: what is on the wire).
OPENSSL = {
    "cert_expired": 45,
    "untrusted_ca": 48,
    "incomplete_chain": 48,
    "self_signed": 48,
    "hostname_mismatch": 42,
}
STACKS = {"openssl": OPENSSL, "python": OPENSSL, "curl": OPENSSL}
ALWAYS = {"go": 42, "gnutls": 42, "java": 46, "nss": 46}
ALERTS = {40: "sslv3 alert handshake failure", 42: "sslv3 alert bad certificate", 45: "sslv3 alert certificate expired",
          46: "sslv3 alert certificate unknown", 48: "tlsv1 alert unknown ca", 70: "tlsv1 alert protocol version"}  # fmt: skip


@dataclass(frozen=True)
class Leg:
    """One side of the gateway in a log."""

    front: bool
    profile: tuple[str, str]
    caller: Entry
    validation: str


def library(number: int, text: str, *, old: bool) -> str:
    """An entry of the library's error queue, in the words of either era."""
    if old:
        return OLD.format(0x14094000 | number, text)
    return NEW.format(0x0A000000 | number, text)


def reasons(
    scenario: Scenario, story: Story, *, front: bool, old: bool
) -> Iterator[tuple[str, str]]:
    """(kind, text) of what the gateway writes of why: of its library, and of its validation."""
    refused = scenario.truth.failing_side == ("server" if front else "client")
    fault = scenario.fault
    if not refused:
        alert = peers_alert(scenario, story, front=front)
        if alert is not None:
            text = ALERTS.get(alert, f"tlsv1 alert {alert}")
            yield "library", library(1000 + alert, text, old=old)
        yield "library", library(229, "ssl handshake failure", old=old)
        return
    if fault in VERDICTS and (front == fault.startswith("client_cert")):
        if fault not in OF_THE_LIBRARY:
            yield "verdict", VERDICTS[fault]
        yield "library", library(134, "certificate verify failed", old=old)
        return
    own = (OWN_FRONT if front else OWN_BACK).get(fault)
    if own is not None:
        yield "library", library(*own, old=old)


def peers_alert(scenario: Scenario, story: Story, *, front: bool) -> int | None:
    """The alert that the gateway reads: that of the wire, in the dark that of the peer's stack."""
    side = "client" if front else "server"
    for alert in story.alerts:
        if alert.sender.value == side and alert.description is not None and int(alert.description):
            return int(alert.description)
    dark = any(a.sender.value == side and a.description is None for a in story.alerts)
    stack = scenario.client if front else scenario.server
    if not dark or scenario.fault.startswith("client_cert"):
        return None
    return ALWAYS.get(stack) or STACKS.get(stack, {}).get(scenario.fault)


def entries(
    scenario: Scenario, story: Story, *, front: bool, turn: int = 0, tid: int = 17
) -> list[Entry]:
    """The lines that a gateway writes of one connection."""
    time = (story.ending.time or story.end) + 2 * MS
    client = story.client.ip if front else "203.0.113.9"
    ends = f"{story.client.ip}:{story.client.port} {story.server.ip}:{story.server.port}"
    base = Entry(
        time=time, category="ssl", severity="error", text="", domain=DOMAIN, tid=tid, client=client
    )
    profile = replace(
        base,
        code="0x8120002f",
        kind="ssl-server" if front else "ssl-client",
        name="front" if front else "back",
    )
    if scenario.serves.strict and front:
        profile = replace(profile, kind="ssl-sni-server", name="by-name")
    validation = "customers" if front else "partners"
    found: list[Entry] = []
    for kind, text in reasons(scenario, story, front=front, old=turn % 2 == 1):
        if kind == "verdict":
            found.append(
                replace(
                    base,
                    category="crypto",
                    severity="warn",
                    code="0x8060010a",
                    kind="valcred",
                    name=validation,
                    text=f"certificate validation failed for '/CN=peer' against '{validation}': {text}",
                )
            )
        else:
            found.append(replace(profile, text=text))
    found.append(
        replace(
            profile,
            code="0x81200025",
            text="SSL peer did not send a certificate during the handshake",
        )
    )
    if front:
        found.append(
            replace(
                base,
                category="mpgw",
                code="0x80e00130",
                kind="source-https",
                name="https-in",
                text="could not establish SSL for incoming connection",
            )
        )
        if turn % 3 == 0:
            found.append(
                replace(
                    base,
                    category="mpgw",
                    severity="debug",
                    code="0x80e00531",
                    kind="source-https",
                    name="https-in",
                    text=f"Starting termination of connection {ends}",
                )
            )
    else:
        host = scenario.calls.name or story.server.ip
        found.append(
            replace(
                base,
                category="mpgw",
                code="0x80e00126",
                kind="mpgw",
                name="orders",
                text=f"Valid backside connection could not be established: Failed to establish a backside connection, url: https://{host}:443/in",
            )
        )
    return found


def noise(time: int) -> Iterable[Entry]:
    """What a debug log holds beside: other clients, other objects, the same second."""
    base = Entry(time=time, category="ssl", severity="error", text="", domain=DOMAIN)
    yield replace(
        base,
        code="0x8120002f",
        kind="ssl-server",
        name="other",
        tid=900,
        client="198.18.0.77",
        text=library(193, "no shared cipher", old=False),
    )
    yield replace(
        base,
        category="mpgw",
        severity="info",
        code="0x80e0013b",
        kind="mpgw",
        name="orders",
        tid=901,
        client="198.18.0.77",
        text="HTTP response code 200 for 'https://x/'",
    )
    yield replace(
        base,
        category="system",
        severity="notice",
        code="0x8040006b",
        kind="logging target",
        name="default-log",
        tid=111,
        text="Logging started.",
    )
