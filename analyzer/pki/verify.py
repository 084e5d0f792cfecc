"""Whether a receiving side would accept a chain, and the first thing that breaks if not.

The checks, their order and their numbers are those of ``X509_verify_cert`` in OpenSSL 3, which
``openssl verify`` prints; where this module differs it does so on purpose, and docs/certificates.md
says why. Unlike OpenSSL it goes on after a problem: the first decides, the rest are worth knowing.
Time is an argument. Facts come from :mod:`analyzer.tls.x509.chain`; nothing is decoded here.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from analyzer.pki.codes import Code
from analyzer.pki.constraints import extensions, no_authority
from analyzer.pki.path import End, Path, Trust, build_path, signs_itself
from analyzer.pki.problem import ANYTHING, Problem, Purpose, Settings, holder, issuer
from analyzer.pki.revocation import CrlCheck, Flag, crl_flags, staple_flags
from analyzer.pki.strength import strength, too_small
from analyzer.tls.x509.chain import CertificateFacts, read_certificate, signed_by, time_text
from analyzer.tls.x509.name_constraints import breaches
from analyzer.tls.x509.names import match_name

__all__ = ["Problem", "Purpose", "Settings", "Trust", "Verdict", "verify_chain"]


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
        sent: Certificates (DER), the leaf first, the others in any order.
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
            text = f"{holder(facts)} does not parse{detail}"
            yield Problem(Code.UNSPECIFIED, depth, text)
            return
    if settings.level > 0 and too_small(chain[0], settings.level):
        text = f"the key of {holder(chain[0])} is too short: {chain[0].key_text}"
        yield Problem(Code.EE_KEY_TOO_SMALL, 0, text)
    yield from _trust(path, chain)
    yield from extensions(chain, settings)
    yield from strength(chain, settings.level)
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
            text = f"{holder(top)} signed itself and is not among what is trusted"
            yield Problem(Code.DEPTH_ZERO_SELF_SIGNED_CERT, 0, text)
        case End.SELF_SIGNED:
            text = f"the chain ends at the root {holder(top)}, which is not trusted"
            yield Problem(Code.SELF_SIGNED_CERT_IN_CHAIN, depth, text)
        case End.ISSUER_MISSING:
            text = f"{issuer(top)}, the issuer of {holder(top)}, was not sent and is not trusted"
            yield Problem(Code.UNABLE_TO_GET_ISSUER_CERT_LOCALLY, depth, text)
        case End.TRUSTED_ISSUER_MISSING:
            text = f"{holder(top)} is trusted, but its own issuer {issuer(top)} is not at hand"
            yield Problem(Code.UNABLE_TO_GET_ISSUER_CERT, depth, text)
        case End.TOO_LONG:
            text = f"no root was found in {depth} steps"
            yield Problem(Code.CERT_CHAIN_TOO_LONG, depth, text)
        case End.TRUSTED:
            return


def _identity(leaf: CertificateFacts, settings: Settings) -> Iterator[Problem]:
    host = settings.hostname
    if host is None:
        return
    found = match_name(leaf, host)
    address = _is_address(host)
    unread = {"dot", "cn"} if address else {"dot"}  # what OpenSSL does not take for a match
    if found is not None and found.matches and found.by not in unread:
        return
    names = leaf.san_ip if address else leaf.san_dns
    told = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    text = f"{holder(leaf)} is not for {host}: it is for {told or 'no such name'}"
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
        yield Problem(Code.KEYUSAGE_NO_CERTSIGN, depth + 1, no_authority(parent))
    verified = signed_by(child.der, parent.der)
    if verified is False:
        text = f"the signature of {holder(child)} does not verify with the key of {holder(parent)}"
        yield Problem(Code.CERT_SIGNATURE_FAILURE, depth, text)
    elif verified is None:
        how = child.signature_algorithm or "an unknown algorithm"
        text = f"the signature of {holder(child)} ({how}) cannot be checked here"
        yield Problem(Code.UNSUPPORTED_SIGNATURE_ALGORITHM, depth, text)


def _dates(facts: CertificateFacts, time: int, depth: int) -> Iterator[Problem]:
    begin, end = facts.not_before, facts.not_after
    match facts.valid_at(time):
        case False if begin is not None and time < begin:
            text = f"{holder(facts)} is valid from {time_text(begin)} on"
            yield Problem(Code.CERT_NOT_YET_VALID, depth, text)
        case False:
            text = f"{holder(facts)} expired at {time_text(end)}"
            yield Problem(Code.CERT_HAS_EXPIRED, depth, text)


def _constraints(chain: list[CertificateFacts]) -> Iterator[Problem]:
    """Every certificate against the name constraints of all above it, from the root downwards."""
    for depth in range(len(chain) - 1, -1, -1):
        facts = chain[depth]
        if depth and facts.self_issued:
            continue
        for above in reversed(chain[depth + 1 :]):
            for side, name in breaches(above, facts):
                text = f"{holder(above)} may not vouch for {name} (name constraints, {side} names)"
                yield Problem(_CONSTRAINT[side], depth, text)
                break


_CONSTRAINT: Final = {
    "permitted": Code.PERMITTED_VIOLATION,
    "excluded": Code.EXCLUDED_VIOLATION,
}
