"""What a story shows that readings of its end rest on: points passed, what was sent, odd facts."""

from __future__ import annotations

from typing import Final

from analyzer.diagnosis.alerts import VIOLATION_ALERTS
from analyzer.tcp.timeline import Side
from analyzer.tls.registry.code_points import AlertDescription, ProtocolVersion
from analyzer.tls.story import Begun, Message, Milestone, Opening, Story, Visibility, Way

_A = AlertDescription

SAFE_DH_BITS: Final = 2048


LARGE_CERTIFICATE: Final = 32_768  # bytes; the smallest default limit of a common stack (JSSE)
LONG_CHAIN: Final = 10  # certificates; as above


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


# Protocols that nobody speaks unless they were agreed on: RFC 9113 section 3.2, RFC 8737 section 4,
# PostgreSQL's sslnegotiation=direct.
_TO_BE_AGREED: Final = frozenset(
    {*("h2", "h2-16", "h2-14", "grpc-exp"), "postgresql", "acme-tls/1"}
)
# EncryptedExtensions with ALPN take this and the name: headers of message, list, extension and name.
_ALPN_LEAST: Final = 13


def unspoken(story: Story) -> bool:
    """Whether a client cannot go on: all that it speaks is to be agreed on, and the server chose none."""
    offered = story.offer.alpn if story.offer is not None else ()
    if not offered or not _TO_BE_AGREED.issuperset(offered) or story.alpn is not None:
        return False
    if not story.tls13:
        return story.choice is not None
    chosen = next((m for m in story.messages if m.name == "encrypted_extensions"), None)
    if chosen is None:
        return False
    readable = chosen.visibility is not Visibility.INFERRED
    return readable or chosen.length < _ALPN_LEAST + min(map(len, offered))


def weak_dh(story: Story) -> int | None:
    """Bits of the server's Diffie-Hellman prime where stacks of today may refuse it as small."""
    exchange = story.server_key_exchange
    bits = exchange.dh_bits if exchange is not None else None
    return bits if bits is not None and bits < SAFE_DH_BITS else None


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


def name_unknown(story: Story) -> int | None:
    """The frame in which the server warned that it does not know the name (RFC 6066 section 3)."""
    for alert in story.alerts:
        if alert.sender is Side.SERVER and alert.description is _A.UNRECOGNIZED_NAME:
            return alert.frame if not alert.fatal and alert.frame <= story.ending.horizon else None
    return None


def unoffered_group(story: Story) -> str | None:
    """The group of ServerKeyExchange, where the client's list lacks it."""
    exchange, offer = story.server_key_exchange, story.offer
    if exchange is None or offer is None or exchange.group is None or not offer.supported_groups:
        return None
    return exchange.group_name if exchange.group not in offer.supported_groups else None


def unoffered_signature(story: Story) -> str | None:
    """The signature of ServerKeyExchange, where the client's list lacks it."""
    exchange, offer = story.server_key_exchange, story.offer
    scheme = exchange.signature_scheme if exchange is not None else None
    if scheme is None or offer is None or not offer.signature_algorithms:
        return None
    return scheme.label if scheme not in offer.signature_algorithms else None


def unoffered_curve(story: Story) -> str | None:
    """The curve of the server's key, where the client's groups lack it.

    Up to TLS 1.2 they bound certificates, too (RFC 8422 section 5.1.1); OpenSSL insists on it.
    """
    chain, offer = story.server_chain, story.offer
    leaf = chain.leaf if chain is not None else None
    if story.tls13 or leaf is None or offer is None or not offer.supported_groups:
        return None
    offered = {group.label for group in offer.supported_groups}
    return leaf.curve if leaf.curve is not None and leaf.curve not in offered else None


def legacy_signature(story: Story) -> bool:
    """ServerKeyExchange is signed with SHA-1 and MD5 as before TLS 1.2, and the client knows better.

    Stacks of today refuse such a signature where they still offer the version (RFC 9155 for TLS 1.2).
    """
    exchange = story.server_key_exchange
    return exchange is not None and bool(exchange.signature_length) and dated_version(story)


def dated_version(story: Story) -> bool:
    """The server chose a version below TLS 1.2, and the client knows better (RFC 8996)."""
    offer, choice = story.offer, story.choice
    if offer is None or choice is None:
        return False
    return choice.version.rank < ProtocolVersion.TLS1_2.rank <= offer.max_version.rank


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


def _is_certificate(message: Message | Begun) -> bool:
    return message.sender is Side.SERVER and message.name == "certificate"


def client_certificate_large(story: Story) -> bool:
    """Whether the client's Certificate message is longer than a common stack takes by default."""
    sent = [(m.sender, m.name, m.length) for m in story.messages]
    sent += [(b.sender, b.name, b.length) for b in story.begun]
    return any(
        sender is Side.CLIENT and name == "certificate" and length >= LARGE_CERTIFICATE
        for sender, name, length in sent
    )


def weakly_signed(story: Story) -> bool:
    """Whether the server's chain has a key or a hash that a stack may not be able to verify with.

    Stacks that lack SHA-1 or short RSA keys (rustls) say decrypt_error, as of a signature that is wrong;
    that of the chain itself must then be right, as far as the issuers were sent.
    """
    chain = story.server_chain
    if chain is None or chain.facts.bad_signatures:
        return False
    return bool(chain.facts.weak_keys or chain.facts.weak_signatures)


def certificate_sent(story: Story) -> bool:
    """Whether the server's certificate was sent, or begun, before the end."""
    ending, chain = story.ending, story.server_chain
    begun = any(_is_certificate(b) and b.frame < ending.horizon for b in story.begun)
    shown = chain is not None and not (ending.unheard and ending.side is Side.CLIENT)
    return begun or shown or passed(story, Milestone.SERVER_CERTIFICATE)


def certificate_spoilt(story: Story) -> bool:
    """Whether the server's Certificate is damaged, or too long for some."""
    if certificate_length(story) >= LARGE_CERTIFICATE:
        return True
    chain = story.server_chain
    if chain is None:
        return False
    return chain.facts.count > LONG_CHAIN or any(c.defect is not None for c in chain.certificates)


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
