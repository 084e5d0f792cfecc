"""Whether a receiving side would accept a chain, and the first thing that breaks if not.

The checks, their order and their numbers are those of ``X509_verify_cert`` in OpenSSL 3, which
``openssl verify`` prints; where this module differs it does so on purpose, and docs/certificates.md
says why. Unlike OpenSSL it goes on after a problem: the first decides, the rest are worth knowing.
Time is an argument. Facts come from :mod:`analyzer.tls.x509`; nothing is decoded here.
"""

from __future__ import annotations

import enum
import ipaddress
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from analyzer.pki.codes import Code
from analyzer.pki.path import End, Path, Trust, build_path, signs_itself
from analyzer.pki.revocation import CrlCheck, Flag, crl_flags, staple_flags
from analyzer.tls.name_constraints import breaches
from analyzer.tls.names import match_name
from analyzer.tls.ocsp import Staple
from analyzer.tls.x509 import CertificateFacts, read_certificate, signed_by, time_text


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


@dataclass(frozen=True, slots=True)
class Verdict:
    """The path that was found at ``time`` (ns), and what is wrong with it, the decisive first."""

    time: int
    path: Path
    problems: tuple[Problem, ...]

    @property
    def ok(self) -> bool:
        """Whether the receiving side would accept the chain."""
        return not self.problems

    @property
    def code(self) -> Code:
        """The error that OpenSSL gives first."""
        return self.problems[0].code if self.problems else Code.OK

    @property
    def depth(self) -> int:
        """Where."""
        return self.problems[0].depth if self.problems else 0


def verify_chain(
    sent: Sequence[bytes], trust: Trust, *, time: int, settings: Settings = ANYTHING
) -> Verdict:
    """Verify a chain as the side that receives it.

    Args:
        sent: Certificates (DER), the leaf first; the order of the others does not matter.
        trust: What the receiving side trusts.
        time: When, ns since the epoch.
        settings: What it checks.
    """
    certificates = [read_certificate(der) for der in sent]
    path = build_path(certificates, trust, time=time, partial=settings.partial_chain)
    return Verdict(time, path, tuple(_problems(path, time, settings)))


def _problems(path: Path, time: int, settings: Settings) -> Iterator[Problem]:
    chain = [step.facts for step in path.steps]
    for depth, facts in enumerate(chain):
        if _unreadable(facts):
            detail = f": {facts.defect.detail}" if facts.defect else ""
            text = f"{_name(facts)} does not parse{detail}"
            yield Problem(Code.UNSPECIFIED, depth, text)
            return
    if settings.level > 0 and _too_small(chain[0], settings.level):
        text = f"the key of {_name(chain[0])} is too short: {chain[0].key_text}"
        yield Problem(Code.EE_KEY_TOO_SMALL, 0, text)
    yield from _trust(path, chain)
    yield from _extensions(chain, settings)
    yield from _strength(chain, settings.level)
    yield from _identity(chain[0], settings)
    yield from _revocation(chain, time, settings)
    yield from _signatures_and_times(chain, time)
    yield from _constraints(chain)


def _unreadable(facts: CertificateFacts) -> bool:
    """Whether a certificate is too damaged to judge; OpenSSL does not even load it."""
    return not facts.issuer_der or facts.not_after is None or facts.signature_algorithm is None


def _trust(path: Path, chain: list[CertificateFacts]) -> Iterator[Problem]:
    """How the search for a root ended."""
    top, depth = chain[-1], len(chain) - 1
    match path.end:
        case End.SELF_SIGNED if depth == 0:
            text = f"{_name(top)} signed itself and is not among what is trusted"
            yield Problem(Code.DEPTH_ZERO_SELF_SIGNED_CERT, 0, text)
        case End.SELF_SIGNED:
            text = f"the chain ends at the root {_name(top)}, which is not trusted"
            yield Problem(Code.SELF_SIGNED_CERT_IN_CHAIN, depth, text)
        case End.ISSUER_MISSING:
            text = f"{_issuer(top)}, the issuer of {_name(top)}, was not sent and is not trusted"
            yield Problem(Code.UNABLE_TO_GET_ISSUER_CERT_LOCALLY, depth, text)
        case End.TRUSTED_ISSUER_MISSING:
            text = f"{_name(top)} is trusted, but its own issuer {_issuer(top)} is not at hand"
            yield Problem(Code.UNABLE_TO_GET_ISSUER_CERT, depth, text)
        case End.TOO_LONG:
            text = f"no root was found in {depth} steps"
            yield Problem(Code.CERT_CHAIN_TOO_LONG, depth, text)
        case End.TRUSTED:
            return


