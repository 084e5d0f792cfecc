"""What a ClientHello gives to understand beyond its lists: that it is cut, whose it is, what it hides or shares."""

from __future__ import annotations

from analyzer.diagnosis.signs.passing import passed
from analyzer.tcp.timeline import Side
from analyzer.tls.registry.suite_facts import facts_of
from analyzer.tls.story import Milestone, Story, Way


def offer_cut(story: Story) -> bool:
    """Whether only the beginning of the ClientHello was captured: what it lacks proves nothing."""
    return any(begun.name == "client_hello" for begun in story.begun)


def is_openvpn(story: Story) -> bool:
    """Whether the client is one of OpenVPN.

    It asks nobody for a certificate in the middle of a handshake, and compares the name in the server's
    with what its configuration says (``verify-x509-name``), which is not on the wire: neither with an
    address nor, as it sends none, with a server name.
    """
    return story.prelude is not None and story.prelude.protocol == "openvpn"


def perhaps_ech_rejected(story: Story) -> bool:
    """Whether a client's encrypted alert may say that the server could not open its encrypted hello.

    Who offers one in earnest cannot be told from who only pretends to (RFC 9849 section 6.2). One that was
    opened, or a session that goes on, leaves nothing to complain of.
    """
    offered = any(offer.ech_form == "outer" for offer in story.offers)
    ending = story.ending
    return (
        offered
        and not story.resumed
        and ending.side is Side.CLIENT
        and ending.way is Way.ENCRYPTED_ALERT
        and passed(story, Milestone.CLIENT_FINISHED)
    )


def psk_offered(story: Story) -> bool:
    """Whether a secret was to prove the sides: a key (TLS 1.3, or by a suite before), or a password (SRP)."""
    offer, choice = story.offer, story.choice
    if choice is not None and not story.tls13:
        exchange = facts_of(choice.cipher_suite).key_exchange
        return exchange.endswith("PSK") or exchange == "SRP"
    if choice is not None:
        return choice.psk_selected
    return offer is not None and offer.psk_offered
