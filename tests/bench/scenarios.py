"""What is recorded: client × server × version × fault, with the truth about each.

The truth comes from the fault that a scenario injects; the record is kept only when the programs
themselves said what ``said`` looks for (or, where nothing was to go wrong, when the client got its
answer). How sure the analyzer may be is its own matter.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from tests.bench.pki import HOST, OTHER
from tests.bench.stacks import Wish

SERVER_NAMES = (
    *("openssl", "nginx", "go", "java", "gnutls", "haproxy"),
    *("python", "apache", "node", "stunnel", "nss"),
)
CLIENT_NAMES = ("openssl", "python", "curl", "gnutls", "go", "java", "node", "nss")
VERSIONS = ("1.2", "1.3")


@dataclass(frozen=True)
class Truth:
    """What happened, in the words of the contract.

    ``accept`` holds, per field, what is as good because the wire cannot tell it from the truth.
    """

    outcome: str
    cause: str | None = None
    phase: str | None = None
    failing_side: str | None = None
    remedy_side: str | None = None
    accept: dict[str, list[str]] = field(default_factory=dict)


FINE = Truth("established")


@dataclass(frozen=True)
class Scenario:
    """One client, one server, one fault."""

    fault: str
    client: str
    server: str
    version: str
    calls: Wish
    serves: Wish
    truth: Truth
    said: str = ""  # a regular expression that a program must have printed
    network: str = ""  # how the wire misbehaves

    @property
    def name(self) -> str:
        version = self.version.replace(".", "")
        return f"{self.fault}-{self.client}-{self.server}-tls{version}".replace("_", "-")


# Server certificates -------------------------------------------------------------------------

EXPIRED = r"expired|EXPIRED|not valid after|NotAfter|-8181|-8162"
UNTRUSTED = (
    r"unable to (verify|get)|unknown ca|UNABLE_TO|issuer is unknown|unknown authority|"
    r"PKIX path building|self[- ]signed|UNKNOWN_ISSUER|UNTRUSTED|SELF_SIGNED|-8179|-8172"
)


@dataclass(frozen=True)
class ServerFault:
    """A flaw of what the server presents, or of how the client judges it."""

    leaf: str
    said: str
    remedy: str = "server"
    chain: str = "chain.pem"
    trust: str = "root"
    name: str = HOST
    crl: bool = False
    also: tuple[str, ...] = ()  # causes that the wire cannot tell from this one
    dark: tuple[str, ...] = ()  # those that an alert alone, without the chain, would name
    unchecked: tuple[str, ...] = ()  # clients that do not look


SERVER_FAULTS = {
    "cert_expired": ServerFault("expired", EXPIRED),
    "cert_not_yet_valid": ServerFault(
        "future",
        r"not[ _-]yet[ _-]valid|NotBefore|not yet activated|not valid before|SEC_ERROR_EXPIRED",
    ),
    "untrusted_ca": ServerFault("good", UNTRUSTED, "client", trust="foreign"),
    "incomplete_chain": ServerFault("good", UNTRUSTED, chain="pem", also=("untrusted_ca",)),
    "self_signed": ServerFault(
        "self-signed", UNTRUSTED + "|not issued by|CA_CERT", dark=("untrusted_ca",)
    ),
    "hostname_mismatch": ServerFault(
        "other-name",
        r"hostname|ALTNAME|does not match|not match|valid for|subject name matches|No subject alt|BAD_CERT_DOMAIN",
    ),
    "wrong_key_cert_usage": ServerFault(
        "client-only",
        r"purpose|usage|KeyUsage|-8102|-8101|CERT_TYPE",
    ),
    "weak_cert_key": ServerFault(
        "weak",
        r"too (weak|small)|insecure|constraint|WEAK|-8016|key too",
        unchecked=("gnutls", "go", "java", "node", "nss"),
    ),
    "sha1_signature": ServerFault(
        "sha1", r"md too weak|insecure|SHA1|constraint|too weak", unchecked=("java", "nss")
    ),
    "critical_extension": ServerFault("critical", r"critical|-8149|UNKNOWN_CRITICAL"),
    "intermediate_expired": ServerFault("below-stale", EXPIRED, dark=("cert_expired",)),
    "invalid_ca": ServerFault(
        "below-no-ca",
        r"invalid CA|not a CA|not authorized to sign|INVALID_CA|cannot sign|basic constraints|"
        r"unsuitable|SEC_ERROR_UNKNOWN_ISSUER",
        dark=("untrusted_ca", "wrong_key_cert_usage"),
    ),
    "name_constraints": ServerFault(
        "below-narrow",
        r"permitted|constraint|-8080|NAME_CONSTRAINTS",
    ),
    "cert_revoked": ServerFault("revoked", r"revoked", crl=True),
}
# Clients that check only when the handshake is over, or leave without an alert.
LATE = {("curl", "hostname_mismatch"), ("node", "*"), ("gnutls", "*")}


def _late(client: str, fault: str) -> bool:
    return (client, fault) in LATE or (client, "*") in LATE


def _server_truth(fault: str, wish: ServerFault, client: str, version: str) -> Truth:
    causes = [*wish.also]
    phases: list[str] = []
    outcomes: list[str] = []
    if version == "1.3" or client in ("nss", "go", "gnutls", "java"):
        causes.append("server_certificate_rejected")
    if fault in ("weak_cert_key", "sha1_signature", "name_constraints", "cert_revoked"):
        causes.append("server_certificate_rejected")
    if _late(client, fault):
        causes += ["closed_after_handshake", "server_certificate_rejected"]
        phases, outcomes = ["post_handshake", "finished"], ["established"]
    remedies = (
        ["client", "server"] if wish.also or fault in ("untrusted_ca", "cert_revoked") else []
    )
    if client == "nss" and version == "1.2":  # an encrypted alert, as a close_notify would be
        causes.append("closed_after_handshake")
        phases, outcomes = ["post_handshake", "finished"], ["established"]
    if version == "1.3":
        causes += wish.dark
        remedies = ["client", "server"]
    accept = {"cause": causes, "phase": phases, "outcome": outcomes, "remedy_side": remedies}
    return Truth("failed", fault, "server_certificate", "client", wish.remedy, _kept(accept))


def _kept(accept: dict[str, list[str]]) -> dict[str, list[str]]:
    return {key: sorted(set(values)) for key, values in accept.items() if values}


def server_certificates() -> Iterator[Scenario]:
    """Every fault at every client; the servers take turns."""
    servers = [name for name in SERVER_NAMES if name != "nss"]
    turn = 0
    for fault, wish in SERVER_FAULTS.items():
        for client in CLIENT_NAMES:
            for version in VERSIONS:
                turn += 1
                server = servers[turn * 3 % len(servers)]
                if wish.leaf in ("weak", "sha1"):
                    server = ("openssl", "go")[turn // 2 % 2]
                calls = Wish(version, ca=wish.trust, name=wish.name, crl=wish.crl)
                serves = Wish(version, cert=wish.leaf, chain=wish.chain)
                truth = _server_truth(fault, wish, client, version)
                said = wish.said
                if client in wish.unchecked:
                    truth, said = FINE, ""
                yield Scenario(fault, client, server, version, calls, serves, truth, said)


# Client certificates -------------------------------------------------------------------------


@dataclass(frozen=True)
class ClientFault:
    """A flaw of what the client presents."""

    leaf: str
    said: str
    remedy: str = "client"
    crl: bool = False
    unchecked: tuple[str, ...] = ()  # servers that do not look


CLIENT_FAULTS = {
    "client_cert_missing": ClientFault(
        "",
        r"did not return a certificate|required|didn't provide|no certificate|empty client|"
        r"handshake failure|No required SSL|bad certificate|was not found|-12285|-8|peer did not",
    ),
    "client_cert_untrusted": ClientFault("mine-foreign", r"unknown ca|" + UNTRUSTED, "server"),
    "client_cert_expired": ClientFault("mine-expired", EXPIRED),
    "client_cert_not_yet_valid": ClientFault(
        "mine-future", r"not[ _-]yet|NotBefore|not yet valid|not valid before|bad certificate|-8181"
    ),
    "client_cert_wrong_usage": ClientFault(
        "mine-wrong",
        r"purpose|usage|unsupported certificate|incompatible|-8102|-8101",
        unchecked=("gnutls",),
    ),
    "client_cert_revoked": ClientFault("mine-revoked", r"revoked", crl=True),
}
# Servers that finish the handshake and refuse above TLS, or leave without an alert.
REFUSES_LATER = ("nginx", "node", "gnutls", "nss")

# What these servers say of every certificate that they refuse.
VAGUE = {"gnutls": "|Error in the certificate", "node": "|hang up|disconnected"}


def client_certificates() -> Iterator[Scenario]:
    """Every fault at every server; clients that send what they have take turns."""
    turn = 0
    for fault, wish in CLIENT_FAULTS.items():
        for server in SERVER_NAMES:
            for version in VERSIONS:
                turn += 1
                client = ("openssl", "python", "go", "curl", "node")[turn % 5]
                calls = Wish(version, cert=wish.leaf, ca="root")
                serves = Wish(version, cert="good", ca="root", ask=True, crl=wish.crl)
                truth = _client_truth(fault, wish, server, version)
                said = wish.said + VAGUE.get(server, "")
                if server in wish.unchecked:
                    truth, said = FINE, ""
                yield Scenario(fault, client, server, version, calls, serves, truth, said)


def _client_truth(fault: str, wish: ClientFault, server: str, version: str) -> Truth:
    causes = ["client_certificate_rejected"]
    phases: list[str] = []
    outcomes: list[str] = []
    remedies = ["client", "server"]
    if server in REFUSES_LATER:
        causes.append("closed_after_handshake")
        phases, outcomes = ["post_handshake", "finished"], ["established"]
    if server == "nginx":
        causes.append("fine")
        phases.append("none")
    if version == "1.2" and fault == "client_cert_missing":
        causes.remove("client_certificate_rejected")
    accept = {
        "cause": causes,
        "phase": phases,
        "outcome": outcomes,
        "remedy_side": remedies,
    }
    return Truth("failed", fault, "client_certificate", "server", wish.remedy, _kept(accept))


# Negotiation ---------------------------------------------------------------------------------


def _refused(cause: str, remedy: str, *also: str, phase: str = "client_hello") -> Truth:
    accept = {"cause": list(also), "remedy_side": ["client", "server"]}
    return Truth("failed", cause, phase, "server", remedy, _kept(accept))


# Servers that do not say by alert 112 that they do not know the name.
SILENT = {"go": ["server_internal"], "node": ["server_closed_silently"]}


def negotiation() -> Iterator[Scenario]:
    """Offers and choices that do not meet, at every server; the clients take turns."""
    good = Wish(cert="good")
    trusting = Wish(ca="root")
    parent = "negotiation_failed"
    clients = ("openssl", "go", "python", "java", "gnutls", "curl", "node")
    plans: list[tuple[str, str, Wish, Wish, Truth, str]] = [
        (
            "no_shared_cipher",
            "1.2",
            replace(trusting, version="1.2", suite="chacha"),
            replace(good, version="1.2", suite="aes256"),
            _refused("no_shared_cipher", "server", parent),
            r"cipher|handshake.?failure|alert|insufficient",
        ),
        (
            "protocol_version",
            "1.2",
            replace(trusting, version="1.2"),
            replace(good, version="1.3"),
            _refused("protocol_version", "client", parent),
            r"protocol|version|alert",
        ),
        (
            "protocol_version",
            "1.3",
            replace(trusting, version="1.3"),
            replace(good, version="1.2"),
            _refused("protocol_version", "server", parent),
            r"protocol|version|alert",
        ),
        (
            "no_shared_group",
            "1.3",
            replace(trusting, version="1.3", group="x25519"),
            replace(good, version="1.3", group="p384"),
            _refused("no_shared_group", "server", parent),
            r"group|curve|key.?share|handshake.?failure|alert|parameter|acceptable",
        ),
        (
            "no_shared_group",
            "1.2",
            replace(trusting, version="1.2", group="x25519"),
            replace(good, version="1.2", group="p384"),
            _refused("no_shared_group", "server", parent, "no_shared_cipher"),
            r"group|curve|cipher|handshake.?failure|alert",
        ),
        (
            "alpn_mismatch",
            "1.2",
            replace(trusting, version="1.2", alpn="imap"),
            replace(good, version="1.2", alpn="h2"),
            _refused("alpn_mismatch", "server", parent),
            r"application protocol|alert",
        ),
        (
            "alpn_mismatch",
            "1.3",
            replace(trusting, version="1.3", alpn="imap"),
            replace(good, version="1.3", alpn="h2"),
            replace(
                _refused("alpn_mismatch", "server", parent),
                accept={
                    "cause": [parent, "server_certificate_rejected"],
                    "phase": ["server_hello", "server_certificate", "finished"],
                    "remedy_side": ["client", "server"],
                },
            ),
            r"application protocol|alert",
        ),
        (
            "sni_unrecognized",
            "1.2",
            replace(trusting, version="1.2", name=OTHER),
            replace(good, version="1.2", strict=True),
            _refused("sni_unrecognized", "client", parent),
            r"name|alert|handshake",
        ),
        (
            "sni_unrecognized",
            "1.3",
            replace(trusting, version="1.3", name=OTHER),
            replace(good, version="1.3", strict=True),
            _refused("sni_unrecognized", "client", parent),
            r"name|alert|handshake",
        ),
    ]
    turn = 0
    for fault, version, calls, serves, truth, said in plans:
        for server in SERVER_NAMES:
            turn += 1
            client = clients[turn % len(clients)]
            if (fault, client) in {("alpn_mismatch", "curl"), ("no_shared_group", "gnutls")}:
                client = "openssl"
            plain = Scenario(fault, client, server, version, calls, serves, truth, said)
            yield _peculiar(plain)


def _peculiar(scenario: Scenario) -> Scenario:
    """The same scenario at a server that has its own way."""
    if scenario.fault == "alpn_mismatch" and scenario.server == "haproxy":
        return replace(scenario, truth=FINE, said="")  # it goes on without a protocol
    if scenario.fault == "sni_unrecognized" and scenario.server in SILENT:
        accept = scenario.truth.accept
        told = sorted([*accept["cause"], *SILENT[scenario.server]])
        return replace(scenario, truth=replace(scenario.truth, accept=accept | {"cause": told}))
    return scenario


# Healthy -------------------------------------------------------------------------------------


def healthy() -> Iterator[Scenario]:
    """Every server and client, alone and with client certificates; retries, resumption, bad wires."""
    turn = 0
    for server in SERVER_NAMES:
        for version in VERSIONS:
            turn += 1
            for step in (0, 3):
                client = CLIENT_NAMES[(turn + step) % len(CLIENT_NAMES)]
                leaf = "good-rsa" if step else "good"
                calls, serves = Wish(version, ca="root"), Wish(version, cert=leaf)
                yield Scenario("good", client, server, version, calls, serves, FINE)
            client = ("openssl", "go", "java", "python", "gnutls", "curl", "node", "nss")[turn % 8]
            calls = Wish(version, cert="mine", ca="root")
            serves = Wish(version, cert="good", ca="root", ask=True)
            yield Scenario("good_client_cert", client, server, version, calls, serves, FINE)
    for turn, server in enumerate(SERVER_NAMES):
        client = ("openssl", "python", "curl", "gnutls", "go", "node")[turn % 6]
        calls = Wish("1.3", ca="root")
        serves = Wish("1.3", cert="good", group="p384")
        yield Scenario("good_retry_request", client, server, "1.3", calls, serves, FINE)
    for turn, server in enumerate(SERVER_NAMES):
        for version in VERSIONS:
            client = ("openssl", "python", "gnutls")[turn % 3]
            calls = Wish(version, ca="root", times=2)
            # gnutls-cli leaves its first connection without using it.
            accept = {"cause": ["closed_after_handshake"]} if client == "gnutls" else {}
            truth = replace(FINE, accept=accept)
            yield Scenario(
                "good_resumed", client, server, version, calls, Wish(version, cert="good"), truth
            )
    for leaf in ("expired", "self-signed", "other-name"):
        for client in ("openssl", "python", "curl", "go", "node", "gnutls"):
            for version in VERSIONS:
                turn += 1
                server = ("openssl", "nginx", "go", "haproxy", "java")[turn % 5]
                calls = Wish(version, lax=True)
                serves = Wish(version, cert=leaf)
                fault = f"good_unchecked_{leaf.replace('-', '_')}"
                yield Scenario(fault, client, server, version, calls, serves, FINE)


# The wire ------------------------------------------------------------------------------------


def transport() -> Iterator[Scenario]:
    """A wire that loses, delays, reorders, or carries no full-size packets; nobody at home."""
    lost = Truth("failed", "syn_timeout", "tcp_connect", "network", "network")
    lost = replace(lost, accept={"failing_side": ["client"], "remedy_side": ["server"]})
    hole = Truth("failed", "mtu_black_hole", "server_certificate", "network", "network")
    hole = replace(
        hole,
        accept={"failing_side": ["client", "server"], "phase": ["server_hello", "key_exchange"]},
    )
    nobody = Truth("failed", "connection_refused", "tcp_connect", "server", "server")
    stopped = Truth("failed", "icmp_rejected", "tcp_connect", "network", "network")
    for client in ("openssl", "curl", "go", "java", "python", "node"):
        for version in VERSIONS:
            calls, serves = Wish(version, ca="root"), Wish(version, cert="good-rsa")
            server = "openssl" if client != "openssl" else "nginx"
            for network in ("small-mss", "lossy", "slow", "reordered", "doubled"):
                fine = replace(FINE, accept={"cause": ["packet_loss_recovered"]})
                yield Scenario(
                    f"good_{network.replace('-', '_')}",
                    *(client, server, version, calls, serves, fine),
                    network=network,
                )
            yield Scenario(
                *("mtu_black_hole", client, "nginx", version, calls, serves, hole),
                network="black-hole",
            )
        calls, serves = Wish("1.3", ca="root"), Wish("1.3", cert="good")
        for fault, truth, network in (
            ("syn_timeout", lost, "mute"),
            ("connection_refused", nobody, "nobody"),
            ("icmp_rejected", stopped, "prohibited"),
        ):
            yield Scenario(
                *(fault, client, "openssl", "1.3", calls, serves, truth), network=network
            )


def plaintext() -> Iterator[Scenario]:
    """Plain text to every TLS server, and TLS to servers of plain text."""
    good, trusting = Wish(cert="good"), Wish(ca="root")
    for turn, server in enumerate(SERVER_NAMES):
        for kind in ("http", ("ssh", "smtp")[turn % 2]):
            cause = "plaintext_http_to_tls" if kind == "http" else "plaintext_other_to_tls"
            truth = Truth("failed", cause, "client_hello", "server", "client")
            if kind != "http":  # a server may wait for more, and the client leave first
                truth = replace(truth, accept={"failing_side": ["client"]})
            # NSS says nothing at all, nginx answers EHLO as an HTTP server would.
            if (server, kind) in {
                ("nss", "http"),
                ("nss", "ssh"),
                ("nss", "smtp"),
                ("nginx", "smtp"),
            }:
                accept = {"failing_side": ["client"], "outcome": ["not_tls"]}
                truth = replace(truth, accept=accept)
            said = "the server answered"
            client = f"plain_{kind}"
            yield Scenario(cause, client, server, "none", trusting, good, truth, said)
    truth = Truth("failed", "tls_to_plaintext", "client_hello", "client", "client")
    truth = replace(truth, accept={"failing_side": ["server"], "remedy_side": ["server"]})
    for turn, client in enumerate(CLIENT_NAMES):
        for step in range(2):
            server = ("plain_http", "plain_ssh", "plain_smtp")[(turn + step) % 3]
            calls = Wish(VERSIONS[step], ca="root")
            said = "the client said"
            fault = "tls_to_plaintext"
            yield Scenario(fault, client, server, VERSIONS[step], calls, good, truth, said)


def boxes() -> Iterator[Scenario]:
    """Something in the path changes or resets: seen from the client's side."""
    for turn, client in enumerate(CLIENT_NAMES):
        for version in VERSIONS:
            server = ("openssl", "nginx", "go", "java")[turn % 4]
            calls, serves = Wish(version, ca="root"), Wish(version, cert="good")
            phases = ["server_certificate", "key_exchange", "finished"]
            accept = {"cause": ["crypto_failed"], "phase": phases}
            if version == "1.3":
                accept["cause"] += ["server_certificate_rejected"]
                accept["remedy_side"] = ["server", "client"]
            truth = Truth("failed", "tampered", "key_exchange", "client", "network", accept)
            yield Scenario(
                *("tampered", client, server, version, calls, serves, truth), network="tampered"
            )
            sides = {"failing_side": ["server"], "remedy_side": ["server"]}
            truth = Truth("failed", "rst_after_client_hello", "client_hello", "network", "network")
            truth = replace(truth, accept=sides)
            yield Scenario(
                *("rst_after_client_hello", client, server, version, calls, serves, truth),
                network="reset-hello",
            )
            truth = Truth("failed", "rst_mid_handshake", "server_hello", "network", "network")
            # The server's first segment is lost to the client: it looks like an answer to the hello.
            causes = ["rst_after_client_hello"]
            truth = replace(truth, accept=sides | {"cause": causes, "phase": ["client_hello"]})
            yield Scenario(
                *("rst_mid_handshake", client, server, version, calls, serves, truth),
                network="reset-flight",
            )


