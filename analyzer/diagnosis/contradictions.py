"""What a server chose although the client had not offered it: a fact of the wire, whatever the alert.

RFC 8446 section 4.1.3 and RFC 5246 section 7.4.1.3: a server chooses from what the client lists.
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
