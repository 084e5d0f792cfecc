"""What a gateway's TLS library and its validation credentials mean, in the words of the contract.

Reasons are those of OpenSSL (``include/openssl/sslerr.h``); the texts of verdicts are X.509's
(``X509_verify_cert_error_string``) and the product's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from analyzer.tcp.timeline import Side


class Meaning(NamedTuple):
    """What a reason of the library means where the gateway is server, and where it is client."""

    server: str | None
    client: str | None
    words: str
    setting: str = ""  # the property of the profile that decides
    also: frozenset[str] = frozenset()  # causes of the wire that the reason fits as well


_UNLIKE: Final = frozenset(
    {"protocol_version", "plaintext_other_to_tls", "plaintext_http_to_tls", "tls_to_plaintext"}
)
_NO_MATCH: Final = frozenset({"no_shared_group", "no_shared_sigalg", "server_no_certificate"})
MEANINGS: Final[Mapping[int, Meaning]] = {
    155: Meaning("plaintext_http_to_tls", None, "a request to an HTTP proxy came instead of TLS"),
    156: Meaning("plaintext_http_to_tls", None, "HTTP came instead of TLS"),
    252: Meaning("protocol_version", None, "unknown protocol", "Protocols", _UNLIKE),
    267: Meaning("protocol_version", None, "wrong version number", "Protocols", _UNLIKE),
    258: Meaning("protocol_version", "protocol_version", "unsupported protocol", "Protocols"),
    266: Meaning("protocol_version", "protocol_version", "wrong SSL version", "Protocols"),
    396: Meaning("protocol_version", "protocol_version", "version too low", "Protocols"),
    193: Meaning("no_shared_cipher", None, "no shared cipher", "Ciphers", _NO_MATCH),
    101: Meaning("no_shared_group", None, "no suitable key share", "EllipticCurves"),
    295: Meaning("no_shared_group", "no_shared_group", "no suitable groups", "EllipticCurves"),
    118: Meaning("no_shared_sigalg", None, "no suitable signature algorithm", "SigAlgs", _NO_MATCH),
    376: Meaning("no_shared_sigalg", None, "no shared signature algorithms", "SigAlgs"),
    235: Meaning("alpn_mismatch", None, "no application protocol"),
    373: Meaning("inappropriate_fallback", None, "inappropriate fallback"),
    199: Meaning("client_cert_missing", None, "the client showed no certificate", "RequireClientAuth"),
    134: Meaning("client_certificate_rejected", "server_certificate_rejected", "certificate verify failed", "Valcred"),
    394: Meaning(None, "dh_key_too_small", "the Diffie-Hellman group is too small", "Ciphers"),
    338: Meaning(None, "legacy_renegotiation", "unsafe legacy renegotiation disabled", "SSLClientFeatures"),
    123: Meaning("tampered", "tampered", "a signature is wrong"),
    149: Meaning("tampered", "tampered", "the check of the handshake's digest failed"),
    281: Meaning("crypto_failed", "crypto_failed", "decryption failed or bad record MAC", "", frozenset({"tampered", "psk_wrong_key"})),
    223: Meaning("psk_unknown", None, "the pre-shared key's identity is not known"),
    339: Meaning("renegotiation_refused", "renegotiation_refused", "no renegotiation"),
}  # fmt: skip

# What a validation credential says, by words in it; children of the parents above.
_VERDICTS: Final = (
    ("expired", "client_cert_expired", "cert_expired", frozenset({"intermediate_expired"})),
    ("not yet valid", "client_cert_not_yet_valid", "cert_not_yet_valid", frozenset[str]()),
    ("crl", None, None, frozenset[str]()),  # no list to look into: a matter of the gateway
    ("revoked", "client_cert_revoked", "cert_revoked", frozenset[str]()),
    ("purpose", "client_cert_wrong_usage", "wrong_key_cert_usage", frozenset[str]()),
    ("usage", "client_cert_wrong_usage", "wrong_key_cert_usage", frozenset[str]()),
    ("host", None, "hostname_mismatch", frozenset[str]()),
    (
        *("not trusted", "client_cert_untrusted", "untrusted_ca"),
        frozenset({"incomplete_chain", "self_signed", "invalid_ca", "intermediate_expired"}),
    ),
    (
        *("self signed", "client_cert_untrusted", "untrusted_ca"),
        frozenset({"self_signed", "incomplete_chain"}),
    ),
    ("issuer", "client_cert_untrusted", "untrusted_ca", frozenset({"incomplete_chain"})),
)


def verdict_causes(why: str, gateway: Side) -> tuple[str | None, frozenset[str]]:
    """The cause that a verdict names, and causes of the wire that it fits as well."""
    for words, client, server, also in _VERDICTS:
        if words in why.lower():
            return (client, frozenset()) if gateway is Side.SERVER else (server, also)
    return None, frozenset()
