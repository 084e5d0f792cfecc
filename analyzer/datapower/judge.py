"""Whether a CryptoValCred trusts what a peer presents, as the gateway would judge it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from analyzer.tls.objects import Validation
from analyzer.tls.x509.chain import CertificateFacts, signed_by

_MOST: Final = 16  # certificates on a path


@dataclass(frozen=True, slots=True)
class Judgement:
    """``trusted`` is None where the export does not hold what it takes to tell."""

    trusted: bool | None
    missing: str | None = None  # the name whose certificate is not there


def judge(validation: Validation, presented: Sequence[CertificateFacts]) -> Judgement:
    """Judge a chain, leaf first; dates and revocation are not part of it.

    * ``exact-match``: the leaf itself is listed.
    * ``legacy``: the leaf or its immediate issuer is listed.
    * ``pkix``: a path leads to a root that is listed; other listed certificates help to build it.
    """
    if not presented or not validation.complete or validation.mode is None:
        return Judgement(None)
    held = [facts for one in validation.certificates for facts in one.content]
    leaf = presented[0]
    if validation.mode == "exact-match":
        listed = any(leaf.der == one.der for one in held)
        return Judgement(listed, None if listed else leaf.subject)
    if validation.mode == "legacy":
        listed = any(leaf.der == one.der or issued(leaf, one) for one in held)
        return Judgement(listed, None if listed else leaf.issuer)
    return _path(leaf, presented[1:], held)


def issued(child: CertificateFacts, parent: CertificateFacts) -> bool:
    """Whether one certificate was issued by another: by name, and by signature where it can be told."""
    return child.issuer_der == parent.subject_der and signed_by(child.der, parent.der) is not False


def _path(
    leaf: CertificateFacts, sent: Sequence[CertificateFacts], held: Sequence[CertificateFacts]
) -> Judgement:
    top, listed = leaf, {one.der for one in held}
    for _ in range(_MOST):
        if top.self_issued:
            return Judgement(top.der in listed, None if top.der in listed else top.subject)
        roots = [one for one in held if issued(top, one)]
        above = roots or [one for one in sent if issued(top, one)]
        if not above:
            return Judgement(False, top.issuer)
        # A root ends the path; without one go on by what there is.
        top = next((one for one in above if one.self_issued), above[0])
    return Judgement(False, top.issuer)
