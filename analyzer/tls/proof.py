"""Whether the server's signature over its key exchange is right: what a client checks, checked again.

RFC 5246 section 7.4.3: the server signs both randoms and its parameters with the key of its
certificate. All of that is in clear up to TLS 1.2, so an observer can tell a handshake whose bytes were
changed in the path, or whose key does not belong to the certificate, from one that was refused for
another reason. Versions before 1.2 sign with MD5 and SHA-1 together, which is left alone.
"""

from __future__ import annotations

from analyzer.tcp.timeline import Side
from analyzer.tls.story import Message, Story
from analyzer.tls.x509 import verifies

_LENGTH = 2  # bytes of the signature's length field, and of the scheme before it


def key_exchange_proven(story: Story) -> bool | None:
    """Verify the signature of the ServerKeyExchange; None where it cannot be told."""
    exchange, chain, choice = story.server_key_exchange, story.server_chain, story.choice
    if exchange is None or chain is None or choice is None or not story.offers:
        return None
    scheme, length = exchange.signature_scheme, exchange.signature_length
    message = _message(story)
    if scheme is None or not length or message is None or not chain.message.ders:
        return None
    body = message.body
    parameters = body[: len(body) - length - 2 * _LENGTH]
    signed = story.offers[-1].random + choice.random + parameters
    return verifies(chain.message.ders[0], scheme, body[len(body) - length :], signed)


def key_exchange_frame(story: Story) -> int:
    """The frame that completed the ServerKeyExchange."""
    message = _message(story)
    return message.frame if message is not None else story.timeline.first_frame


def _message(story: Story) -> Message | None:
    return next(
        (
            message
            for message in story.messages
            if message.sender is Side.SERVER and message.name == "server_key_exchange"
        ),
        None,
    )
