"""What a verdict on a failed negotiation is made of: evidence, rivals, and what would decide between them."""

from __future__ import annotations

from analyzer.diagnosis.causes import Confidence, Phase
from analyzer.diagnosis.deciding import WOULD_SETTLE
from analyzer.diagnosis.evidence import message_evidence, offer_evidence
from analyzer.diagnosis.model import Alternative, Evidence, Rank
from analyzer.diagnosis.refusals.refusal import Refusal
from analyzer.diagnosis.signs.hellos import offer_cut
from analyzer.diagnosis.verdicts.offers import described
from analyzer.diagnosis.verdicts.verdict import Verdict, least
from analyzer.tcp.timeline import Side
from analyzer.tls.story import Story


def disagreed(
    story: Story,
    refusal: Refusal,
    cause: str,
    text: str,
    confidence: Confidence,
    rank: Rank,
    alternatives: tuple[str, ...] = (),
) -> Verdict:
    """The verdict that ``cause`` was minded, no surer than that anything was."""
    return Verdict(
        cause=cause,
        text=text,
        confidence=least(confidence, refusal.ceiling),
        rank=rank,
        phase=Phase.KEY_EXCHANGE if cause == "dh_key_too_small" else refusal.phase,
        evidence=negotiation_evidence(story, refusal),
        alternatives=tuple(Alternative(c, WOULD_SETTLE[c]) for c in alternatives if c != cause),
        refusal=refusal,
    )


def negotiation_evidence(story: Story, refusal: Refusal) -> tuple[Evidence, ...]:
    """The offer, the choice where there was one, and the end."""
    offer, choice = story.offer, story.choice
    known = offer is not None and not offer_cut(story)
    offered = offer_evidence(story, described(offer)) if offer is not None and known else ()
    chosen: tuple[Evidence, ...] = ()
    if choice is not None:
        text = f"server chose {story.version}, {story.cipher_suite}"
        chosen = message_evidence(story, Side.SERVER, "server_hello", text)
    elif story.retry is not None and story.retry.group is not None:
        text = f"server asked for another try with {story.retry.group.label}"
        chosen = message_evidence(story, Side.SERVER, "hello_retry_request", text)
    exchange = story.server_key_exchange
    if exchange is not None and exchange.dh_bits:
        text = f"server sent a Diffie-Hellman prime of {exchange.dh_bits} bits"
        chosen += message_evidence(story, Side.SERVER, "server_key_exchange", text)
    return (*offered, *chosen, refusal.evidence)
