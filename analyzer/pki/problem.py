"""What the checks of a chain share: how the receiving side looks at it, and what it finds wrong."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

from analyzer.pki.codes import Code
from analyzer.pki.revocation import CrlCheck
from analyzer.tls.x509.chain import CertificateFacts
from analyzer.tls.x509.ocsp import Staple


class Purpose(enum.StrEnum):
    """What the leaf is used for, by OpenSSL's names."""

    SERVER = "sslserver"
    CLIENT = "sslclient"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How the receiving side looks at a chain.

    ``level`` is OpenSSL's security level: 2 asks for 112 bits (RSA 2048, EC 224, no SHA-1), the
    default of OpenSSL 3.2 and of Debian; 0 takes everything.
    """

    purpose: Purpose | None = None
    hostname: str | None = None  # or an address
    level: int = 2
    partial_chain: bool = False
    crls: tuple[bytes, ...] = ()
    crl_check: CrlCheck = CrlCheck.AT_HAND
    staple: Staple | None = None


ANYTHING: Final = Settings()


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that OpenSSL refuses the chain for. ``depth`` 0 is the leaf."""

    code: Code
    depth: int
    text: str  # what is wrong, with names


def holder(facts: CertificateFacts) -> str:
    """A certificate's holder in a few words."""
    return f"CN={facts.subject_cn}" if facts.subject_cn else facts.subject or "the certificate"


def issuer(facts: CertificateFacts) -> str:
    """A certificate's issuer in a few words."""
    common = [part for part in facts.issuer.split(",") if part.startswith("CN=")]
    return common[0] if common else facts.issuer or "an authority without a name"
