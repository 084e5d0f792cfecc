"""Flaws of certificates weighed against the alert: which cause, and how sure.

The alert picks among the flaws: each cause has alerts that name it and alerts that can mean it.
A flaw that does not fit the alert explains nothing. Where no fact decides and the alert names no
child, the family's parent is the answer, and its fallback rule says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from analyzer.diagnosis.causes import Confidence, FailingSide, Phase, RemedySide
from analyzer.diagnosis.certificate_messages import no_client_certificate
from analyzer.diagnosis.fits import (
    ALSO_NAMED,
    CAUSES_BY_TRUST,
    CLIENT_NAMED,
    DOUBTFUL,
    FITS,
    SERVER_NAMED,
    WOULD_DECIDE,
    Alerts,
)
from analyzer.diagnosis.flaws import Flaw, client_flaws, has_staple, server_flaws, unread_flaws
from analyzer.diagnosis.memo import once_per_story
from analyzer.diagnosis.model import Alternative, Evidence, Finding, Rank, Rule
from analyzer.diagnosis.refusal import (
    Refusal,
    client_certificate_refused,
    client_certificate_withheld,
    left_unused,
    server_certificate_refused,
)
from analyzer.diagnosis.signs import is_openvpn, offer_cut, visible
from analyzer.diagnosis.wording import chain_evidence, milestone_evidence, party
from analyzer.tcp.timeline import Side
from analyzer.tls.registry.code_points import AlertDescription
from analyzer.tls.story import Chain, Milestone, Story

_A = AlertDescription


_TITLED_MOST: Final = 150  # characters of lists in a title


@dataclass(frozen=True, slots=True)
class Verdict:
    """The child that best explains a refused certificate, or a note on a healthy connection."""

    cause: str
    text: str
    confidence: Confidence
    rank: Rank
    phase: Phase
    evidence: tuple[Evidence, ...]
    alternatives: tuple[Alternative, ...]
    refusal: Refusal | None  # None for a note
    hidden: bool = False  # the certificate is not in clear

    def result(self, story: Story) -> str:
        """What came of it, to end a title with: who refused, or that nobody did."""
        if self.refusal is None:
            left = None if self.cause.startswith("client_") else left_unused(story)
            if left is not None:  # TLS was done, and still it may have been the reason
                return f"noted only, {party(story, left.side)} left without saying why"
            own = self.cause.startswith("client_")
            other = (client_certificate_refused if own else server_certificate_refused)(story)
            if other is not None:
                return f"{party(story, other.side)} gave another reason, and may mind this next"
            return "noted only, the handshake did not fail by it"
        return f"{party(story, self.refusal.side)} refused it"

    def title(self, story: Story, general: str) -> str:
        """The headline: the very flaw where it is in sight, else what can be said in general."""
        if not self.text:
            return f"{general}: {self.result(story)}"
        what = self.text.partition(";")[0]
        what = f"{what[:1].upper()}{what[1:]}"
        if self.refusal is None:
            return f"{what}: {self.result(story)}"
        who, other = self.refusal.side, self.refusal.side.peer
        return f"{what}; {party(story, who)} refused the certificate of {party(story, other)}"

    def narrowed(self, title: str) -> str:
        """A title, with what the lists or neighbours show."""
        if len(self.text) <= _TITLED_MOST:
            return f"{title}: {self.text}" if self.text else title
        return f"{title}: {self.text[:_TITLED_MOST].rpartition(',')[0]} …"

    def because(self, general: str) -> str:
        """The explanation: the flaw in this handshake, then what the rule says of all of them."""
        if self.text:
            return f"{self.text[:1].upper()}{self.text[1:]}. {general}"
        unseen = "itself is not in clear" if self.hidden else "does not show it"
        return f"The certificate {unseen}; the alert names the reason. {general}"

    def beyond(self, general: str) -> str:
        """As :meth:`because`, beside a title that tells the flaw itself."""
        if not self.text:
            return self.because(general)
        more = self.text.partition("; ")[2]
        return f"{more[:1].upper()}{more[1:]}. {general}" if more else general

    def by_two_clocks(self, judge: str) -> str:
        """What an alert about expiry may mean of a date that is to come, to follow a sentence."""
        if self.refusal is None or self.refusal.alert is not _A.CERTIFICATE_EXPIRED:
            return ""
        return (
            f" Its alert speaks of expiry. Stacks that know one alert for both dates (NSS, rustls) say so; or the clock of "
            f"the {judge} is right, that of the capture is behind, and the certificate has expired since."
        )

    def reason(self, general: str) -> str:
        """As :meth:`because`, where no certificate is concerned."""
        if not self.text:
            return general
        return f"{self.text[:1].upper()}{self.text[1:]}. {general}"

    def reason_beyond(self, general: str) -> str:
        """As :meth:`reason`, beside a title that :meth:`narrowed` wrote: what that could not hold."""
        return self.reason(general) if len(self.text) > _TITLED_MOST else general

    def finding(
        self,
        rule: Rule,
        *,
        title: str,
        explanation: str,
        remedy: tuple[str, ...],
        remedy_side: RemedySide,
    ) -> Finding:
        """Make the rule's finding of it."""
        return rule.finding(
            *self.evidence,
            title=title,
            explanation=explanation,
            remedy=remedy,
            failing_side=self.refusal.failing_side if self.refusal else FailingSide.NONE,
            remedy_side=remedy_side,
            confidence=self.confidence,
            phase=self.phase,
            rank=self.rank,
            alternatives=self.alternatives,
        )


