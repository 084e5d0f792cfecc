"""How objects and names of certificates are put into sentences."""

from __future__ import annotations

from typing import Final

from analyzer.tls.objects import Validation

_SHOWN: Final = 4


def listed_certificates(validation: Validation) -> str:
    """``it holds root, issuing and 3 more``."""
    names = [certificate.name for certificate in validation.certificates]
    if not names:
        return "it holds no certificate that the export tells of"
    rest = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"it holds {', '.join(names[:_SHOWN])}{rest}"


def short_name(name: str) -> str:
    """The common name of a subject or issuer where it has one: ``CN=Issuing``."""
    return next((part for part in name.split(",") if part.startswith("CN=")), name)