def special() -> Iterator[Scenario]:
    """What only OpenSSL's own programs can be asked for, against everybody else."""
    good, trusting = Wish(cert="good"), Wish(ca="root")
    parent = "negotiation_failed"
    for server in (
        "openssl",
        "nginx",
        "go",
        "gnutls",
        "haproxy",
        "python",
        "apache",
        "node",
        "nss",
    ):
        calls = replace(trusting, version="1.2", extra=("-fallback_scsv",))
        truth = _refused("inappropriate_fallback", "client")
        said = "inappropriate fallback"
        yield Scenario("inappropriate_fallback", "openssl", server, "1.2", calls, good, truth, said)
    for server in ("nginx", "haproxy", "go", "python"):
        for version in VERSIONS:
            calls = replace(trusting, version=version, name="")
            serves = replace(good, version=version, strict=True)
            truth = _refused("sni_missing", "client", "sni_unrecognized", parent, "server_internal")
            said = "name|alert|handshake"
            yield Scenario("sni_missing", "openssl", server, version, calls, serves, truth, said)
    for client in CLIENT_NAMES:
        for version in VERSIONS:
            calls = replace(trusting, version=version)
            serves = Wish(version, extra=("-nocert",))
            also = ["no_shared_cipher", parent]
            also += ["protocol_version"] if version == "1.3" else []
            truth = _refused("server_no_certificate", "server", *also)
            said = "no shared cipher|no suitable|unsupported protocol|handshake failure|alert"
            yield Scenario(
                *("server_no_certificate", client, "openssl", version, calls, serves, truth, said)
            )
        serves = Wish(
            *("1.2", "good-rsa"),
            dh=True,
            extra=("-cipher", "DHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0"),
        )
        truth = Truth("failed", "dh_key_too_small", "key_exchange", "client", "server")
        truth = replace(truth, accept={"remedy_side": ["client"]})
        if client == "go":  # it knows no such suite
            continue
        if client not in ("openssl", "python", "curl"):
            truth = FINE
        yield Scenario(
            *(
                "dh_key_too_small" if truth is not FINE else "good_small_dh",
                client,
                "openssl",
                "1.2",
            ),
            *(replace(trusting, version="1.2"), serves, truth),
            "too small|dh key|unacceptable|weak|not long enough|prime",
        )
    for server in SERVER_NAMES:
        calls = replace(trusting, version="1.2", typed=("R", "GET / HTTP/1.0\\r", "\\r"))
        truth = Truth("failed", "renegotiation_refused", "post_handshake", "server", "server")
        accept = {"remedy_side": ["client"], "outcome": ["established"], "failing_side": ["client"]}
        truth = replace(truth, accept=accept)
        said = "no renegotiation|RENEGOTIATING"
        serves = replace(good, version="1.2")
        fault = "renegotiation_refused"
        if server in ("java", "gnutls", "node", "nss"):
            fault, truth, said = "good_renegotiated", FINE, ""
        yield Scenario(fault, "openssl", server, "1.2", calls, serves, truth, said)


