"""What is known of both sides' Certificate messages without judging them: sent or not, how long, whether whole."""

from __future__ import annotations

from typing import Final

from analyzer.diagnosis.signs.passing import passed
from analyzer.tcp.timeline import Side
from analyzer.tls.registry.code_points import AlertDescription
from analyzer.tls.story import Begun, Message, Milestone, Story

_A = AlertDescription

LARGE_CERTIFICATE: Final = 32_768  # bytes; the smallest default limit of a common stack (JSSE)
LONG_CHAIN: Final = 10  # certificates; as above


def certificate_sent(story: Story) -> bool:
    """Whether the server's certificate was sent, or begun, before the end."""
    ending, chain = story.ending, story.server_chain
    begun = any(_is_certificate(b) and b.frame < ending.horizon for b in story.begun)
    shown = chain is not None and not (ending.unheard and ending.side is Side.CLIENT)
    return begun or shown or passed(story, Milestone.SERVER_CERTIFICATE)


def certificate_length(story: Story) -> int:
    """Length of the server's Certificate message, 0 where it is not known.

    A client that finds it too long says so when it has read the length, and hears no more of it. Where
    it is encrypted, nothing else of a server's first flight is as long as what counts as large.
    """
    sent = [m.length for m in story.messages if _is_certificate(m)]
    sent += [b.length for b in story.begun if _is_certificate(b)]
    flight = story.timeline.payload.get(Side.SERVER, 0)
    dark = story.tls13 and story.server_chain is None and not story.completed
    return max([*sent, flight if dark and flight >= LARGE_CERTIFICATE else 0])


def certificate_spoilt(story: Story) -> bool:
    """Whether the server's Certificate is damaged, or too long for some."""
    if certificate_length(story) >= LARGE_CERTIFICATE:
        return True
    chain = story.server_chain
    if chain is None:
        return False
    return chain.facts.count > LONG_CHAIN or any(c.defect is not None for c in chain.certificates)


def _is_certificate(message: Message | Begun) -> bool:
    return message.sender is Side.SERVER and message.name == "certificate"


def weakly_signed(story: Story) -> bool:
    """Whether the server's chain has a key or a hash that a stack may not be able to verify with.

    Stacks that lack SHA-1 or short RSA keys (rustls) say decrypt_error, as of a signature that is wrong;
    that of the chain itself must then be right, as far as the issuers were sent.
    """
    chain = story.server_chain
    if chain is None or chain.facts.bad_signatures:
        return False
    return bool(chain.facts.weak_keys or chain.facts.weak_signatures)


def client_certificate_large(story: Story) -> bool:
    """Whether the client's Certificate message is longer than a common stack takes by default."""
    sent = [(m.sender, m.name, m.length) for m in story.messages]
    sent += [(b.sender, b.name, b.length) for b in story.begun]
    return any(
        sender is Side.CLIENT and name == "certificate" and length >= LARGE_CERTIFICATE
        for sender, name, length in sent
    )


def no_client_certificate(story: Story) -> bool:
    """Whether the client showed no certificate although it was asked (≤ TLS 1.2: for certain).

    Before TLS 1.0 a client says so by the warning no_certificate (RFC 6101 section 5.4.2).
    """
    if passed(story, Milestone.CLIENT_CERTIFICATE_EMPTY):
        return True
    if any(a.description is _A.NO_CERTIFICATE for a in story.alerts if a.sender is Side.CLIENT):
        return True
    chain = story.client_chain
    if chain is not None:
        return chain.message.empty
    skipped = passed(story, Milestone.CLIENT_KEY_EXCHANGE)
    return not story.tls13 and skipped and not passed(story, Milestone.CLIENT_CERTIFICATE)