def server_certificate_verdicts(story: Story, cause: str) -> Iterator[Verdict]:
    """The verdict on the server's certificate if it is ``cause``; else a note if that flaw is there.

    A note says what a client did not mind, or what does not explain its alert.
    """
    verdict = _server_verdict(story)
    if verdict is not None and verdict.cause == cause:
        yield verdict
        return
    yield from _notes(cause, server_flaws(story) if _worth_notes(story) else ())


def client_certificate_verdicts(story: Story, cause: str) -> Iterator[Verdict]:
    """The verdict on the client's certificate if it is ``cause``; else a note if that flaw is there."""
    verdict = _client_verdict(story)
    if verdict is not None and verdict.cause == cause:
        yield verdict
        return
    yield from _notes(cause, client_flaws(story) if _worth_notes(story) else ())


def server_certificate_causes(story: Story) -> frozenset[str]:
    """The causes of which :func:`server_certificate_verdicts` has one."""
    flaws = server_flaws(story) if _worth_notes(story) else ()
    return _causes(_server_verdict(story), flaws)


def client_certificate_causes(story: Story) -> frozenset[str]:
    """The causes of which :func:`client_certificate_verdicts` has one."""
    flaws = client_flaws(story) if _worth_notes(story) else ()
    return _causes(_client_verdict(story), flaws)


def _causes(verdict: Verdict | None, flaws: Sequence[Flaw]) -> frozenset[str]:
    noted = [flaw.cause for flaw in flaws if _is_noted(flaw)]
    return frozenset(noted if verdict is None else (verdict.cause, *noted))


def _worth_notes(story: Story) -> bool:
    return story.completed is True or story.ending.side is not None


@once_per_story
def _server_verdict(story: Story) -> Verdict | None:
    refusal = server_certificate_refused(story)
    if refusal is None:
        return _unused(story)
    flaws = [flaw for flaw in server_flaws(story) if not _unnamed(story, refusal, flaw)]
    # Of a certificate that is not in sight only an alert that can be read makes a length a reason.
    known = flaws or (unread_flaws(story) if refusal.certain else ())
    if known and refusal.alert is not _A.CERTIFICATE_REVOKED:
        verdict = _weigh(story, refusal, known)
        if verdict is not None:
            return verdict
    if refusal.alert is _A.BAD_CERTIFICATE_STATUS_RESPONSE:
        return _unstapled(story, refusal)
    return _by_alert(story, refusal, SERVER_NAMED, clear=bool(flaws))


def _unnamed(story: Story, refusal: Refusal, flaw: Flaw) -> bool:
    """Whether trust would only be guessed: the name may be at fault, and which one was wanted is not known."""
    if refusal.alert is _A.UNKNOWN_CA or flaw.cause not in _VAGUELY_TRUST:
        return False
    return story.offer is None or offer_cut(story) or is_openvpn(story)


def _unused(story: Story) -> Verdict | None:
    """A client that left right after the handshake, over a fault that every check would find.

    An encrypted alert is mostly an orderly close, which many servers do not answer: it is what probes
    send, and clients that check the name or the staple last (curl).
    """
    refusal = left_unused(story)
    if refusal is None:
        return None
    flaws = server_flaws(story)
    if refusal.orderly:
        late = {"hostname_mismatch", "revoked_staple"}
        return _weigh(story, refusal, [f for f in flaws if f.hard and f.cause in late])
    if refusal.dark:
        return _weigh(story, refusal, flaws)
    plain = {"self_signed", "incomplete_chain", "staple_missing"}
    return _weigh(story, refusal, [f for f in flaws if f.hard or f.cause in plain])


def _unstapled(story: Story, refusal: Refusal) -> Verdict | None:
    """The client's alert blames the staple: with certificates in clear its absence is a fact."""
    if story.server_chain is None or has_staple(story):
        return None
    text = "the client asked for an OCSP staple and the server sent none"
    flaw = Flaw("staple_missing", text, story.server_chain.frame)
    return _verdict(story, refusal, flaw, Confidence.INFERRED, ("revoked_staple",))