def silence() -> Iterator[Scenario]:
    """Servers that answer a hello, or nothing at all, without a word."""
    good, trusting = Wish(cert="good"), Wish(ca="root")
    early = ["server_closed_silently", "server_closed_on_accept", "rst_after_client_hello"]
    for client in CLIENT_NAMES:
        for kind, cause, side in (
            ("slam", "server_closed_on_accept", "server"),
            ("swallow", "server_closed_silently", "server"),
            ("reset", "rst_after_client_hello", "server"),
            ("mute", "handshake_timeout", "client"),
        ):
            truth = Truth("failed", cause, "client_hello", side, "server")
            accept = {"remedy_side": ["network"]}
            if kind == "slam":  # the hello may be under way already
                accept["cause"] = early
            if kind == "mute":
                accept["cause"] = ["client_abandoned"]
                accept["failing_side"] = ["server"]
            truth = replace(truth, accept=accept)
            yield Scenario(cause, client, f"plain_{kind}", "none", trusting, good, truth)


def browsers() -> Iterator[Scenario]:
    """Chrome's handshake, which no client above has: every fault, every server."""
    for turn, server in enumerate(SERVER_NAMES):
        for version in VERSIONS:
            calls, serves = Wish("", ca="root"), Wish(version, cert="good")
            yield Scenario("good", "boringssl", server, version, calls, serves, FINE)
            wish = SERVER_FAULTS["cert_expired"]
            yield _at_browser("cert_expired", wish, server, version)
        for step, (fault, wish) in enumerate(SERVER_FAULTS.items()):
            if step % len(SERVER_NAMES) == turn and wish.leaf not in ("revoked", "weak", "sha1"):
                for version in VERSIONS:
                    yield _at_browser(fault, wish, server, version)
    for server in ("openssl", "haproxy", "go", "java"):
        for version in VERSIONS:
            calls = Wish("", ca="root")
            serves = Wish(version, cert="good", ca="root", ask=True)
            truth = _client_truth(
                "client_cert_missing", CLIENT_FAULTS["client_cert_missing"], server, version
            )
            fault = "client_cert_missing"
            yield Scenario(fault, "boringssl", server, version, calls, serves, truth)


