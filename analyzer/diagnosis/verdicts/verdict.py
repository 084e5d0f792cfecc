"""A verdict: the cause that best explains a refusal, what of it can be said, and how sure it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from analyzer.diagnosis.causes import Confidence, FailingSide, Phase, RemedySide
from analyzer.diagnosis.model import Alternative, Evidence, Finding, Rank, Rule
from analyzer.diagnosis.refusals.late import client_certificate_refused, left_unused
from analyzer.diagnosis.refusals.refusal import Refusal, server_certificate_refused
from analyzer.diagnosis.wording import party
from analyzer.tls.registry.code_points import AlertDescription
from analyzer.tls.story import Story

_A = AlertDescription
_TITLED_MOST: Final = 150  # characters of lists in a title


@dataclass(frozen=True, slots=True)
class Verdict:
    """The child that best explains a refusal, or a note on a flaw that nobody minded."""

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
            own = self.cause.startswith("client_")
            left = None if own else left_unused(story)
            if left is not None:  # TLS was done, and still it may have been the reason
                return f"noted only, {party(story, left.side)} left without saying why"
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


def least(one: Confidence, other: Confidence) -> Confidence:
    """The less sure of two."""
    return max(one, other, key=_ORDER.index)


_ORDER: Final = (Confidence.SEEN, Confidence.INFERRED, Confidence.SUSPECTED)
