"""Alerts by what they say: the sets that readings of an end rest on."""

from __future__ import annotations

from typing import Final

from analyzer.tls.registry.code_points import AlertDescription

_A = AlertDescription

Alerts = frozenset[AlertDescription | None]
"""None stands for no alert, or one that cannot be read."""

CERTIFICATE_ALERTS: Final = frozenset(
    {
        _A.NO_CERTIFICATE,
        _A.BAD_CERTIFICATE,
        _A.UNSUPPORTED_CERTIFICATE,
        _A.CERTIFICATE_REVOKED,
        _A.CERTIFICATE_EXPIRED,
        _A.CERTIFICATE_UNKNOWN,
        _A.UNKNOWN_CA,
        _A.ACCESS_DENIED,
        _A.CERTIFICATE_UNOBTAINABLE,
        _A.BAD_CERTIFICATE_STATUS_RESPONSE,
        _A.BAD_CERTIFICATE_HASH_VALUE,
        _A.CERTIFICATE_REQUIRED,
    }
)
"""Alerts that speak of certificates and nothing else (RFC 8446 section 6.2, RFC 6066)."""


CRYPTO_ALERTS: Final = frozenset({_A.BAD_RECORD_MAC, _A.DECRYPTION_FAILED, _A.DECRYPT_ERROR})
"""Alerts that say: a signature, a Finished or a record did not verify."""


VIOLATION_ALERTS: Final = frozenset(
    {_A.UNEXPECTED_MESSAGE, _A.RECORD_OVERFLOW, _A.DECOMPRESSION_FAILURE, _A.DECODE_ERROR}
)
"""Alerts that say: a message was out of place or could not be read."""


VAGUE_ALERTS: Final = frozenset(
    {_A.HANDSHAKE_FAILURE, _A.ILLEGAL_PARAMETER, _A.INSUFFICIENT_SECURITY, _A.INTERNAL_ERROR}
)
"""Alerts that say no more than "no" and may stand for any judgement."""


FAULTFINDING_ALERTS: Final = (VIOLATION_ALERTS | VAGUE_ALERTS) - {_A.INTERNAL_ERROR}
"""Alerts that find fault with what the other side said, and do not say with what of it."""


INSISTING_ALERTS: Final = frozenset({_A.HANDSHAKE_FAILURE, _A.INSUFFICIENT_SECURITY})
"""Alerts by which a client insists on an extension that the ServerHello lacks.

RFC 7627 section 5.2 has the first; tlslite says the second.
"""


WITHDRAWN_ALERTS: Final = frozenset({_A.USER_CANCELED, _A.NO_RENEGOTIATION})
"""Alerts whose sender wants no handshake any more, whatever it had to judge."""


LEAVING_ALERTS: Final = frozenset({_A.CLOSE_NOTIFY, _A.USER_CANCELED})
"""Alerts that refuse nothing: a side calls the handshake off of its own accord."""