def _at_browser(fault: str, wish: ServerFault, server: str, version: str) -> Scenario:
    """BoringSSL judges certificates in its callers, which close: with an alert, or without a word."""
    truth = _server_truth(fault, wish, "node", version)
    calls = Wish("", ca=wish.trust, name=wish.name)
    serves = Wish(version, cert=wish.leaf, chain=wish.chain)
    return Scenario(fault, "boringssl", server, version, calls, serves, truth)


def more() -> Iterator[Scenario]:
    """What the turns above left out: clients that send any certificate, servers of old versions."""
    for fault, wish in CLIENT_FAULTS.items():
        if wish.crl or "gnutls" in wish.unchecked:
            continue
        for version in VERSIONS:
            calls = Wish(version, cert=wish.leaf, ca="root")
            serves = Wish(version, cert="good", ca="root", ask=True)
            truth = _client_truth(fault, wish, "gnutls", version)
            said = wish.said + VAGUE["gnutls"]
            yield Scenario(fault, "gnutls", "gnutls", version, calls, serves, truth, said)
    truth = Truth("failed", "protocol_version", "server_hello", "client", "server")
    accept = {"failing_side": ["server"], "phase": ["client_hello", "key_exchange"]}
    truth = replace(truth, accept=accept | {"cause": ["negotiation_failed"]})
    for client in ("openssl", "curl", "python", "go", "java", "node", "boringssl"):
        for old in ("1", "1_1"):
            version = old.replace("_", ".")
            serves = Wish(*("", "good-rsa"), extra=(f"-tls{old}", "-cipher", "ALL:@SECLEVEL=0"))
            calls = Wish("", ca="root")
            said = "protocol|version|legacy sigalg|alert"
            yield Scenario(
                *("protocol_version", client, "openssl", version, calls, serves, truth, said)
            )


