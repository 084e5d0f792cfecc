"""Flaws of a certificate weighed against the alert: which of them was minded, and how sure.

The alert picks among the flaws: each cause has alerts that name it and alerts that can mean it.
"""

from __future__ import annotations

from collections.abc import Sequence
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
    others = [f.cause for f in fitting if f.cause != best.cause and (f.hard or not best.hard)]
    confidence = _confidence(story, refusal, best, rivals=bool(others) and best.hard)
    if best.cause in DOUBTFUL and confidence is not Confidence.SEEN:
        others += [cause for cause in DOUBTFUL if cause != best.cause]
    if refusal.alert is _A.DECRYPT_ERROR:
        others.append("tampered")
    if refusal.alert is _A.CERTIFICATE_EXPIRED and best.cause in _EXPIRED_INSTEAD:
        others.append(_EXPIRED_INSTEAD[best.cause])
    return Explanation(best, confidence, tuple(dict.fromkeys(others)))


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
    stack = story.client_stack
    named = refusal.side is Side.CLIENT and stack is not None and stack.name == "openssl"
    return named and flaw.cause in VAGUELY_TRUST and refusal.alert in _OTHERS


_OTHERS: Final[Alerts] = frozenset({_A.CERTIFICATE_UNKNOWN, _A.BAD_CERTIFICATE})


def is_named(flaw: Flaw, alert: AlertDescription | None) -> bool:
    """Whether the alert is the one for this flaw's cause."""
    return alert in FITS[flaw.cause].named


def _confidence(story: Story, refusal: Refusal, flaw: Flaw, *, rivals: bool) -> Confidence:
    """How sure a flaw explains a refusal; the comments say which promise is kept."""
    named = is_named(flaw, refusal.alert)
    if flaw.cause in CAUSES_BY_TRUST:
        return _trust_confidence(story, refusal, flaw)
    if flaw.cause == "client_cert_untrusted" and named:
        return Confidence.SEEN if flaw.hard else Confidence.INFERRED
    if not flaw.hard:  # it depends on the peer's settings whether it minds
        return Confidence.INFERRED if named else Confidence.SUSPECTED
    if rivals:  # any of several facts may have been the reason
        return Confidence.INFERRED if named else Confidence.SUSPECTED
    return Confidence.SEEN if named else Confidence.INFERRED


def _trust_confidence(story: Story, refusal: Refusal, flaw: Flaw) -> Confidence:
    """Trust is a setting of the peer: only the alert can state it, and the chain must leave no gap."""
    said = refusal.alert is _A.UNKNOWN_CA
    if flaw.cause == "self_signed":
        if said:
            return Confidence.SEEN
        return Confidence.SUSPECTED if refusal.alert in _VAGUE else Confidence.INFERRED
    chain = story.server_chain
    if not said or chain is None or flaw.cause == "incomplete_chain":
        return Confidence.SUSPECTED
    if chain.facts.root_sent:
        return Confidence.SEEN
    return Confidence.INFERRED if len(chain.facts.path) > 1 else Confidence.SUSPECTED
