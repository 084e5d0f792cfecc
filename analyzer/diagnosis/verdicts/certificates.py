"""Refused certificates: which cause, and how sure; and notes on flaws that nobody minded.

A flaw that does not fit the alert explains nothing. Where no fact decides and the alert names no
child, the family's parent is the answer, and its fallback rule says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from analyzer.diagnosis.causes import Confidence, Phase
from analyzer.diagnosis.deciding import WOULD_DECIDE
from analyzer.diagnosis.evidence import chain_evidence, milestone_evidence
from analyzer.diagnosis.flaws.chains import client_flaws, server_flaws, unread_flaws
from analyzer.diagnosis.flaws.flaw import Flaw
from analyzer.diagnosis.flaws.staples import has_staple
from analyzer.diagnosis.memo import once_per_story
from analyzer.diagnosis.model import Alternative, Evidence, Rank
from analyzer.diagnosis.refusals.late import client_certificate_refused, left_unused
from analyzer.diagnosis.refusals.refusal import (
    Refusal,
    client_certificate_withheld,
    server_certificate_refused,
)
from analyzer.diagnosis.signs.certificate_messages import no_client_certificate
from analyzer.diagnosis.signs.hellos import is_openvpn, offer_cut
from analyzer.diagnosis.signs.passing import visible
from analyzer.diagnosis.verdicts.fits import ALSO_NAMED, CLIENT_NAMED, FITS, SERVER_NAMED
from analyzer.diagnosis.verdicts.verdict import Verdict, least
from analyzer.diagnosis.verdicts.weighing import POLICY, VAGUELY_TRUST, is_named, weigh
from analyzer.tls.registry.code_points import AlertDescription
from analyzer.tls.story import Chain, Milestone, Story

_A = AlertDescription


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
        found = weigh(story, refusal, known)
        if found is not None:
            return _verdict(story, refusal, *found)
    if refusal.alert is _A.BAD_CERTIFICATE_STATUS_RESPONSE:
        return _unstapled(story, refusal)
    return _by_alert(story, refusal, SERVER_NAMED, clear=bool(flaws))


def _unnamed(story: Story, refusal: Refusal, flaw: Flaw) -> bool:
    """Whether trust would only be guessed: the name may be at fault, and which one was wanted is not known."""
    if refusal.alert is _A.UNKNOWN_CA or flaw.cause not in VAGUELY_TRUST:
        return False
    return story.offer is None or offer_cut(story) or is_openvpn(story)


def _unused(story: Story) -> Verdict | None:
    """A client that left right after the handshake, over a fault that every check would find.

    An encrypted alert is mostly an orderly close, which many servers do not answer: it is what probes
    send, and clients that check the name or the staple last (curl). Who means to use a connection offers
    the protocol that it is to carry, and who minds a staple asks for it: else it is a probe as likely.
    """
    refusal = left_unused(story)
    if refusal is None:
        return None
    flaws: Sequence[Flaw] = server_flaws(story)
    if refusal.orderly:
        offered = story.offer is not None and bool(story.offer.alpn)
        judged = _JUDGED_LAST if offered else _JUDGED_BY_WHO_ASKS
        flaws = [f for f in flaws if f.hard and f.cause in judged]
    elif not refusal.dark:
        flaws = [f for f in flaws if f.hard or f.cause in _PLAIN]
    found = weigh(story, refusal, flaws)
    return None if found is None else _verdict(story, refusal, *found)


_JUDGED_BY_WHO_ASKS: Final = frozenset({"revoked_staple"})
_JUDGED_LAST: Final = _JUDGED_BY_WHO_ASKS | {"hostname_mismatch"}
_PLAIN: Final = frozenset({"self_signed", "incomplete_chain", "staple_missing"})


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
        found = weigh(story, refusal, flaws)
        if found is not None:
            return _verdict(story, refusal, *found)
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
    sure = flaw.hard or is_named(flaw, refusal.alert) if flaw.cause in FITS else True
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


_NOTED: Final = frozenset(
    {
        *("cert_expired", "cert_not_yet_valid", "intermediate_expired", "hostname_mismatch"),
        *("wrong_key_cert_usage", "weak_cert_key", "sha1_signature", "revoked_staple"),
        *("client_cert_expired", "client_cert_not_yet_valid", "client_cert_wrong_usage"),
    }
)


def _is_noted(flaw: Flaw) -> bool:
    return flaw.cause in _NOTED and (flaw.hard or flaw.cause in POLICY)


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
