"""The numbers, names and words by which OpenSSL says why a chain does not verify.

From ``x509_vfy.h`` of OpenSSL 3; the words are those of ``X509_verify_cert_error_string``. Only what
:mod:`analyzer.pki.verify` can find is listed.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final


class Code(enum.IntEnum):
    """An error of verification; :attr:`label` is OpenSSL's name, :attr:`text` its sentence."""

    OK = 0
    UNSPECIFIED = 1
    UNABLE_TO_GET_ISSUER_CERT = 2
    UNABLE_TO_GET_CRL = 3
    CERT_SIGNATURE_FAILURE = 7
    CRL_SIGNATURE_FAILURE = 8
    CERT_NOT_YET_VALID = 9
    CERT_HAS_EXPIRED = 10
    CRL_NOT_YET_VALID = 11
    CRL_HAS_EXPIRED = 12
    DEPTH_ZERO_SELF_SIGNED_CERT = 18
    SELF_SIGNED_CERT_IN_CHAIN = 19
    UNABLE_TO_GET_ISSUER_CERT_LOCALLY = 20
    CERT_CHAIN_TOO_LONG = 22
    CERT_REVOKED = 23
    PATH_LENGTH_EXCEEDED = 25
    INVALID_PURPOSE = 26
    KEYUSAGE_NO_CERTSIGN = 32
    UNHANDLED_CRITICAL_EXTENSION = 34
    KEYUSAGE_NO_CRL_SIGN = 35
    UNHANDLED_CRITICAL_CRL_EXTENSION = 36
    DIFFERENT_CRL_SCOPE = 44
    PERMITTED_VIOLATION = 47
    EXCLUDED_VIOLATION = 48
    HOSTNAME_MISMATCH = 62
    IP_ADDRESS_MISMATCH = 64
    EE_KEY_TOO_SMALL = 66
    CA_KEY_TOO_SMALL = 67
    CA_MD_TOO_WEAK = 68
    OCSP_CERT_UNKNOWN = 75
    UNSUPPORTED_SIGNATURE_ALGORITHM = 76
    INVALID_CA = 79
    EC_KEY_EXPLICIT_PARAMS = 94

    @property
    def label(self) -> str:
        """OpenSSL's name: ``X509_V_ERR_CERT_HAS_EXPIRED``."""
        return "X509_V_OK" if self is Code.OK else f"X509_V_ERR_{self.name}"

    @property
    def text(self) -> str:
        """OpenSSL's sentence, as ``openssl verify`` prints it."""
        return _TEXTS[self]


_TEXTS: Final[Mapping[Code, str]] = {
    Code.OK: "ok",
    Code.UNSPECIFIED: "unspecified certificate verification error",
    Code.UNABLE_TO_GET_ISSUER_CERT: "unable to get issuer certificate",
    Code.UNABLE_TO_GET_CRL: "unable to get certificate CRL",
    Code.CERT_SIGNATURE_FAILURE: "certificate signature failure",
    Code.CRL_SIGNATURE_FAILURE: "CRL signature failure",
    Code.CERT_NOT_YET_VALID: "certificate is not yet valid",
    Code.CERT_HAS_EXPIRED: "certificate has expired",
    Code.CRL_NOT_YET_VALID: "CRL is not yet valid",
    Code.CRL_HAS_EXPIRED: "CRL has expired",
    Code.DEPTH_ZERO_SELF_SIGNED_CERT: "self-signed certificate",
    Code.SELF_SIGNED_CERT_IN_CHAIN: "self-signed certificate in certificate chain",
    Code.UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "unable to get local issuer certificate",
    Code.CERT_CHAIN_TOO_LONG: "certificate chain too long",
    Code.CERT_REVOKED: "certificate revoked",
    Code.PATH_LENGTH_EXCEEDED: "path length constraint exceeded",
    Code.INVALID_PURPOSE: "unsuitable certificate purpose",
    Code.KEYUSAGE_NO_CERTSIGN: "key usage does not include certificate signing",
    Code.UNHANDLED_CRITICAL_EXTENSION: "unhandled critical extension",
    Code.KEYUSAGE_NO_CRL_SIGN: "key usage does not include CRL signing",
    Code.UNHANDLED_CRITICAL_CRL_EXTENSION: "unhandled critical CRL extension",
    Code.DIFFERENT_CRL_SCOPE: "different CRL scope",
    Code.PERMITTED_VIOLATION: "permitted subtree violation",
    Code.EXCLUDED_VIOLATION: "excluded subtree violation",
    Code.HOSTNAME_MISMATCH: "hostname mismatch",
    Code.IP_ADDRESS_MISMATCH: "IP address mismatch",
    Code.EE_KEY_TOO_SMALL: "EE certificate key too weak",
    Code.CA_KEY_TOO_SMALL: "CA certificate key too weak",
    Code.CA_MD_TOO_WEAK: "CA signature digest algorithm too weak",
    Code.OCSP_CERT_UNKNOWN: "OCSP unknown cert",
    Code.UNSUPPORTED_SIGNATURE_ALGORITHM: "Cannot find certificate signature algorithm",
    Code.INVALID_CA: "invalid CA certificate",
    Code.EC_KEY_EXPLICIT_PARAMS: "Certificate public key has explicit ECC parameters",
}
