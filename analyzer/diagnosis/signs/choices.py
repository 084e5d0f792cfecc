"""What a client may mind in a choice that it had offered: what is dated in it, or missing from it.

What it had not offered is in :mod:`analyzer.diagnosis.signs.contradictions`.
"""

from __future__ import annotations

from typing import Final

from analyzer.tcp.timeline import Side
from analyzer.tls.registry.code_points import AlertDescription, ProtocolVersion
from analyzer.tls.story import Story, Visibility

_A = AlertDescription


def dated_version(story: Story) -> bool:
    """The server chose a version below TLS 1.2, and the client knows better (RFC 8996)."""
    offer, choice = story.offer, story.choice
    if offer is None or choice is None:
        return False
    return choice.version.rank < ProtocolVersion.TLS1_2.rank <= offer.max_version.rank


def legacy_signature(story: Story) -> bool:
    """ServerKeyExchange is signed with SHA-1 and MD5 as before TLS 1.2, and the client knows better.

    Stacks of today refuse such a signature where they still offer the version (RFC 9155 for TLS 1.2).
    """
    exchange = story.server_key_exchange
    return exchange is not None and bool(exchange.signature_length) and dated_version(story)


def lacks_secure_renegotiation(story: Story) -> bool:
    """The client knows RFC 5746 and the server, below TLS 1.3, does not."""
    offer, choice = story.offer, story.choice
    if offer is None or choice is None or story.tls13:
        return False
    return offer.secure_renegotiation and not choice.secure_renegotiation


def lacks_extended_master_secret(story: Story) -> bool:
    """The client knows RFC 7627 and the server, below TLS 1.3, does not."""
    offer, choice = story.offer, story.choice
    if offer is None or choice is None or story.tls13:
        return False
    return offer.extended_master_secret and not choice.extended_master_secret


def weak_dh(story: Story) -> int | None:
    """Bits of the server's Diffie-Hellman prime where stacks of today may refuse it as small."""
    exchange = story.server_key_exchange
    bits = exchange.dh_bits if exchange is not None else None
    return bits if bits is not None and bits < SAFE_DH_BITS else None


SAFE_DH_BITS: Final = 2048


def name_unknown(story: Story) -> int | None:
    """The frame in which the server warned that it does not know the name (RFC 6066 section 3)."""
    for alert in story.alerts:
        if alert.sender is Side.SERVER and alert.description is _A.UNRECOGNIZED_NAME:
            return alert.frame if not alert.fatal and alert.frame <= story.ending.horizon else None
    return None


def unspoken(story: Story) -> bool:
    """Whether a client cannot go on: all that it speaks is to be agreed on, and the server chose none."""
    offered = story.offer.alpn if story.offer is not None else ()
    if not offered or not _TO_BE_AGREED.issuperset(offered) or story.alpn is not None:
        return False
    if not story.tls13:
        return story.choice is not None
    chosen = story.message(Side.SERVER, "encrypted_extensions")
    if chosen is None:
        return False
    readable = chosen.visibility is not Visibility.INFERRED
    return readable or chosen.length < _ALPN_LEAST + min(map(len, offered))


# Protocols that nobody speaks unless they were agreed on: RFC 9113 section 3.2, RFC 8737 section 4,
# PostgreSQL's sslnegotiation=direct.
_TO_BE_AGREED: Final = frozenset(
    {*("h2", "h2-16", "h2-14", "grpc-exp"), "postgresql", "acme-tls/1"}
)
# EncryptedExtensions with ALPN take this and the name: headers of message, list, extension and name.
_ALPN_LEAST: Final = 13
