"""Which certificates lead from a leaf to a root: the search that OpenSSL makes, step by step.

What is trusted is asked first, then what was sent (``X509_V_FLAG_TRUSTED_FIRST``, the default). An
issuer is chosen by name, key identifier, kind of key and dates, not by whether its key verifies the
signature: OpenSSL checks signatures on the path once it is found.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from analyzer.tls.x509.chain import CertificateFacts, read_certificate
from analyzer.tls.x509.dn import name_key, same_name

DEEPEST: Final = 101  # certificates without the root, as in OpenSSL


class Origin(enum.Enum):
    """Where a certificate of a path comes from."""

    SENT = "sent"
    TRUSTED = "trusted"


@dataclass(frozen=True, slots=True)
class Step:
    """One certificate of a path; ``index`` is its place among those sent."""

    facts: CertificateFacts
    origin: Origin
    index: int | None = None


class Trust:
    """Certificates that the receiving side trusts; ``source`` says whose they are."""

    def __init__(self, certificates: Iterable[bytes], source: str = "") -> None:
        """Take certificates, each once. They are read when a path first asks for them."""
        self.source = source
        self._ders = tuple(dict.fromkeys(certificates))
        self._by_name: dict[object, list[CertificateFacts]] | None = None

    def __len__(self) -> int:
        return len(self._ders)

    def named(self, name: bytes) -> list[CertificateFacts]:
        """Those whose subject is ``name`` (DER)."""
        if self._by_name is None:
            self._by_name = {}
            for der in self._ders:
                facts = read_certificate(der)
                self._by_name.setdefault(name_key(facts.subject_der), []).append(facts)
        return self._by_name.get(name_key(name), [])


class End(enum.Enum):
    """How the search ended."""

    TRUSTED = "trusted"
    SELF_SIGNED = "self-signed"  # at a root that is not trusted
    ISSUER_MISSING = "issuer missing"  # of a certificate that was sent
    TRUSTED_ISSUER_MISSING = "trusted issuer missing"  # of an intermediate that is trusted
    TOO_LONG = "too long"


@dataclass(frozen=True, slots=True)
class Path:
    """Leaf first. ``sent`` counts the steps that do not come from the trusted ones."""

    steps: tuple[Step, ...]
    end: End

    @property
    def sent(self) -> int:
        """How many steps were sent."""
        return sum(step.origin is Origin.SENT for step in self.steps)


def build_path(
    sent: Sequence[CertificateFacts], trust: Trust, *, time: int, partial: bool = False
) -> Path:
    """Search the path of the first certificate sent.

    Args:
        sent: The leaf and what came with it, in any order; of issuers that fit alike the first counts.
        trust: What is trusted.
        time: ns; of several issuers one that is valid then is preferred.
        partial: An intermediate that is trusted ends the path, as in Go, GnuTLS and Java.
    """
    steps = [Step(sent[0], Origin.SENT, 0)]
    pool = dict(enumerate(sent[1:], start=1))
    while len(steps) <= DEEPEST:
        current = steps[-1].facts
        anchor = _best(issuers_of(current, trust.named(current.issuer_der)), time)
        if anchor is not None and (not signs_itself(current) or anchor.der == current.der):
            _grow(steps, anchor)
            if partial or signs_itself(anchor):
                return Path(tuple(steps), End.TRUSTED)
            pool.clear()  # from here on, only what is trusted counts
            continue
        above = _sent_issuer(current, pool, time)
        if above is None:
            return _direct(steps, trust, partial=partial)
        steps.append(Step(pool.pop(above), Origin.SENT, above))
    return Path(tuple(steps), End.TOO_LONG)


def _grow(steps: list[Step], anchor: CertificateFacts) -> None:
    """Add a trusted issuer; a root that was sent is the trusted one itself."""
    if signs_itself(steps[-1].facts):
        steps[-1] = replace(steps[-1], facts=anchor, origin=Origin.TRUSTED)
    else:
        steps.append(Step(anchor, Origin.TRUSTED))


def _direct(steps: list[Step], trust: Trust, *, partial: bool) -> Path:
    """The search is over without a root; with partial paths the leaf itself may be trusted."""
    leaf, top = steps[0].facts, steps[-1]
    if partial and any(f.der == leaf.der for f in trust.named(leaf.subject_der)):
        return Path((replace(steps[0], origin=Origin.TRUSTED),), End.TRUSTED)
    if signs_itself(top.facts):
        return Path(tuple(steps), End.SELF_SIGNED)
    trusted = top.origin is Origin.TRUSTED
    return Path(tuple(steps), End.TRUSTED_ISSUER_MISSING if trusted else End.ISSUER_MISSING)


def _sent_issuer(
    child: CertificateFacts, pool: dict[int, CertificateFacts], time: int
) -> int | None:
    if signs_itself(child):
        return None
    best = _best(issuers_of(child, pool.values()), time)
    return next((i for i, facts in pool.items() if facts is best), None)


def _best(issuers: Iterator[CertificateFacts], time: int) -> CertificateFacts | None:
    """The first that is valid; else the one that was valid last."""
    best: CertificateFacts | None = None
    for facts in issuers:
        if facts.valid_at(time):
            return facts
        if best is None or (facts.not_after or 0) > (best.not_after or 0):
            best = facts
    return best


def issuers_of(
    child: CertificateFacts, candidates: Iterable[CertificateFacts]
) -> Iterator[CertificateFacts]:
    """Those that look like the issuer of ``child``: name, key identifier, kind of key."""
    return (facts for facts in candidates if likely_issued(child, facts))


def likely_issued(child: CertificateFacts, parent: CertificateFacts) -> bool:
    """Whether ``parent`` looks like the issuer, as ``ossl_x509_likely_issued`` in OpenSSL."""
    wanted, have = child.authority_key_id, parent.subject_key_id
    return (
        bool(child.issuer_der)
        and same_name(parent.subject_der, child.issuer_der)
        and (wanted is None or have is None or wanted == have)
        and _kinds_agree(child.signature_algorithm or "", parent.key_kind or "")
    )


def signs_itself(facts: CertificateFacts) -> bool:
    """Whether a certificate looks self-signed; the signature is not checked, as in OpenSSL."""
    return facts.self_issued and likely_issued(facts, facts)


def _kinds_agree(signature: str, key: str) -> bool:
    """Whether a kind of key can make a signature; what is not known may."""
    name = signature.casefold()
    for sign, kinds in _KINDS.items():
        if sign in name and key in _ALL_KINDS:
            return key in kinds
    return True


_KINDS: Final = {
    "rsassa-pss": {"RSA", "RSASSA-PSS"},
    "rsa": {"RSA"},
    "ecdsa": {"EC"},
    "ed25519": {"Ed25519"},
    "ed448": {"Ed448"},
    "dsa": {"DSA"},
}
_ALL_KINDS: Final = frozenset().union(*_KINDS.values())


def looks_intermediate(facts: CertificateFacts) -> bool:
    """Whether the issuer of a certificate is more likely an intermediate than a root.

    It counts as one where the certificate says where to fetch it (authority information access;
    roots are not fetched), or where its name says so and not the opposite.
    """
    common = [part for part in facts.issuer.split(",") if part.startswith("CN=")]
    name = (common[0] if common else facts.issuer).casefold()
    if "root" in name:
        return False
    return bool(facts.issuer_urls) or any(word in name for word in _INTERMEDIATE_WORDS)


_INTERMEDIATE_WORDS: Final = ("intermediate", "issuing", "subordinate", "sub ca", "subca", "sub-ca")
