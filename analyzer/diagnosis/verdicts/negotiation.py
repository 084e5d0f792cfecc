"""Why two sides did not agree: the one verdict on a negotiation that failed."""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.memo import once_per_story
from analyzer.diagnosis.refusals.refusal import choice_refused, key_exchange_refused, offer_refused
from analyzer.diagnosis.verdicts.refused_choices import (
    closed_over_small_prime,
    refused_choice,
    refused_key_exchange,
    without_protocol,
)
from analyzer.diagnosis.verdicts.refused_offers import refused_offer
from analyzer.diagnosis.verdicts.verdict import Verdict
from analyzer.tls.story import Story


def negotiation_verdicts(story: Story, cause: str) -> Iterator[Verdict]:
    """The verdict on a failed negotiation, if it is ``cause``."""
    verdict = negotiation_verdict(story)
    if verdict is not None and verdict.cause == cause:
        yield verdict


def negotiation_causes(story: Story) -> frozenset[str]:
    """The cause of which :func:`negotiation_verdicts` has one."""
    verdict = negotiation_verdict(story)
    return frozenset() if verdict is None else frozenset((verdict.cause,))


@once_per_story
def negotiation_verdict(story: Story) -> Verdict | None:
    """What the two sides did not agree on; None where the wire does not single it out."""
    refusal = offer_refused(story)
    if refusal is not None and story.offer is not None:
        return refused_offer(story, story.offer, refusal)
    refusal = choice_refused(story)
    if refusal is not None:
        return refused_choice(story, refusal)
    refusal = key_exchange_refused(story)
    if refusal is not None:
        return refused_key_exchange(story, refusal)
    return closed_over_small_prime(story) or without_protocol(story)