@once_per_story
def _client_verdict(story: Story) -> Verdict | None:
    withheld = client_certificate_withheld(story)
    if withheld is not None:
        return _withheld(story, withheld)
    refusal = client_certificate_refused(story)
    if refusal is None:
        return None
    if no_client_certificate(story):
        return _missing(story, refusal)
    flaws = client_flaws(story)
    if flaws and refusal.alert is not _A.CERTIFICATE_REVOKED:
        verdict = _weigh(story, refusal, flaws)
        if verdict is not None:
            return verdict
    return _by_alert(story, refusal, CLIENT_NAMED, clear=bool(flaws))


def _missing(story: Story, refusal: Refusal) -> Verdict:
    """The client had nothing to show."""
    inferred = story.tls13 and not visible(story, Milestone.CLIENT_CERTIFICATE_EMPTY)
    stated = refusal.alert is _A.CERTIFICATE_REQUIRED or (refusal.certain and not inferred)
    text = "the client answered the CertificateRequest without a certificate"
    frame = story.ending.frame
    for milestone in (Milestone.CLIENT_CERTIFICATE_EMPTY, Milestone.CLIENT_KEY_EXCHANGE):
        if milestone in story.milestones:
            frame = story.milestones[milestone].frame
            break
    flaw = Flaw("client_cert_missing", text, frame)
    confidence = Confidence.SEEN if stated else Confidence.INFERRED
    return _verdict(story, refusal, flaw, confidence, ())


def _withheld(story: Story, refusal: Refusal) -> Verdict:
    """The client left when it was asked, or over something that cannot be seen."""
    flaw = Flaw(
        "client_cert_missing",
        "the client left when it was asked for a certificate",
        refusal.evidence.frame,
    )
    others = [flaw.cause for flaw in server_flaws(story)] or ["server_certificate_rejected"]
    return _verdict(story, refusal, flaw, Confidence.SUSPECTED, tuple(dict.fromkeys(others)))


def _weigh(story: Story, refusal: Refusal, flaws: Sequence[Flaw]) -> Verdict | None:
    """The flaw that explains the refusal best; None where none of them does.

    Hard flaws before soft ones, those that the alert names before those that it can mean.
    """
    fitting = [flaw for flaw in flaws if _fits(flaw, refusal.alert)]
    likely = [flaw for flaw in fitting if flaw.hard or not _called_otherwise(story, refusal, flaw)]
    if not likely:
        return None
    best = min(likely, key=lambda flaw: (not flaw.hard, not _named(flaw, refusal.alert)))
    others = [f.cause for f in fitting if f.cause != best.cause and (f.hard or not best.hard)]
    confidence = _confidence(story, refusal, best, rivals=bool(others) and best.hard)
    if best.cause in DOUBTFUL and confidence is not Confidence.SEEN:
        others += [cause for cause in DOUBTFUL if cause != best.cause]
    if refusal.alert is _A.DECRYPT_ERROR:
        others.append("tampered")
    if refusal.alert is _A.CERTIFICATE_EXPIRED and best.cause in _EXPIRED_INSTEAD:
        others.append(_EXPIRED_INSTEAD[best.cause])
    return _verdict(story, refusal, best, confidence, tuple(dict.fromkeys(others)))


# The clock of the capture says "not yet", the alert "expired": the peer's own may be right.
_EXPIRED_INSTEAD: Final = {
    "cert_not_yet_valid": "cert_expired",
    "client_cert_not_yet_valid": "client_cert_expired",
}


def _fits(flaw: Flaw, alert: AlertDescription | None) -> bool:
    fit = FITS[flaw.cause]
    if flaw.alerts is not None:
        return alert in flaw.alerts
    if flaw.cause in _POLICY and alert is None:
        return flaw.leaf
    if flaw.cause in _VAGUELY_TRUST and not flaw.hard and alert in _VAGUE:
        return False
    return alert in fit.named or alert in fit.possible


# Keys and hashes of intermediates that a client merely may mind: a bare close speaks for neither.
_POLICY: Final = frozenset({"weak_cert_key", "sha1_signature"})
# An alert that says no more than "no" does not make a missing authority likely.
_VAGUE: Final[Alerts] = frozenset({_A.HANDSHAKE_FAILURE, _A.INTERNAL_ERROR})
_VAGUELY_TRUST: Final = frozenset({"untrusted_ca", "incomplete_chain", "client_cert_untrusted"})