def _extensions(chain: list[CertificateFacts], settings: Settings) -> Iterator[Problem]:
    """Critical extensions, CA flag, purpose and path length, from the leaf upwards."""
    below = 0  # intermediates that are not self-issued
    for depth, facts in enumerate(chain):
        if facts.unknown_critical:
            oids = ", ".join(facts.unknown_critical)
            text = f"{_name(facts)} has a critical extension that is not known: {oids}"
            yield Problem(Code.UNHANDLED_CRITICAL_EXTENSION, depth, text)
        authority = _authority(facts)
        if depth and not (authority is True or (authority is None and depth == len(chain) - 1)):
            yield Problem(Code.INVALID_CA, depth, _no_authority(facts))
        if len(chain) > 1 and facts.curve == "explicit":
            text = f"the key of {_name(facts)} spells out its curve instead of naming it"
            yield Problem(Code.EC_KEY_EXPLICIT_PARAMS, depth, text)
        purpose = _purpose(facts, settings.purpose, depth)
        if purpose is not None:
            yield Problem(Code.INVALID_PURPOSE, depth, purpose)
        if depth > 1 and facts.path_length is not None and below > facts.path_length:
            text = (
                f"{_name(facts)} allows {facts.path_length} intermediates below itself, not {below}"
            )
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


def _no_authority(facts: CertificateFacts) -> str:
    if facts.ca is True:
        return f"{_name(facts)} is used as an authority, but its key usage lacks keyCertSign"
    return f"{_name(facts)} is used as an authority without being one (basic constraints)"


def _purpose(facts: CertificateFacts, purpose: Purpose | None, depth: int) -> str | None:
    """Why a certificate is not for a purpose; None where it is."""
    if purpose is None:
        return None
    wanted, usages = _PURPOSES[purpose]
    extended = facts.extended_key_usage
    if extended is not None and not wanted & set(extended):
        listed = ", ".join(extended) or "none"
        return f"{_name(facts)} is for {listed} (extended key usage), not for {min(wanted)}"
    if depth:
        return None if _authority(facts) is not False else _no_authority(facts)
    if facts.key_usage is not None and not usages & facts.key_usage:
        listed = ", ".join(sorted(facts.key_usage)) or "none"
        return f"the key usage of {_name(facts)} is {listed}, which serves no {purpose}"
    return None


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


def _strength(chain: list[CertificateFacts], level: int) -> Iterator[Problem]:
    """Keys of authorities, and hashes of all signatures but the root's."""
    if level <= 0:
        return
    for depth, facts in enumerate(chain):
        if depth and _too_small(facts, level):
            text = f"the key of {_name(facts)} is too short: {facts.key_text}"
            yield Problem(Code.CA_KEY_TOO_SMALL, depth, text)
        if depth < len(chain) - 1 and _hash_bits(facts) < _LEVEL_BITS[min(level, 5)]:
            text = f"{_name(facts)} is signed with {facts.signature_algorithm}"
            yield Problem(Code.CA_MD_TOO_WEAK, depth, text)


_LEVEL_BITS: Final = (0, 80, 112, 128, 192, 256)
# Sizes of RSA, DSA and DH keys for those bits (NIST SP 800-57 part 1, table 2).
_FACTORING_BITS: Final = (0, 1024, 2048, 3072, 7680, 15_360)
_HASH_BITS: Final = {
    "md2": 18,
    "md4": 18,
    "md5": 18,
    "sha1": 63,
    "sha224": 112,
    "sha256": 128,
    "sha384": 192,
    "sha512": 256,
}


def _too_small(facts: CertificateFacts, level: int) -> bool:
    """Whether a key has fewer bits of security than a level asks for."""
    bits, level = facts.key_bits, min(level, 5)
    if bits is None:
        return False
    if facts.key_kind in {"RSA", "RSASSA-PSS", "DSA", "DH"}:
        return bits < _FACTORING_BITS[level]
    return bits // 2 + bits % 2 < _LEVEL_BITS[level]


def _hash_bits(facts: CertificateFacts) -> int:
    """Bits of security against collisions; signatures without a hash of their own are as their key."""
    return _HASH_BITS.get(facts.signature_hash or "", 256)


