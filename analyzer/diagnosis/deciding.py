"""What would decide between causes where the wire does not, by cause."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# Of certificates, and of what looks like their refusal.
WOULD_DECIDE: Final[Mapping[str, str]] = {
    "server_certificate_rejected": "the client's log",
    "cert_expired": "the dates of the certificate that the server presents",
    "cert_not_yet_valid": "the dates of the certificate, and the client's clock",
    "intermediate_expired": "the dates of every certificate in the chain",
    "untrusted_ca": "the client's trust store: does it hold the root of the chain?",
    "incomplete_chain": "whether the issuer that was not sent is an intermediate",
    "self_signed": "whether the certificate is its own issuer, and not in the client's trust store",
    "hostname_mismatch": "the name that the client checked, in its log or configuration",
    "wrong_key_cert_usage": "key usage and extended key usage of the certificate",
    "weak_cert_key": "the client's least key size (OpenSSL: its security level)",
    "sha1_signature": "the client's policy on SHA-1 (OpenSSL: its security level)",
    "cert_revoked": "the issuer's revocation list or OCSP responder",
    "revoked_staple": "the OCSP staple that the server sends",
    "staple_missing": "whether the client demands an OCSP staple",
    "name_constraints": "the name constraints of the authorities in the chain",
    "invalid_ca": "basic constraints and key usage of every authority in the chain",
    "critical_extension": "the critical extensions of the certificates",
    "cert_too_large": "the client's limit on handshake messages and chain length",
    "tampered": "the client's log; a capture on the other side of every device in the path",
    "cert_malformed": "the client's log, or openssl asn1parse on the certificate",
    "ech_rejected": "the client's log; whether the keys for ECH that DNS publishes are the server's",
    "client_cert_missing": "whether the client has a certificate that it could send",
    "client_cert_untrusted": "the authorities in the server's trust store",
    "client_cert_expired": "the dates of the client's certificate",
    "client_cert_not_yet_valid": "the dates of the client's certificate, and the server's clock",
    "client_cert_wrong_usage": "extended key usage of the client's certificate",
    "client_cert_revoked": "the issuer's revocation list or OCSP responder",
}

# Of what two sides did not agree on.
WOULD_SETTLE: Final[Mapping[str, str]] = {
    "no_shared_cipher": "the server's list of cipher suites, and the kind of its certificate's key",
    "protocol_version": "the versions that the server has enabled",
    "sni_missing": "the same connection with a server name in the ClientHello",
    "sni_unrecognized": "the names that the server is configured for",
    "no_shared_group": "the server's list of groups (curves)",
    "no_shared_sigalg": "the server's certificate and signature algorithms",
    "alpn_mismatch": "the application protocols that the server has enabled",
    "server_no_certificate": "whether the server has a certificate and key loaded; its log",
    "server_internal": "the server's log",
    "psk_unknown": "the identities of pre-shared keys that the server knows",
    "psk_wrong_key": "the pre-shared keys of both sides",
    "legacy_renegotiation": "whether the other side insists on RFC 5746",
    "ems_required": "whether the other side insists on the extended master secret",
    "dh_key_too_small": "the least Diffie-Hellman size that the client takes",
    "server_certificate_rejected": "the client's log",
    "tampered": "captures on both sides of whatever lies in the path",
}
