"""Names of files for certificates: safe whatever a certificate says of itself."""

from __future__ import annotations

import base64
import re
import textwrap
from typing import Final

from analyzer.tls.x509.chain import CertificateFacts

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST: Final = 60


def file_name(facts: CertificateFacts) -> str:
    """A name of letters, digits, dots and dashes that no other certificate has.

    The first digits of the fingerprint end it, so that it is never hidden, reserved or twice there.
    """
    name = facts.subject_cn or next(iter(facts.sans), "") or "certificate"
    safe = _UNSAFE.sub("_", name.replace("*", "star"))[:_LONGEST].strip("._-")
    return f"{safe or 'certificate'}-{facts.sha256[:12]}.pem"


def pem(der: bytes) -> str:
    """A certificate in PEM (RFC 7468)."""
    body = "\n".join(textwrap.wrap(base64.b64encode(der).decode("ascii"), 64))
    return f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n"