def _identity(leaf: CertificateFacts, settings: Settings) -> Iterator[Problem]:
    host = settings.hostname
    if host is None:
        return
    found = match_name(leaf, host)
    address = _is_address(host)
    if found is not None and found.matches and not (address and found.by == "cn"):
        return
    names = leaf.san_ip if address else leaf.san_dns
    told = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    text = f"{_name(leaf)} is not for {host}: it is for {told or 'no such name'}"
    yield Problem(Code.IP_ADDRESS_MISMATCH if address else Code.HOSTNAME_MISMATCH, 0, text)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def _revocation(chain: list[CertificateFacts], time: int, settings: Settings) -> Iterator[Problem]:
    """Lists for the leaf, or for the whole path; then the staple, which speaks of the leaf."""
    if not settings.crls and settings.crl_check is CrlCheck.AT_HAND:
        yield from _at(0, staple_flags(chain[0], settings.staple, time=time))
        return
    for depth, facts in enumerate(chain):
        needed = settings.crl_check is CrlCheck.ALL or (
            settings.crl_check is CrlCheck.LEAF and depth == 0
        )
        if settings.crl_check is CrlCheck.LEAF and depth:
            break
        above = chain[depth + 1] if depth + 1 < len(chain) else None
        if above is None and signs_itself(facts):
            above = facts
        yield from _at(depth, crl_flags(facts, above, settings.crls, time=time, needed=needed))
        if depth == 0:
            yield from _at(0, staple_flags(facts, settings.staple, time=time))


def _at(depth: int, flags: Iterator[Flag]) -> Iterator[Problem]:
    return (Problem(flag.code, depth, flag.text) for flag in flags)


def _signatures_and_times(chain: list[CertificateFacts], time: int) -> Iterator[Problem]:
    """From the root downwards: the issuer may sign, did sign, and the dates."""
    top = len(chain) - 1
    for depth in range(top, -1, -1):
        facts = chain[depth]
        if depth < top:
            yield from _signature(facts, chain[depth + 1], depth)
        yield from _dates(facts, time, depth)


def _signature(child: CertificateFacts, parent: CertificateFacts, depth: int) -> Iterator[Problem]:
    if parent.key_usage is not None and "keyCertSign" not in parent.key_usage:
        yield Problem(Code.KEYUSAGE_NO_CERTSIGN, depth + 1, _no_authority(parent))
    verified = signed_by(child.der, parent.der)
    if verified is False:
        text = f"the signature of {_name(child)} does not verify with the key of {_name(parent)}"
        yield Problem(Code.CERT_SIGNATURE_FAILURE, depth, text)
    elif verified is None:
        how = child.signature_algorithm or "an unknown algorithm"
        text = f"the signature of {_name(child)} ({how}) cannot be checked here"
        yield Problem(Code.UNSUPPORTED_SIGNATURE_ALGORITHM, depth, text)


def _dates(facts: CertificateFacts, time: int, depth: int) -> Iterator[Problem]:
    begin, end = facts.not_before, facts.not_after
    match facts.valid_at(time):
        case False if begin is not None and time < begin:
            text = f"{_name(facts)} is valid from {time_text(begin)} on"
            yield Problem(Code.CERT_NOT_YET_VALID, depth, text)
        case False:
            text = f"{_name(facts)} expired at {time_text(end)}"
            yield Problem(Code.CERT_HAS_EXPIRED, depth, text)


def _constraints(chain: list[CertificateFacts]) -> Iterator[Problem]:
    """Every certificate against the name constraints of all above it, from the root downwards."""
    for depth in range(len(chain) - 1, -1, -1):
        facts = chain[depth]
        if depth and facts.self_issued:
            continue
        for above in reversed(chain[depth + 1 :]):
            for side, name in breaches(above, facts):
                text = f"{_name(above)} may not vouch for {name} (name constraints, {side} names)"
                yield Problem(_CONSTRAINT[side], depth, text)
                break


_CONSTRAINT: Final = {
    "permitted": Code.PERMITTED_VIOLATION,
    "excluded": Code.EXCLUDED_VIOLATION,
}


def _name(facts: CertificateFacts) -> str:
    """A certificate's holder in a few words."""
    return f"CN={facts.subject_cn}" if facts.subject_cn else facts.subject or "the certificate"


def _issuer(facts: CertificateFacts) -> str:
    common = [part for part in facts.issuer.split(",") if part.startswith("CN=")]
    return common[0] if common else facts.issuer or "an authority without a name"
