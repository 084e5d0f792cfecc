"""What a verdict on a failed negotiation is made of: evidence, rivals, and what would decide between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from analyzer.diagnosis.causes import Confidence, Phase
from analyzer.diagnosis.model import Alternative, Evidence, Rank
from analyzer.diagnosis.offers import described
from analyzer.diagnosis.refusal import Refusal
from analyzer.diagnosis.signs import offer_cut
from analyzer.diagnosis.verdicts import Verdict, least
from analyzer.diagnosis.wording import message_evidence, offer_evidence
from analyzer.tcp.timeline import Side
from analyzer.tls.story import Story

WOULD_DECIDE: Final[Mapping[str, str]] = {
    "no_shared_cipher": "the server's list of cipher suites, and the kind of its certificate's key",
    "protocol_version": "the versions that the server has enabled",
    "sni_missing": "the same connection with a server name in the ClientHello",
    "sni_unrecognized": "the names that the server is configured for",
    "no_shared_group": "the server's list of groups (curves)",
    "no_shared_sigalg": "the server's certificate and signature algorithms",
    "alpn_mismatch": "the application protocols that the server has enabled",
    "server_no_certificate": "whether the server has a certificate and key loaded; its log",
    "server_internal": "the server's log",
    "psk_unknown": "the identities of pre-shared keys that the server knows",
    "psk_wrong_key": "the pre-shared keys of both sides",
    "legacy_renegotiation": "whether the other side insists on RFC 5746",
    "ems_required": "whether the other side insists on the extended master secret",
    "dh_key_too_small": "the least Diffie-Hellman size that the client takes",
    "server_certificate_rejected": "the client's log",
    "tampered": "captures on both sides of whatever lies in the path",
}


def verdict_of(
    story: Story,
    refusal: Refusal,
    cause: str,
    text: str,
    confidence: Confidence,
    rank: Rank,
    alternatives: tuple[str, ...],
) -> Verdict:
    """The verdict that ``cause`` was minded, no surer than that anything was."""
    return Verdict(
        cause=cause,
        text=text,
        confidence=least(confidence, refusal.ceiling),
        rank=rank,
        phase=Phase.KEY_EXCHANGE if cause == "dh_key_too_small" else refusal.phase,
        evidence=negotiation_evidence(story, refusal),
        alternatives=tuple(Alternative(c, WOULD_DECIDE[c]) for c in alternatives if c != cause),
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
