"""Alerts: two bytes, and what each of them means."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from analyzer.tls.registry.code_points import AlertDescription, AlertLevel


@dataclass(frozen=True, slots=True)
class DecodedAlert:
    """What an alert says."""

    level: AlertLevel
    description: AlertDescription

    @property
    def name(self) -> str:
        """The description as it is printed: ``unknown_ca``."""
        return self.description.label


@functools.lru_cache(maxsize=1024)
def decode_alert(body: bytes) -> DecodedAlert:
    """Decode ``struct { AlertLevel level; AlertDescription description; } Alert``.

    RFC 8446 section 6. Missing bytes count as zero: the caller has checked the record's length.
    """
    level, description, *_ = (*body, 0, 0)
    return DecodedAlert(AlertLevel(level), AlertDescription(description))


def meaning(description: AlertDescription) -> str:
    """What the sender says by this alert, in a sentence, with the RFC that defines it."""
    return MEANINGS.get(description, f"No registry knows alert {int(description)}.")


_D = AlertDescription

MEANINGS: Final[Mapping[AlertDescription, str]] = {
    _D.CLOSE_NOTIFY: "The sender will send nothing more; an orderly end (RFC 8446 §6.1).",
    _D.UNEXPECTED_MESSAGE: "A message came that has no place at this point (RFC 8446 §6.2).",
    _D.BAD_RECORD_MAC: "A record could not be decrypted or was altered on the way (RFC 8446 §6.2).",
    _D.DECRYPTION_FAILED: "A record did not decrypt; TLS 1.0 only (RFC 2246 §7.2.2).",
    _D.RECORD_OVERFLOW: "A record was longer than the protocol allows (RFC 8446 §6.2).",
    _D.DECOMPRESSION_FAILURE: "A compressed record could not be unpacked (RFC 5246 §7.2.2).",
    _D.HANDSHAKE_FAILURE: (
        "No acceptable set of parameters could be agreed, or the sender says no more than that "
        "(RFC 8446 §6.2)."
    ),
    _D.NO_CERTIFICATE: "The client has no certificate to show; SSL 3.0 only (RFC 6101 §5.4.2).",
    _D.BAD_CERTIFICATE: (
        "A certificate is damaged, or its signature does not verify (RFC 8446 §6.2)."
    ),
    _D.UNSUPPORTED_CERTIFICATE: "A certificate is of a kind the sender cannot use (RFC 8446 §6.2).",
    _D.CERTIFICATE_REVOKED: "A certificate was revoked by its issuer (RFC 8446 §6.2).",
    _D.CERTIFICATE_EXPIRED: "A certificate is outside its period of validity (RFC 8446 §6.2).",
    _D.CERTIFICATE_UNKNOWN: (
        "The certificate is not acceptable for a reason that no other alert names (RFC 8446 §6.2)."
    ),
    _D.ILLEGAL_PARAMETER: "A field holds a value that contradicts others or the protocol (RFC 8446 §6.2).",
    _D.UNKNOWN_CA: (
        "No trusted authority was found for the chain: its root is not trusted, or a link is "
        "missing (RFC 8446 §6.2)."
    ),
    _D.ACCESS_DENIED: "The certificate is valid, but its holder may not come in (RFC 8446 §6.2).",
    _D.DECODE_ERROR: "A message could not be parsed (RFC 8446 §6.2).",
    _D.DECRYPT_ERROR: (
        "A signature, a Finished message or a PSK binder did not verify (RFC 8446 §6.2)."
    ),
    _D.TOO_MANY_CIDS_REQUESTED: "More connection ids were asked for than allowed (RFC 9147 §9).",
    _D.EXPORT_RESTRICTION: "Export rules forbid the parameters; TLS 1.0 only (RFC 2246 §7.2.2).",
    _D.PROTOCOL_VERSION: "The version offered is known and not supported (RFC 8446 §6.2).",
    _D.INSUFFICIENT_SECURITY: "The server demands stronger parameters than were offered (RFC 8446 §6.2).",
    _D.INTERNAL_ERROR: "The sender failed for a reason of its own (RFC 8446 §6.2).",
    _D.INAPPROPRIATE_FALLBACK: (
        "The client retried with a lower version although the server supports a higher one "
        "(RFC 7507 §3)."
    ),
    _D.USER_CANCELED: "The handshake was called off without any error of protocol (RFC 8446 §6.1).",
    _D.NO_RENEGOTIATION: "The sender does not renegotiate (RFC 5246 §7.2.2).",
    _D.MISSING_EXTENSION: "An extension that the handshake needs is missing (RFC 8446 §6.2).",
    _D.UNSUPPORTED_EXTENSION: "An extension came that was not asked for or is out of place (RFC 8446 §6.2).",
    _D.CERTIFICATE_UNOBTAINABLE: "A certificate could not be fetched from its URL (RFC 6066 §9).",
    _D.UNRECOGNIZED_NAME: "The server does not serve the name in SNI (RFC 6066 §3).",
    _D.BAD_CERTIFICATE_STATUS_RESPONSE: "The OCSP staple is invalid or not acceptable (RFC 6066 §8).",
    _D.BAD_CERTIFICATE_HASH_VALUE: "A fetched certificate is not the one that was named (RFC 6066 §9).",
    _D.UNKNOWN_PSK_IDENTITY: "The server does not know the pre-shared key's identity (RFC 4279 §2).",
    _D.CERTIFICATE_REQUIRED: "The server demands a client certificate and got none (RFC 8446 §6.2).",
    _D.GENERAL_ERROR: "The sender reports an error without saying which.",
    _D.NO_APPLICATION_PROTOCOL: "No application protocol is shared (RFC 7301 §3.2).",
    _D.ECH_REQUIRED: "The server could not open the encrypted hello, and the client insists (RFC 9849 §6.1).",
}
