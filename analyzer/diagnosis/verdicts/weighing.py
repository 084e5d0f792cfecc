"""Flaws of a certificate weighed against the alert: which of them was minded, and how sure.

The alert picks among the flaws: each cause has alerts that name it and alerts that can mean it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from analyzer.diagnosis.causes import Confidence
from analyzer.diagnosis.flaws.flaw import Flaw
from analyzer.diagnosis.refusals.refusal import Refusal
from analyzer.diagnosis.signs.alerts import Alerts
from analyzer.diagnosis.verdicts.fits import CAUSES_BY_TRUST, DOUBTFUL, FITS
from analyzer.tcp.timeline import Side
from analyzer.tls.registry.code_points import AlertDescription
from analyzer.tls.story import Story

_A = AlertDescription


class Explanation(NamedTuple):
    """A flaw, how sure it is that it was minded, and the causes that may have been instead."""

    flaw: Flaw
    confidence: Confidence
    rivals: tuple[str, ...]


def weigh(story: Story, refusal: Refusal, flaws: Sequence[Flaw]) -> Explanation | None:
    """The flaw that explains the refusal best; None where none of them does.

    Hard flaws before soft ones, those that the alert names before those that it can mean.
    """
    fitting = [flaw for flaw in flaws if _fits(flaw, refusal.alert)]
    likely = [flaw for flaw in fitting if flaw.hard or not _called_otherwise(story, refusal, flaw)]
    if not likely:
        return None
    best = min(likely, key=lambda flaw: (not flaw.hard, not is_named(flaw, refusal.alert)))
    own = _unvouched(story, refusal, best, likely)
    if own is not None and best.cause not in _before_trust(story, _DATED):
        best = own
    rivals = [f for f in fitting if f.cause != best.cause and (f.hard or f is own or not best.hard)]
    doubt = (best.hard or best is own) and any(f.hard or f is own for f in rivals)
    others = [flaw.cause for flaw in rivals]
    confidence = _confidence(story, refusal, best, rivals=doubt)
    if best.cause in DOUBTFUL and confidence is not Confidence.SEEN:
        others += [cause for cause in DOUBTFUL if cause != best.cause]
    if refusal.alert is _A.DECRYPT_ERROR:
        others.append("tampered")
    if refusal.alert is _A.CERTIFICATE_EXPIRED and best.cause in _EXPIRED_INSTEAD:
        others.append(_EXPIRED_INSTEAD[best.cause])
    return Explanation(best, confidence, tuple(dict.fromkeys(others)))


def _unvouched(story: Story, refusal: Refusal, best: Flaw, flaws: Sequence[Flaw]) -> Flaw | None:
    """That nobody vouches for the certificate, where that may be the reason rather than ``best``.

    It is no matter of settings, as trust in an authority is: who has not got this very certificate
    refuses it, whatever else is wrong.
    """
    if best.cause in _before_trust(story, frozenset()) or _would_name_trust(story, refusal):
        return None
    return next((flaw for flaw in flaws if flaw.cause == "self_signed"), None)


def _before_trust(story: Story, usually: frozenset[str]) -> frozenset[str]:
    """What the client looks at before it asks who vouches for a certificate; ``usually`` if unknown.

    The path comes before the name (RFC 9525 section 6); within the path RFC 5280 leaves the order open.
    """
    stack = story.client_stack
    return _EARLY.get(stack.name, usually) if stack is not None else usually


_DATED: Final = frozenset({"cert_expired", "cert_not_yet_valid"})
_EARLY: Final[Mapping[str, frozenset[str]]] = {
    "go": _DATED | {"hostname_mismatch"},  # crypto/x509: Verify
    "java": frozenset(),  # PKIX: where no path is found nothing is checked
}


# The clock of the capture says "not yet", the alert "expired": the peer's own may be right.
_EXPIRED_INSTEAD: Final = {
    "cert_not_yet_valid": "cert_expired",
    "client_cert_not_yet_valid": "client_cert_expired",
}


def _fits(flaw: Flaw, alert: AlertDescription | None) -> bool:
    fit = FITS[flaw.cause]
    if flaw.alerts is not None:
        return alert in flaw.alerts
    if flaw.cause in POLICY and alert is None:
        return flaw.leaf
    if flaw.cause in VAGUELY_TRUST and not flaw.hard and alert in _VAGUE:
        return False
    return alert in fit.named or alert in fit.possible


# Keys and hashes of intermediates that a client merely may mind: a bare close speaks for neither.
POLICY: Final = frozenset({"weak_cert_key", "sha1_signature"})
# An alert that says no more than "no" does not make a missing authority likely.
_VAGUE: Final[Alerts] = frozenset({_A.HANDSHAKE_FAILURE, _A.INTERNAL_ERROR})
VAGUELY_TRUST: Final = frozenset({"untrusted_ca", "incomplete_chain", "client_cert_untrusted"})


def _called_otherwise(story: Story, refusal: Refusal, flaw: Flaw) -> bool:
    """Whether the client's stack would have said unknown_ca, had it lacked an authority.

    RFC 8446 section 6.2 has that alert for this alone; few stacks keep to it.
    """
    return flaw.cause in VAGUELY_TRUST and _would_name_trust(story, refusal)


def _would_name_trust(story: Story, refusal: Refusal) -> bool:
    stack = story.client_stack
    named = refusal.side is Side.CLIENT and stack is not None and stack.name == "openssl"
    return named and refusal.alert in _OTHERS


_OTHERS: Final[Alerts] = frozenset({_A.CERTIFICATE_UNKNOWN, _A.BAD_CERTIFICATE})


def is_named(flaw: Flaw, alert: AlertDescription | None) -> bool:
    """Whether the alert is the one for this flaw's cause."""
    return alert in FITS[flaw.cause].named


def _confidence(story: Story, refusal: Refusal, flaw: Flaw, *, rivals: bool) -> Confidence:
    """How sure a flaw explains a refusal; the comments say which promise is kept."""
    named = is_named(flaw, refusal.alert)
    if flaw.cause in CAUSES_BY_TRUST:
        return _trust_confidence(story, refusal, flaw, rivals=rivals)
    if flaw.cause == "client_cert_untrusted" and named:
        return Confidence.SEEN if flaw.hard else Confidence.INFERRED
    if not flaw.hard:  # it depends on the peer's settings whether it minds
        return Confidence.INFERRED if named else Confidence.SUSPECTED
    if rivals:  # any of several facts may have been the reason
        return Confidence.INFERRED if named else Confidence.SUSPECTED
    return Confidence.SEEN if named else Confidence.INFERRED


def _trust_confidence(story: Story, refusal: Refusal, flaw: Flaw, *, rivals: bool) -> Confidence:
    """Trust is a setting of the peer: only the alert can state it, and the chain must leave no gap."""
    said = refusal.alert is _A.UNKNOWN_CA
    if flaw.cause == "self_signed":
        if said:
            return Confidence.SEEN
        return Confidence.SUSPECTED if rivals or refusal.alert in _VAGUE else Confidence.INFERRED
    chain = story.server_chain
    if not said or chain is None or flaw.cause == "incomplete_chain":
        return Confidence.SUSPECTED
    if chain.facts.root_sent:
        return Confidence.SEEN
    return Confidence.INFERRED if len(chain.facts.path) > 1 else Confidence.SUSPECTED
