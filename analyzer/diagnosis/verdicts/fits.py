"""Tables: which alerts fit which fault of a certificate, and which fault an alert names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from analyzer.diagnosis.signs.alerts import Alerts
from analyzer.tls.registry.code_points import AlertDescription

_A = AlertDescription

# What any refusal of a certificate can look like. None: no alert, or one that cannot be read.
_ANY: Final[Alerts] = frozenset(
    {
        None,
        _A.BAD_CERTIFICATE,
        _A.CERTIFICATE_UNKNOWN,
        _A.HANDSHAKE_FAILURE,
        _A.INTERNAL_ERROR,
        _A.ACCESS_DENIED,
    }
)
_NOTHING: Final[Alerts] = frozenset()
_TRUST: Final[Alerts] = frozenset({_A.UNKNOWN_CA})
_KIND: Final[Alerts] = frozenset({_A.UNSUPPORTED_CERTIFICATE})
_STAPLE: Final[Alerts] = frozenset({_A.BAD_CERTIFICATE_STATUS_RESPONSE})
_DATE: Final[Alerts] = frozenset({_A.CERTIFICATE_EXPIRED})
_REVOKED: Final[Alerts] = frozenset({_A.CERTIFICATE_REVOKED})
_SECURITY: Final[Alerts] = frozenset({_A.INSUFFICIENT_SECURITY})
_VERIFY: Final[Alerts] = frozenset({_A.DECRYPT_ERROR})  # rustls knows no SHA-1 and no short keys
_LIMIT: Final[Alerts] = frozenset({_A.ILLEGAL_PARAMETER, _A.RECORD_OVERFLOW})
_PARSE: Final[Alerts] = frozenset({_A.DECODE_ERROR, _A.UNEXPECTED_MESSAGE, _A.ILLEGAL_PARAMETER})


@dataclass(frozen=True, slots=True)
class Fit:
    """Alerts that name a cause, and alerts that stacks send for it among other things."""

    named: Alerts
    possible: Alerts = _ANY


FITS: Final[Mapping[str, Fit]] = {
    "cert_expired": Fit(_DATE),
    # NSS and rustls; OpenSSL and newer Java say bad_certificate. In letter it is another cause.
    "cert_not_yet_valid": Fit(_NOTHING, _ANY | _DATE),
    "intermediate_expired": Fit(_DATE, _ANY | _TRUST),  # NSS: unknown_ca
    "untrusted_ca": Fit(_TRUST),
    "incomplete_chain": Fit(_TRUST),
    "self_signed": Fit(_TRUST),
    "hostname_mismatch": Fit(_NOTHING),
    "wrong_key_cert_usage": Fit(_KIND, _ANY | {_A.ILLEGAL_PARAMETER}),
    "weak_cert_key": Fit(_SECURITY, _ANY | _KIND | _VERIFY),
    "sha1_signature": Fit(_SECURITY, _ANY | _KIND | _VERIFY),
    "revoked_staple": Fit(_REVOKED | _STAPLE),
    "staple_missing": Fit(_STAPLE),
    "name_constraints": Fit(_NOTHING, _ANY | _KIND | _TRUST),
    "invalid_ca": Fit(_TRUST, _ANY | _KIND),
    "critical_extension": Fit(_KIND, _ANY | _TRUST),
    "cert_too_large": Fit(_LIMIT, _ANY | _PARSE),
    "cert_malformed": Fit(frozenset({_A.BAD_CERTIFICATE}), _ANY | _PARSE | _KIND),
    "client_cert_expired": Fit(_DATE),
    "client_cert_not_yet_valid": Fit(_NOTHING, _ANY | _DATE),
    "client_cert_wrong_usage": Fit(_KIND),
    "client_cert_untrusted": Fit(_TRUST),
}
"""Which alert fits which flaw, from RFC 8446 section 6.2 and what stacks were seen to send."""

SERVER_NAMED: Final[Mapping[AlertDescription, str]] = {
    _A.CERTIFICATE_EXPIRED: "cert_expired",
    _A.UNKNOWN_CA: "untrusted_ca",
    _A.CERTIFICATE_REVOKED: "cert_revoked",
    _A.UNSUPPORTED_CERTIFICATE: "wrong_key_cert_usage",
}
CLIENT_NAMED: Final[Mapping[AlertDescription, str]] = {
    _A.CERTIFICATE_EXPIRED: "client_cert_expired",
    _A.UNKNOWN_CA: "client_cert_untrusted",
    _A.CERTIFICATE_REVOKED: "client_cert_revoked",
    _A.UNSUPPORTED_CERTIFICATE: "client_cert_wrong_usage",
    _A.CERTIFICATE_REQUIRED: "client_cert_missing",
}
DOUBTFUL: Final = ("untrusted_ca", "incomplete_chain")  # the wire cannot part them for certain
CAUSES_BY_TRUST: Final = ("untrusted_ca", "incomplete_chain", "self_signed")

ALSO_NAMED: Final[Mapping[str, tuple[str, ...]]] = {
    "cert_expired": ("intermediate_expired", "cert_not_yet_valid"),
    "untrusted_ca": ("incomplete_chain", "self_signed", "invalid_ca"),
    "wrong_key_cert_usage": ("weak_cert_key", "sha1_signature"),
    "client_cert_expired": ("client_cert_not_yet_valid",),
}