def upgrades() -> Iterator[Scenario]:
    """A proxy or a mail server that keeps TLS from beginning."""
    for client in ("openssl", "curl", "gnutls"):
        for kind, cause, remedy in (
            ("proxy_refuses", "proxy_refused", "server"),
            ("proxy_asks", "proxy_refused", "client"),
            ("proxy_hangs", "handshake_timeout", "server"),
            ("mail_refuses", "starttls_refused", "server"),
            ("mail_plain", "starttls_not_offered", "server"),
            ("mail_hangs", "handshake_timeout", "server"),
        ):
            via = kind.partition("_")[0]
            if (client, via) == ("gnutls", "proxy"):
                continue
            truth = Truth("failed", cause, "client_hello", "server", remedy)
            if (
                cause != "proxy_refused"
            ):  # who finds nothing on the list, or no patience left, leaves
                truth = replace(truth, accept={"failing_side": ["client"]})
            calls, serves = Wish("1.2", ca="root", via=via), Wish(cert="good")
            yield Scenario(cause, client, f"plain_{kind}", "none", calls, serves, truth)


def scenarios() -> list[Scenario]:
    """All of them, each name once."""
    made: dict[str, Scenario] = {}
    for family in (
        healthy(),
        server_certificates(),
        client_certificates(),
        negotiation(),
        transport(),
        plaintext(),
        boxes(),
        special(),
        silence(),
        browsers(),
        more(),
        upgrades(),
    ):
        for scenario in family:
            made.setdefault(scenario.name, scenario)
    return list(made.values())
