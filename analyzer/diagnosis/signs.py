"""What a story shows that readings of its end rest on: points passed, what was sent, odd facts."""

from __future__ import annotations

from typing import Final

from analyzer.diagnosis.alerts import VIOLATION_ALERTS
from analyzer.tcp.timeline import Side
from analyzer.tls.registry.code_points import AlertDescription
from analyzer.tls.registry.suite_facts import facts_of
from analyzer.tls.story import Milestone, Opening, Story, Visibility, Way

_A = AlertDescription


def passed(story: Story, milestone: Milestone) -> bool:
    """Whether a milestone was passed before the first side gave up, as that side knew."""
    reached = story.milestones.get(milestone)
    if reached is None:
        return False
    sender = Side.SERVER if milestone in _SERVERS else Side.CLIENT
    return story.ending.heard(sender, reached.frame)


_SERVERS: Final = frozenset(
    {
        Milestone.SERVER_HELLO,
        Milestone.SERVER_CERTIFICATE,
        Milestone.CERTIFICATE_REQUEST,
        Milestone.SERVER_FLIGHT,
        Milestone.SERVER_FINISHED,
        Milestone.SERVER_ACCEPTED,
        Milestone.SERVER_WENT_ON,
        Milestone.SERVER_DATA,
    }
)


def perhaps_used(story: Story) -> bool:
    """Whether somebody sent data, or the lengths of a TLS 1.3 client's records leave room for some.

    Who has closed by an alert reads no data any more (RFC 5246 section 7.2.1).
    """
    if story.reached(Milestone.CLIENT_DATA):
        return True
    if story.reached(Milestone.SERVER_DATA):
        closed = story.ending.side is Side.CLIENT and story.ending.alert is not None
        return not closed or passed(story, Milestone.SERVER_DATA)
    return story.tls13 and (Milestone.CLIENT_DATA not in story.denied or _greeted(story))


def _greeted(story: Story) -> bool:
    """Whether a server of TLS 1.3 spoke first and was heard, where that makes a use (SMTP, IMAP, FTP).

    One of HTTP/2 sends its settings to everybody, and says in the dark that it speaks it.
    """
    protocols = story.offer.alpn if story.offer is not None else ()
    return not protocols and passed(story, Milestone.SERVER_WENT_ON)


_FLIGHT_LEAST: Final = 600  # ServerHello and the shortest encrypted flight with a certificate


def flight_arrived(story: Story) -> bool:
    """Whether the server's certificate can have been sent, under encryption."""
    if passed(story, Milestone.SERVER_CERTIFICATE) or passed(story, Milestone.SERVER_FLIGHT):
        return True
    late = Milestone.SERVER_FLIGHT in story.milestones
    return not late and story.timeline.payload.get(Side.SERVER, 0) >= _FLIGHT_LEAST


def visible(story: Story, milestone: Milestone) -> bool:
    """Whether a milestone was passed in clear (or decrypted), not inferred."""
    reached = story.milestones.get(milestone)
    return reached is not None and reached.visibility is not Visibility.INFERRED


def prompt(story: Story) -> bool:
    """Whether the first side gave up at once, and not because it ran out of patience."""
    return story.ending.waited_ns < (PATIENCE_NS if story.ending.closed else _DELIBERATION_NS)


# A side that refuses does so at once; one that only leaves after so long ran out of patience. Who has
# nothing to say has nothing to wait for; an alert may come after a look elsewhere (revocation).
PATIENCE_NS: Final = 3_000_000_000
_DELIBERATION_NS: Final = 10_000_000_000


def garbled(story: Story) -> int | None:
    """The frame with which the peer of the side that gave up began to send bytes that are no TLS records.

    What the side says of them may name anything that it looked for in a header: a version, a type, a
    length.
    """
    side = story.ending.side
    if side is None or story.openings[side.peer] is not Opening.TLS:
        return None
    broken = f"{side.peer.value}.record"
    return next(
        (
            frame
            for name, defect, frame in story.defects
            if name == "record" and defect.field == broken and story.ending.heard(side.peer, frame)
        ),
        None,
    )


def puzzled(story: Story, alert: AlertDescription | None) -> bool:
    """Whether the side that gave up did so over bytes that are no TLS records, by this alert or unreadably."""
    return (alert is None or alert in _PUZZLED) and garbled(story) is not None


_PUZZLED: Final = VIOLATION_ALERTS | {_A.PROTOCOL_VERSION}


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


def accepted_otherwise(story: Story) -> bool:
    """Whether the same client shows on other connections that it accepts this server's certificate.

    It sends data over them: with this very certificate, or before and after this connection where it is
    out of sight; or before and after another that it left unused as well. Or it later resumes a session,
    which it keeps of handshakes that it liked.
    """
    habits, chain = story.neighbours.habits, story.server_chain
    if habits.resumed is not None and habits.resumed > story.start:
        return True
    if habits.used is None:
        return False
    in_sight = chain is not None and chain.leaf is not None
    first, last = habits.used
    unused = story.start if habits.idle is None else min(story.start, habits.idle)
    return in_sight or first < unused < last


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
