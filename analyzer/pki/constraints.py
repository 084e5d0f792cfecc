"""What the certificates of a path say they may be used for: from the leaf upwards, as OpenSSL does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from analyzer.pki.codes import Code
from analyzer.pki.path import signs_itself
from analyzer.pki.problem import Problem, Purpose, Settings, holder
from analyzer.tls.x509.chain import CertificateFacts


def extensions(chain: list[CertificateFacts], settings: Settings) -> Iterator[Problem]:
    """Critical extensions, CA flag, purpose and path length, from the leaf upwards."""
    below = 0  # intermediates that are not self-issued
    for depth, facts in enumerate(chain):
        if facts.unknown_critical:
            oids = ", ".join(facts.unknown_critical)
            text = f"{holder(facts)} has a critical extension that is not known: {oids}"
            yield Problem(Code.UNHANDLED_CRITICAL_EXTENSION, depth, text)
        authority = _authority(facts)
        if depth and not (authority is True or (authority is None and depth == len(chain) - 1)):
            yield Problem(Code.INVALID_CA, depth, no_authority(facts))
        if len(chain) > 1 and facts.curve == "explicit":
            text = f"the key of {holder(facts)} spells out its curve instead of naming it"
            yield Problem(Code.EC_KEY_EXPLICIT_PARAMS, depth, text)
        purpose = _purpose(facts, settings.purpose, depth)
        if purpose is not None:
            yield Problem(Code.INVALID_PURPOSE, depth, purpose)
        if depth > 1 and facts.path_length is not None and below > facts.path_length:
            text = f"{holder(facts)} allows {facts.path_length} intermediates below itself, not {below}"
            yield Problem(Code.PATH_LENGTH_EXCEEDED, depth, text)
        below += depth > 0 and not facts.self_issued


def _authority(facts: CertificateFacts) -> bool | None:
    """Whether a certificate may issue others; None: an old one that cannot say so, for roots only.

    ``check_ca`` in OpenSSL: key usage speaks first, then basic constraints; without those, roots of
    version 1 and certificates with the usage keyCertSign pass.
    """
    if facts.key_usage is not None and "keyCertSign" not in facts.key_usage:
        return False
    if facts.ca is not None:
        return facts.ca
    old = facts.version < 3 and signs_itself(facts)
    return None if old or facts.key_usage is not None else False


def no_authority(facts: CertificateFacts) -> str:
    """Say why a certificate may not issue others."""
    if facts.ca is True:
        return f"{holder(facts)} is used as an authority, but its key usage lacks keyCertSign"
    return f"{holder(facts)} is used as an authority without being one (basic constraints)"


def _purpose(facts: CertificateFacts, purpose: Purpose | None, depth: int) -> str | None:
    """Why a certificate is not for a purpose; None where it is."""
    if purpose is None:
        return None
    wanted, usages = _PURPOSES[purpose]
    extended = facts.extended_key_usage
    if extended is not None and not wanted & set(extended):
        listed = ", ".join(extended) or "none"
        return f"{holder(facts)} is for {listed} (extended key usage), not for {_NAMES[purpose]}"
    if depth:
        return None if _authority(facts) is not False else no_authority(facts)
    if facts.key_usage is not None and not usages & facts.key_usage:
        listed = ", ".join(sorted(facts.key_usage)) or "none"
        return f"the key usage of {holder(facts)} is {listed}, which serves no {purpose}"
    return None


_NAMES: Final = {Purpose.SERVER: "serverAuth", Purpose.CLIENT: "clientAuth"}
# Extended key usages of which one must be there if any is, and key usages likewise. The gated
# cryptography of old (SGC) counts as server authentication in OpenSSL.
_PURPOSES: Final = {
    Purpose.SERVER: (
        frozenset({"serverAuth", "msSGC", "nsSGC"}),
        frozenset({"digitalSignature", "keyEncipherment", "keyAgreement"}),
    ),
    Purpose.CLIENT: (
        frozenset({"clientAuth"}),
        frozenset({"digitalSignature", "keyAgreement"}),
    ),
}
