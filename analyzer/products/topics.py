"""What there is to be changed in a product, and which cause asks for which of it, side by side."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from analyzer.tcp.timeline import Side


class Topic(enum.Enum):
    """Something of a product's configuration that remedies are about."""

    IDENTITY = "its own certificate, key and chain"
    TRUST = "the authorities that it trusts"
    ASK = "whether it asks for a client certificate"
    REVOCATION = "how it checks for revocation"
    STAPLE = "stapled OCSP responses"
    VERSIONS = "protocol versions"
    CIPHERS = "cipher suites"
    GROUPS = "groups (curves)"
    SIGNATURES = "signature algorithms"
    NAMES = "server names"
    ALPN = "application protocols"
    DH = "Diffie-Hellman parameters"
    POLICY = "the least key sizes and hashes that it takes"
    SIZE = "the largest messages and longest chains that it takes"
    LEGACY = "secure renegotiation and the extended master secret"
    LISTENER = "where TLS is spoken, and where not"
    LOG = "where it says what went wrong"


@dataclass(frozen=True, slots=True)
class Product:
    """What a product is called, the stacks by which it may be known, and where it is changed."""

    name: str
    label: str
    stacks: frozenset[str]  # names of analyzer.tls.stack that suggest it
    as_server: Mapping[Topic, str]
    as_client: Mapping[Topic, str]

    def change(self, cause: str, side: Side) -> str | None:
        """Where this product, on this side, is changed for a cause; None where nothing is to be."""
        client = side is Side.CLIENT
        topic = (FOR_CLIENTS if client else FOR_SERVERS).get(cause)
        table = self.as_client if client else self.as_server
        return None if topic is None else table.get(topic)

    def log(self, side: Side) -> str:
        """Where this product says what went wrong."""
        return (self.as_client if side is Side.CLIENT else self.as_server)[Topic.LOG]


_T = Topic
_OF_SERVER_CERTIFICATE: Final = (
    *("cert_expired", "cert_not_yet_valid", "intermediate_expired", "untrusted_ca"),
    *("incomplete_chain", "self_signed", "hostname_mismatch", "wrong_key_cert_usage"),
    *("weak_cert_key", "sha1_signature", "cert_revoked", "name_constraints", "invalid_ca"),
    *("critical_extension", "cert_too_large", "cert_malformed", "server_no_certificate"),
    *("server_certificate_rejected", "tampered", "crypto_failed"),
)
_OF_CLIENT_CERTIFICATE: Final = (
    *("client_cert_missing", "client_cert_untrusted", "client_cert_expired"),
    *("client_cert_not_yet_valid", "client_cert_wrong_usage", "client_cert_revoked"),
    "client_certificate_rejected",
)
_ON_BOTH: Final[Mapping[str, Topic]] = {
    "no_shared_cipher": _T.CIPHERS,
    "protocol_version": _T.VERSIONS,
    "inappropriate_fallback": _T.VERSIONS,
    "sni_unrecognized": _T.NAMES,
    "sni_missing": _T.NAMES,
    "no_shared_group": _T.GROUPS,
    "no_shared_sigalg": _T.SIGNATURES,
    "alpn_mismatch": _T.ALPN,
    "legacy_renegotiation": _T.LEGACY,
    "ems_required": _T.LEGACY,
    "renegotiation_refused": _T.LEGACY,
    "plaintext_http_to_tls": _T.LISTENER,
    "plaintext_other_to_tls": _T.LISTENER,
    "tls_to_plaintext": _T.LISTENER,
    "connection_refused": _T.LISTENER,
    "client_never_hello": _T.LISTENER,
    "staple_missing": _T.STAPLE,
    "revoked_staple": _T.STAPLE,
}

FOR_SERVERS: Final[Mapping[str, Topic]] = {
    **_ON_BOTH,
    **dict.fromkeys(_OF_SERVER_CERTIFICATE, _T.IDENTITY),
    **dict.fromkeys(_OF_CLIENT_CERTIFICATE, _T.TRUST),
    "revoked_staple": _T.IDENTITY,
    "client_cert_missing": _T.ASK,
    "client_cert_revoked": _T.REVOCATION,
    "dh_key_too_small": _T.DH,
}
"""What a server is changed in, by cause. What is not listed is a matter for its log."""

FOR_CLIENTS: Final[Mapping[str, Topic]] = {
    **_ON_BOTH,
    **dict.fromkeys(_OF_SERVER_CERTIFICATE, _T.TRUST),
    **dict.fromkeys(_OF_CLIENT_CERTIFICATE, _T.IDENTITY),
    "hostname_mismatch": _T.NAMES,
    "weak_cert_key": _T.POLICY,
    "sha1_signature": _T.POLICY,
    "dh_key_too_small": _T.POLICY,
    "cert_too_large": _T.SIZE,
    "cert_revoked": _T.REVOCATION,
    "server_no_certificate": _T.LOG,
    "tampered": _T.LOG,
    "crypto_failed": _T.LOG,
}
"""What a client is changed in, by cause."""
