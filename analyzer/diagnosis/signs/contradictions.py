"""What a server chose although the client had not offered it: a fact of the wire, whatever the alert.

RFC 8446 section 4.1.3 and RFC 5246 section 7.4.1.3: a server chooses from what the client lists.
Not every client looks whether it did so in the key exchange, or for the key of its certificate.
"""

from __future__ import annotations

from typing import NamedTuple

from analyzer.tls.message.hello import ClientHello, ServerHello
from analyzer.tls.story import Story


class Contradiction(NamedTuple):
    """What was chosen against the offer."""

    cause: str
    text: str


def contradiction(story: Story) -> Contradiction | None:
    """The first choice of the ServerHello, or of the HelloRetryRequest, that the ClientHello lacks."""
    offer, choice = story.offer, story.choice or story.retry
    if offer is None or choice is None:
        return None
    return (
        _version(offer, choice)
        or _suite(offer, choice)
        or _group(offer, choice)
        or _protocol(offer, choice)
    )


def _version(offer: ClientHello, choice: ServerHello) -> Contradiction | None:
    if offer.supported_versions:
        wrong = choice.version not in offer.versions
    else:
        wrong = not 0 < choice.version.rank <= offer.max_version.rank  # 0: no version that exists
    text = f"the server chose {choice.version_name}, which the client did not offer"
    return Contradiction("protocol_version", text) if wrong else None


def _suite(offer: ClientHello, choice: ServerHello) -> Contradiction | None:
    text = f"the server chose {choice.cipher_suite.name}, which the client did not offer"
    wrong = choice.cipher_suite not in offer.cipher_suites
    return Contradiction("no_shared_cipher", text) if wrong else None


def _group(offer: ClientHello, choice: ServerHello) -> Contradiction | None:
    if choice.group is None or choice.group in offer.supported_groups:
        return None
    text = f"the server chose the group {choice.group.label}, which the client did not offer"
    return Contradiction("no_shared_group", text)


def _protocol(offer: ClientHello, choice: ServerHello) -> Contradiction | None:
    """RFC 7301 section 3.2; in TLS 1.3 the choice is encrypted."""
    if choice.alpn is None or choice.alpn in offer.alpn:
        return None
    text = f"the server chose ALPN {choice.alpn}, which the client did not offer"
    return Contradiction("alpn_mismatch", text)


def exchange_contradiction(story: Story) -> Contradiction | None:
    """The group of ServerKeyExchange, or its signature, where the client's list lacks it."""
    exchange, offer = story.server_key_exchange, story.offer
    if exchange is None or offer is None:
        return None
    groups, schemes = offer.supported_groups, offer.signature_algorithms
    if exchange.group is not None and groups and exchange.group not in groups:
        text = f"ServerKeyExchange uses {exchange.group_name}, which the client did not offer"
        return Contradiction("no_shared_group", text)
    scheme = exchange.signature_scheme
    if scheme is not None and schemes and scheme not in schemes:
        text = f"ServerKeyExchange is signed with {scheme.label}, which the client did not offer"
        return Contradiction("no_shared_sigalg", text)
    return None


def curve_contradiction(story: Story) -> Contradiction | None:
    """The curve of the server's key, where the client's groups lack it.

    Up to TLS 1.2 they bound certificates, too (RFC 8422 section 5.1.1); OpenSSL insists on it.
    """
    chain, offer = story.server_chain, story.offer
    leaf = chain.leaf if chain is not None else None
    if story.tls13 or leaf is None or offer is None or not offer.supported_groups:
        return None
    if leaf.curve is None or leaf.curve in {group.label for group in offer.supported_groups}:
        return None
    text = f"the key of the server's certificate is on {leaf.curve}, a group that the client did not offer"
    return Contradiction("no_shared_group", text)
