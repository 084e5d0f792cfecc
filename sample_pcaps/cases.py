"""What the samples show: programs, faults, and the truth about them.

The truth is written here by whoever injects the fault, and the recording checks it against what the
programs themselves print (``proof``). How sure the analyzer may be is not part of the truth.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID
from pki import DAY, HOST, Authority, Issued

OTHER_HOST = "partner.example"
GET = b"GET / HTTP/1.0\r\n\r\n"


@dataclass(frozen=True)
class Truth:
    """What happened, in the words of the contract."""

    outcome: str
    cause: str | None = None
    phase: str | None = None
    failing_side: str | None = None
    remedy_side: str | None = None
    accept: tuple[str, ...] = ()  # causes that are as good where the wire cannot tell


GOOD = Truth("established")


def rejected(cause: str, remedy: str = "server", *accept: str) -> Truth:
    return Truth("failed", cause, "server_certificate", "client", remedy, accept)


def unwelcome(cause: str, remedy: str = "client", *accept: str) -> Truth:
    return Truth("failed", cause, "client_certificate", "server", remedy, accept)


def refused(cause: str, remedy: str, *accept: str) -> Truth:
    return Truth("failed", cause, "client_hello", "server", remedy, accept)


@dataclass(frozen=True)
class Case:
    """OpenSSL's s_client against OpenSSL's s_server, with these options."""

    name: str
    shows: str
    truth: Truth
    server: tuple[str, ...] = ()
    client: tuple[str, ...] = ()
    said: bytes = GET
    proof: str = ""  # what s_client or s_server prints
    sni: str = HOST
    mangle: Callable[[str, bytes], bytes | None] | None = None
    mss: int = 1460
    suffix: str = ".pcap"
    snaplen: int = 262_144
    connections: int = 1
    truths: tuple[Truth, ...] = field(default=())


def openssl_cases(pki: Authority) -> list[Case]:
    """All cases of OpenSSL against itself."""
    return [
        *_healthy(pki),
        *_server_certificates(pki),
        *_client_certificates(pki),
        *_negotiation(pki),
        *_keys(pki),
    ]


def _serving(pki: Authority, leaf: Issued, *chain: Issued, bare: bool = False) -> tuple[str, ...]:
    """Options of s_server for a certificate with its chain."""
    parts = () if bare else chain or (pki.intermediate,)
    options = ("-cert", str(leaf.cert_path), "-key", str(leaf.key_path), "-www")
    if not parts:
        return options
    return (*options, "-cert_chain", str(pki.chain(leaf.cert_path.stem, *parts)))


def _trusting(pki: Authority) -> tuple[str, ...]:
    return ("-CAfile", str(pki.root.cert_path), "-verify_return_error")


def _healthy(pki: Authority) -> list[Case]:
    good = _serving(pki, pki.leaf("good"))
    trust = _trusting(pki)
    mine = pki.leaf("mine", usage=ExtendedKeyUsageOID.CLIENT_AUTH)
    asking = (*good, "-Verify", "2", "-CAfile", str(pki.root.cert_path))
    shown = ("-cert", str(mine.cert_path), "-key", str(mine.key_path))
    shown = (*shown, "-cert_chain", str(pki.chain("mine", pki.intermediate)))
    expired = _serving(pki, pki.leaf("expired-unchecked", end=-1 * DAY))
    return [
        Case("good_tls12", "a full TLS 1.2 handshake", GOOD, (*good, "-tls1_2"), trust),
        Case(
            "good_tls13", "a TLS 1.3 handshake", GOOD, (*good, "-tls1_3"), trust, suffix=".pcapng"
        ),
        Case("good_client_cert_tls12", "mutual TLS 1.2", GOOD, (*asking, "-tls1_2"), trust + shown),
        Case("good_client_cert_tls13", "mutual TLS 1.3", GOOD, (*asking, "-tls1_3"), trust + shown),
        Case(
            "good_hello_retry_request",
            "the server asks for another group",
            GOOD,
            (*good, "-tls1_3", "-groups", "P-384"),
            (*trust, "-groups", "X25519:P-384"),
        ),
        Case(
            "good_small_mss",
            "messages spread over many small segments",
            GOOD,
            (*good, "-tls1_2"),
            trust,
            mss=120,
        ),
        Case(
            "good_expired_but_unchecked",
            "an expired certificate that the client does not check",
            GOOD,
            (*expired, "-tls1_2"),
        ),
        Case(
            "good_resumed_tls12",
            "a session ticket resumes a TLS 1.2 session",
            GOOD,
            (*good, "-tls1_2"),
            trust,
            connections=2,
        ),
        Case(
            "good_resumed_tls13",
            "a pre-shared key resumes a TLS 1.3 session",
            GOOD,
            (*good, "-tls1_3"),
            trust,
            connections=2,
        ),
        Case("good_no_sni", "no server name in the hello", GOOD, (*good, "-tls1_2"), trust, sni=""),
    ]


def _server_certificates(pki: Authority) -> list[Case]:
    trust = _trusting(pki)
    expired = _serving(pki, pki.leaf("expired", end=-1 * DAY))
    future = _serving(pki, pki.leaf("future", start=5 * DAY))
    good = pki.leaf("good")
    foreign = ("-CAfile", str(pki.foreign.cert_path), "-verify_return_error")
    lone = pki.leaf("self-signed", self_signed=True)
    wrong_use = _serving(pki, pki.leaf("wrong-use", usage=ExtendedKeyUsageOID.CLIENT_AUTH))
    weak = _serving(pki, pki.leaf("weak", rsa_bits=1024))
    critical = _serving(pki, pki.leaf("critical", critical=True))
    stale = pki.authority("stale", "Example Stale CA", end=-1 * DAY)
    old_chain = _serving(pki, pki.leaf("below-stale", issuer=stale), stale)
    no_ca = pki.authority("no-ca", "Example Department", ca=False)
    false_chain = _serving(pki, pki.leaf("below-no-ca", issuer=no_ca), no_ca)
    named = (*trust, "-verify_hostname", OTHER_HOST)
    parent = "server_certificate_rejected"
    expiry = "certificate has expired"
    low = ("-cipher", "ALL:@SECLEVEL=0")
    cases = []
    for version, flag in (("tls12", "-tls1_2"), ("tls13", "-tls1_3")):
        late = version == "tls13"
        cases += [
            Case(
                f"cert_expired_{version}" if late else "cert_expired",
                "the server's certificate expired yesterday",
                rejected("cert_expired"),
                (*expired, flag),
                trust,
                proof=expiry,
            ),
            Case(
                f"untrusted_ca_{version}",
                "the client trusts another root",
                rejected("untrusted_ca", "client"),
                (*_serving(pki, good), flag),
                foreign,
                proof="unable to get",
            ),
            Case(
                f"hostname_mismatch_{version}",
                "the certificate is for another name",
                rejected(parent if late else "hostname_mismatch", "server"),
                (*_serving(pki, good), flag),
                named,
                sni=OTHER_HOST,
                proof="ostname mismatch",
            ),
            Case(
                f"wrong_key_cert_usage_{version}",
                "a certificate for clients only",
                rejected("wrong_key_cert_usage", "server"),
                (*wrong_use, flag),
                trust,
                proof="purpose",
            ),
            Case(
                f"cert_not_yet_valid_{version}",
                "a certificate valid from next week",
                rejected(parent if late else "cert_not_yet_valid", "server"),
                (*future, flag),
                trust,
                proof="not yet valid",
            ),
        ]
    return [
        *cases,
        Case(
            "incomplete_chain_tls12",
            "the server sends no intermediate",
            rejected("incomplete_chain", "server", "untrusted_ca"),
            (*_serving(pki, good, bare=True), "-tls1_2"),
            trust,
            proof="unable to",
        ),
        Case(
            "self_signed_tls12",
            "a self-signed certificate",
            rejected("self_signed"),
            (*_serving(pki, lone, bare=True), "-tls1_2"),
            trust,
            proof="self",
        ),
        Case(
            "weak_cert_key_tls12",
            "an RSA key of 1024 bits",
            rejected("weak_cert_key"),
            (*weak, "-tls1_2", *low),
            (*trust, "-cipher", "DEFAULT:@SECLEVEL=2"),
            proof="key too weak",
        ),
        Case(
            "critical_extension_tls12",
            "a critical extension that nobody knows",
            rejected("critical_extension"),
            (*critical, "-tls1_2"),
            trust,
            proof="critical extension",
        ),
        Case(
            "intermediate_expired_tls12",
            "the intermediate expired yesterday",
            rejected("intermediate_expired"),
            (*old_chain, "-tls1_2"),
            trust,
            proof=expiry,
        ),
        Case(
            "invalid_ca_tls12",
            "issued by a certificate that is no authority",
            rejected("invalid_ca"),
            (*false_chain, "-tls1_2"),
            trust,
            proof="CA",
        ),
    ]


def _client_certificates(pki: Authority) -> list[Case]:
    good = (*_serving(pki, pki.leaf("good")), "-Verify", "2", "-verify_return_error")
    asking = (*good, "-CAfile", str(pki.root.cert_path))
    trust = _trusting(pki)
    use = ExtendedKeyUsageOID.CLIENT_AUTH

    def shown(leaf: Issued, *chain: Issued) -> tuple[str, ...]:
        parts = str(pki.chain(leaf.cert_path.stem, *(chain or (pki.intermediate,))))
        return ("-cert", str(leaf.cert_path), "-key", str(leaf.key_path), "-cert_chain", parts)

    stranger = shown(pki.leaf("stranger", issuer=pki.foreign, usage=use), pki.foreign)
    expired = shown(pki.leaf("mine-expired", usage=use, end=-1 * DAY))
    wrong = shown(pki.leaf("mine-wrong"))
    parent = "client_certificate_rejected"
    return [
        Case(
            "client_cert_missing_tls12",
            "the server asks for a certificate and gets none",
            unwelcome("client_cert_missing"),
            (*asking, "-tls1_2"),
            trust,
        ),
        Case(
            "client_cert_missing_tls13",
            "the same in TLS 1.3, without keys",
            unwelcome("client_cert_missing"),
            (*asking, "-tls1_3"),
            trust,
        ),
        Case(
            "client_cert_untrusted_tls12",
            "a client certificate of a foreign authority",
            unwelcome("client_cert_untrusted", "server"),
            (*asking, "-tls1_2"),
            trust + stranger,
        ),
        Case(
            "client_cert_untrusted_tls13",
            "the same in TLS 1.3, without keys",
            unwelcome(parent, "client"),
            (*asking, "-tls1_3"),
            trust + stranger,
        ),
        Case(
            "client_cert_expired_tls12",
            "an expired client certificate",
            unwelcome("client_cert_expired"),
            (*asking, "-tls1_2"),
            trust + expired,
        ),
        Case(
            "client_cert_wrong_usage_tls12",
            "a client certificate for servers only",
            unwelcome("client_cert_wrong_usage"),
            (*asking, "-tls1_2"),
            trust + wrong,
        ),
    ]


def _negotiation(pki: Authority) -> list[Case]:
    good = _serving(pki, pki.leaf("good"))
    trust = _trusting(pki)
    legacy = ("-cipher", "ALL:@SECLEVEL=0")
    two = pki.leaf("good")
    strict = ("-servername", HOST, "-servername_fatal", "-cert2", str(two.cert_path))
    strict = (*strict, "-key2", str(two.key_path))
    rsa = _serving(pki, pki.leaf("rsa", rsa_bits=2048, digest=hashes.SHA256()))
    dh = pki.folder / "dh1024.pem"
    return [
        Case(
            "no_shared_cipher_tls12",
            "one suite each, and not the same",
            refused("no_shared_cipher", "server", "negotiation_failed"),
            (*good, "-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384"),
            (*trust, "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305"),
            proof="handshake failure",
        ),
        Case(
            "protocol_version_server_refuses",
            "a TLS 1.2 client and a TLS 1.3 server",
            refused("protocol_version", "server"),
            (*good, "-tls1_3"),
            (*trust, "-tls1_2"),
            proof="protocol version",
        ),
        Case(
            "protocol_version_client_refuses",
            "the server chooses TLS 1.1, the client wants 1.2",
            Truth("failed", "protocol_version", "server_hello", "client", "server"),
            (*good, "-tls1_1", *legacy),
            (*trust, "-tls1_2"),
            proof="unsupported protocol",
        ),
        Case(
            "inappropriate_fallback",
            "a client that retries with less than both can do",
            refused("inappropriate_fallback", "client"),
            good,
            (*trust, "-tls1_2", "-fallback_scsv"),
            proof="inappropriate fallback",
        ),
        Case(
            "sni_unrecognized",
            "a name that the server does not serve",
            refused("sni_unrecognized", "client", "sni_unrecognized"),
            (*good, *strict, "-tls1_2"),
            trust,
            sni=OTHER_HOST,
            proof="unrecognized name",
        ),
        Case(
            "no_shared_group_tls13",
            "one group each, and not the same",
            refused("no_shared_group", "server", "negotiation_failed"),
            (*good, "-tls1_3", "-groups", "P-384"),
            (*trust, "-groups", "X25519"),
            proof="handshake failure",
        ),
        Case(
            "no_shared_sigalg_tls13",
            "the client takes RSA signatures only, the server has an ECDSA key",
            refused("no_shared_sigalg", "server", "negotiation_failed"),
            (*good, "-tls1_3"),
            (*trust, "-sigalgs", "rsa_pss_rsae_sha256"),
            proof="handshake failure",
        ),
        Case(
            "alpn_mismatch",
            "no application protocol in common",
            refused("alpn_mismatch", "server"),
            (*good, "-alpn", "h2", "-tls1_2"),
            (*trust, "-alpn", "http/1.1"),
            proof="no application protocol",
        ),
        Case(
            "dh_key_too_small",
            "a Diffie-Hellman group of 1024 bits",
            Truth("failed", "dh_key_too_small", "key_exchange", "client", "server"),
            (*rsa, "-tls1_2", "-dhparam", str(dh), "-cipher", "DHE-RSA-AES128-SHA:@SECLEVEL=0"),
            (*trust, "-cipher", "DHE-RSA-AES128-SHA:@SECLEVEL=2"),
            proof="too small",
        ),
    ]


def _keys(pki: Authority) -> list[Case]:
    good = _serving(pki, pki.leaf("good"))
    trust = _trusting(pki)
    psk = ("-nocert", "-tls1_2", "-cipher", "PSK-AES128-GCM-SHA256", "-psk", "a1b2c3d4")
    psk = (*psk, "-psk_identity", "gateway", "-www")
    offer = ("-cipher", "PSK-AES128-GCM-SHA256", "-psk_identity", "gateway")
    return [
        Case(
            "good_psk_tls12",
            "a pre-shared key instead of certificates",
            GOOD,
            psk,
            (*offer, "-psk", "a1b2c3d4"),
        ),
        Case(
            "psk_wrong_key_tls12",
            "both know the identity, with different keys",
            Truth("failed", "psk_wrong_key", "finished", "server", "client", ("crypto_failed",)),
            psk,
            (*offer, "-psk", "ffffffff"),
        ),
        Case(
            "tampered_server_key_exchange",
            "a byte of the server's key exchange is changed on the way",
            Truth("failed", "tampered", "key_exchange", "client", "network", ("crypto_failed",)),
            (*good, "-tls1_2"),
            trust,
            mangle=flip_key_exchange,
        ),
    ]


def flip_key_exchange(sender: str, data: bytes) -> bytes:
    """Change a byte in the signature of the ServerKeyExchange."""
    at = data.find(b"\x0c\x00\x00") if sender == "server" else -1
    if at < 0:
        return data
    length = int.from_bytes(data[at + 1 : at + 4], "big")
    spot = at + 4 + length - 3
    return data[:spot] + bytes([data[spot] ^ 1]) + data[spot + 1 :]