def _called_otherwise(story: Story, refusal: Refusal, flaw: Flaw) -> bool:
    """Whether the client's stack would have said unknown_ca, had it lacked an authority.

    RFC 8446 section 6.2 has that alert for this alone; few stacks keep to it.
    """
    stack = story.client_stack
    named = refusal.side is Side.CLIENT and stack is not None and stack.name == "openssl"
    return named and flaw.cause in _VAGUELY_TRUST and refusal.alert in _OTHERS


_OTHERS: Final[Alerts] = frozenset({_A.CERTIFICATE_UNKNOWN, _A.BAD_CERTIFICATE})


def _named(flaw: Flaw, alert: AlertDescription | None) -> bool:
    return alert in FITS[flaw.cause].named


def _confidence(story: Story, refusal: Refusal, flaw: Flaw, *, rivals: bool) -> Confidence:
    """How sure a flaw explains a refusal; the comments say which promise is kept."""
    named = _named(flaw, refusal.alert)
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


def _by_alert(
    story: Story, refusal: Refusal, named: Mapping[AlertDescription, str], *, clear: bool
) -> Verdict | None:
    """What the alert alone names. ``clear``: the certificate is at hand, and no fact of it agrees."""
    alert = refusal.alert
    if alert is None or alert not in named:
        return None
    cause = named[alert]
    alternatives = tuple(c for c in ALSO_NAMED.get(cause, ()) if c in WOULD_DECIDE)
    stated = alert in {_A.CERTIFICATE_REVOKED, _A.CERTIFICATE_REQUIRED}
    sure = Confidence.SEEN if stated else Confidence.INFERRED
    if (clear and not stated) or cause == "untrusted_ca" or (not stated and not story.tls13):
        sure = Confidence.SUSPECTED
    flaw = Flaw(cause, "", refusal.evidence.frame)
    verdict = _verdict(story, refusal, flaw, sure, alternatives)
    return replace(verdict, rank=Rank.ALERT)


def _verdict(
    story: Story,
    refusal: Refusal,
    flaw: Flaw,
    confidence: Confidence,
    alternatives: tuple[str, ...],
) -> Verdict:
    sure = flaw.hard or _named(flaw, refusal.alert) if flaw.cause in FITS else True
    chain = _refused_chain(story, refusal)
    return Verdict(
        cause=flaw.cause,
        text=flaw.text,
        confidence=least(confidence, refusal.ceiling),
        rank=Rank.FACT if sure else Rank.OFFER,
        phase=refusal.phase,
        evidence=(*_certificate_evidence(story, refusal, flaw), refusal.evidence),
        alternatives=(
            *(Alternative(cause, WOULD_DECIDE[cause]) for cause in alternatives),
            *refusal.alternatives,
        ),
        refusal=refusal,
        hidden=chain is None,
    )


def _refused_chain(story: Story, refusal: Refusal) -> Chain | None:
    client = refusal.phase is Phase.CLIENT_CERTIFICATE
    return story.client_chain if client else story.server_chain


def _certificate_evidence(story: Story, refusal: Refusal, flaw: Flaw) -> tuple[Evidence, ...]:
    """What was presented, and the flaw in it."""
    client = refusal.phase is Phase.CLIENT_CERTIFICATE
    chain = _refused_chain(story, refusal)
    asked = milestone_evidence(
        story, Milestone.CERTIFICATE_REQUEST, "server asked for a client certificate"
    )
    shown = (chain_evidence(chain),) if chain is not None else ()
    repeats = shown and flaw.cause == "client_cert_missing"
    told = (flaw.evidence,) if flaw.text and not repeats else ()
    return (*(asked if client else ()), *shown, *told)


def least(one: Confidence, other: Confidence) -> Confidence:
    """The less sure of two."""
    return max(one, other, key=_ORDER.index)


_ORDER: Final = (Confidence.SEEN, Confidence.INFERRED, Confidence.SUSPECTED)
_NOTED: Final = frozenset(
    {
        *("cert_expired", "cert_not_yet_valid", "intermediate_expired", "hostname_mismatch"),
        *("wrong_key_cert_usage", "weak_cert_key", "sha1_signature", "revoked_staple"),
        *("client_cert_expired", "client_cert_not_yet_valid", "client_cert_wrong_usage"),
    }
)


def _is_noted(flaw: Flaw) -> bool:
    return flaw.cause in _NOTED and (flaw.hard or flaw.cause in _POLICY)


def _notes(cause: str, flaws: Sequence[Flaw]) -> Iterator[Verdict]:
    """A flaw that did not make the handshake fail, as far as the wire says."""
    for flaw in flaws:
        if flaw.cause != cause or not _is_noted(flaw):
            continue
        yield Verdict(
            cause=cause,
            text=flaw.text,
            confidence=Confidence.SEEN,
            rank=Rank.NOTE,
            phase=Phase.NONE,
            evidence=(flaw.evidence,),
            alternatives=(),
            refusal=None,
        )
        return
